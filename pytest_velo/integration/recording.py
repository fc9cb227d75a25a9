"""The document of a run, as it is written when its session has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo import __version__
from pytest_velo.report.document import RunDocument

if TYPE_CHECKING:
    from pytest_velo.integration.session import VeloSession


def run_document(session: VeloSession, duration_s: float) -> RunDocument:
    """Return what a session found, its hypotheses in the order of their tests.

    Args:
        session: When all reports are in.
        duration_s: How long it took, in seconds.

    Examples:
        >>> from pytest_velo.integration.beginning import session_of
        >>> session = session_of(getfixture("pytestconfig"))
        >>> run_document(session, 1.5).duration_s
        1.5
    """
    results = sorted(session.reported.values(), key=lambda result: session.order.get(result.node_id, 0))
    return RunDocument(
        velo_version=__version__,
        run_id=session.run_folder.name,
        started_at=session.started_at.isoformat(timespec="seconds"),
        duration_s=duration_s,
        seed=session.settings.seed,
        mode=session.settings.mode.value,
        models=session.settings.models,
        results=tuple(results),
    )
