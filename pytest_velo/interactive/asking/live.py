"""Answers as they come: in columns that are drawn again on a terminal, in plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Protocol, TextIO

from pytest_velo.interactive.asking.answers import Answer, Answers
from pytest_velo.interactive.asking.display import answers_lines, case_blocks, closing_lines, heading
from pytest_velo.report.lines import Line, Style, fit_lines
from pytest_velo.report.text import display, inline, pad

Paint = Callable[[Line], str]

_NARROWEST = 36  # columns that a model's answers need to be read beside another's
_GAP = "  "
_EVERY_S = 0.1
_CLEAR = "\x1b[0J"  # what is below the cursor
_SHOWN = 600  # characters of an answer while others are awaited


class Show(Protocol):
    """Shows answers while others are awaited."""

    def heard(self, answer: Answer) -> None:
        """Show an answer; called on the sampling loop."""
        ...

    def end(self) -> None:
        """Show nothing more, and make room for what follows."""
        ...


class PlainShow:
    """A paragraph for each answer, as it comes."""

    def __init__(self, out: TextIO, width: int, models: Sequence[str]) -> None:
        self._out = out
        self._width = width
        self._names = len(models) > 1
        self._lock = threading.Lock()
        self._ended = False

    def heard(self, answer: Answer) -> None:
        """Print an answer."""
        with self._lock:
            if not self._ended:
                self._out.write("\n".join(_shown(answer, self._width, name=self._names)) + "\n")
                self._out.flush()

    def end(self) -> None:
        """Print an empty line."""
        with self._lock:
            self._ended = True
            self._out.write("\n")
            self._out.flush()


class LiveShow:
    """The newest answers of each model, side by side, drawn again on the spot whenever one comes.

    Args:
        out: A terminal.
        size: Returns its columns and lines.
        paint: Gives a line its colours.
        expected: How many answers each model will give.
    """

    def __init__(
        self, out: TextIO, size: Callable[[], tuple[int, int]], paint: Paint, expected: Mapping[str, int]
    ) -> None:
        self._out = out
        self._size = size
        self._paint = paint
        self._expected = expected
        self._came: dict[str, list[Answer]] = {model: [] for model in expected}
        self._lock = threading.Lock()
        self._n_drawn = 0
        self._drawn_s = float("-inf")
        self._ended = False
        self._later: threading.Timer | None = None
        self._draw()

    def heard(self, answer: Answer) -> None:
        """Draw the answers that are there: a model's first at once, others as often as an eye can follow."""
        with self._lock:
            mine = self._came[answer.model]
            mine.append(answer)
            wait_s = self._drawn_s + _EVERY_S - time.monotonic()
            if len(mine) == 1 or wait_s <= 0:
                self._draw()
            elif self._later is None:
                self._later = threading.Timer(wait_s, self._catch_up)
                self._later.daemon = True
                self._later.start()

    def _catch_up(self) -> None:
        with self._lock:
            self._later = None
            self._draw()

    def end(self) -> None:
        """Take away what was drawn: what follows says it all."""
        with self._lock:
            self._ended = True
            if self._later is not None:
                self._later.cancel()
            self._out.write(self._up() + _CLEAR)
            self._out.flush()

    def _draw(self) -> None:
        if self._ended:
            return
        width, height = self._size()
        blocks = [self._block(model, came, width, height) for model, came in self._came.items()]
        lines = fit_lines(beside(blocks, width), self._out.encoding)[: max(height - 1, 1)]
        self._out.write(self._up() + _CLEAR + "".join(self._paint(line) + "\n" for line in lines))
        self._out.flush()
        self._n_drawn = len(lines)
        self._drawn_s = time.monotonic()

    def _up(self) -> str:
        return f"\x1b[{self._n_drawn}F" if self._n_drawn else ""

    def _block(self, model: str, came: Sequence[Answer], width: int, height: int) -> list[Line]:
        """Return a model's count and as many of its newest answers as have room."""
        stacked = 1 if are_beside(len(self._came), width) else len(self._came)
        room = max((height - 2) // stacked - 1, 1)
        mine = column_width(len(self._came), width)
        head = Line(inline(f"{model}: {len(came)} of {self._expected[model]}", mine), Style.BOLD)
        lines: list[Line] = []
        for answer in reversed(came):
            piece = [
                Line(text, Style.WARN if answer.invalid else Style.PLAIN) for text in _shown(answer, mine)
            ]
            if len(lines) + len(piece) > room:
                lines = lines or piece[:room]
                break
            lines = [*piece, *lines]
        return [head, *lines]


def _shown(answer: Answer, width: int, *, name: bool = False) -> list[str]:
    """Return one answer as lines, the first of them with a mark."""
    case = f" [case {inline(answer.case_id, 20)}]" if answer.case_id else ""
    said = f"{inline(answer.model)}{case}: " if name else f"{case[1:]} " if case else ""
    invalid = "[invalid] " if answer.invalid else ""  # the reason is said once, at the end
    first, *others = display(f"{said}{invalid}{answer.text.strip()}" or "(no text)", width - 2, limit=_SHOWN)
    return [f"- {first}", *(f"  {other}".rstrip() for other in others)]


def are_beside(n: int, width: int) -> bool:
    """Tell whether `n` columns have room beside each other."""
    return n > 1 and column_width(n, width, beside=True) >= _NARROWEST


def column_width(n: int, width: int, *, beside: bool | None = None) -> int:
    """Return the width of each of `n` blocks, in columns or one below the other."""
    apart = (width - len(_GAP) * (n - 1)) // n
    fits = apart >= _NARROWEST if beside is None else beside
    return apart if fits else width


def beside(blocks: Sequence[Sequence[Line]], width: int) -> list[Line]:
    """Lay blocks side by side where the width allows, else one below the other."""
    if not are_beside(len(blocks), width):
        return [line for block in blocks for line in block]
    mine = column_width(len(blocks), width)
    rows: list[Line] = []
    for row in zip_longest(*blocks, fillvalue=Line("")):
        text = _GAP.join(pad(line.text, mine) for line in row).rstrip()
        styles = {line.style for line in row if line.text}
        rows.append(Line(text, styles.pop() if len(styles) == 1 else Style.PLAIN))
    return rows


def final_lines(replies: Answers, width: int) -> list[Line]:
    """Return what is alike, the models side by side where the width allows, and what it took."""
    by_model = replies.by_model
    n = len(by_model)
    mine = column_width(n, width)
    if not are_beside(n, width):
        blocks = [
            [Line(heading(model, of_model), Style.BOLD), *answers_lines(of_model, mine)]
            for model, of_model in by_model.items()
        ]
        return [*(line for block in blocks for line in block), *closing_lines(replies, width)]
    lines = beside([[Line(inline(heading(*each), mine), Style.BOLD)] for each in by_model.items()], width)
    for blocks_of_case in zip_longest(*(case_blocks(of, mine) for of in by_model.values()), fillvalue=[]):
        lines += beside(blocks_of_case, width)
    return [*lines, *closing_lines(replies, width)]
