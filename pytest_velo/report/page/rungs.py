"""The rungs that did not decide a ladder, as a page shows them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_velo.records import HypothesisResult
from pytest_velo.report.document import shown_trials
from pytest_velo.report.ladders import on_rung, rung_texts
from pytest_velo.report.page.conversation import shown
from pytest_velo.report.page.entries import RungShown, sight_of
from pytest_velo.report.text import inline

if TYPE_CHECKING:
    from pytest_velo.report.load import Run


def rungs_of(run: Run, result: HypothesisResult) -> Iterator[RungShown]:
    """Yield the rungs whose trials are not the test's, each with one of them; nothing without a ladder.

    Raises:
        StoreError: The trials cannot be read.
    """
    if result.ladder is None:
        return
    for at, (rung, told) in enumerate(zip(result.ladder.rungs, rung_texts(result), strict=False)):
        if not rung.recorded_as or not (trials := run.trials_of(rung.recorded_as)):
            continue
        alone = replace(on_rung(result, at), trials=trials)
        first = next(iter((*shown_trials(alone, 1), *trials)))
        command = shlex.join(["velo", "show", run.folder.name, result.node_id, "--rung", rung.name])
        yield RungShown(
            label=told.label,
            text=shown(told.text),
            outcome=alone.outcome.value,
            sight=sight_of(first, alone),
            n_trials=len(trials),
            command=inline(command),
        )
