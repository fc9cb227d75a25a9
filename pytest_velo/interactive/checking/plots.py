"""Figures of findings, drawn by matplotlib, which is imported on use."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_velo.claims import AnyClaim
from pytest_velo.errors import UsageError
from pytest_velo.interactive.checking.progress import in_notebook
from pytest_velo.records import HypothesisResult
from pytest_velo.report.numbers import interval, rate
from pytest_velo.report.page.forest import thresholds_of
from pytest_velo.report.page.path import path_of
from pytest_velo.report.text import inline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINE, _THRESHOLD, _GREY = "#3b6ea5", "#c1702b", "#777777"
_COLOURS = {"supported": "#1a7f37", "refuted": "#c93c37", "error": "#c93c37", "inconclusive": "#9a6700"}
_INTERVALS = 24


def plot_finding(claim: AnyClaim, result: HypothesisResult, ax: Axes | None) -> Figure:
    """Draw the running estimate with its interval, and the threshold.

    Raises:
        UsageError: Matplotlib is not installed, or there is nothing to draw.
    """
    path = path_of(result, intervals=_INTERVALS)
    if path is None or not path.n:
        raise UsageError(
            f"there is no path to draw: {result.problem or 'no trial was weighed'}",
            where=str(result.claim),
            fix="finding.trials has what there is",
        )
    parts = list(zip(claim.statistics, thresholds_of(claim), strict=True))
    axes = _axes(ax, len(parts))
    for at, (axis, (statistic, thresholds)) in enumerate(zip(axes, parts, strict=True)):
        ends = path.intervals[at] if path.intervals else ()
        known = [(n, each) for n, each in zip(path.n, ends, strict=True) if each is not None] if ends else []
        if known:
            axis.fill_between(
                [n for n, _ in known],
                [each.low for _, each in known],
                [each.high for _, each in known],
                color=_LINE,
                alpha=0.15,
                linewidth=0,
                label=f"{known[-1][1].level:.0%} interval, at any stopping time",
            )
        axis.plot(path.n, path.estimates[at], color=_LINE, linewidth=1.6, label=f"observed {statistic}")
        for value in thresholds:
            axis.axhline(value, color=_THRESHOLD, linestyle="--", linewidth=1.2)
        axis.set_ylim(statistic.scale.low, statistic.scale.high)
        axis.set_xlim(0, path.n[-1])
        axis.set_ylabel(_plain(str(statistic)))
        axis.legend(frameon=False, fontsize="small", loc="best")
        _sober(axis)
    axes[-1].set_xlabel(f"{result.unit or 'trial'}s")
    axes[0].set_title(_plain(f"{result.claim}: {result.outcome}"), loc="left", fontsize="medium")
    return axes[0].get_figure()


def plot_sweep(
    claim: AnyClaim,
    parameters: Sequence[str],
    rows: Sequence[tuple[Sequence[str], HypothesisResult]],
    ax: Axes | None,
) -> Figure:
    """Draw each setting's estimate with its interval, and the threshold.

    Raises:
        UsageError: Matplotlib is not installed, or there is nothing to draw.
    """
    if len(claim.statistics) > 1:
        raise UsageError(
            "a sweep of a joint claim has several numbers for each setting", fix="sweep[0].plot()"
        )
    (axis,) = _axes(ax, 1, height=1.2 + 0.34 * len(rows))
    (thresholds,) = thresholds_of(claim)
    for value in thresholds:
        axis.axvline(value, color=_THRESHOLD, linestyle="--", linewidth=1.2)
    for row, (_, result) in enumerate(rows):
        evidence = None if result.decision is None else result.decision.evidence
        colour = _COLOURS.get(result.outcome.value, _LINE)
        if evidence is None or evidence.estimate is None:
            continue
        if evidence.interval is not None:
            axis.hlines(row, evidence.interval.low, evidence.interval.high, color=colour, linewidth=1.6)
        axis.plot([evidence.estimate], [row], "o", color=colour, markersize=5)
        numbers = f"{rate(evidence.estimate)} {interval(evidence.interval)}"
        axis.annotate(
            f"{result.outcome}, {numbers}, n {evidence.n}",
            (1.0, row),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            color=_GREY,
        )
    axis.set_yticks(range(len(rows)), [", ".join(map(_plain, values)) for values, _ in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    statistic = claim.statistics[0]
    axis.set_xlim(statistic.scale.low, statistic.scale.high)
    axis.set_xlabel(_plain(str(statistic)))
    axis.set_title(_plain(f"{claim} over {', '.join(parameters)}"), loc="left", fontsize="medium")
    _sober(axis)
    return axis.get_figure()


def _axes(ax: Axes | None, n: int, height: float = 2.9) -> Sequence[Any]:
    try:
        drawing = import_module("matplotlib.figure")  # heavy, and only for those who draw
    except ImportError:
        raise UsageError(
            "matplotlib is not installed", where="plot", fix="pip install 'pytest-velo[plot]'"
        ) from None
    if ax is not None:
        if n > 1:
            raise UsageError(f"the claim has {n} parts, which do not fit one axes", fix="leave ax= out")
        return [ax]
    size = (6.4, height * n)
    if in_notebook() is None:
        figure = drawing.Figure(figsize=size, layout="constrained")
    else:
        pyplot = import_module("matplotlib.pyplot")  # it teaches the notebook to show figures
        figure = pyplot.figure(figsize=size, layout="constrained")
        pyplot.close(figure)  # else it is shown a second time, and kept for ever
    found = figure.subplots(n, 1, squeeze=False, sharex=True)
    return [row[0] for row in found]


def _sober(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(length=3)


def _plain(text: str) -> str:
    """Return a text that matplotlib does not read as mathematics."""
    return inline(text, 60).replace("$", r"\$")
