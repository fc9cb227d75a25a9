"""The options that a recorded run was made with, for a run that does it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_velo.report.load import Run


def as_recorded(run: Run, *, models: bool = True) -> list[str]:
    """Return the options that the run was made with, as far as its record has them."""
    results = run.document.results
    families = [result.family for result in results if result.family is not None]
    alphas = [*(result.alpha for result in results if result.family is None), *(f.alpha for f in families)]
    return [
        f"--velo-seed={run.document.seed}",
        *(f"--velo-model={model}" for model in run.document.models if models),
        # The largest, so that collection refuses none; each test then runs at its own.
        f"--velo-alpha={max(alphas)}",
        f"--velo-max-trials={max(result.max_trials for result in results)}",
        f"--velo-multiplicity={families[0].procedure if families else 'none'}",
    ]
