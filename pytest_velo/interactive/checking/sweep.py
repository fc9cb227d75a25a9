"""What a sweep found: a finding for each combination of values, as one family."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_velo.claims import AnyClaim
from pytest_velo.errors import UsageError
from pytest_velo.interactive.checking.as_test import TestFile, test_of
from pytest_velo.interactive.checking.calls import Asked
from pytest_velo.interactive.checking.finding import Finding
from pytest_velo.interactive.checking.grid import value_text
from pytest_velo.interactive.checking.plots import plot_sweep
from pytest_velo.records import HypothesisResult, add_costs
from pytest_velo.report.lines import fit_encoding
from pytest_velo.report.numbers import dollars, interval, percent, rate
from pytest_velo.report.page.finding import sweep_html
from pytest_velo.report.phrases import mark, most_units
from pytest_velo.report.stubs import outcome_word
from pytest_velo.report.text import columns, inline, pad

if TYPE_CHECKING:
    from pathlib import Path

    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_MOST_CHARACTERS = 40


class Sweep(Sequence[Finding]):
    """The findings of a sweep, in the order of its settings; `sweep[0]`, `len(sweep)` and `for` work.

    Attributes:
        run_id: The run's name, for `load` and `velo report`.
        over: The parameters that it goes over, with their values.

    Example:
        ```python
        from pytest_velo import check_sync, rate, scripted

        PUPIL = scripted("pupil", ["Paris", "Paris", "Paris", "Lyon"])


        def knows(model, prompt):
            return model(prompt + "What is the capital of France?").answers("Paris")


        sweep = check_sync(rate >= 0.5, knows, models=[PUPIL], over={"prompt": ["", "Think. "]})
        assert [finding.verdict for finding in sweep] == ["supported", "supported"]
        print(sweep)
        ```
    """

    def __init__(self, asked: Asked, results: Sequence[HypothesisResult], run_id: str) -> None:
        assert asked.over is not None  # it was asked as a sweep
        self._asked = asked
        self.run_id = run_id
        self.over: Mapping[str, Any] = asked.over
        settings = [member.setting.values for member in asked.members if member.setting is not None]
        self._findings = [
            Finding(asked, result, run_id, setting) for result, setting in zip(results, settings, strict=True)
        ]

    def __getitem__(self, at: Any) -> Any:
        return self._findings[at]

    def __len__(self) -> int:
        return len(self._findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    @property
    def claim(self) -> AnyClaim:
        """What was claimed."""
        return self._asked.claim

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row for each setting: its values, then verdict, estimate, interval, n and cost."""
        return [
            {
                **finding.setting,
                "verdict": finding.verdict,
                "estimate": finding.estimate,
                "low": None if finding.interval is None else finding.interval.low,
                "high": None if finding.interval is None else finding.interval.high,
                "n": finding.n,
                "cost_usd": finding.cost_usd,
            }
            for finding in self._findings
        ]

    def to_pandas(self) -> pandas.DataFrame:
        """Return the rows as a data frame; pandas must be installed.

        Raises:
            UsageError: It is not.
        """
        try:
            found = import_module("pandas")  # heavy, and only for those who have it
        except ImportError:
            raise UsageError("pandas is not installed", where="to_pandas", fix="pip install pandas") from None
        frame: pandas.DataFrame = found.DataFrame(self.rows)
        return frame

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw each setting's estimate with its interval, and the threshold; needs `pytest-velo[plot]`.

        Args:
            ax: Where to draw; None for a figure of its own.

        Returns:
            The figure.

        Raises:
            UsageError: Matplotlib is not installed, or there is nothing to draw.
        """
        rows = [(_said(finding), finding.result) for finding in self._findings]
        return plot_sweep(self.claim, [*self.over], rows, ax)

    def to_test(self, path: str | Path | None = None, *, overwrite: bool = False) -> TestFile:
        """Return the same as a test file with a parameter for each that was swept; see `Finding.to_test`.

        Args:
            path: Where to write it, and a file of cases beside it if there are many; None to write nothing.
            overwrite: A file of another content may be replaced.

        Raises:
            UsageError: It cannot be told as a test; or the file is there with another content.
        """
        return test_of(self._asked, path, overwrite=overwrite)

    @property
    def caption(self) -> str:
        """What the error rates of the table hold for."""
        result = self._findings[0].result
        family, n = result.family, len(self)
        if family is None:
            return f"each interval alone misses at most {percent(result.alpha)} of the time"
        if n == 1:
            return f"a false claim is supported at most {percent(family.alpha)} of the time"
        return (
            f"one family of {n}, by Holm: any false claim of it is supported at most"
            f" {percent(family.alpha)} of the time, any true one refuted at most {percent(family.beta)}"
        )

    def __bool__(self) -> NoReturn:
        raise UsageError("a sweep is not true or false", fix="[finding.verdict for finding in sweep]")

    def __repr__(self) -> str:
        head = (*map(inline, self.over), "verdict", "observed", "interval", "n", "cost")
        rows = [head, *(self._cells(finding) for finding in self._findings)]
        widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
        table = ["  ".join(map(pad, row, widths)).rstrip() for row in rows]
        claim = inline(f"{self._asked.claim}, {self._findings[0].result.scope}")
        cost = dollars(add_costs(finding.cost_usd for finding in self._findings))
        problems = [
            f"  {cells[0]}: {inline(finding.result.problem)}"
            for cells, finding in zip(rows[1:], self._findings, strict=True)
            if finding.result.problem
        ]
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        text = "\n".join([claim, *table, *problems, f"{self.caption}; {cost} in all"])
        return fit_encoding(text, encoding)

    def _cells(self, finding: Finding) -> tuple[str, ...]:
        result = finding.result
        values = (inline(value_text(value), _MOST_CHARACTERS) for value in finding.setting.values())
        return (
            *values,
            f"{mark(result.outcome)} {outcome_word(result)}",
            rate(finding.estimate),
            "" if finding.interval is None else interval(finding.interval),
            f"{finding.n}/{most_units(result)}",
            dollars(finding.cost_usd),
        )

    def _repr_html_(self) -> str:
        return sweep_html(
            str(self._asked.claim),
            [*self.over],
            [(_said(finding), finding.result) for finding in self._findings],
            self.caption,
            self.run_id,
        )


def _said(finding: Finding) -> list[str]:
    return [value_text(value) for value in finding.setting.values()]
