"""What the page of a run shows, as plain values: made from the record, and known to nothing of HTML.

Every text of a model, of a user or of a server has been through `visible`: what a browser, a terminal or a
reader would act on is shown as an escape.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.as_covariate import as_covariates
from pytest_velo.report.comparison import RunComparison
from pytest_velo.report.document import RunDocument
from pytest_velo.report.earlier import compare_runs
from pytest_velo.report.found import counted
from pytest_velo.report.numbers import duration
from pytest_velo.report.page.conversation import shown
from pytest_velo.report.page.entries import Entry, entry_of, is_change
from pytest_velo.report.page.graph import Graph, graph_of
from pytest_velo.report.page.labelled import labelled_of
from pytest_velo.report.page.moved import Moved, flips_of, moved_of
from pytest_velo.report.page.repeated import Repeated, repeated_of
from pytest_velo.report.page.rungs import rungs_of
from pytest_velo.report.page.sample import MOST_TRANSCRIPTS, choose, shares
from pytest_velo.report.page.scripted import hypothesis_told, path_told, trials_told
from pytest_velo.report.predictions import predictions_text
from pytest_velo.report.summary import outcome_counts, short_names, total_texts
from pytest_velo.report.text import inline

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

MOST_ENTRIES = 1_000
"""Hypotheses in a page: each takes 4 kB of it, and a browser has to lay all of them out."""

_MOST_BYTES = 2_000_000
"""Of the compressed transcripts: far more than 1,000 of them usually take."""


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
        predicted: Predictions against findings; empty without any.
        found: How much checks found, by level; empty if nothing.
        spent, facts: What the run took, then how fast and how sure it was.
        entries: What needs attention first; of very many hypotheses, as many as a browser can show.
        left_out: How many others there are, by outcome; empty if there are none.
        repeated: The run that this one repeats; None if it repeats none.
        moved: What moved since an earlier run; None without one.
        graph: What assumes what; None if nothing does.
        against_baseline: The entries whose claim is about a change from the baseline.
        data: For the scripts: hypotheses, their paths, and the transcripts.
    """

    run_id: str
    outcome: str
    is_partial: bool
    counts: tuple[str, ...]
    predicted: str
    found: str
    spent: tuple[str, ...]
    facts: tuple[str, ...]
    entries: tuple[Entry, ...]
    left_out: tuple[str, ...]
    repeated: Repeated | None
    moved: Moved | None
    against_baseline: tuple[Entry, ...]
    matrix: Matrix | None
    graph: Graph | None
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
    old = {} if before is None else {result.node_id: result for result in before.document.results}
    contents = _contents(run, old, compared, most)
    entries, results = contents.entries, contents.results
    spent, facts = total_texts(document.results, document.duration_s)
    ranked = sorted(entries, key=lambda entry: _ORDER.index(Outcome(entry.outcome)))
    return Page(
        run_id=shown(document.run_id, 200),
        outcome=ranked[0].outcome if ranked else Outcome.SKIPPED.value,
        is_partial=run.is_partial,
        counts=tuple(outcome_counts(document.results)),
        predicted=predictions_text(document.results),
        found=counted(document.results),
        spent=tuple(spent),
        facts=tuple(facts),
        entries=tuple(ranked),
        left_out=tuple(_left_out(document.results, results)),
        repeated=repeated_of(document, [*old.values()], [*zip(entries, results, strict=True)]),
        moved=None
        if compared is None
        else moved_of(compared, {entry.node_id: (entry.id, entry.name) for entry in entries}),
        against_baseline=tuple(
            entry for entry, result in zip(entries, results, strict=True) if is_change(result)
        ),
        matrix=_matrix(entries, results),
        graph=graph_of(document.results, {entry.node_id: entry.id for entry in entries}),
        environment=tuple(_environment(run)),
        n_trials=sum(run.n_trials_of(result.node_id) for result in document.results),
        n_kept=len(contents.transcripts),
        data={"hypotheses": contents.told, "trials": contents.transcripts},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contents:
    """What a page has of the hypotheses in it, in the order of the run.

    Attributes:
        results: Theirs.
        entries: What the page shows of each.
        told: What its scripts get of each.
        transcripts: Of all of them.
    """

    results: Sequence[HypothesisResult]
    entries: list[Entry] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    transcripts: list[dict[str, Any]] = field(default_factory=list)


def _contents(
    run: Run, old: Mapping[str, HypothesisResult], compared: RunComparison | None, most: int
) -> _Contents:
    """Read the trials of one hypothesis after another, and keep what the page has of each."""
    every_name = short_names(run.document.results)
    shown_at = _in_page(run.document.results)
    found = _Contents(results=[run.document.results[at] for at in shown_at])
    numbers = {result.node_id: run.n_trials_of(result.node_id) for result in found.results}
    places = shares(numbers, most)
    pairs = {} if compared is None else {pair.node_id: pair for pair in compared.hypotheses}
    for at, result in enumerate(found.results):
        result = _with_trials(run, result)
        flips = flips_of(pairs.get(result.node_id))
        chosen = choose(result, places[result.node_id], flips)
        room = _MOST_BYTES * places[result.node_id] // max(1, sum(places.values()))
        kept = list(trials_told(at, chosen, flips, room, result.truth))
        path = path_told(result)
        name, before = every_name[shown_at[at]], old.get(result.node_id)
        entry = entry_of(at, result, name, before, n_kept=len(kept), has_path=path is not None)
        entry = replace(entry, rungs=tuple(rungs_of(run, result)), labelled=labelled_of(result))
        found.entries.append(entry)
        found.told.append(hypothesis_told(entry, result, path))
        found.transcripts.extend(kept)
    return found


def _in_page(results: Sequence[HypothesisResult]) -> list[int]:
    """Return the places of the hypotheses that a page has, in the order of the run."""
    places = sorted(range(len(results)), key=lambda at: _ORDER.index(results[at].outcome))
    return sorted(places[:MOST_ENTRIES])


def _left_out(every: Sequence[HypothesisResult], kept: Sequence[HypothesisResult]) -> list[str]:
    """Count by outcome what a page does not have."""
    left = Counter(result.outcome for result in every)
    left.subtract(result.outcome for result in kept)
    return [f"{left[outcome]:,} {outcome}" for outcome in _ORDER if left[outcome]]


def _with_trials(run: Run, result: HypothesisResult) -> HypothesisResult:
    return replace(result, trials=run.trials_of(result.node_id))


def _matrix(entries: Sequence[Entry], results: Sequence[HypothesisResult]) -> Matrix | None:
    """Return hypotheses by models, if any was asked of several."""
    cells: dict[str, dict[str, Entry]] = {}
    for entry, result in zip(entries, results, strict=True):
        name = _without_model(entry.name, result.model or "")
        row = cells.setdefault(entry.name if entry.model in cells.get(name, {}) else name, {})
        if entry.model:
            row[entry.model] = entry
    models = tuple(dict.fromkeys(model for row in cells.values() for model in row))
    if all(len(row) < 2 for row in cells.values()):
        return None
    asked = ((name, row) for name, row in cells.items() if row)
    return Matrix(
        models=models,
        rows=tuple((name, tuple(row.get(model) for model in models)) for name, row in asked),
    )


def _without_model(name: str, model: str) -> str:
    """Return the name of a test without its model among its parameters."""
    head, bracket, parameters = name.partition("[")
    if not bracket:
        return name
    others = parameters.removesuffix("]").replace(inline(model), "").replace("--", "-").strip("-")
    return f"{head}[{others}]" if others else head


def _environment(run: Run) -> Iterator[tuple[str, str]]:
    document, results = run.document, run.document.results
    yield "run", shown(document.run_id, 200)
    for what, words in () if run.is_partial else as_covariates(run):
        yield what, shown(words, 400)
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
