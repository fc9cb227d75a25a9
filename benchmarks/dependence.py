"""What a memory that trials share does to verdicts, and how often F19 says so, through the whole plugin.

A scripted server keeps a mood for each user, from call to call; one call in ten changes it, so half of the
replies are kind in the long run. Each of several hundred hypotheses is another user. They are sampled by real
sessions of pytest, one after the other: `rate >= 0.5` as it is by default (it ends at its verdict, or at 200
trials at the latest), and 100 trials each. Beside them, a server that throws a coin for each reply.

How long a call takes is random, too: half to one and a half times as long as the mean, or exponential, where
one in seven takes more than twice the mean. It is a number of turns of the event loop, drawn by the seed of
the draw, not of seconds, so that every machine comes to the same figures.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from measuring import machine, print_table
from scipy.stats import binomtest

from pytest_velo import load, rate
from pytest_velo.found import Level
from pytest_velo.records import Outcome
from pytest_velo.report.load import Run
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.planning.operating import law_with_futility
from pytest_velo.stats.rules.rate import make_rate_rule

LENGTHS = {"half to 1.5 times": "rng.uniform(10, 30)", "exponential": "rng.expovariate(1 / 20)"}
IN_FLIGHT = [(1, "half to 1.5 times"), *((n, length) for n in (5, 20) for length in LENGTHS)]
MAX_TRIALS = 200
DECIDED = (Outcome.SUPPORTED, Outcome.REFUTED)
BY_DEFAULT = ""
HUNDRED = "futility='off', min_trials=100, max_trials=100"
KEEPS, FORGETS = 0.1, 0.5
"""The chance that a call changes the mood: if it is a half, the mood before it says nothing."""

TESTS = '''
import asyncio
import pytest
from pytest_velo import rate, scripted

MOODS = {{}}


async def moody(request, rng):
    """Play a server that keeps a mood for each user, which one call in some changes."""
    for _ in range(int({length})):
        await asyncio.sleep(0)
    user = request.messages[-1]["content"]
    if user not in MOODS:
        MOODS[user] = rng.random() < 0.5
    if rng.random() < {changes}:
        MOODS[user] = not MOODS[user]
    return "Gladly." if MOODS[user] else "Later."


@pytest.mark.parametrize("user", range({n}))
@pytest.mark.hypothesis(rate >= 0.5, models=[scripted("moody", moody)], {keywords})
async def test_it_helps(user, model):
    """The model is ready to help."""
    return (await model(f"I am user {{user}}. Can you help me?")) == "Gladly."
'''


class Counted(NamedTuple):
    """Hypotheses of a session: all, those with a verdict, those F19 spoke of, both; trials to a verdict."""

    n: int
    decided: int
    spoken_of: int
    both: int
    typical_n: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=400, help="hypotheses of a session (default 400)")
    n = parser.parse_args().runs
    print(machine("pytest"), flush=True)
    rows = [
        _row(server, trials, in_flight, length, counted(n, in_flight, length, changes, keywords))
        for server, changes in (("keeps its mood", KEEPS), ("throws a coin", FORGETS))
        for trials, keywords in ((f"to the verdict, at most {MAX_TRIALS}", BY_DEFAULT), ("100", HUNDRED))
        for in_flight, length in IN_FLIGHT
    ]
    columns = [
        "server",
        "trials",
        "in flight",
        "calls",
        "verdicts",
        "after (median)",
        "F19 spoke",
        "of verdicts",
    ]
    print_table(f"`rate >= 0.5`, at the threshold in the long run: {n} runs each", columns, rows)
    print(f"\nVerdicts of independent trials, by the exact law: {decided_if_independent():.2%}")


def counted(n: int, in_flight: int, length: str, changes: float, keywords: str) -> Counted:
    """Run a session of pytest with `n` hypotheses, and count."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        tests = TESTS.format(n=n, length=LENGTHS[length], changes=changes, keywords=keywords)
        (folder / "test_moody.py").write_text(tests, encoding="utf-8")
        options = [f"--velo-concurrency={in_flight}", "--velo-scheduler=in-order", "--velo-seed=19"]
        plain = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist", "-m", "velo"]
        command = [sys.executable, "-m", "pytest", *plain, *options]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if ran.returncode not in (0, 1):
            raise SystemExit(f"{command} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}")
        return _count(load(cache_dir=folder / ".pytest_velo"), n)


def _count(run: Run, n: int) -> Counted:
    results = [*run.results]
    came_out = Counter(result.outcome for result in results)
    if sum(came_out[outcome] for outcome in (*DECIDED, Outcome.INCONCLUSIVE)) != n:
        raise SystemExit(f"not {n} hypotheses that were sampled, but {dict(came_out)}")
    decided = {
        result.node_id: result.decision.evidence.n
        for result in results
        if result.decision is not None and result.outcome in DECIDED
    }
    spoken_of = {
        result.node_id
        for result in results
        if any(found.code == "F19" and found.level is Level.ERROR for found in result.found)
    }
    typical_n = median(decided.values()) if decided else float("nan")
    return Counted(n, len(decided), len(spoken_of), len(spoken_of & decided.keys()), typical_n)


def decided_if_independent() -> float:
    """Return the chance that `rate >= 0.5` gets a verdict by default where each reply is a fair coin's."""
    rule = make_rate_rule(rate >= 0.5, Design(alpha=0.05, beta=0.05, max_units=MAX_TRIALS))
    [law] = law_with_futility(rule, usual_futility(MAX_TRIALS))([0.5])
    return law.supported + law.refuted


def _row(server: str, trials: str, in_flight: int, length: str, found: Counted) -> Sequence[object]:
    return [
        server,
        trials,
        in_flight,
        length if in_flight > 1 else "",
        _share(found.decided, found.n),
        f"{found.typical_n:.0f}",
        _share(found.spoken_of, found.n),
        f"{found.both} of {found.decided}",
    ]


def _share(k: int, n: int) -> str:
    within = binomtest(k, n).proportion_ci(0.95, "exact")
    return f"{k} ({within.low:.1%} to {within.high:.1%})"


if __name__ == "__main__":
    main()
