"""Where the command that asks writes: a terminal, or a file or pipe."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

from pytest_velo.interactive.asking.answers import Answer
from pytest_velo.interactive.asking.live import LiveShow, PlainShow, Show
from pytest_velo.report.lines import Line, Style, fit_lines

_WIDEST = 160
_PLAIN_WIDTH = 100
_CODES = {Style.BOLD: "1", Style.DIM: "2", Style.GOOD: "32", Style.BAD: "1;31", Style.WARN: "33"}


class Terminal:
    """The terminal, or the file or pipe, that all is written to."""

    def __init__(self) -> None:
        self._stream: TextIO = sys.stdout
        self._is_live = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._has_colours = self._is_live and not os.environ.get("NO_COLOR")
        self._show: Show | None = None

    @property
    def width(self) -> int:
        """Columns."""
        return self._size()[0]

    def show(self, expected: Mapping[str, int]) -> Callable[[Answer], None]:
        """Begin to show answers as they come; return what is to be told of each."""
        if self._is_live:
            self._show = LiveShow(self._stream, self._size, self._painted, expected)
        else:
            self._show = PlainShow(self._stream, self.width, list(expected))
        return self._show.heard

    def end(self) -> None:
        """End that."""
        if self._show is not None:
            self._show.end()

    def lines(self, lines: Sequence[Line]) -> None:
        """Write styled lines."""
        for line in fit_lines(lines, self._stream.encoding):
            self._stream.write(self._painted(Line(line.text.rstrip(), line.style)) + "\n")
        self._stream.flush()

    @staticmethod
    def tell(text: str) -> None:
        """Write what is not about the answers, to stderr."""
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def _size(self) -> tuple[int, int]:
        columns, lines = shutil.get_terminal_size((_PLAIN_WIDTH, 24))
        return min(columns, _WIDEST if self._is_live else _PLAIN_WIDTH), lines

    def _painted(self, line: Line) -> str:
        code = _CODES.get(line.style) if self._has_colours and line.text else None
        return line.text if code is None else f"\x1b[{code}m{line.text}\x1b[0m"
