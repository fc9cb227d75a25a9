"""`velo plan`: pytest collects, nothing runs, and every hypothesis gets its plan."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from pytest_velo.errors import VeloError
from pytest_velo.integration.collection import SPEC
from pytest_velo.integration.plans import plan_item
from pytest_velo.integration.session import SESSION
from pytest_velo.report.planned import HypothesisPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What became of a selection.

    Attributes:
        plans: One for each hypothesis, in the order of collection.
        n_collected: Tests that were collected, hypotheses or not.
        problem: What pytest said when it could not collect; empty when it could.
    """

    plans: tuple[HypothesisPlan, ...]
    n_collected: int
    problem: str


def plan_selection(arguments: Sequence[str]) -> Planned:
    r"""Collect with pytest in this process, and plan every hypothesis; no call is made, nothing is stored.

    Args:
        arguments: As for `pytest`: targets and options.

    Raises:
        VeloError: A store cannot be read.

    Examples:
        >>> file = getfixture("tmp_path") / "test_tone.py"
        >>> _ = file.write_text(
        ...     "import pytest\nfrom pytest_velo import rate\n\n"
        ...     "@pytest.mark.hypothesis(rate >= 0.5, max_trials=5)\ndef test_polite(): return True\n\n"
        ...     "def test_plain(): pass\n"
        ... )
        >>> planned = plan_selection([str(file), f"--rootdir={file.parent}", "--import-mode=importlib"])
        >>> planned.n_collected, [plan.claim for plan in planned.plans], planned.problem
        (2, ['rate >= 0.5'], '')
    """
    planner = Planner()
    said = io.StringIO()
    quiet = ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]  # this very package
    with redirect_stdout(said), redirect_stderr(said):
        code = pytest.main([*quiet, *arguments], plugins=[planner])
    if planner.error is not None:
        raise planner.error
    fine = code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    problem = "" if fine else said.getvalue().strip() or f"pytest ended with {code!r}"
    return Planned(plans=tuple(planner.plans), n_collected=planner.n_collected, problem=problem)


class Planner:
    """The plugin that takes the items and runs none.

    Attributes:
        plans: One for each hypothesis, in the order of the files, whatever shuffles them.
        n_collected: Tests that were selected, hypotheses or not.
        error: What kept a hypothesis from being planned.
    """

    def __init__(self) -> None:
        self.plans: list[HypothesisPlan] = []
        self.n_collected = 0
        self.error: VeloError | None = None
        self._places: dict[str, int] = {}

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Remember the order of the files."""
        self._places.setdefault(item.nodeid, len(self._places))

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """Collect here, whatever the ini file says of other processes."""
        config.option.collectonly = True
        for name, value in (("numprocesses", None), ("dist", "no"), ("tx", [])):  # pytest-xdist's
            if hasattr(config.option, name):
                setattr(config.option, name, value)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Plan instead of running."""
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            return None  # pytest says so
        self.n_collected = len(session.items)
        velo = session.config.stash[SESSION]
        try:
            ordered = sorted(session.items, key=lambda item: self._places.get(item.nodeid, 0))
            self.plans = [plan_item(item, velo) for item in ordered if SPEC in item.stash]
        except VeloError as error:
            self.error = error
        return True
