"""The rule of a ranking, fed by hand."""

from __future__ import annotations

import pytest

from pytest_velo.claims import Ranking, mean, ranking
from pytest_velo.stats.contest import RankingRule, fewest_rounds_of
from pytest_velo.stats.engine.design import Design
from pytest_velo.verdicts import Verdict

ARMS = ("a", "b", "c", "d")


def rule_of(claim: Ranking, *, arms: tuple[str, ...] = ARMS, **design: float) -> RankingRule:
    return RankingRule(claim, arms, Design(**{"alpha": 0.05, "beta": 0.05, "max_units": 500, **design}))


def feed(rule: RankingRule, outcomes: list[float], n: int) -> Verdict | None:
    """Feed the same round up to `n` times to the arms in play."""
    verdict = None
    for _ in range(n):
        verdict = rule.feed({arm: (outcomes[arm], outcomes[arm]) for arm in rule.in_play})
        if verdict is not None:
            break
    return verdict


def test_one_that_always_wins_is_found_after_the_fewest_rounds_there_can_be() -> None:
    rule = rule_of(ranking())
    assert feed(rule, [0.0, 1.0, 0.0, 0.0], 50) is Verdict.SUPPORTED
    assert rule.winners == (1,)
    assert (
        rule.n - 1 <= fewest_rounds_of(ranking(), 4, Design(alpha=0.05, beta=0.05, max_units=500)) <= rule.n
    )
    first, *others = sorted(rule.places(), key=lambda place: place.low)
    assert (first.low, first.high, first.may_win) == (1, 1, True)
    assert all(place.low >= 2 and not place.may_win for place in others)


def test_arms_that_are_out_are_drawn_no_more() -> None:
    rule = rule_of(ranking())
    assert feed(rule, [1.0, 1.0, 0.0, 0.0], 40) is None
    assert rule.in_play == (0, 1)
    assert [place.n for place in rule.places()] == [40, 40, 8, 8]


def test_equals_are_the_answer_unless_a_margin_says_that_they_are_as_good() -> None:
    assert feed(rule_of(ranking()), [1.0, 1.0, 0.0, 0.0], 500) is None
    rule = rule_of(ranking(), margin=0.1)
    assert feed(rule, [1.0, 1.0, 0.0, 0.0], 500) is Verdict.SUPPORTED
    assert [place.may_win for place in rule.places()] == [True, True, False, False]


@pytest.mark.parametrize(("best", "verdict"), [("b", Verdict.SUPPORTED), ("a", Verdict.REFUTED)])
def test_a_named_one_is_supported_or_refuted(best: str, verdict: Verdict) -> None:
    assert feed(rule_of(ranking(best=best)), [0.0, 1.0, 0.0, 0.0], 50) is verdict


def test_a_named_one_waits_for_its_own_level() -> None:
    rule = rule_of(ranking(best="a"), beta=0.0001)
    assert feed(rule, [0.0, 1.0, 0.0, 0.0], 50) is Verdict.REFUTED
    assert rule.n > rule_of(ranking()).n + 12  # 5% would do after 8 rounds


def test_the_first_two_are_found_without_their_order() -> None:
    rule = rule_of(ranking(top=2))
    assert feed(rule, [1.0, 1.0, 0.0, 0.0], 50) is Verdict.SUPPORTED
    assert rule.winners == (0, 1)
    assert [(place.low, place.high) for place in rule.places()] == [(1, 2), (1, 2), (3, 4), (3, 4)]


def test_no_verdict_comes_before_min_trials() -> None:
    rule = rule_of(ranking(), min_units=30)
    assert feed(rule, [1.0, 0.0, 0.0, 0.0], 50) is Verdict.SUPPORTED
    assert rule.n == 30


def test_rounds_go_on_with_the_first_ones_where_a_verdict_has_to_wait() -> None:
    rule = rule_of(ranking(top=2), min_units=30)
    assert feed(rule, [1.0, 1.0, 0.0, 0.0], 29) is None
    assert rule.in_play == (0, 1)
    assert feed(rule, [1.0, 1.0, 0.0, 0.0], 1) is Verdict.SUPPORTED


def test_an_outcome_that_may_have_been_anything_helps_nobody() -> None:
    rule = rule_of(ranking(), arms=("a", "b"))
    for _ in range(100):
        assert rule.feed({0: (0.0, 1.0), 1: (0.0, 0.0)}) is None
    assert [place.may_win for place in rule.places()] == [True, True]


def test_a_round_that_is_left_out_for_one_counts_for_the_others() -> None:
    rule = rule_of(ranking())
    for _ in range(30):
        rule.feed({arm: None if arm == 3 else (float(arm == 1), float(arm == 1)) for arm in rule.in_play})
    assert rule.in_play == (1, 3)
    assert rule.places()[3].n == 0
    assert rule.places()[3].interval is None


def test_a_winner_is_shown_an_interval_that_holds_for_all_arms() -> None:
    rule = rule_of(ranking(mean(0, 10)))
    alone = rule_of(ranking(mean(0, 10)), arms=("a", "b"))
    for _ in range(20):
        rule.feed(dict.fromkeys(range(4), (0.5, 0.5)))
        alone.feed(dict.fromkeys(range(2), (0.5, 0.5)))
    wide, narrow = rule.places()[0].interval, alone.places()[0].interval
    assert wide is not None
    assert narrow is not None
    assert wide.low < narrow.low < 0.5 < narrow.high < wide.high


def test_no_interval_excludes_the_mean_that_is_shown_beside_it() -> None:
    """What a lucky start ruled out stayed ruled out: 0.33 was shown beside an interval from 0.6 on."""
    rule = RankingRule(ranking(), ("a", "b"), Design(alpha=0.05, beta=0.05, max_units=200))
    for outcome in [1.0] * 20 + [0.0] * 40:
        rule.feed({0: (outcome, outcome), 1: (1.0 - outcome, 1.0 - outcome)})
    for place, mean_ in zip(rule.places(), (1 / 3, 2 / 3), strict=True):
        assert place.interval.low <= mean_ <= place.interval.high
        assert place.interval.high - place.interval.low < 0.9
