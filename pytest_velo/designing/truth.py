"""The labels that `truth=` in a mark names, read before anything is sampled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pytest_velo.case_sets import Planned
from pytest_velo.designing.spec import Spec
from pytest_velo.errors import UsageError
from pytest_velo.labelling import EVERY, check_name, read_labels
from pytest_velo.runner.labelled import Labels
from pytest_velo.stats.engine.blocks import CENTRING
from pytest_velo.stats.engine.design import Design
from pytest_velo.truth import LabelSource

USUAL_CORRELATION = 0.7
"""Assumed of a judge before any label, in plans alone: that of one that agrees with people in 85 of 100."""


def every_of(spec: Spec) -> int | None:
    """Return of how many trials one is labelled; None where no label counts."""
    source: LabelSource | None = spec.get("truth")
    return None if source is None else source.every or EVERY


def in_blocks(design: Design, every: int) -> Design:
    """Return the design of a claim about labels, one in `every` trials, from that of its trials.

    Raises:
        UsageError: There are too few trials for one label.
    """
    if design.max_units < every:
        raise UsageError(
            f"truth= labels one trial in {every}, and there are at most {design.max_units} trials",
            fix=f"max_trials={100 * every}, which gives up to 100 labels; or labels(..., every=...)",
        )
    return replace(
        design,
        max_units=design.max_units // every,
        min_units=-(-design.min_units // every),
        single=False,
        centring=CENTRING,
        explained=USUAL_CORRELATION**2 * (1.0 - 1.0 / every),
    )


def blocked(trials: Iterable[Planned], every: int) -> Iterator[Planned]:
    """Yield trials with the block of each as its unit."""
    for planned in trials:
        yield replace(planned, unit=planned.index // every, unit_size=every)


def labels_of(spec: Spec, *, test_id: str, seed: int, folder: Path) -> Labels | None:
    """Return the labels that a spec names; None if it names none. A file that is not there has none yet.

    Raises:
        UsageError: The file cannot be read, or has a name that no file of labels has.
    """
    source: LabelSource | None = spec.get("truth")
    if source is None:
        return None
    every = source.every or EVERY
    path = folder / source.path
    check_name(path)  # now, and not when the run is paid for and somebody has labels to write
    exists = path.is_file()
    return Labels(
        path=source.path,
        exists=exists,
        test_id=test_id,
        every=every,
        by=source.by or "",
        seed=seed,
        found=read_labels(path, source.by, test_id) if exists else {},
    )
