"""What 30 hypotheses take until the 10th and the 20th verdict, under each scheduler.

Thresholds .3, .5 and .8, and for each ten true rates 0 to 30 points away (above it; below it for .8). Pool,
policy, runs and rules are the shipped ones; a trial takes 25 to 75 ms of a clock that jumps from one event to
the next, so that a session takes as long as its arithmetic and comes out the same each time. `in-order`
samples one hypothesis after the other in the order of the tests, which is shuffled; the others sample all
together. Spent is what was launched, trials beyond a verdict included.

Warm, a scheduler begins with what earlier sessions (one by default), under other seeds, saw of each
hypothesis; misled, with what they saw of another hypothesis. The Gittins index stands for what can be had at
best: as a policy of the same pool, with as many trials in flight. Warm, its prior of each hypothesis is what
is known of it after every trial of its earlier runs.

No scheduler, however many trials it has in flight, can spend less in the mean than the bound of
`gittins.least_trials`. If it learns from outcomes as they begin to count, in the order of their launch, the
others that are in flight when the 10th verdict comes are spent beside that. With `--drawn` each true rate is
drawn by itself: then nothing seen of one hypothesis tells of another, and there is such a bound for those
that know only the population and the earlier runs.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import selectors
from collections.abc import Callable, Sequence
from functools import cache, partial
from statistics import mean
from types import SimpleNamespace
from typing import Any, NamedTuple

from gittins import (
    MARKS,
    MAX_TRIALS,
    Tally,
    drawn_pairs,
    index_after,
    index_if_told,
    index_of,
    least_after,
    least_told,
)
from measuring import machine, print_table, ratio_of_means
from workload import hypothesis_of

from pytest_velo.cache.attempts import Entry, Found, Tried
from pytest_velo.runner import run as clocked
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.run import Run
from pytest_velo.scheduling import earlier as remembered
from pytest_velo.scheduling.earlier import Earlier, earlier_of
from pytest_velo.scheduling.policies import Policy, policy_of
from pytest_velo.scheduling.pool import Pool
from pytest_velo.settings import Scheduler, Settings
from pytest_velo.verdicts import Verdict

Pair = tuple[float, float]
"""A threshold and a true rate."""

GOALS = (
    ("gain, cold", "index, flat prior", 1.05),
    ("gain, warm", "round-robin", 0.45),
    ("gain, warm", "index, flat prior, warm", 1.0),
    ("gain, misled", "gain, cold", 1.15),
)
"""A scheduler, what it is measured by, and the most that it should spend of that."""

History = dict[str, Earlier]
"""What the ledger tells of earlier sessions, by hypothesis."""


class Past(NamedTuple):
    """What earlier sessions saw: as the ledger tells it, and trials and ones of each hypothesis, in order."""

    seen: History
    tallies: list[Tally]


class How(NamedTuple):
    """What else decides what is simulated.

    Attributes:
        only: Schedulers whose names hold this, beside round-robin; by default all.
        n_earlier: Earlier sessions that the warm schedulers know, at least 1.
        drawn: Draw each true rate from the ten of its threshold, instead of having each once.
        halved_by: Trials in flight that halve what the next one is worth to an index, above 0.
    """

    only: str = ""
    n_earlier: int = 1
    drawn: bool = False
    halved_by: float = 8.0


BY_DEFAULT = How()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="sessions of each scheduler (default 20)")
    parser.add_argument("--in-flight", type=int, default=20, help="most trials at a time (default 20)")
    parser.add_argument("--only", default="", help="schedulers whose names hold this, beside round-robin")
    parser.add_argument("--earlier", type=int, default=1, help="earlier sessions that are known (default 1)")
    parser.add_argument("--most", type=float, help="trials that earlier sessions count as at most")
    parser.add_argument("--drawn", action="store_true", help="draw each true rate, instead of each one once")
    parser.add_argument(
        "--halved-by",
        type=float,
        default=BY_DEFAULT.halved_by,
        help="trials in flight that halve what the next one is worth to an index (default 8; inf: none do)",
    )
    options = parser.parse_args()
    remembered.MOST = options.most or remembered.MOST
    how = How(options.only, options.earlier, options.drawn, options.halved_by)
    what = options.rounds, options.in_flight, how
    spent = spent_by(*what)
    shares = [ratios(*what, mark=mark) for mark in MARKS]
    print(machine())
    rows = [
        [
            name,
            *(
                cell
                for mark, share in zip(MARKS, shares, strict=True)
                for cell in (f"{mean(spent[name, mark]):,.0f}", "{:.2f} ± {:.2f}".format(*share[name]))
            ),
        ]
        for name in shares[0]
    ]
    columns = ["scheduler", *(cell for mark in MARKS for cell in (f"to {mark}", "/ round-robin"))]
    title = f"Trials spent with {options.in_flight} in flight, mean of {options.rounds} sessions"
    print_table(f"{title} of 30 hypotheses", columns, rows)
    _print_least(*what, spent["round-robin", 10])
    for mine, theirs, goal in GOALS:
        if {mine, theirs} <= {*shares[0]}:
            share, error = ratio_of_means(spent[mine, 10], spent[theirs, 10])
            print(f"to 10: {mine} / {theirs}: {share:.3f} ± {error:.3f} (target: {goal:.2f} or less)")


def ratios(
    sessions: int, in_flight: int, how: How = BY_DEFAULT, *, mark: int = 10
) -> dict[str, tuple[float, float]]:
    """Return each scheduler's share of the trials that round-robin spends until the 10th verdict.

    Args:
        sessions: How many are simulated, at least 1, by seeds 0, 1 and so on, the same for each scheduler.
        in_flight: Most trials at a time, at least 1.
        how: What else decides what is simulated.
        mark: The verdict up to which trials count; one of `MARKS`.

    Returns:
        By the scheduler's name, in the order of the table: the ratio of the means over the same sessions, and
        its standard error. Sessions are simulated once a process for the same arguments.
    """
    spent = spent_by(sessions, in_flight, how)
    theirs = spent["round-robin", mark]
    return {name: ratio_of_means(trials, theirs) for (name, to), trials in spent.items() if to == mark}


@cache
def spent_by(sessions: int, in_flight: int, how: How) -> dict[tuple[str, int], list[int]]:
    """Return the trials that each scheduler spent until each mark, session by session."""
    spent: dict[tuple[str, int], list[int]] = {}
    for seed in range(sessions):
        pairs, past = _pairs_of(seed, how), _past_of(seed, how)
        for name, policy in _ways(pairs, past, how.halved_by).items():
            if how.only in name or name == "round-robin":
                for mark, n_trials in Session(pairs, seed, in_flight, policy()).spent().items():
                    spent.setdefault((name, mark), []).append(n_trials)
    return spent


def _print_least(sessions: int, in_flight: int, how: How, theirs: Sequence[int]) -> None:
    """Print trials to the 10th verdict that nobody can undercut: one at a time, and the others in flight."""
    told, warm = [], []
    for seed in range(sessions):
        pairs = _pairs_of(seed, how)
        told.append(least_told(10, pairs) + in_flight - 1)
        if how.drawn:
            warm.append(least_after(10, pairs, _past_of(seed, how).tallies) + in_flight - 1)
    for who, least in (("told the true rates", told), ("true population, warm", warm)):
        if least:
            share, error = ratio_of_means(least, theirs)
            print(f"to 10: no scheduler below {mean(least):,.0f}, {share:.3f} ± {error:.3f} ({who})")


def _pairs_of(seed: int, how: How) -> list[Pair]:
    return drawn_pairs(random.Random(seed), each_once=not how.drawn)


@cache
def _past_of(seed: int, how: How) -> Past:
    return _earlier_sessions(_pairs_of(seed, how), seed + 10_000, how.n_earlier)


def _ways(pairs: Sequence[Pair], past: Past, halved_by: float) -> dict[str, Callable[[], Policy | None]]:
    """Return what makes a policy, for each way to choose; None for one hypothesis after the other."""
    names = [*past.seen]
    others = dict(zip(names, [past.seen[name] for name in (*names[7:], *names[:7])], strict=True))
    told = [index_if_told(*pair) for pair in pairs]
    cold = {prior: [index_of(threshold, prior) for threshold, _ in pairs] for prior in ("flat", "truths")}

    def warm(prior: str) -> Policy:
        known = zip(pairs, past.tallies, strict=True)
        return _by_index(
            [index_after(threshold, prior, before) for (threshold, _), before in known], halved_by
        )

    return {
        "round-robin": lambda: policy_of(Scheduler.ROUND_ROBIN),
        "in-order": lambda: None,
        "gain, cold": lambda: policy_of(Scheduler.GAIN),
        "gain, warm": lambda: policy_of(Scheduler.GAIN, _Recalled(past.seen)),
        "gain, misled": lambda: policy_of(Scheduler.GAIN, _Recalled(others)),
        "index, flat prior": lambda: _by_index(cold["flat"], halved_by),
        "index, true population": lambda: _by_index(cold["truths"], halved_by),
        "index, flat prior, warm": lambda: warm("flat"),
        "index, true population, warm": lambda: warm("truths"),
        "index, told the true rates": lambda: _by_index(told, halved_by),
    }


class _Recalled(dict[Any, Earlier]):
    """What earlier sessions saw, by run instead of by name."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history

    def get(self, run: Any, default: Any = None) -> Any:
        return self._history.get(run.hypothesis.node_id, default)


def _by_index(indices: Sequence[Any], halved_by: float) -> Policy:
    """Choose by an index; as for `gain`, trials in flight make the next one worth a little less."""
    tables = {f"bench.py::test_{at}": index for at, index in enumerate(indices)}

    def worth(run: Run) -> float:
        n, rate_so_far, _ = run.units.moments
        table = tables[run.hypothesis.node_id]
        return float(table[n, round(n * rate_so_far)]) / (1.0 + run.n_in_flight / halved_by)

    return lambda waiting: max(waiting, key=worth)


class Session:
    """30 hypotheses, sampled together by a policy, or one after the other."""

    def __init__(self, pairs: Sequence[Pair], seed: int, n_in_flight: int, policy: Policy | None) -> None:
        self._settings = Settings(seed=seed, concurrency=n_in_flight, max_trials=MAX_TRIALS)
        self._pairs = pairs
        self._policy = policy
        self.runs: list[Run] = []
        self._spent: dict[int, int] = {}

    def spent(self) -> dict[int, int]:
        """Sample until the last mark; return what was launched by each."""
        on_a_jumping_clock(self._sample)
        n_trials = sum(run.n_launched for run in self.runs)
        return {mark: self._spent.get(mark, n_trials) for mark in MARKS}

    async def _sample(self) -> None:
        pool = None
        if self._policy is not None:
            pool = Pool(self._policy, self._settings.concurrency, lambda run: "one")
        nobody: Any = None  # no model is asked, and no body blocks
        self.runs = [
            Run(_hypothesis(self._pairs, at, self._settings), nobody, nobody, self._watch, launcher=pool)
            for at in range(len(self._pairs))
        ]
        if pool is not None:
            pool.start(self.runs)
        for run in self.runs:
            if MARKS[-1] in self._spent:
                break
            await (run.go() if pool is None else pool.wait(run))
        if pool is not None:
            await pool.close()

    def _watch(self, _: Run) -> None:
        n_verdicts = sum(run.verdict is not Verdict.INCONCLUSIVE for run in self.runs)
        if n_verdicts in MARKS and n_verdicts not in self._spent:
            self._spent[n_verdicts] = sum(run.n_launched for run in self.runs)


def _earlier_sessions(pairs: Sequence[Pair], seed: int, n_sessions: int) -> Past:
    """Sample each hypothesis to its end, under several seeds; return what the ledger would tell."""
    nobody: Any = None
    past = Past({}, [])
    for at in range(len(pairs)):
        entries: list[Entry] = []
        n = ones = 0
        for number in range(1, n_sessions + 1):
            one = 1_000_000 * (number - 1) + seed
            settings = Settings(seed=one, concurrency=20, max_trials=MAX_TRIALS)
            run = Run(_hypothesis(pairs, at, settings), nobody, nobody)
            on_a_jumping_clock(run.go)
            entries += _entries(run, number)
            sampled, rate_of_ones, _ = run.units.moments
            n, ones = n + int(sampled), ones + round(sampled * rate_of_ones)
        earlier = earlier_of(entries, run.hypothesis)
        assert earlier is not None
        past.seen[run.hypothesis.node_id] = earlier
        past.tallies.append(Tally(n, ones))
    return past


def _entries(run: Run, number: int) -> list[Entry]:
    """Return what the ledger of attempts has of a run."""
    hypothesis = run.hypothesis
    attempt = Tried(
        test=hypothesis.node_id,
        sentence="",
        number=number,
        claim=str(hypothesis.claim),
        claim_hash=hypothesis.claim_hash,
        prompt="",
        body=hypothesis.body_digest,
        draws=str(number),
        model=hypothesis.model or "",
    )
    found = Found(
        test=hypothesis.node_id,
        sentence="",
        attempt=attempt.id,
        n=run.weigher.n,
        max_trials=MAX_TRIALS,
        measure=" & ".join(map(str, hypothesis.claim.statistics)),
        towards=1,
        estimate=run.estimate,
        low=None,
        high=None,
        verdict=run.verdict.value,
    )
    return [attempt, found]


def _hypothesis(pairs: Sequence[Pair], at: int, settings: Settings) -> Hypothesis:
    threshold, truth = pairs[at]
    again = pairs[:at].count(pairs[at])  # drawn, a pair may come more than once
    chance = random.Random(f"{settings.seed} {pairs[at]}{again or ''}")

    async def body(case: object, arm: str, trial: object) -> bool:
        outcome, latency_s = chance.random() < truth, chance.uniform(0.025, 0.075)
        await asyncio.sleep(latency_s)
        return outcome

    return hypothesis_of(
        body,
        "scripted/one",
        settings,
        max_trials=settings.max_trials,
        threshold=threshold,
        name=str(at),
        extend=False,
    )


def on_a_jumping_clock(work: Callable[[], Any]) -> None:
    """Run a coroutine function on a loop whose clock jumps to the next event instead of waiting for it."""
    now_s = [0.0]

    class Jumping(selectors.SelectSelector):
        def select(self, timeout: float | None = None) -> Any:
            now_s[0] += timeout or 0.0
            return super().select(0)

    loop = asyncio.SelectorEventLoop(Jumping())
    loop.time = lambda: now_s[0]  # type: ignore[method-assign]
    real, clocked.time = clocked.time, SimpleNamespace(monotonic=loop.time)  # type: ignore[assignment,attr-defined]
    try:
        with asyncio.Runner(loop_factory=partial(_same, loop)) as runner:
            runner.run(work())
    finally:
        clocked.time = real  # type: ignore[attr-defined]


def _same(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
    return loop


if __name__ == "__main__":
    main()
