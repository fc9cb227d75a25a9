"""What the page of a run shows, as plain values: made from the record, and known to nothing of HTML.

Every text of a model, of a user or of a server has been through `visible`: what a browser, a terminal or a
reader would act on is shown as an escape.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from pytest_velo.baselines.written import claim_of
from pytest_velo.claims import Change
from pytest_velo.records import HypothesisResult, Outcome, OutcomeKind, TrialRecord
from pytest_velo.report.document import RunDocument, shown_trials, turn_of
from pytest_velo.report.earlier import compare_runs
from pytest_velo.report.failure import Row, headline, rows
from pytest_velo.report.lines import UNWRAPPED
from pytest_velo.report.numbers import dollars, duration, interval
from pytest_velo.report.outlook import outlook
from pytest_velo.report.page.conversation import Message, messages_of, shown
from pytest_velo.report.page.forest import Bar, Ghost, bar_of, thresholds_of
from pytest_velo.report.page.moved import Moved, flips_of, moved_of
from pytest_velo.report.page.path import path_of
from pytest_velo.report.page.sample import MOST_TRANSCRIPTS, Chosen, choose, shares
from pytest_velo.report.phrases import claim_text, mark, observed
from pytest_velo.report.summary import outcome_counts, prospect_lines, short_names, total_texts
from pytest_velo.report.text import inline
from pytest_velo.report.trials import outcome_text

if TYPE_CHECKING:
    from pytest_velo.report.load import Run

_ORDER = (
    Outcome.REFUTED,
    Outcome.ERROR,
    Outcome.INCONCLUSIVE,
    Outcome.SUPPORTED,
    Outcome.MEASURED,
    Outcome.SKIPPED,
)
"""What needs a reader's attention comes first."""

_MOST_BYTES = 2_000_000
"""Of the compressed transcripts: far more than 1,000 of them usually take."""

_IN_FULL = 2_000
"""Characters of a message that are shown without scripts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A trial that is shown without scripts."""

    title: str
    outcome: str
    location: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One statistic of a hypothesis in the forest plot; the label is empty where it is the only one."""

    label: str
    bar: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One hypothesis.

    Attributes:
        id: Its anchor, e.g. `h1`.
        headline: The certified inequality with its error rate, or what is wrong.
        sights: Trials against the claim with all arms of their case, or the one that ended it; further ones
            need scripts.
        prospect: What could decide it, if it is undecided; `command` continues it.
        has_against: There are trials against the claim.
        n_trials: Trials in the record.
        n_kept: Of these, in the page.
    """

    id: str
    outcome: str
    mark: str
    name: str
    node_id: str
    belief: str
    claim: str
    model: str
    headline: str
    observed: str
    interval: str
    n: str
    saved: str
    cost: str
    rows: tuple[Row, ...]
    plots: tuple[Plot, ...]
    sights: tuple[tuple[Sight, ...], ...]
    prospect: tuple[str, ...]
    command: str
    has_against: bool
    rerun: str
    has_path: bool
    n_trials: int
    n_kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Hypotheses by models; a cell is the entry, or None where that model was not asked."""

    models: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Entry | None, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything a page shows.

    Attributes:
        counts: How many hypotheses there are, in all and by outcome.
        spent, facts: What the run took, then how fast and how sure it was.
        entries: What needs attention first.
        moved: What moved since an earlier run; None without one.
        against_baseline: The entries whose claim is about a change from the baseline.
        data: For the scripts: hypotheses, their paths, and the transcripts.
    """

    run_id: str
    outcome: str
    is_partial: bool
    counts: tuple[str, ...]
    spent: tuple[str, ...]
    facts: tuple[str, ...]
    entries: tuple[Entry, ...]
    moved: Moved | None
    against_baseline: tuple[Entry, ...]
    matrix: Matrix | None
    environment: tuple[tuple[str, str], ...]
    n_trials: int
    n_kept: int
    data: Mapping[str, Any] = field(repr=False)


def page_of(run: Run, before: Run | None = None, *, most: int = MOST_TRANSCRIPTS) -> Page:
    """Gather what the page of a recorded run shows; the trials of one hypothesis are in memory at a time.

    Args:
        run: The run.
        before: An earlier run, to tell what moved since; None without.
        most: Most transcripts in the page.

    Raises:
        StoreError: The trials of a run cannot be read.
    """
    compared = None if before is None else compare_runs(before, run)
    document = run.document
    results = document.results
    names = short_names(results)
    numbers = {result.node_id: run.n_trials_of(result.node_id) for result in results}
    places = shares(numbers, most)
    old = {} if before is None else {result.node_id: result for result in before.document.results}
    entries, told, transcripts = [], [], []
    for at, (result, name) in enumerate(zip(results, names, strict=True)):
        result = _with_trials(run, result)
        flips = flips_of(compared, result.node_id)
        chosen = choose(result, places[result.node_id], flips)
        kept = list(
            _packed(at, chosen, flips, _MOST_BYTES * places[result.node_id] // max(1, sum(places.values())))
        )
        path = _path(result)
        entries.append(
            _entry(at, result, name, old.get(result.node_id), n_kept=len(kept), has_path=path is not None)
        )
        told.append(_told(entries[-1], result, path))
        transcripts += kept
    spent, facts = total_texts(results, document.duration_s)
    ranked = sorted(entries, key=lambda entry: _ORDER.index(Outcome(entry.outcome)))
    return Page(
        run_id=shown(document.run_id, 200),
        outcome=ranked[0].outcome if ranked else Outcome.SKIPPED.value,
        is_partial=run.is_partial,
        counts=tuple(outcome_counts(results)),
        spent=tuple(spent),
        facts=tuple(facts),
        entries=tuple(ranked),
        moved=None
        if compared is None
        else moved_of(compared, {entry.node_id: (entry.id, entry.name) for entry in entries}),
        against_baseline=tuple(
            entry for entry, result in zip(entries, results, strict=True) if _is_change(result)
        ),
        matrix=_matrix(entries, results),
        environment=tuple(_environment(document)),
        n_trials=sum(entry.n_trials for entry in entries),
        n_kept=len(transcripts),
        data={"hypotheses": told, "trials": transcripts},
    )


def _with_trials(run: Run, result: HypothesisResult) -> HypothesisResult:
    return replace(result, trials=run.trials_of(result.node_id))


def _is_change(result: HypothesisResult) -> bool:
    claim = claim_of(result.claim)
    return claim is not None and any(isinstance(statistic, Change) for statistic in claim.statistics)


def _entry(
    at: int,
    result: HypothesisResult,
    name: str,
    before: HypothesisResult | None,
    *,
    n_kept: int,
    has_path: bool,
) -> Entry:
    decision = result.decision
    ends = None if decision is None else decision.evidence.interval
    undecided = result.outcome is Outcome.INCONCLUSIVE
    prospect = [line.text.strip() for line in prospect_lines(result, UNWRAPPED)] if undecided else []
    ahead = outlook(result)
    command = inline(ahead.command) if ahead is not None else ""
    show = 1 if result.outcome in (Outcome.SUPPORTED, Outcome.MEASURED) else 3
    return Entry(
        id=f"h{at + 1}",
        outcome=result.outcome.value,
        mark=mark(result.outcome),
        name=name,
        node_id=result.node_id,
        belief=shown(result.belief, _IN_FULL),
        claim=shown(claim_text(result), _IN_FULL),
        model=shown(result.model or "", 200),
        headline=shown(headline(result).text, 20_000),
        observed=observed(result) if decision is not None else "",
        interval="" if ends is None else interval(ends),
        n="" if decision is None else f"{decision.evidence.n:,} of {result.max_trials:,}",
        saved="" if decision is None or not decision.n_saved else f"{decision.n_saved:,}",
        cost=_cost(result),
        rows=tuple(row._replace(text=shown(row.text)) for row in rows(result, 1) if row.label != "belief"),
        plots=tuple(_plots(result, before)),
        sights=tuple(
            tuple(_sight(trial, result) for trial in turn)
            for _, turn in islice(groupby(shown_trials(result, show), key=turn_of), 2 * show)
        ),
        prospect=tuple(shown(text) for text in prospect if text not in (command, inline(result.rerun))),
        command=command,
        has_against=bool(result.telling),
        rerun=inline(result.rerun),
        has_path=has_path,
        n_trials=len(result.trials),
        n_kept=n_kept,
    )


def _cost(result: HypothesisResult) -> str:
    if result.decision is None and not result.n_calls:
        return ""
    return dollars(result.cost_usd) + (" + $?" if result.outside else "")


def _plots(result: HypothesisResult, before: HypothesisResult | None) -> Iterator[Plot]:
    """Place what was observed on the scale of each statistic; nothing for a claim that is not one of ours."""
    claim, decision = claim_of(result.claim), result.decision
    if claim is None or decision is None:
        return
    ghosts = _ghosts(result, before, len(claim.statistics))
    seen = [(part.estimate, part.interval) for part in decision.parts] or [
        (decision.evidence.estimate, decision.evidence.interval)
    ]
    if len(seen) != len(claim.statistics):
        return
    for statistic, ends, (estimate, around), ghost in zip(
        claim.statistics, thresholds_of(claim), seen, ghosts, strict=True
    ):
        label = shown(str(statistic), 80) if len(seen) > 1 else ""
        yield Plot(label=label, bar=bar_of(statistic, ends, estimate, around, ghost))


def _ghosts(
    result: HypothesisResult, before: HypothesisResult | None, n_parts: int
) -> Sequence[Ghost | None]:
    """Return what each statistic was before: in an earlier run, or 0 for a change from the baseline."""
    if _is_change(result):
        return [Ghost(estimate=0.0, interval=None, name="the baseline")]
    nothing = [None] * n_parts
    if before is None or before.decision is None or before.claim != result.claim:
        return nothing
    old = before.decision
    seen = [(part.estimate, part.interval) for part in old.parts] or [
        (old.evidence.estimate, old.evidence.interval)
    ]
    if len(seen) != n_parts:
        return nothing
    return [
        None if estimate is None else Ghost(estimate=estimate, interval=around, name="before")
        for estimate, around in seen
    ]


def _sight(trial: TrialRecord, result: HypothesisResult) -> Sight:
    ended = result.outcome is Outcome.ERROR and trial.kind is not OutcomeKind.INVALID
    return Sight(
        title=_title(trial),
        outcome=shown(trial.detail if ended else outcome_text(trial), _IN_FULL),
        location=shown(trial.location, 400),
        messages=tuple(messages_of(trial, _IN_FULL)),
    )


def _title(trial: TrialRecord) -> str:
    parts = [f"trial {trial.index}"]
    if trial.case_id:
        parts.append(f"case {inline(trial.case_id, 80)}")
    if trial.arm:
        parts.append(f"arm {inline(trial.arm, 80)}")
    return " · ".join([*parts, f"repeat {trial.repeat}", f"seed {trial.seed}"])


def _path(result: HypothesisResult) -> dict[str, Any] | None:
    """Return the evidence path for the scripts, in logs to base 10; None where the record does not tell."""
    claim, path = claim_of(result.claim), path_of(result)
    if claim is None or path is None or not path.n:
        return None
    return {
        "n": path.n,
        "followed": path.followed,
        "parts": [
            {
                "name": shown(str(statistic), 80),
                "scale": [statistic.scale.low, statistic.scale.high],
                "thresholds": ends,
                "estimates": [_rounded(value) for value in estimates],
            }
            for statistic, ends, estimates in zip(
                claim.statistics, thresholds_of(claim), path.estimates, strict=True
            )
        ],
        "support": [_rounded(pair[0] / _LN_10) for pair in path.log_e],
        "refute": [_rounded(pair[1] / _LN_10) for pair in path.log_e],
        "boundaries": [_rounded(end / _LN_10) for end in path.boundaries or ()],
        "unit": "trials" if result.unit is None else f"{result.unit.value}s",
    }


_LN_10 = math.log(10.0)


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 4)


def _told(entry: Entry, result: HypothesisResult, path: Mapping[str, Any] | None) -> dict[str, Any]:
    decision = result.decision
    ends = None if decision is None else decision.evidence.interval
    return {
        "id": entry.id,
        "name": entry.name,
        "belief": entry.belief,
        "model": entry.model,
        "outcome": entry.outcome,
        "mark": entry.mark,
        "interval": None if ends is None else [_rounded(ends.low), _rounded(ends.high)],
        "n": entry.n_trials,
        "path": path,
    }


def _packed(
    at: int, chosen: Sequence[Chosen], flips: Mapping[int, str], room: int
) -> Iterator[dict[str, Any]]:
    """Yield trials for the scripts, as long as they fit into `room` bytes once they are compressed."""
    packer = zlib.compressobj(6)
    for one in chosen:
        told = _trial(at, one, flips)
        texts = "".join(text for _, text, _ in told["messages"])
        room -= len(packer.compress(texts.encode("utf-8", "replace")) + packer.flush(zlib.Z_SYNC_FLUSH))
        if room < 0:
            return
        yield told


def _trial(at: int, one: Chosen, flips: Mapping[int, str]) -> dict[str, Any]:
    trial = one.trial
    facts = {
        "hypothesis": at,
        "index": trial.index,
        "case": shown(trial.case_id, 200),
        "repeat": trial.repeat,
        "arm": shown(trial.arm, 200),
        "seed": str(trial.seed),
        "kind": trial.kind.value,
        "outcome": shown(outcome_text(trial)),
        "location": shown(trial.location, 400),
        "sampled": one.sampled,
        "against": one.against,
        "was": flips.get(trial.index, ""),
        "messages": [list(message) for message in messages_of(trial)],
    }
    return {name: value for name, value in facts.items() if value or name in _ALWAYS}


_ALWAYS = frozenset({"hypothesis", "index", "repeat", "kind", "messages"})


def _matrix(entries: Sequence[Entry], results: Sequence[HypothesisResult]) -> Matrix | None:
    """Return hypotheses by models, if any was asked of several."""
    cells: dict[str, dict[str, Entry]] = {}
    for entry, result in zip(entries, results, strict=True):
        if entry.model:
            cells.setdefault(_without_model(entry.name, result.model or ""), {})[entry.model] = entry
    models = tuple(dict.fromkeys(model for row in cells.values() for model in row))
    if all(len(row) < 2 for row in cells.values()):
        return None
    return Matrix(
        models=models,
        rows=tuple((name, tuple(row.get(model) for model in models)) for name, row in cells.items()),
    )


def _without_model(name: str, model: str) -> str:
    """Return the name of a test without its model among its parameters."""
    head, bracket, parameters = name.partition("[")
    if not bracket:
        return name
    others = parameters.removesuffix("]").replace(inline(model), "").replace("--", "-").strip("-")
    return f"{head}[{others}]" if others else head


def _environment(document: RunDocument) -> Iterator[tuple[str, str]]:
    results = document.results
    yield "run", shown(document.run_id, 200)
    yield "started", shown(document.started_at, 80)
    yield "took", duration(document.duration_s)
    yield "seed", str(document.seed)
    yield "draws", f"mode {shown(document.mode, 40)}"
    yield "models", ", ".join(shown(model, 200) for model in _models(document)) or "none"
    served = sorted({model for result in results for model in result.models_served})
    yield "served by", ", ".join(shown(model, 200) for model in served) or "no model said who it is"
    yield "pytest-velo", shown(document.velo_version, 80)
    for name, text in document.environment.items():
        yield shown(name, 80), shown(text, 200)


def _models(document: RunDocument) -> Collection[str]:
    """Return the models of the session, then those of single hypotheses."""
    asked = (result.model for result in document.results if result.model is not None)
    return dict.fromkeys([*document.models, *asked])
