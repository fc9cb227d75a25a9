"""What a check found: the verdict with its evidence, in a notebook, a terminal or a program."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_velo.claims import AnyClaim
from pytest_velo.errors import UsageError
from pytest_velo.interactive.checking.as_test import TestFile, test_of
from pytest_velo.interactive.checking.calls import Asked
from pytest_velo.interactive.checking.plots import plot_finding
from pytest_velo.records import HypothesisResult, Outcome, TrialRecord
from pytest_velo.report.document import telling_turns
from pytest_velo.report.failure import failure_lines
from pytest_velo.report.lines import Line, as_text
from pytest_velo.report.page.finding import finding_html
from pytest_velo.report.page.path import Path as EvidencePath
from pytest_velo.report.page.path import path_of
from pytest_velo.report.sheet import rows_to_label
from pytest_velo.report.summary import prospect_lines
from pytest_velo.verdicts import Interval

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_NARROWEST, _WIDEST = 60, 110
_INTERVALS = 12
_OPTION = re.compile(r"; --velo-show=\d+ shows all")


class Finding:
    """What a check found. The last line of a notebook's cell shows it; `print` gives the same as text.

    Attributes:
        result: Everything that the record says of it, with all trials.
        run_id: The run's name, for `load` and `velo report`.
        setting: The values of the parameters that a sweep goes over; empty otherwise.

    Example:
        ```python
        from pytest_velo import check_sync, rate, scripted

        PUPIL = scripted("pupil", ["Paris", "Paris", "Paris", "Lyon"])


        def knows(model):
            return model("What is the capital of France?").answers("Paris")


        finding = check_sync(rate >= 0.9, knows, models=[PUPIL])
        assert finding.verdict == "refuted"
        assert finding.against[0].calls[0].reply == "Lyon"
        print(finding.to_test())
        ```
    """

    def __init__(
        self, asked: Asked, result: HypothesisResult, run_id: str, setting: Mapping[str, Any] | None = None
    ) -> None:
        self._asked = asked
        self.result = result
        self.run_id = run_id
        self.setting: Mapping[str, Any] = setting or {}

    @property
    def claim(self) -> AnyClaim:
        """What was claimed."""
        return self._asked.claim

    @property
    def verdict(self) -> str:
        """`supported`, `refuted`, `inconclusive`, `measured`; in a sweep also `error`."""
        return self.result.outcome.value

    @property
    def estimate(self) -> float | None:
        """The observed rate, mean or difference; None before any valid trial, and for a joint claim."""
        return None if self.result.decision is None else self.result.decision.evidence.estimate

    @property
    def interval(self) -> Interval | None:
        """Its interval, which holds at any stopping time; None where there is none."""
        return None if self.result.decision is None else self.result.decision.evidence.interval

    @property
    def n(self) -> int:
        """Units of evidence: trials, or pairs, or means of cases."""
        return 0 if self.result.decision is None else self.result.decision.evidence.n

    @property
    def cost_usd(self) -> float | None:
        """Dollars that it cost now; None if a price is unknown."""
        return self.result.cost_usd

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """The trials, in submission order."""
        return self.result.trials

    @property
    def against(self) -> tuple[TrialRecord, ...]:
        """The trials against the claim, the most telling first, the arms of one case together."""
        return tuple(trial for turn in telling_turns(self.result) for trial in turn)

    @cached_property
    def path(self) -> EvidencePath | None:
        """How the evidence went, trial by trial; None where that cannot be told."""
        return path_of(self.result, intervals=_INTERVALS)

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw the running estimate with its interval and the threshold; needs `pytest-velo[plot]`.

        Args:
            ax: Where to draw; None for a figure of its own.

        Returns:
            The figure.

        Raises:
            UsageError: Matplotlib is not installed, or there is nothing to draw.
        """
        return plot_finding(self.claim, self.result, ax)

    def to_test(self, path: str | Path | None = None, *, overwrite: bool = False) -> TestFile:
        """Return the same as a test file: it gives the same verdict from the same draws, without a call.

        Args:
            path: Where to write it, and a file of cases beside it if there are many; None to write nothing.
            overwrite: A file of another content may be replaced.

        Raises:
            UsageError: It cannot be told as a test; or the file is there with another content.
        """
        if self.setting:
            raise UsageError(
                "one row of a sweep shares its error rates with the others", fix="sweep.to_test()"
            )
        return test_of(self._asked, path, overwrite=overwrite)

    def to_label(self, every: int | None = None, *, hide: Collection[str] = ()) -> list[dict[str, str]]:
        """Return the trials to label, blind: rows as `load()[...].to_label` gives them.

        Args:
            every: One trial in so many is labelled; None for what the claim says, or 20.
            hide: Names of fields of cases, and of parts that models play, to leave out.

        Raises:
            UsageError: There are no transcripts.
        """
        return rows_to_label(self.result, every, hide)

    def __bool__(self) -> NoReturn:
        raise UsageError("a finding is not true or false", fix='finding.verdict == "supported"')

    def __repr__(self) -> str:
        return text_of(self.result)

    def _repr_html_(self) -> str:
        return finding_html(self.result, self.path, self.run_id)


def text_of(result: HypothesisResult, show: int = 1) -> str:
    """Return what a terminal shows of a result."""
    width = max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    shown = 0 if result.outcome in (Outcome.SUPPORTED, Outcome.MEASURED) else show
    lines = failure_lines(result, shown, width=width, encoding=encoding)
    if result.outcome is Outcome.INCONCLUSIVE:
        lines += [Line(""), *prospect_lines(result, width)]
    return _OPTION.sub("; .against has all", as_text(lines))
