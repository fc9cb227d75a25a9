"""What counts as a change between two looks at the same draws, and what does not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace

import pytest

from pytest_velo import difference, estimate, mean, ranking, rate
from pytest_velo.bodies.shape import body_digest
from pytest_velo.case_sets import pick_order, with_arms
from pytest_velo.errors import UsageError
from pytest_velo.records import Family, Invalid
from pytest_velo.runner import looks as look_log
from pytest_velo.runner.looks import Looks
from pytest_velo.runner.result import result_of
from pytest_velo.stats.exact import history_error
from support.hypotheses import Named


@pytest.mark.hypothesis
def original(model):
    """Words."""
    return model("q").answers("yes")


@pytest.mark.velo(max_trials=7)
@pytest.mark.hypothesis("another claim")
def marked_anew(model):
    """Other words."""
    # And a comment.
    return model("q").answers("yes")  # and another


def undocumented(model):
    return model("q").answers("yes")


def another_prompt(model):
    return model("r").answers("yes")


def another_default(model, limit=3):
    return model("q").answers("yes")


def test_marks_words_and_layout_are_no_part_of_a_body() -> None:
    assert body_digest(original) == body_digest(marked_anew) == body_digest(undocumented)


@pytest.mark.parametrize("other", [another_prompt, another_default])
def test_what_a_body_does_is(other) -> None:
    assert body_digest(undocumented) != body_digest(other)


def test_a_body_without_source_has_no_digest() -> None:
    assert body_digest(len) == ""


def look(store, sample, hypothesis, n_cached=1, n_calls=1, labels=None):
    looks = Looks(store, hypothesis)
    run = asyncio.run(sample(hypothesis))
    truth = None if labels is None else SimpleNamespace(labels=labels)
    result = replace(result_of(run), n_cached=n_cached, n_calls=n_calls, truth=truth)
    return looks.note(run, result).notices


async def body(case, arm, trial):
    return trial.index % 2 == 0


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 0.4},
        {"beta": 0.01},
        {"margin": 0.2},
        {"min_units": 7},
        {"invalid": Invalid.EXCLUDE},
        {"set_digest": "other cases"},
        {"claim": rate <= 0.5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_design_on_draws_already_seen_is_exploratory(
    make_hypothesis, sample, store, change
) -> None:
    assert look(store, sample, make_hypothesis(body)) == ()
    (notice,) = look(store, sample, make_hypothesis(body, **{"claim": rate >= 0.5, **change}))
    assert notice.startswith("exploratory: the design")


def test_a_changed_design_on_fresh_draws_is_not(make_hypothesis, sample, store) -> None:
    look(store, sample, make_hypothesis(body))
    assert look(store, sample, make_hypothesis(body, alpha=0.4), n_cached=0) == ()


def test_outcomes_that_no_call_made_are_the_same_again(make_hypothesis, sample, store) -> None:
    """A body that draws by `trial.rng`, or scores its cases: nothing is cached, and all was seen."""
    look(store, sample, make_hypothesis(body), n_cached=0, n_calls=0)
    (notice,) = look(store, sample, make_hypothesis(body, alpha=0.4), n_cached=0, n_calls=0)
    assert notice.startswith("exploratory: the design")


def test_an_edited_threshold_costs_nothing(make_hypothesis, sample, store) -> None:
    look(store, sample, make_hypothesis(body))
    assert look(store, sample, make_hypothesis(body, claim=rate >= 0.6)) == ()


def test_a_design_for_any_horizon_after_a_look_is_not_said_to_be_by_a_keyword_alone(
    make_hypothesis, sample, store
) -> None:
    """e-BH extends too: the notice spoke of `extend=True`, which nobody had written."""
    look(store, sample, make_hypothesis(body))
    (notice,) = look(store, sample, make_hypothesis(body, extend=True))
    assert notice.startswith("exploratory: a design that holds at any horizon (extend=True, or e-BH)")


async def halves(case, arm, trial):
    return trial.index % 2 == 0


async def scores(case, arm, trial):
    return float(trial.index % 2)


def test_another_half_width_is_another_look(make_hypothesis, sample, store) -> None:
    """Each width has its own looks, and each interval may miss: whoever goes on may choose between them."""
    assert look(store, sample, make_hypothesis(halves, estimate(rate, halfwidth=0.2))) == ()
    wide = make_hypothesis(halves, estimate(rate, halfwidth=0.1))
    (notice,) = look(store, sample, wide)
    assert notice == (
        "looks at estimate(rate, halfwidth=0.2), then at estimate(rate, halfwidth=0.1):"
        " the chance that an interval misses is up to 10.0%, not 5.0%; --velo-profile=confirm draws anew"
    )
    with pytest.raises(UsageError, match="what its verdict goes by was changed after a look") as refused:
        Looks(store, make_hypothesis(halves, estimate(rate, halfwidth=0.05))).check(strict=True)
    assert "the settings of the first look" in str(refused.value)


def test_another_max_trials_of_bets_that_aim_is_another_look(make_hypothesis, sample, store) -> None:
    mean_of = estimate(mean(0, 1), halfwidth=0.05)
    assert look(store, sample, make_hypothesis(scores, mean_of, max_trials=100)) == ()
    (notice,) = look(store, sample, make_hypothesis(scores, mean_of, max_trials=200))
    assert notice.startswith(
        "looks at max_trials=100 and 200: the chance that an interval misses is up to 10.0%"
    )


@pytest.mark.parametrize(
    ("horizons", "invalid", "error"),
    [
        ((600, 900), Invalid.BOUND, "5.2%"),  # both beyond the last limits after an invalid trial, at 535
        ((200, 900), Invalid.BOUND, "10.0%"),
        ((200, 400), Invalid.EXCLUDE, "5.5%"),
        ((60, 400), Invalid.EXCLUDE, "10.0%"),  # the design itself ended at 60
        ((600, 900, 1200), Invalid.BOUND, "5.3%"),
    ],
    ids=str,
)
def test_another_max_trials_of_a_rate_costs_what_differs(
    make_hypothesis, sample, store, horizons, invalid, error
) -> None:
    """The design of few looks ends by 107 trials: only what is valid at any moment knows of later ones."""
    asked = estimate(rate, halfwidth=0.1)
    for n in horizons:
        told = look(store, sample, make_hypothesis(halves, asked, max_trials=n, invalid=invalid))
    assert told[0].endswith(
        f"the chance that an interval misses is up to {error}, not 5.0%; --velo-profile=confirm draws anew"
    )


def test_bets_that_aim_and_may_be_extended_do_not_know_max_trials(make_hypothesis, sample, store) -> None:
    mean_of = estimate(mean(0, 1), halfwidth=0.05)
    for n in (100, 200):
        asked = make_hypothesis(scores, mean_of, max_trials=n, extend=True)
        assert look(store, sample, asked) == ()


@pytest.mark.parametrize(
    ("first", "then", "both"),
    [
        (rate.within(0.3, 0.5), rate.within(0.5, 0.7), True),
        (rate.within(0.2, 0.6), rate.within(0.1, 0.3), False),  # no rate is above the one and below the other
        (rate.within(0.3, 0.5), rate.within(0.4, 0.6), False),
    ],
)
def test_ranges_that_do_not_overlap_may_each_be_wrong(
    make_hypothesis, sample, store, first, then, both
) -> None:
    """A rate between them is wrongly within the one, or within the other, by a test of its own."""
    assert look(store, sample, make_hypothesis(halves, first)) == ()
    told = look(store, sample, make_hypothesis(halves, then))
    wrong = "thresholds that went both ways between looks: the chance of a wrong verdict is up to 10.0%"
    assert told == ((f"{wrong}, not 5.0%; --velo-profile=confirm draws anew",) if both else ())


@pytest.mark.parametrize(
    ("b", "both"), [(0.4, False), (0.5, False), (0.6, True)], ids=["eased", "kept", "crossed"]
)
def test_thresholds_of_parts_that_went_both_ways(make_hypothesis, sample, store, b, both) -> None:
    async def body(case, arm, trial):
        return {"a": True, "b": True}

    for a_end, b_end in ((0.5, 0.5), (0.4, b)):
        claim = (rate("a") >= a_end) & (rate("b") >= b_end)
        told = look(store, sample, make_hypothesis(body, claim, outcomes=Named()))
    wrong = "thresholds that went both ways between looks: the chance of a wrong verdict is up to 10.0%"
    assert told == ((f"{wrong}, not 5.0%; --velo-profile=confirm draws anew",) if both else ())


def test_thresholds_for_any_horizon_and_then_for_one_are_two_looks(make_hypothesis, sample, store) -> None:
    """A joint claim is of one design with and without `extend=`, so nothing said that its rule changed."""

    async def body(case, arm, trial):
        return {"a": trial.index % 2 == 0, "b": True}

    claim = (rate("a") >= 0.5) & (rate("b") >= 0.5)
    assert look(store, sample, make_hypothesis(body, claim, outcomes=Named(), extend=True)) == ()
    (notice,) = look(store, sample, make_hypothesis(body, claim, outcomes=Named()))
    assert notice == (
        "looks at any max_trials with thresholds of another kind (ville), then at max_trials=50:"
        " the chance of a wrong verdict is up to 10.0%, not 5.0%; --velo-profile=confirm draws anew"
    )


def test_a_lowered_max_trials_is_a_further_look_too(make_hypothesis, sample, store) -> None:
    """Its threshold is lower, so what 200 trials left open it may decide."""
    assert look(store, sample, make_hypothesis(halves, max_trials=200)) == ()
    with pytest.raises(
        UsageError, match="max_trials was lowered after a look: looks at max_trials=50 and 200"
    ):
        Looks(store, make_hypothesis(halves, max_trials=50)).check(strict=True)


def pairs(make_hypothesis, claim, max_pairs, **changes):
    async def body(case, arm, trial):
        return (arm == "a") == (trial.index % 4 < 2)

    plan = list(islice(with_arms(pick_order(None, "cases", seed=0), ("a", "b")), 2 * max_pairs))
    return make_hypothesis(
        body, claim, arms=("a", "b"), trials=lambda: iter(plan), max_trials=max_pairs, **changes
    )


@pytest.mark.parametrize(
    ("claim", "margin", "side"),
    [
        (difference("a", "b") >= 0, 0.1, -1),  # with a margin it is the refutation that no difference is for
        (difference("a", "b") >= 0.1, 0.1, 1),
        (difference("a", "b") >= 0, 0.0, 1),
        (difference("a", "b").within(-0.2, 0.0), 0.0, -1),
        (difference("a", "b") >= 0.05, 0.1, None),
    ],
    ids=str,
)
def test_another_max_pairs_where_any_test_is_of_no_difference(
    make_hypothesis, sample, store, claim, margin, side
) -> None:
    """Only that one is made for a number of pairs; it tosses a coin for each pair that differs."""
    assert look(store, sample, pairs(make_hypothesis, claim, 40, margin=margin)) == ()
    told = look(store, sample, pairs(make_hypothesis, claim, 80, margin=margin))
    if side is None:
        assert told == ()
        return
    error = history_error(0.5, side, 0.05, (40, 80))
    assert 0.05 < error < 0.06
    assert told == (
        f"looks at max_trials=40 and 80: the chance of a wrong verdict is up to {error:.1%}, not 5.0%"
        "; --velo-profile=confirm draws anew",
    )


def test_a_threshold_that_moves_past_no_difference_is_tested_in_another_way(
    make_hypothesis, sample, store
) -> None:
    """Bets on means and tosses of a coin are not nested: each may be wrong where the other one is not."""
    assert look(store, sample, pairs(make_hypothesis, difference("a", "b") >= 0, 40, margin=0.1)) == ()
    (notice,) = look(store, sample, pairs(make_hypothesis, difference("a", "b") >= 0.05, 40, margin=0.1))
    assert notice.endswith(
        "the chance of a wrong verdict is up to 10.0%, not 5.0%; --velo-profile=confirm draws anew"
    )


def test_what_costs_nothing_after_all_is_neither_told_nor_refused(make_hypothesis, sample, store) -> None:
    """A threshold spends a little less than its level; here that is more than the further look takes."""
    assert history_error(0.5, 1, 0.05, (900, 1000)) < 0.05
    assert look(store, sample, make_hypothesis(halves, max_trials=900)) == ()
    Looks(store, make_hypothesis(halves, max_trials=1000)).check(strict=True)
    assert look(store, sample, make_hypothesis(halves, max_trials=1000)) == ()


def test_what_is_told_is_the_error_that_grows(make_hypothesis, sample, store) -> None:
    """Of two levels the larger may have room for a further look where the smaller has none."""
    errors = [history_error(0.5, side, level, (500, 600)) for side, level in ((1, 0.1), (-1, 0.05))]
    assert errors[0] < 0.1
    assert errors[1] > 0.05
    for n in (500, 600):
        told = look(store, sample, make_hypothesis(halves, alpha=0.1, beta=0.05, max_trials=n))
    assert told == (
        f"looks at max_trials=500 and 600: the chance of a wrong verdict is up to {errors[1]:.1%}, not 5.0%"
        "; --velo-profile=confirm draws anew",
    )


def test_rules_of_another_version_are_another_look(make_hypothesis, sample, store, monkeypatch) -> None:
    monkeypatch.setattr(look_log, "EDITION", -1)
    assert look(store, sample, make_hypothesis(halves)) == ()
    monkeypatch.undo()
    (notice,) = look(store, sample, make_hypothesis(halves))
    assert notice == (
        "looks at max_trials=50 with the rules of another version, then at max_trials=50:"
        " the chance of a wrong verdict is up to 10.0%, not 5.0%; --velo-profile=confirm draws anew"
    )


@pytest.mark.parametrize("end", ["interrupted", "error"])
def test_a_run_that_ended_early_was_a_look_at_what_it_saw(make_hypothesis, sample, store, end) -> None:
    """Until then its threshold could have been crossed, so a raised max_trials comes on top of it."""

    async def body(case, arm, trial):
        if trial.index == 15:
            raise RuntimeError("the provider is away")
        return trial.index % 2 == 0

    hypothesis = make_hypothesis(body, max_trials=100)
    log = Looks(store, hypothesis)
    run = asyncio.run(sample(hypothesis))
    assert run.weigher.n == 15
    if end == "interrupted":
        run.error = None
    log.note(run, result_of(run))
    assert Looks(store, hypothesis).n_known == 15
    (notice,) = look(store, sample, make_hypothesis(halves, max_trials=200), n_cached=0)
    assert notice.startswith("looks at max_trials=100 and 200: the chance of a wrong verdict is up to 5.")


def test_a_body_that_is_mended_after_an_error_is_not_called_changed(make_hypothesis, sample, store) -> None:
    async def body(case, arm, trial):
        if trial.index == 4:
            raise RuntimeError("a mistake")
        return trial.index % 2 == 0

    look(store, sample, make_hypothesis(body, body_digest="with a mistake"))
    assert look(store, sample, make_hypothesis(halves, body_digest="mended")) == ()


def test_arms_that_join_a_ranking_make_it_another_look(make_hypothesis, sample, store) -> None:
    async def body(case, arm, trial):
        return arm == "a"

    def hypothesis(*arms):
        plan = list(islice(with_arms(pick_order(None, "cases", seed=0), arms), 20 * len(arms)))
        return make_hypothesis(body, ranking(), arms=arms, trials=lambda: iter(plan))

    assert look(store, sample, hypothesis("a", "b")) == ()
    (notice,) = look(store, sample, hypothesis("a", "b", "c"))
    assert notice.startswith(
        "looks at ranking() of a, b, then at ranking() of a, b, c: the chance of a wrong"
    )


@pytest.mark.parametrize(("n", "moved"), [(200, True), (100, False)])
def test_a_member_under_e_bh_that_goes_on_did_not_stop_by_its_own_data(
    make_hypothesis, sample, store, n, moved
) -> None:
    """Who raises max_trials has seen the whole family: the stop is no longer the member's own."""
    family = Family(name="f", size=3, alpha=0.1, beta=0.1, procedure="ebh")
    members = [
        make_hypothesis(halves, max_trials=max_trials, extend=True, family=family) for max_trials in (100, n)
    ]
    assert look(store, sample, members[0]) == ()
    told = look(store, sample, members[1])
    assert [text.partition(": ")[2] for text in told] == [
        "under e-BH the expected share of false verdicts is up to 18.3%, not 10.0%"
    ] * moved


@pytest.mark.parametrize("prompt", ["the same", "another"])
def test_under_strict_another_rule_is_refused_where_the_prompt_is_the_same(
    make_hypothesis, sample, store, prompt
) -> None:
    """Replies to another prompt are other draws: they were refused, too, after they had been paid for."""
    first = make_hypothesis(halves, max_trials=50, body_digest="one")
    look(store, sample, first)
    (seen,) = store.looks_at(look_log.draws_of(first.recorded_as, first.model, first.stream))
    store.log_look(replace(seen, prompt="the same", seed=1))
    raised = make_hypothesis(halves, max_trials=100, body_digest="other", seed=1)
    log = Looks(store, raised)
    log.check(strict=True)  # the body is another one, so its prompt may be
    run = asyncio.run(sample(raised))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(look_log, "_prompt_of", lambda trials: prompt)
        log.recognise(run, strict=True)
    assert isinstance(run.error, UsageError) == (prompt == "the same")


@pytest.mark.parametrize(
    ("labels", "changed"),
    [({3: 1.0, 9: 0.0, 14: None}, False), ({3: 1.0}, False), ({3: 0.0, 9: 0.0}, True), ({3: None}, True)],
    ids=["more", "fewer", "another", "taken back"],
)
def test_a_label_that_changed_after_a_look_is_exploratory(
    make_hypothesis, sample, store, labels, changed
) -> None:
    """Whoever labels again what counted already has seen what it makes of the claim."""
    assert look(store, sample, make_hypothesis(halves), labels={3: 1.0, 9: 0.0}) == ()
    told = look(store, sample, make_hypothesis(halves), labels=labels)
    assert [text.partition(" after ")[0] for text in told] == ["exploratory: a label changed"] * changed
