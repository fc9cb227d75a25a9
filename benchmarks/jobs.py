"""Scorers that need a processor: two processes against one.

A hypothesis whose body awaits `@scorer(process=True)`, as users write it, and asks no model, so that the time
is the scorer's. Both crews have started before the clock does; what their start takes is a row of its own.

    python benchmarks/jobs.py               the table, in less than a minute
    python benchmarks/jobs.py --rounds 9    more rounds
"""

from __future__ import annotations

import argparse
from functools import partial
from statistics import median

from measuring import machine, print_table, ratio, taking_turns, timed
from workload import hypothesis_of

from pytest_velo import scorer
from pytest_velo.runner.run import Run
from pytest_velo.sampling.loop import SampleLoop
from pytest_velo.sampling.sampler import Sampler
from pytest_velo.settings import Settings

N_STEPS = 400_000


@scorer(process=True)
def squares(n: int) -> int:
    """Keep one processor busy for some hundredths of a second."""
    return sum(i * i for i in range(n))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--trials", type=int, default=60, help="trials a run (default 60)")
    arguments = parser.parse_args()
    loops = [SampleLoop(jobs=jobs) for jobs in (1, 2)]
    try:
        starts = [timed(partial(score, loop, 4)) for loop in loops]
        one, two = taking_turns(arguments.rounds, *(partial(score, loop, arguments.trials) for loop in loops))
    finally:
        for loop in loops:
            loop.close()
    faster = ratio([each.wall_s for each in one], [each.wall_s for each in two])
    rows = [
        (jobs, f"{start.wall_s:.2f} s", f"{median(each.wall_s for each in taken):.2f} s", f"{gain:.2f} x")
        for jobs, start, taken, gain in zip((1, 2), starts, (one, two), (1.0, faster), strict=True)
    ]
    title = f"{arguments.trials} trials whose scorer needs a processor, {arguments.rounds} rounds"
    print_table(title, ("processes", "first call", "trials", "as fast (target 1.7 x)"), rows)
    print(f"\n{machine('joblib')}")


def score(loop: SampleLoop, n_trials: int) -> None:
    """Sample one hypothesis to exactly `n_trials` trials."""

    async def body(case: object, arm: str, trial: object) -> bool:
        return bool(await squares(N_STEPS) > 0)

    settings = Settings(concurrency=8)
    hypothesis = hypothesis_of(body, "", settings, max_trials=n_trials, min_trials=n_trials)
    run = Run(hypothesis, Sampler(settings, None), loop)
    loop.run(run.go())
    if run.error is not None:
        raise run.error
    if len(run.trials) != n_trials:
        raise SystemExit(f"the benchmark ran {len(run.trials)} trials, not {n_trials}")


if __name__ == "__main__":
    main()
