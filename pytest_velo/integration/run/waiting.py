"""The line that tells how far batches are while pytest waits for them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TextIO

import pytest

from pytest_velo.batches.watching import Look
from pytest_velo.integration.compat import line_of, terminal_reporter, uncaptured
from pytest_velo.integration.run.progress import LOG_EVERY_S, is_terminal
from pytest_velo.records import add_costs
from pytest_velo.report.numbers import count, dollars
from pytest_velo.report.text import columns, inline

_ERASE = "\r\x1b[2K"
_UP = "\x1b[A"


def waiting_text(looks: Sequence[Look], since: float) -> str:
    """Return one line: how many batches are under way, what came, what it costs.

    `since` is when waiting began, in seconds since 1970.
    """
    batches = [look.batch for look in looks]
    left = [batch for batch in batches if batch.n_waiting]
    n_done = sum(_done(look) for look in looks)
    n_failed = sum(_failed(look) for look in looks)
    parts = [
        f"{n_done:,} of {count(sum(batch.n for batch in batches), 'draw')} done",
        f"{n_failed:,} failed" if n_failed else "",
        f"{dollars(add_costs(batch.spent_usd for batch in batches))} so far",
        f"{dollars(add_costs(batch.worst_usd for batch in left))} more at most" if left else "",
        f"since {datetime.fromtimestamp(since):%H:%M}",
    ]
    named = ", ".join(f"{batch.title} {batch.told}" for batch in (left or batches)[:2])
    more = f", and {len(left) - 2} more" if len(left) > 2 else ""
    trouble = next((look.trouble for look in looks if look.trouble is not None), None)
    told = f" · no answer now: {trouble.what}" if trouble is not None else ""
    return inline(f"velo: waiting for {named}{more}: {' · '.join(filter(None, parts))}{told}", 10**4)


def _done(look: Look) -> int:
    """Return how many requests were answered, by what was read, else by what the provider counts."""
    if look.batch.n_stored or look.standing is None or look.standing.n_done is None:
        return look.batch.n_stored
    return look.standing.n_done


def _failed(look: Look) -> int:
    if look.batch.n_failed or look.standing is None or look.standing.n_failed is None:
        return look.batch.n_failed
    return look.standing.n_failed


class WaitingLine:
    """Writes the line: redrawn on a terminal; elsewhere when it has changed, once a minute at most.

    Args:
        config: Pytest's.
        clock: Seconds since 1970.
    """

    def __init__(self, config: pytest.Config, *, clock: Callable[[], float] = time.time) -> None:
        reporter = terminal_reporter(config)
        self._reporter = None if reporter is None or config.get_verbosity() < 0 else reporter
        self._config = config
        self._clock = clock
        self._since = clock()
        self._next_s = 0.0
        self._states: tuple[str, ...] = ()
        self._stream: TextIO | None = None
        self._drawn = False

    def __call__(self, looks: Sequence[Look]) -> None:
        """Tell how far they are."""
        if self._reporter is None:
            return
        text = waiting_text(looks, self._since)
        if is_terminal(self._reporter):
            width = shutil.get_terminal_size().columns - 1  # a line that wraps cannot be erased
            self._write(
                (_ERASE if self._drawn else "\n" if line_of(self._reporter) else "") + inline(text, width)
            )
            self._drawn = True
            return
        states, now = tuple(f"{look.batch.told} {look.batch.state}" for look in looks), self._clock()
        if states != self._states or now >= self._next_s:
            self._states, self._next_s = states, now + LOG_EVERY_S
            self.say(text)

    def say(self, text: str) -> None:
        """Write a line that stays."""
        if self._reporter is not None:
            head = _ERASE if self._drawn else "\n" if line_of(self._reporter) and not self._drawn else ""
            self._write(f"{head}{text}\n")
            self._drawn = False

    def close(self) -> None:
        """Erase the line."""
        if self._drawn and self._reporter is not None:
            column = columns(line_of(self._reporter))
            self._write(_ERASE + (f"{_UP}\x1b[{column}C" if column else ""))
        self._drawn = False
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _write(self, text: str) -> None:
        assert self._reporter is not None  # its callers look
        if self._stream is None:
            self._stream = uncaptured(self._config, self._reporter)
        self._stream.write(text)
        self._stream.flush()
