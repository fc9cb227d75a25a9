"""What 30 hypotheses take until the 10th and the 20th verdict, under each scheduler.

Thresholds .3, .5 and .8, and for each ten true rates 0 to 30 points away (above it; below it for .8). A
scripted model answers in 50 ms, 20 calls at a time (both can be changed). `in-order` samples one hypothesis
after the other in the order of the tests, which is shuffled; the two others sample all together. Spent is
what was launched, trials beyond a verdict included.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from measuring import machine, print_table
from workload import hypothesis_of

from pytest_velo import scripted
from pytest_velo.providers.registry import resolve
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.run import Run
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.model import AsyncModel
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.scheduling.policies import policy_of
from pytest_velo.scheduling.pool import Pool
from pytest_velo.settings import Scheduler, Settings
from pytest_velo.verdicts import Verdict

THRESHOLDS = (0.3, 0.5, 0.8)
EFFECTS = tuple(0.3 * step / 9 for step in range(10))
MARKS = (10, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one session took: trials and seconds until each mark, and in all."""

    trials: dict[int, int]
    wall_s: dict[int, float]
    n_verdicts: int
    n_trials: int
    n_unused: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8, help="sessions of each scheduler (default 8)")
    parser.add_argument("--max-trials", type=int, default=200, help="of each hypothesis (default 200)")
    parser.add_argument("--in-flight", type=int, default=20, help="most calls at a time (default 20)")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds a call takes (default 0.05)")
    options = parser.parse_args()
    spent: dict[Scheduler, list[Spent]] = {scheduler: [] for scheduler in Scheduler}
    for seed in range(options.rounds):
        for scheduler in Scheduler:
            settings = Settings(
                seed=seed,
                scheduler=scheduler,
                concurrency=options.in_flight,
                max_trials=options.max_trials,
            )
            spent[scheduler].append(_session(settings, options.latency))
    print(machine())
    columns = [
        "scheduler",
        "to 10",
        "/ round-robin",
        "to 20",
        "/ round-robin",
        "wall to 10",
        "in all",
        "unused",
    ]
    peers = spent[Scheduler.ROUND_ROBIN]
    rows = [[str(scheduler), *_row(spent[scheduler], peers)] for scheduler in Scheduler]
    print_table(f"Trials spent, mean of {options.rounds} sessions of 30 hypotheses", columns, rows)


def _row(spent: Sequence[Spent], peers: Sequence[Spent]) -> list[str]:
    cells = []
    for mark in MARKS:
        mine, theirs = (mean(session.trials[mark] for session in side) for side in (spent, peers))
        cells += [f"{mine:,.0f}", f"{mine / theirs:.2f}"]
    total = mean(session.n_trials for session in spent)
    unused = mean(session.n_unused / session.n_trials for session in spent)
    wall = mean(session.wall_s[10] for session in spent)
    return [*cells, f"{wall:.1f} s", f"{total:,.0f}", f"{unused:.1%}"]


def _session(settings: Settings, latency_s: float) -> Spent:
    """Sample the 30 hypotheses once."""
    loop = SampleLoop()
    sampler = Sampler(settings, None)
    try:
        return loop.run(_sample(settings, latency_s, sampler, loop))
    finally:
        loop.close()


async def _sample(settings: Settings, latency_s: float, sampler: Sampler, loop: SampleLoop) -> Spent:
    pool = None
    if settings.scheduler is not Scheduler.IN_ORDER:
        pool = Pool(policy_of(settings.scheduler), settings.concurrency, lambda run: "scripted")
    pairs = [(t, t + effect if t < 0.8 else t - effect) for t in THRESHOLDS for effect in EFFECTS]
    random.Random(settings.seed).shuffle(pairs)
    runs: list[Run] = []
    marks: dict[int, tuple[int, float]] = {}
    started_s = time.perf_counter()

    def watch(_: Run) -> None:
        n_verdicts = sum(run.verdict is not Verdict.INCONCLUSIVE for run in runs)
        if n_verdicts in MARKS and n_verdicts not in marks:
            marks[n_verdicts] = sum(run.n_launched for run in runs), time.perf_counter() - started_s

    for number, (threshold, truth) in enumerate(pairs):
        hypothesis = _hypothesis(number, threshold, truth, settings, latency_s)
        runs.append(Run(hypothesis, sampler, loop, watch, launcher=pool))
    if pool is None:
        for run in runs:
            await run.go()
    else:
        pool.start(runs)
        for run in runs:
            await pool.wait(run)
    n_trials = sum(run.n_launched for run in runs)
    wall_s = time.perf_counter() - started_s
    return Spent(
        trials={mark: marks.get(mark, (n_trials, wall_s))[0] for mark in MARKS},
        wall_s={mark: marks.get(mark, (n_trials, wall_s))[1] for mark in MARKS},
        n_verdicts=sum(run.verdict is not Verdict.INCONCLUSIVE for run in runs),
        n_trials=n_trials,
        n_unused=sum(run.n_beyond for run in runs),
    )


def _hypothesis(
    number: int, threshold: float, truth: float, settings: Settings, latency_s: float
) -> Hypothesis:
    def answer(_: object, rng: random.Random) -> str:
        return "yes" if rng.random() < truth else "no"

    model = AsyncModel(resolve(scripted(f"bench-{number}", answer, latency_s=latency_s), settings.endpoints))

    async def body(case: object, arm: str, trial: object) -> bool:
        return (await model("Is it so?")).answers("yes")

    return hypothesis_of(
        body,
        model.id,
        settings,
        max_trials=settings.max_trials,
        threshold=threshold,
        name=str(number),
        extend=False,
    )


if __name__ == "__main__":
    main()
