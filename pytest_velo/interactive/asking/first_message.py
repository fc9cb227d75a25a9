"""A first message from the command line: asked, shown as the answers come, and kept as a test if wanted."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from pytest_velo.errors import VeloError
from pytest_velo.integration.config.folder import cache_folder
from pytest_velo.integration.config.found import found_settings
from pytest_velo.integration.leaving import leave_with
from pytest_velo.interactive.asking.answers import Answer
from pytest_velo.interactive.asking.draft import check_free, draft, name_of_test, write
from pytest_velo.interactive.asking.inquiry import inquiry
from pytest_velo.interactive.asking.live import LiveShow, PlainShow, Show, final_lines
from pytest_velo.interactive.asking.price import price_line, price_of
from pytest_velo.interactive.asking.replies import Replies
from pytest_velo.interactive.asking.round import Round
from pytest_velo.interactive.session import Dollars, load_providers, opened, settings_here
from pytest_velo.report.lines import Line, Style, fit_lines
from pytest_velo.report.numbers import count
from pytest_velo.report.text import neutralise
from pytest_velo.settings import Settings

FAILED = 1
INTERRUPTED = 130  # as shells say it of a command that Ctrl-C ended

_WIDEST = 160
_PLAIN_WIDTH = 100
_CODES = {Style.BOLD: "1", Style.DIM: "2", Style.GOOD: "32", Style.BAD: "1;31", Style.WARN: "33"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """Where a test is written to, and whether it may replace a file."""

    path: Path
    force: bool = False


def send(
    prompt: str,
    models: Sequence[str],
    *,
    n: int | None,
    system: str | None,
    cases: str | None,
    parameters: Mapping[str, Any],
    allow_cut: bool,
    allow_empty: bool,
    budget: Dollars | None,
    seed: int | None,
    saved: Saved | None,
) -> int:
    """Ask, show, and write the test if one is wanted; return the exit code.

    Raises:
        VeloError: A mistake that can be seen before a call.
    """
    if saved is not None:
        check_free(saved.path, force=saved.force)  # before anything is paid for
    settings = settings_here(budget=budget, seed=seed)
    asked = inquiry(
        settings,
        models,
        prompt,
        n=n,
        cases=cases,
        folder=Path.cwd(),
        no_model="--model=local/smollm2-135m, the embedded model, which needs no key",
        system=system,
        parameters=parameters,
        allow_cut=allow_cut,
        allow_empty=allow_empty,
    )
    # What the loop logs of an end in a hurry is no news to who pressed Ctrl-C.
    logging.getLogger("pytest_velo").addHandler(logging.NullHandler())
    out = _Out()
    with opened(settings) as session:
        load_providers(settings, asked.models)
        begun = Round(session, asked)
        if line := price_line(session.run(price_of(begun.questions, session, asked)), settings):
            out.tell(line)
        begun.heard = out.show({model: len(mine) for model, mine in begun.questions.items()})
        was_interrupted = False
        try:
            session.run(begun.go())
        except KeyboardInterrupt:
            was_interrupted = True
            leave_with(INTERRUPTED)  # the embedded model's threads end when they have answered
        finally:
            out.end()
    replies = begun.replies
    if replies.answers:
        out.lines(final_lines(_as_options(replies), out.width))
    for model, trouble in begun.troubles.items():
        out.tell(f"Error: {_told(trouble, model)}")
    if was_interrupted:
        out.tell(f"interrupted: {_kept(replies)}")
    elif begun.troubles and replies.answers:
        out.tell(_kept(replies))
    if was_interrupted or begun.troubles:
        if saved is not None:
            out.tell(f"{saved.path} was not written: the same command goes on from here")
        return INTERRUPTED if was_interrupted else FAILED
    _keep(replies, saved, settings, out)
    return 0


def _keep(replies: Replies, saved: Saved | None, settings: Settings, out: _Out) -> None:
    """Write the test, or say how to have one."""
    if saved is None:
        out.lines([Line("keep it as a test: the same command with --save=test_idea.py", Style.DIM)])
        return
    path = saved.path
    write(draft(replies, name=name_of_test(path), folder=path.parent), path, force=saved.force)
    found = found_settings()
    command = f"pytest -m hypothesis {shlex.quote(str(path))}"
    if settings.seed != found.seed:
        command += f" --velo-seed={settings.seed}"
    n = min(len(of_model.answers) for of_model in replies.by_model.values())
    told = f"wrote {path}, whose first {count(n, 'trial')} make no call: the draws are there"
    if found.profile == "confirm":
        told = f"wrote {path}; its trials draw afresh, since the profile is confirm"
    out.lines([Line(told, Style.GOOD), Line(f"  {command}")])
    theirs = cache_folder(None, [str(path.parent)]).absolute()
    if theirs != settings.cache_dir.absolute():
        out.tell(f"note: tests there use the cache {theirs}, and these draws are in {settings.cache_dir}")


def _as_options(replies: Replies) -> Replies:
    """Return replies whose reasons name options of the command line, not keywords."""

    def spelled(answer: Answer) -> Answer:
        reason = answer.invalid.replace("allow_cut=True", "--allow-cut")
        return replace(answer, invalid=reason.replace("allow_empty=True", "--allow-empty"))

    answers = map(spelled, replies.answers)
    return Replies(answers, duration_s=replies.duration_s, notices=replies.notices, asked=replies.asked)


def _kept(replies: Replies) -> str:
    n = sum(answer.reply is not None for answer in replies.answers)
    verb = "is" if n == 1 else "are"
    return f"{count(n, 'reply', 'replies')} came and {verb} kept; the same command goes on from there"


def _told(trouble: Exception, model: str) -> str:
    """Return an error with the model that it is about, and the fix as this command spells it."""
    if not isinstance(trouble, VeloError):
        return neutralise(f"model {model}: {type(trouble).__name__}: {trouble}")
    trouble.fix = trouble.fix.replace("--velo-budget", "--budget")
    return neutralise(str(trouble.at(f"model {model}")))


class _Out:
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
