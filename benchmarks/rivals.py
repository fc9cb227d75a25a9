"""Error rates of other pytest plugins that repeat a test and decide, exactly, against ours.

The question is a rate: should `rate >= threshold` pass? For each plugin, at settings that its own documents
show and at as many trials as ours may take: how often does it go green or red at true rates around the
threshold, and how many trials does it take?

Each decision is the plugin's own. For every count of successes at which it can stop, its installed package
runs under pytest on a scripted sequence of passes and failures with that count, and says green or red. The
probabilities are then sums over those counts, so there is no luck in the figures: they are the same
everywhere. A plugin that may stop early decides by count and number of trials alone; where it stops is asked
of its own function, and the run on the sequence must have decided there. The trials of a sequence are counted
as they were made.

    python -m venv rivals && . rivals/bin/activate
    pip install . numpy scipy agentcheck-pytest-plugin pytest-repeated pytest-agent-eval
    python benchmarks/rivals.py                      # the tables, at threshold 0.8
    python benchmarks/rivals.py --threshold 0.9
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from measuring import machine, print_table
from pytest_agentcheck.stats import sequential_verdict

from pytest_velo import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.planning.operating import law_with_futility
from pytest_velo.stats.rules.rate import make_rate_rule

ALPHA = 0.05
STEPS = (-0.1, -0.05, 0.0, 0.05, 0.1)
PACKAGES = ("agentcheck-pytest-plugin", "pytest-repeated", "pytest-agent-eval")

Path_ = tuple[bool, ...]
"""Passes and failures of the trials, in order."""


class Law(NamedTuple):
    """What a way of deciding does at one true rate: P(green), P(red), mean number of trials."""

    green: float
    red: float
    mean_n: float


class End(NamedTuple):
    """What a plugin did with a sequence: what it decided, and how many trials it made."""

    green: bool
    n_trials: int


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A plugin at some settings.

    Attributes:
        name: The plugin and its settings.
        way: The plugin, and which of its ways to decide this is.
        plugin: The module of its hooks.
        test: A test file that runs `script`, a list of passes and failures, as its trials.
        options: Options that it needs.
        n: The most trials it takes.
        red_says: Whether red says that the rate is too low, or only that it is not known to be high enough.
        stops: Tells whether it stops after some successes among so many trials; None if it never stops early.
        rule: What it does, in words.
        promise: What it says of that.
    """

    name: str
    way: str
    plugin: str
    test: str
    n: int
    rule: str
    promise: str
    red_says: bool = True
    options: tuple[str, ...] = ()
    stops: Callable[[int, int], bool] | None = None


MARKED = """
import pytest
from scripts import SCRIPTS

@pytest.mark.parametrize("at", range(len(SCRIPTS)))
@pytest.mark.{mark}
def test_it(at):
    assert SCRIPTS[at].next()
"""
AGENT = """
import asyncio
import pytest
from pytest_agent_eval import ContainsEvaluator, Expect, Turn
from scripts import SCRIPTS

@pytest.mark.parametrize("at", range(len(SCRIPTS)))
@pytest.mark.{mark}
def test_it(agent_eval, at):
    async def agent(history):
        return ("yes" if SCRIPTS[at].next() else "no"), []

    turns = [Turn(user="?", expect=Expect(evaluators=[ContainsEvaluator(any_of=["yes"])]))]
    asyncio.run(agent_eval.run(agent=agent, turns=turns)).assert_threshold()
"""
SCRIPTS = """
class Script:
    def __init__(self, outcomes):
        self.outcomes, self.n_taken = outcomes, 0

    def next(self):
        self.n_taken += 1
        return self.outcomes[self.n_taken - 1] if self.n_taken <= len(self.outcomes) else {beyond}

SCRIPTS = [Script(outcomes) for outcomes in {paths!r}]
"""


_ONE_MORE = "; one more trial is made, which does not count"


def rivals(threshold: float) -> list[Rival]:
    """Return the plugins at the settings that are compared."""
    return [
        *(_agentcheck(threshold, runs) for runs in (20, 200)),
        *(_repeated_count(threshold, n) for n in (20, 200)),
        _repeated_test(threshold, 200),
        _repeated_bayes(threshold, 200),
        *(_agent_eval(threshold, runs) for runs in (3, 200)),
    ]


def _agentcheck(threshold: float, runs: int) -> Rival:
    mark = f"agentcheck(runs={runs}, min_pass_rate={threshold}, confidence=0.95)"

    def stops(successes: int, trials: int) -> bool:
        return bool(sequential_verdict(successes, trials, runs, threshold, 0.95).should_stop)

    return Rival(
        name=f"agentcheck, runs={runs}",
        way="agentcheck-pytest-plugin",
        plugin="pytest_agentcheck.plugin",
        test=MARKED.format(mark=mark),
        n=runs,
        stops=stops,
        rule="stops where the count can no longer miss or reach the threshold, or where Wilson's 95%"
        " interval lies below it (from the 5th trial on, at each) or above it (from half of the trials on);"
        " an interval that holds it at the end is green if the observed rate is at least the threshold",
        promise='stops "as soon as passing (or failing) the minimum pass rate is statistically guaranteed"',
    )


def _repeated_count(threshold: float, n: int) -> Rival:
    fewest = round(threshold * n)
    return Rival(
        name=f"pytest-repeated, times={n}, threshold={fewest}",
        way="pytest-repeated, `threshold=`",
        plugin="pytest_repeated.plugin",
        test=MARKED.format(mark=f"repeated(times={n}, threshold={fewest})"),
        n=n,
        rule="green if at least `threshold` of `times` trials pass; then one more trial is made, which does"
        " not count",
        promise="none about the rate",
    )


def _repeated_test(threshold: float, n: int) -> Rival:
    return Rival(
        name=f"pytest-repeated, null={threshold:g}, ci=0.95, n={n}",
        way="pytest-repeated, `null=`",
        plugin="pytest_repeated.plugin",
        test=MARKED.format(mark=f"repeated(null={threshold}, ci=0.95, n={n})"),
        n=n,
        rule="green if a one-sided test at 5% rejects `rate <= null` (binomial, or normal with continuity"
        " correction where n is large), otherwise red" + _ONE_MORE,
        promise="green at most 5% of the time if the rate is the null or less; red says nothing",
        red_says=False,
    )


def _repeated_bayes(threshold: float, n: int) -> Rival:
    settings = f"posterior_threshold_probability=0.9, success_rate_threshold={threshold}, n={n}"
    return Rival(
        name=f"pytest-repeated, posterior 0.9, n={n}",
        way="pytest-repeated, `posterior_threshold_probability=`",
        plugin="pytest_repeated.plugin",
        test=MARKED.format(mark=f"repeated({settings})"),
        n=n,
        rule="green if P(rate > threshold) is at least 90% under a uniform prior, otherwise red" + _ONE_MORE,
        promise="a belief of 90%, given the prior",
        red_says=False,
    )


def _agent_eval(threshold: float, runs: int) -> Rival:
    return Rival(
        name=f"pytest-agent-eval, runs={runs}",
        way="pytest-agent-eval",
        plugin="pytest_agent_eval.plugin",
        test=AGENT.format(mark=f"agent_eval(threshold={threshold}, runs={runs})"),
        n=runs,
        options=("--agent-eval-live",),
        rule="green if the observed rate is at least the threshold",
        promise="none about the rate",
    )


def main() -> None:
    """Compute and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threshold", type=float, default=0.8, help="the rate that is asked for (0.8)")
    threshold: float = parser.parse_args().threshold
    truths = [truth for step in STEPS if 0.0 < (truth := round(threshold + step, 9)) <= 1.0]
    compared = rivals(threshold)
    laws = {f"pytest-velo, max_trials={n}": ours(threshold, n, truths) for n in (20, 200)}
    for rival in compared:
        law = law_of(rival)
        laws[rival.name] = [law(truth) for truth in truths]
    print(machine("pytest", "scipy", *PACKAGES))
    _print_verdicts(threshold, truths, laws)
    _print_rules(compared)


def ours(threshold: float, max_trials: int, truths: Sequence[float]) -> list[Law]:
    """Return the law of a hypothesis with our defaults: green is supported, red is refuted."""
    rule = make_rate_rule(rate >= threshold, Design(alpha=ALPHA, beta=ALPHA, max_units=max_trials))
    laws = law_with_futility(rule, usual_futility(max_trials))(truths)
    return [Law(law.supported, law.refuted, law.mean_n) for law in laws]


def law_of(rival: Rival) -> Callable[[float], Law]:
    """Return a plugin's law, as a function of the true rate."""
    paths = _paths(rival)
    ends = dict(zip(paths, _ends(rival, list(paths.values())), strict=True))

    def law(truth: float) -> Law:
        going = {0: 1.0}
        green = red = mean_n = 0.0
        for trials in range(1, rival.n + 1):
            after: dict[int, float] = {}
            for successes, mass in going.items():
                after[successes] = after.get(successes, 0.0) + mass * (1 - truth)
                after[successes + 1] = after.get(successes + 1, 0.0) + mass * truth
            for successes in [each for each in after if (each, trials) in ends]:
                mass, end = after.pop(successes), ends[successes, trials]
                green, red = (green + mass, red) if end.green else (green, red + mass)
                mean_n += mass * end.n_trials
            going = after
        assert not going
        return Law(green, red, mean_n)

    return law


def _paths(rival: Rival) -> dict[tuple[int, int], Path_]:
    """Return a path of outcomes to each (successes, trials) at which the plugin stops."""
    going: dict[int, Path_] = {0: ()}
    ended: dict[tuple[int, int], Path_] = {}
    for trials in range(1, rival.n + 1):
        after: dict[int, Path_] = {}
        for successes, path in going.items():
            for passed in (False, True):
                after.setdefault(successes + passed, (*path, passed))
        is_last = trials == rival.n
        stopping = [
            each for each in after if is_last or (rival.stops is not None and rival.stops(each, trials))
        ]
        ended |= {(successes, trials): after.pop(successes) for successes in stopping}
        going = after
    return ended


def _ends(rival: Rival, paths: Sequence[Path_]) -> list[End]:
    """Let the plugin decide on each path, and check that neither order nor what comes later matters."""
    ends = _run(rival, paths, beyond=True)
    backwards = paths if rival.stops else [path[::-1] for path in paths]
    again = _run(rival, backwards, beyond=False)
    assert ends == again, f"{rival.name} does not decide by the count of passes alone"
    early = [path for path, end in zip(paths, ends, strict=True) if end.n_trials < len(path)]
    assert not early, f"{rival.name} stops earlier than it says: {early[0]}"
    return ends


def _run(rival: Rival, paths: Sequence[Path_], *, beyond: bool) -> list[End]:
    """Run the plugin under pytest on each path, after which all trials are as `beyond`."""
    seen = _Seen()
    with tempfile.TemporaryDirectory() as folder, _alone() as scripts:
        text = SCRIPTS.replace("{paths!r}", repr(paths)).replace("{beyond}", repr(beyond))
        (Path(folder) / "scripts.py").write_text(text, encoding="utf-8")
        (Path(folder) / "test_it.py").write_text(rival.test, encoding="utf-8")
        arguments = ["-q", "-p", "no:cacheprovider", "-p", rival.plugin, *rival.options, folder]
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            pytest.main(["--rootdir", folder, "--import-mode=prepend", *arguments], plugins=[seen])
        taken = [script.n_taken for script in scripts()]
    assert len(seen.passed) == len(paths), said.getvalue()
    return [End(seen.passed[at], n_trials) for at, n_trials in enumerate(taken)]


class _Seen:
    """Collects what pytest reports of each path."""

    def __init__(self) -> None:
        self.passed: dict[int, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a call's outcome."""
        if report.when == "call":
            at = int(report.nodeid.partition("[")[2].rstrip("]"))
            self.passed[at] = report.outcome == "passed"


@contextlib.contextmanager
def _alone() -> Iterator[Callable[[], Sequence[Any]]]:
    """Let pytest load the one plugin and no other, and forget the test's modules afterwards."""
    before, path = dict(os.environ), [*sys.path]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ["PYTHONWARNINGS"] = "ignore"
    try:
        yield lambda: sys.modules["scripts"].SCRIPTS
    finally:
        os.environ.clear()
        os.environ.update(before)
        sys.path[:] = path
        for name in ("scripts", "test_it"):
            sys.modules.pop(name, None)


def _print_verdicts(threshold: float, truths: Sequence[float], laws: Mapping[str, Sequence[Law]]) -> None:
    rows = [
        [name, *(f"{law.green:.1%} / {law.red:.1%} / {law.mean_n:.0f}" for law in found)]
        for name, found in laws.items()
    ]
    columns = ["plugin", *(_column(truth, threshold) for truth in truths)]
    print_table(f"P(green) / P(red) / mean trials of `rate >= {threshold:g}`, exact", columns, rows)


def _column(truth: float, threshold: float) -> str:
    return f"rate {truth:g}" + (" (the threshold)" if truth == threshold else "")


def _print_rules(compared: Sequence[Rival]) -> None:
    rows = [
        [
            "pytest-velo",
            "green if supported, red if refuted; the rest is undecided, which ends a run with 1 only under"
            " `--velo-strict` (on in CI)",
            "green at most 5% of the time if the rate is the threshold or less, red at most 5% of the time if"
            " it is the threshold or more",
        ],
        *([rival.way, rival.rule, rival.promise] for rival in {each.way: each for each in compared}.values()),
    ]
    print_table("The rules, and what each promises", ["plugin", "rule", "promise"], rows)


if __name__ == "__main__":
    main()
