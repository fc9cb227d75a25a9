"""Which trials a ranking runs: known a stage at a time, whatever is in flight."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from pytest_velo.case_sets import plain_order, with_arms
from pytest_velo.claims import ranking
from pytest_velo.runner.frame import Frame
from pytest_velo.runner.rounds import Rounds
from pytest_velo.stats.contest import RankingRule
from pytest_velo.stats.contest.simulation import simulate
from pytest_velo.stats.engine.design import Design

ARMS = ("a", "b", "c", "d")


@dataclass
class Asked:
    """What was weighed, as the test says."""

    n: int = 0
    in_play: tuple[int, ...] = (0, 1, 2, 3)


def rounds(asked: Asked, n_rounds: int = 100, n_known: int = 0) -> Rounds:
    frame = Frame(
        design=Design(alpha=0.05, beta=0.05, max_units=n_rounds),
        trials=lambda: with_arms(islice(plain_order(), n_rounds), ARMS),
        max_trials=n_rounds,
        arms=ARMS,
    )
    return Rounds(frame, asked, n_known)


def test_no_trial_is_planned_before_what_decides_about_it_was_weighed() -> None:
    asked = Asked()
    plan = rounds(asked)
    ahead = plan.up_to(0)
    first = [next(plan) for _ in range(ahead)]
    assert [(each.index, each.arm) for each in first[:5]] == [
        (0, "a"),
        (1, "b"),
        (2, "c"),
        (3, "d"),
        (4, "a"),
    ]
    assert plan.up_to(ahead) == ahead  # all are in, and not yet weighed
    asked.n, asked.in_play = ahead // 4, (1, 3)
    assert plan.up_to(ahead) > ahead
    then = next(plan)
    assert (then.index, then.arm, then.unit_size, then.turn) == (ahead, "b", 2, ahead // 4)


def test_all_arms_of_a_round_have_its_case_repeat_and_seed() -> None:
    plan = rounds(Asked())
    for _ in range(3):
        turn = [next(plan) for _ in ARMS]
        assert len({(each.turn, each.unit, each.repeat) for each in turn}) == 1


def test_it_ends_with_the_last_round() -> None:
    asked = Asked()
    plan = rounds(asked, n_rounds=6)
    given = []
    for each in plan:
        given.append(each)
        asked.n = len(given) // 4
    assert [each.index for each in given] == [*range(24)]


def test_nothing_beyond_what_an_earlier_look_read_is_launched_before_that_is_in() -> None:
    plan = rounds(Asked(), n_known=3)
    assert plan.up_to(0) == 3
    assert plan.up_to(3) > 3


def test_what_is_left_of_a_stage_is_known_and_no_more() -> None:
    asked = Asked()
    plan = rounds(asked)
    ahead = plan.up_to(0)
    assert [each.index for each in plan.rest(5)] == [*range(5, ahead)]


def test_a_simulated_ranking_takes_as_many_trials_as_one_that_is_run() -> None:
    """Whoever leaves within a stage is drawn to its end; simulated, it was gone at once."""
    rule = RankingRule(ranking(), ARMS, Design(alpha=0.02, beta=0.05, max_units=60))
    given, bounds = [], {}
    for each in rounds(rule, n_rounds=60):
        given.append(each)
        arm = ARMS.index(each.arm)
        bounds[arm] = (float(arm < 2),) * 2
        if len(bounds) == each.unit_size:
            assert rule.feed(bounds) is None  # two are equally good
            bounds = {}
    found = simulate([1.0, 1.0, 0.0, 0.0], alpha=0.02, max_rounds=60, n_runs=1)
    assert found.left.tolist() == [[False, False, True, True]]
    assert int(found.n_trials[0]) == len(given) < 4 * 60
