"""The order in which waiting runs get the next trial: one function for each scheduler."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING

from pytest_velo.claims import rate
from pytest_velo.scheduling.policies import policy_of
from pytest_velo.settings import Scheduler
from support.runs import sampled

if TYPE_CHECKING:
    import pytest


def test_each_policy_picks_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=count().__next__)
    monkeypatch.setattr("pytest_velo.runner.run.time", clock)  # trials that cost alike, on any machine
    ahead, behind = SimpleNamespace(n_launched=5), SimpleNamespace(n_launched=3)
    assert policy_of(Scheduler.ROUND_ROBIN)([ahead, behind]) is behind
    assert policy_of(Scheduler.IN_ORDER)([ahead, behind]) is ahead
    close, clear = (sampled(rate >= 0.5, outcomes) for outcomes in ([1, 0, 1, 0], [1, 1, 1, 1]))
    assert policy_of(Scheduler.GAIN)([close, clear]) is clear


def test_a_few_slow_replies_do_not_make_a_hypothesis_dear(monkeypatch: pytest.MonkeyPatch) -> None:
    step_s = [1.0]
    now_s = [0.0]

    def monotonic() -> float:
        now_s[0] += step_s[0]
        return now_s[0]

    monkeypatch.setattr("pytest_velo.runner.run.time", SimpleNamespace(monotonic=monotonic))
    near = sampled(rate >= 0.5, [1, 0, 1, 0])
    step_s[0] = 10.0
    clear = sampled(rate >= 0.5, [1, 1, 1, 1])
    assert clear.mean_trial_s > 6 * near.mean_trial_s  # more than what it gains more
    assert policy_of(Scheduler.GAIN)([near, clear]) is clear
