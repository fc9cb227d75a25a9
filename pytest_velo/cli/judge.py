"""`velo judge`: a verdict on logs of somebody else's run."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from pytest_velo.cache.store import Store
from pytest_velo.claims import AnyClaim, Estimation, Mean, Rate, difference
from pytest_velo.claims.text import claim_in
from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.integration.config.options import in_ci
from pytest_velo.logs.arms import read_arms
from pytest_velo.logs.grid import Grid, make_grid
from pytest_velo.logs.judging import Options
from pytest_velo.logs.judging import judge as judge_claim
from pytest_velo.logs.log import Kind, Log
from pytest_velo.logs.scores import is_binary, names_of, score_of
from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report import record
from pytest_velo.report.judged import Judged, judged_lines
from pytest_velo.report.numbers import count
from pytest_velo.report.whole_run import write_whole_run
from pytest_velo.runner.frame import Over
from pytest_velo.runner.looks import Looks
from pytest_velo.runner.result import result_of

_TYPED = "pytest_velo.judge"


class _Misused(click.ClickException):
    """Ends the command as pytest ends where it is used wrongly: 1 says that a claim is refuted."""

    exit_code = 4


class _Judge(click.Command):
    """Ends with pytest's exit codes, and knows how it was typed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the arguments, for the line that judges again."""
        ctx.meta[_TYPED] = list(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a mistake is no verdict."""
        try:
            return super().invoke(ctx)
        except VeloError as error:
            raise _Misused(str(error)) from error


def _named(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read `NAME=FILE`."""
    named: dict[str, str] = {}
    for value in values:
        name, equals, file = value.partition("=")
        if not (name and equals and file):
            raise click.BadParameter(f"{value!r} is not NAME=FILE, e.g. --arm old=logs/first.eval")
        if name in named:
            raise click.BadParameter(f"two logs are named {name!r}")
        named[name] = file
    return named


@click.command(cls=_Judge)
@click.argument("logs", nargs=-1, metavar="LOG...")
@click.option("-c", "--claim", "claims", multiple=True, help="What is claimed; may be given several times.")
@click.option("--arm", "named", multiple=True, callback=_named, help="NAME=FILE: a log under another name.")
@click.option("--score", help="The score (metric, column) that claims are about.")
@click.option("--group", help="A field of the samples: those with the same value belong together.")
@click.option("--id", "id_field", help="The field that says which samples are the same, e.g. input.")
@click.option(
    "--format",
    "kind",
    type=click.Choice([each.value for each in Kind]),
    help="What wrote the logs (default: told by content).",
)
@click.option("--alpha", default=0.05, show_default=True, help="P(a false claim is supported), at most.")
@click.option("--beta", default=0.05, show_default=True, help="P(a true claim is refuted), at most.")
@click.option("--margin", default=0.0, help="How far off a claim must be to count as false.")
@click.option(
    "--over",
    type=click.Choice([each.value for each in Over]),
    default=Over.POPULATION.value,
    show_default=True,
    help="What claims are about: what the samples came from, or these samples, picked with replacement.",
)
@click.option("--once", is_flag=True, help="Claim about these recorded outcomes only (a census).")
@click.option("--seed", default=0, show_default=True, help="Of the order that samples are looked at in.")
@click.option("--show", "--velo-show", default=3, show_default=True, help="Samples shown of each kind.")
@click.option(
    "--strict/--no-strict",
    default=None,
    envvar="VELO_STRICT",
    help="End with 1 if a claim is undecided (default: where CI is set).",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, help="Processes that read the logs.")
@click.option("-v", "--verbose", count=True, help="Show more; twice: whole texts.")
@cache_dir_option("--velo-cache-dir")
@click.pass_context
def judge(
    ctx: click.Context,
    logs: tuple[str, ...],
    claims: tuple[str, ...],
    named: dict[str, str],
    score: str | None,
    group: str | None,
    id_field: str | None,
    kind: str | None,
    alpha: float,
    beta: float,
    margin: float,
    over: str,
    once: bool,
    seed: int,
    show: int,
    strict: bool | None,
    jobs: int,
    verbose: int,
    cache_dir: Path,
) -> None:
    """Judge claims on logs of Inspect, lm-evaluation-harness, promptfoo, deepeval, or rows of outcomes.

    A log is an arm, named after its file: velo judge a.eval b.eval -c 'difference("a", "b") >= 0.05'. Samples
    are paired by id, epochs are draws of a sample, and errored or missing ones are invalid: a verdict holds
    whatever they would have been. Without a claim: estimates with intervals.

    Ends with 0, 1 if a claim is refuted (or, with --strict, undecided), 4 if the logs cannot be judged.

    \f

    """  # noqa: D301 - click shows nothing below \f
    started_at = datetime.now(UTC)
    options = Options(
        alpha=_share("--alpha", alpha),
        beta=_share("--beta", beta),
        margin=margin,
        seed=seed,
        over=Over(over),
        once=once,
        score=score,
        rerun=shlex.join(["velo", "judge", *ctx.meta[_TYPED]]),
    )
    asked = list({str(claim): claim for claim in map(claim_in, claims)}.values())
    arms = read_arms(logs, named, kind=None if kind is None else Kind(kind), id_field=id_field, jobs=jobs)
    judging = _Judging(arms, group, options, cache_dir)
    judging.claims(asked) if asked else judging.estimates()
    judged = judging.write(started_at)
    width = max(40, shutil.get_terminal_size().columns)
    for line in judged_lines(judged, max(0, show), verbose, width=width, encoding=sys.stdout.encoding):
        markup = line.style.markup
        colour = next((name for name in ("red", "green", "yellow") if name in markup), None)
        click.secho(line.text, fg=colour, bold=markup.get("bold"), dim=markup.get("light"))
    ctx.exit(_exit_code(judged.results, strict=in_ci() if strict is None else strict))


def _share(option: str, value: float) -> float:
    if not 0.0 < value < 1.0:
        raise UsageError(f"must be between 0 and 1, got {value:g}", where=option, fix=f"{option}=0.05")
    return value


def _exit_code(results: Sequence[HypothesisResult], *, strict: bool) -> int:
    outcomes = {result.outcome for result in results}
    return int(Outcome.REFUTED in outcomes or (strict and Outcome.INCONCLUSIVE in outcomes))


class _Judging:
    """What is judged on the way to a record."""

    def __init__(self, arms: Mapping[str, Log], group: str | None, options: Options, cache_dir: Path) -> None:
        self._arms = arms
        self._group = group
        self._options = options
        self._cache_dir = cache_dir
        self._results: list[HypothesisResult] = []
        self._skipped: list[str] = []
        self._grids: dict[tuple[str, ...], Grid] = {}

    def claims(self, claims: Sequence[AnyClaim]) -> None:
        """Judge claims: a difference once, any other on every log."""
        for claim in claims:
            compared = claim.statistics[0].arms
            for arms in [tuple(self._arms)] if compared else [(arm,) for arm in self._arms]:
                self._judge(claim, self._grid(arms))

    def estimates(self) -> None:
        """Estimate every score of every log, and the difference of two logs that share it."""
        found: dict[str, dict[str, Rate | Mean]] = {}
        for arm, log in self._arms.items():
            found[arm] = dict(self._statistics(arm, log))
            for statistic in found[arm].values():
                self._judge(Estimation(statistic=statistic, halfwidth=None), self._grid((arm,)))
        if len(self._arms) == 2:
            first, second = self._arms
            for score, of in found[first].items():
                if found[second].get(score) == of:
                    both = difference(first, second, of=of)
                    self._judge(Estimation(statistic=both, halfwidth=None), self._grid((first, second)))
        if not self._results:
            raise UsageError(
                "there is nothing to estimate: " + "; ".join(self._skipped),
                fix="give the range of the scores: -c 'estimate(mean(0, 10))'",
            )

    def write(self, started_at: datetime) -> Judged:
        """Write the record, and return what was judged.

        Raises:
            StoreError: It cannot be written.
        """
        document = write_whole_run(
            self._cache_dir,
            started_at,
            self._results,
            seed=self._options.seed,
            mode=record.JUDGED,
            models=tuple(dict.fromkeys(log.model for log in self._arms.values() if log.model)),
        )
        return Judged(
            logs={arm: _told(log) for arm, log in self._arms.items()},
            results=tuple(self._results),
            run_id=document.run_id,
            skipped=tuple(self._skipped),
        )

    def _grid(self, arms: tuple[str, ...]) -> Grid:
        if arms not in self._grids:
            self._grids[arms] = make_grid({arm: self._arms[arm] for arm in arms}, self._group)
        return self._grids[arms]

    def _judge(self, claim: AnyClaim, grid: Grid) -> None:
        run = judge_claim(claim, grid, self._options)
        result = result_of(run)
        if run.weigher.kind != "calibrated":  # the order matters, so another seed is another look
            looked = replace(run.hypothesis, node_id=f"velo judge {getattr(claim, 'shape', claim)}")
            with_looks = _open_store(self._cache_dir)
            try:
                result = Looks(with_looks, looked).note(run, result)
            finally:
                with_looks.close()
        facts = (
            *(f"{arm}: {_told(grid.logs[arm], whole=True)}" for arm in grid.arms),
            _certifies(self._options),
        )
        self._results.append(replace(result, facts=(*result.facts, *facts)))

    def _statistics(self, arm: str, log: Log) -> Iterator[tuple[str, Rate | Mean]]:
        """Yield what can be estimated of a log: rates, and means of scores whose range is 0 to 1."""
        wanted = self._options.score
        usual = log.kind is Kind.ROWS and (log.passed or log.graded)
        names = names_of(log) if wanted is None and not usual else (score_of(log, wanted or usual or None),)
        if not names:
            score_of(log, None)  # raises the reason
        for name in names:
            shown = None if len(names) == 1 else name
            if is_binary(log, name):
                yield name, Rate(shown)
            elif all(0.0 <= sample.scores.get(name, 0.0) <= 1.0 for sample in log.samples):
                yield name, Mean(shown)
            else:
                self._skipped.append(
                    f"{name} of {arm}: its scores are not in 0 to 1, and their range is not known;"
                    f" -c 'estimate(mean(0, 10, \"{name}\"))' says it"
                )


def _open_store(cache_dir: Path) -> Store:
    cache_dir.mkdir(parents=True, exist_ok=True)
    return Store.open(cache_dir / "draws.sqlite")


def _told(log: Log, *, whole: bool = False) -> str:
    """Say what a log is; `whole` gives all digits of its digest."""
    what = [
        log.kind.value,
        *([f"task {log.task}"] if log.task else []),
        *([f"model {log.model}"] if log.model else []),
    ]
    n_ids = len({sample.id for sample in log.samples})
    n_epochs = len({sample.epoch for sample in log.samples})
    samples = count(n_ids, "sample") + (f" in {n_epochs} epochs" if n_epochs > 1 else "")
    digest = log.digest if whole else log.digest[:12]
    return f"{log.path} ({', '.join(what)}; {samples}; sha256 {digest})"


def _certifies(options: Options) -> str:
    """Say what a verdict is about, and how the samples were looked at."""
    if options.once:
        return "each recorded outcome looked at once: about these outcomes, not about what made them"
    if options.over is Over.CASES:
        return "samples picked with replacement, each pick a draw of its own: about these samples"
    return (
        "each sample looked at once, in random order: about what these samples were drawn from, as if they"
        " had been drawn from it at random"
    )
