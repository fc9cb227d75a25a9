"""The record of a run that is written at once, when all of its hypotheses have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pytest_velo.records import HypothesisResult
from pytest_velo.report.document import RunDocument
from pytest_velo.report.record import append_trials, create_run, merge_trials, trial_lines, write_run
from pytest_velo.version import __version__


def write_whole_run(
    cache_dir: Path,
    started_at: datetime,
    results: Sequence[HypothesisResult],
    *,
    seed: int,
    mode: str,
    models: tuple[str, ...],
    environment: Mapping[str, str] | None = None,
) -> RunDocument:
    """Write the record, and return its document.

    Raises:
        StoreError: It cannot be written.
    """
    folder = create_run(cache_dir, started_at)
    append_trials(folder, {result.node_id: trial_lines(result) for result in results})
    merge_trials(folder)
    document = RunDocument(
        velo_version=__version__,
        run_id=folder.name,
        started_at=started_at.isoformat(timespec="seconds"),
        duration_s=(datetime.now(UTC) - started_at).total_seconds(),
        seed=seed,
        mode=mode,
        models=models,
        results=tuple(results),
        environment=environment or {},
    )
    write_run(folder, document)
    return document
