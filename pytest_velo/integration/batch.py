"""`velo batch submit`: from pytest's arguments to the draws that its hypotheses need next."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from itertools import chain, zip_longest

import pytest

from pytest_velo.batches.entry import Wanted
from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.stash import GATHERING, SPEC
from pytest_velo.integration.config.payment import pay_rule
from pytest_velo.integration.run.missing import Missing, missing_of
from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.report.numbers import count
from pytest_velo.settings import Settings


@dataclass(slots=True, kw_only=True)
class Gathered:
    """What a selection of hypotheses needs.

    Attributes:
        missing: What each needs, by node id.
        settings: The session's; None if it ended before they were read.
        allowed: What was typed enables paid calls for all of them.
        problem: Pytest's output where a test could not be looked at; empty otherwise.
    """

    missing: dict[str, Missing] = field(default_factory=dict)
    settings: Settings | None = None
    allowed: bool = False
    problem: str = ""

    @property
    def wanted(self) -> list[Wanted]:
        """The draws, each test in turn, each once."""
        each = zip_longest(*(missing.wanted for missing in self.missing.values()))
        found = [wanted for wanted in chain.from_iterable(each) if wanted is not None]
        return [*{wanted.address: wanted for wanted in found}.values()]

    @property
    def n_free(self) -> int:
        """Draws that cost nothing."""
        return sum(missing.n_free for missing in self.missing.values())


def gather_selection(arguments: Sequence[str], *, whole: bool) -> Gathered:
    """Run bodies on stored draws, with pytest in this process, and gather what is missing; no call is made.

    `arguments` are pytest's; `whole` looks at all trials up to the horizon.
    """
    gatherer = _Gatherer(arguments, whole=whole)
    said = io.StringIO()
    quiet = ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]  # this very package
    with redirect_stdout(said), redirect_stderr(said):
        code = pytest.main([*quiet, *arguments, "--velo-mode=estimate"], plugins=[gatherer])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        gatherer.gathered.problem = said.getvalue().strip() or f"pytest ended with {code!r}"
    return gatherer.gathered


class _Gatherer:
    """The plugin that gathers what items need instead of estimating them."""

    def __init__(self, arguments: Sequence[str], *, whole: bool) -> None:
        self.gathered = Gathered()
        self._arguments = arguments
        self._whole = whole
        self._typed: list[bool] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """Look in this process, even if the ini file asks for workers."""
        for name, value in (("numprocesses", None), ("dist", "no"), ("tx", [])):  # pytest-xdist's
            if hasattr(config.option, name):
                setattr(config.option, name, value)
        config.stash[GATHERING] = self.gather

    def gather(self, item: pytest.Function, session: VeloSession) -> str:
        """Note what an item needs; returns it in words."""
        if item.stash[SPEC].ladder is not None:
            raise UsageError(
                "which rung of a ladder is drawn next depends on the one before, so none is submitted ahead",
                where=item.nodeid,
                fix="pytest --velo-batch climbs it, rung by rung; leave it out here: --deselect",
            )
        root = str(session.config.rootpath)
        rule = pay_rule(self._arguments, here=os.getcwd(), root=root)
        missing = missing_of(item, session, fixtures=item.funcargs, whole=self._whole)
        self.gathered.missing[item.nodeid] = missing
        self._typed.append(rule.allows(item.nodeid))
        self.gathered.allowed = all(self._typed)
        return f"{count(len(missing.wanted), 'draw')} missing"

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Keep the settings, which the store and the prices depend on."""
        state = session.config.stash.get(SESSION, None)
        if state is not None:
            self.gathered.settings = state.settings
