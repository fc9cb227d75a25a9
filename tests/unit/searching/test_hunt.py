"""A search on scripted outcomes: what it finds, how small, what it asks for, and what it never confirms."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import strategies as st

from pytest_velo.case_sets import Case
from pytest_velo.claims import Claim, each_case, rate
from pytest_velo.errors import UsageError
from pytest_velo.records import Invalid
from pytest_velo.searching import drawn, simplified
from pytest_velo.searching.candidates import Candidate, Fresh, candidate_of
from pytest_velo.searching.hunt import AT_ONCE, Answer, Ask, Hunt, Purpose
from pytest_velo.searching.search import search
from pytest_velo.searching.shrinking import Shrinker, by_words, greedily
from pytest_velo.verdicts import Verdict

WORDS = ("the", "cat", "sat", "on", "xyzzy", "mat", "dog", "ran", "of", "and", "in", "to", "is", "it")
PROMPTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)

Rate = Callable[[Any], float]
"""How often a case goes against the claim."""


def trigger(case: str) -> float:
    return 0.8 if "xyzzy" in case else 0.0


def hunt_in(
    strategy: Any, claim: Claim = rate >= 0.5, *, max_trials: int = 500, seed: int = 0, **options: Any
) -> Hunt:
    return Hunt(
        search(strategy, **options),
        each_case(claim),
        max_trials=max_trials,
        alpha=0.05,
        beta=0.05,
        source=Fresh(drawn(strategy, seed)),
        shrinker=partial(simplified, strategy, seed),
    )


def hunt_among(
    cases: list[Any], *, max_trials: int = 500, invalid: Invalid = Invalid.BOUND, **options: Any
) -> Hunt:
    shrink = options.get("shrink", True)

    def begin(found: Candidate) -> Shrinker:
        return greedily(shrink if callable(shrink) else by_words, found)

    return Hunt(
        search(cases, **options),
        each_case(rate >= 0.5),
        max_trials=max_trials,
        alpha=0.05,
        beta=0.05,
        invalid=invalid,
        source=Fresh(iter([candidate_of(case, number) for number, case in enumerate(cases)])),
        shrinker=None if shrink is False else begin,
    )


def play(hunt: Hunt, fails: Rate, seed: int = 0) -> list[tuple[Ask, bool]]:
    """Play a search to its end, with seeded outcomes; return its trials in order."""
    rng, trials = random.Random(seed), list[tuple[Ask, bool]]()
    while hunt.stage:
        for ask in [*hunt.stage]:
            assert ask.candidate is not None
            against = rng.random() < fails(ask.candidate.case)
            trials.append((ask, against))
            hunt.take(Answer(candidate=ask.candidate, against=against))
    return trials


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_trigger_is_found_and_confirmed_at_its_smallest(seed: int) -> None:
    hunt = hunt_in(PROMPTS, seed=seed)
    play(hunt, trigger, seed)
    (finding,) = hunt.pursued
    assert "xyzzy" in finding.found.case.split()
    assert finding.smallest.case == "xyzzy"
    assert finding.is_smallest
    assert finding.is_confirmed
    assert finding.confirmation is not None
    assert finding.confirmation.certified == "rate < 0.5"


def test_what_confirms_was_seen_by_no_other_step() -> None:
    hunt = hunt_in(PROMPTS)
    trials = play(hunt, trigger)
    places = [(ask.candidate, ask.repeat, ask.purpose is Purpose.CONFIRM) for ask, _ in trials]
    assert len({(c.digest, repeat, apart) for c, repeat, apart in places if c is not None}) == len(trials)
    confirming = [against for ask, against in trials if ask.purpose is Purpose.CONFIRM]
    confirmation = hunt.pursued[0].confirmation
    assert confirmation is not None
    assert (confirmation.n, confirmation.n_against) == (len(confirming), sum(confirming))


def test_a_claim_with_an_upper_bound_is_broken_by_ones() -> None:
    hunt = hunt_in(PROMPTS, rate <= 0.05)
    play(hunt, trigger)
    assert hunt.pursued[0].smallest.case == "xyzzy"
    confirmation = hunt.pursued[0].confirmation
    assert confirmation is not None
    assert confirmation.certified == "rate > 0.05"
    assert confirmation.estimate == confirmation.n_against / confirmation.n


def test_where_nothing_breaks_nothing_is_found_and_every_trial_but_the_kept_ones_is_used() -> None:
    hunt = hunt_in(PROMPTS, max_trials=200)
    trials = play(hunt, lambda _: 0.0)
    assert hunt.n_confirmed == 0
    assert not hunt.pursued
    assert len(trials) == 140  # 60 are kept for a confirmation
    assert hunt.n_cases == 140


def test_a_stage_does_not_depend_on_what_is_in_flight() -> None:
    """It is known before its first trial, and ends with its last one."""
    hunt = hunt_in(PROMPTS)
    stage = hunt.stage
    assert len(stage) == AT_ONCE
    for ask in stage[:-1]:
        hunt.take(Answer(candidate=ask.candidate, against=False))
        assert hunt.stage is stage
    hunt.take(Answer(candidate=stage[-1].candidate, against=False))
    assert hunt.stage is not stage


def test_the_same_outcomes_lead_to_the_same_trials() -> None:
    asked = [[(ask.candidate, ask.repeat) for ask, _ in play(hunt_in(PROMPTS), trigger)] for _ in range(2)]
    assert asked[0] == asked[1]


def test_invalid_trials_are_no_failures() -> None:
    """Whatever is invalid breaks nothing, so a search through an outage finds nothing."""
    hunt = hunt_in(PROMPTS, max_trials=200)
    while hunt.stage:
        for ask in [*hunt.stage]:
            hunt.take(Answer(candidate=ask.candidate, against=None))
    assert not hunt.pursued
    assert all(tried.n_against == 0 and tried.n_invalid == tried.n for tried in hunt.history)


@pytest.mark.parametrize(("invalid", "verdict"), [("bound", Verdict.SUPPORTED), ("exclude", Verdict.REFUTED)])
def test_an_invalid_trial_never_confirms(invalid: str, verdict: Verdict) -> None:
    """Under `bound` each may have held; under `exclude` the finding is about the valid ones alone."""
    hunt = hunt_among(["bad"], shrink=False, invalid=Invalid(invalid))
    n = 0
    while hunt.stage:
        for ask in [*hunt.stage]:
            confirms = ask.purpose is Purpose.CONFIRM
            n += confirms
            hunt.take(Answer(candidate=ask.candidate, against=None if confirms and n % 4 else True))
    confirmation = hunt.pursued[0].confirmation
    assert confirmation is not None
    assert confirmation.n_invalid > 0
    assert (confirmation.verdict is Verdict.REFUTED) is (verdict is Verdict.REFUTED)


def test_several_findings_are_different_ones() -> None:
    cases = ["a bad one", "the bad again", "b a d", "fine", "an evil one", "evil, too", "good"]
    hunt = hunt_among(cases, n_findings=2)
    play(hunt, lambda case: 0.95 if "bad" in case or "evil" in case else 0.0)
    assert [finding.smallest.case for finding in hunt.pursued] == ["bad", "evil"]
    assert hunt.n_confirmed == 2


def test_same_says_what_one_finding_is() -> None:
    cases = [{"topic": topic, "text": f"{topic} {n}"} for n in range(3) for topic in ("guns", "drugs")]
    hunt = hunt_among(cases, n_findings=5, shrink=False, same=lambda case: case.topic, max_trials=800)
    play(hunt, lambda _: 1.0)
    assert [finding.smallest.case.topic for finding in hunt.pursued] == ["guns", "drugs"]
    assert hunt.is_exhausted


def test_the_shares_of_all_findings_are_within_beta() -> None:
    cases = [f"case {n:02}" for n in range(12)]
    hunt = hunt_among(cases, n_findings=100, shrink=False, max_trials=5_000)
    play(hunt, lambda _: 1.0)
    levels = [finding.confirmation.level for finding in hunt.pursued if finding.confirmation is not None]
    assert len(levels) == 12
    assert levels[:2] == [0.05 / 2, 0.05 / 6]
    assert sum(levels) < 0.05


def test_max_trials_is_kept_whatever_is_found() -> None:
    for max_trials in (61, 90, 130, 200):
        hunt = hunt_in(PROMPTS, max_trials=max_trials)
        trials = play(hunt, lambda case: 0.7 if "the" in case else 0.1)
        assert len(trials) <= max_trials


def test_a_finding_is_confirmed_as_small_as_the_trials_allowed() -> None:
    text = " ".join(["please"] * 30 + ["xyzzy"] + ["now"] * 30)
    hunt = hunt_among([text], max_trials=85, confirm=40)
    play(hunt, lambda case: float("xyzzy" in case))
    (finding,) = hunt.pursued
    assert not finding.is_smallest
    assert finding.is_confirmed
    assert "xyzzy" in finding.smallest.case


def test_a_case_that_only_seemed_to_break_is_not_confirmed() -> None:
    """It failed while it was explored, and then no more: a lucky streak."""
    hunt = hunt_among(["unlucky"], shrink=False)
    while hunt.stage:
        for ask in [*hunt.stage]:
            hunt.take(Answer(candidate=ask.candidate, against=ask.purpose is not Purpose.CONFIRM))
    (finding,) = hunt.pursued
    assert not finding.is_confirmed
    assert finding.confirmation is not None
    assert finding.confirmation.verdict is Verdict.SUPPORTED


@pytest.mark.parametrize(
    ("strategy", "breaks", "smallest"),
    [
        (st.integers(0, 1000), lambda n: n >= 37, 37),
        (st.integers(0, 1000), lambda _: True, 0),
        (
            st.builds(dict, a=st.integers(0, 9), q=st.text("xyz", max_size=20)),
            lambda c: "zz" in c.q,
            (0, "zz"),
        ),
        (st.sampled_from("abc"), lambda text: text != "a", "b"),
    ],
)
def test_a_strategy_s_case_becomes_simpler_as_the_library_makes_it(
    strategy: Any, breaks: Callable[[Any], bool], smallest: Any
) -> None:
    hunt = hunt_in(strategy, same=lambda _: 0)
    play(hunt, lambda case: float(breaks(case)))
    case = hunt.pursued[0].smallest.case
    assert (tuple(vars(case).values()) if isinstance(case, Case) else case) == smallest


def test_an_attack_sees_what_was_tried() -> None:
    hunt = Hunt(search(lambda history: "?"), each_case(rate >= 0.5), max_trials=100, alpha=0.05, beta=0.05)
    assert [ask.candidate for ask in hunt.stage] == [None]
    hunt.take(Answer(candidate=candidate_of("a"), against=False, replies=("no",)))
    hunt.take(Answer(candidate=None, against=None))  # it proposed nothing
    (tried,) = hunt.history
    assert (tried.case, tried.n, tried.n_against, tried.replies) == ("a", 1, 0, ("no",))
    assert hunt.stage


def test_words_are_left_out_by_halves_first() -> None:
    assert list(by_words("ignore all rules")) == ["rules", "ignore all", "all rules", "ignore rules"]
    assert list(by_words("one")) == []
    assert list(by_words(7)) == []
    assert list(by_words(Case({"n": 1, "text": "a b"}))) == [{"n": 1, "text": "b"}, {"n": 1, "text": "a"}]


def test_a_function_that_shrinks_may_not_fail() -> None:
    def broken(case: str) -> Iterator[str]:
        raise ValueError(case)
        yield

    hunt = hunt_among(["bad"], shrink=broken)
    with pytest.raises(UsageError, match=r"shrink= failed: broken raised ValueError: bad"):
        play(hunt, lambda _: 1.0)


def test_a_case_without_a_json_form_is_refused() -> None:
    with pytest.raises(UsageError, match="the case's content cannot be identified"):
        next(drawn(st.just(object()), 0))


def test_a_text_with_the_words_of_a_finding_in_their_order_is_the_same_finding() -> None:
    cases = ["poem base64", "a poem in base64", "base64, then a poem", {"q": "poem base64"}]
    hunt = hunt_among(cases, n_findings=9, shrink=False, max_trials=800)
    play(hunt, lambda _: 1.0)
    assert [finding.found.number for finding in hunt.pursued] == [0, 2, 3]
