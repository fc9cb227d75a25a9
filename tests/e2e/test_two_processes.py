"""Two runs at once on one cache: each draw is made, and paid for, once."""

from __future__ import annotations

import signal
from collections import Counter

import pytest

pytestmark = pytest.mark.processes

BODY = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=60, min_trials=60)
async def test_h(model):
    return (await model("Is it so?", max_tokens=5)).answers("yes")
"""


def ended(process) -> str:
    shown, _ = process.communicate(timeout=500)
    assert process.returncode == 0, shown
    return shown


def test_two_runs_at_once_pay_for_each_draw_once(run, lab):
    run.file(BODY)
    told = ["-m", "velo", "--velo-concurrency=7", "-p", "no:cacheprovider"]
    shown = [ended(process) for process in [run.start(*told), run.start(*told)]]
    seeds = Counter(call["seed"] for call in lab.calls)
    assert len(seeds) == 60
    assert set(seeds.values()) == {1}, shown


def test_a_run_that_is_killed_leaves_its_draws_to_the_other(run, lab):
    run.file(BODY)
    held = lab.hold(20)
    told = ["-m", "velo", "--velo-concurrency=7", "-p", "no:cacheprovider"]
    first = run.start(*told)
    assert held.reached.wait(500)
    second = run.start(*told)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=500)
    held.release.set()
    ended(second)
    seeds = Counter(call["seed"] for call in lab.calls)
    assert len(seeds) == 60
    assert sum(seeds.values()) <= 60 + 7, "only what was under way is made again"
