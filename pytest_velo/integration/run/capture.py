"""Output, logs and comparisons of bodies that run while pytest is at another item, kept for their own item.

Such bodies run before pytest reaches their item. A contextvar identifies them: it travels with every task
and worker thread of a trial.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

from pytest_velo.integration.compat import (
    captures,
    comparison_hook,
    log_handlers,
    set_comparison_hook,
)

Explain = Callable[[str, object, object], str | None]
"""Returns the message for a failed comparison, given the operator and both sides."""

LIMIT = 100_000
"""Characters kept for one item."""


class Backstage:
    """What the bodies of one item printed and logged.

    `explain` explains a failed comparison as pytest would at the item, or not at all.
    """

    def __init__(self, explain: Explain) -> None:
        self.explain = explain
        self._kept: dict[str, list[str]] = {"stdout": [], "stderr": [], "log": []}
        self._n_kept = 0

    def write(self, kind: str, text: str) -> None:
        """Keep a text, up to the limit."""
        if self._n_kept < LIMIT:
            self._kept[kind].append(text)
            self._n_kept += len(text)

    def sections(self) -> Iterator[tuple[str, str]]:
        """Yield the texts of each kind, for the item's report."""
        for kind, texts in self._kept.items():
            if texts:
                cut = "\n[cut]" if self._n_kept >= LIMIT else ""
                yield kind, "".join(texts) + cut


backstage: ContextVar[Backstage | None] = ContextVar("pytest_velo_backstage", default=None)


def _write(write: Callable[[str], int], kind: str, text: str) -> int:
    """Keep text written backstage; pass on any other."""
    kept = backstage.get()
    if kept is None:
        return write(text)
    kept.write(kind, text)
    return len(text)


class _Stream:
    """A standard stream that keeps what is written backstage, and passes on the rest."""

    def __init__(self, stream: Any, kind: str) -> None:
        self.stream = stream
        self._kind = kind

    def write(self, text: str) -> int:
        """Write to the item's own buffer, or to the wrapped stream."""
        return _write(self.stream.write, self._kind, text)

    def writelines(self, lines: Any) -> None:
        """Write several lines."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _NotBackstage(logging.Filter):
    """Keeps log records of backstage bodies out of the current item's log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a record for its own item, or let it pass."""
        kept = backstage.get()
        if kept is None:
            return True
        kept.write("log", f"{record.levelname:8} {record.name}:{record.lineno} {record.getMessage()}\n")
        return False


class Stage:
    """The plugin that separates output while runs are sampled together.

    Pytest switches between two streams of its own at each phase of each item; ours wrap both. Fixtures such
    as `capsys`, and pytest's comparison hook, come and go with the items, so everything is wrapped again at
    each phase.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._filter = _NotBackstage()
        self._handlers = log_handlers(config)
        for handler in self._handlers:
            handler.addFilter(self._filter)
        self._front: Any = None
        self._captures = captures(config)
        for capture in self._captures:
            # Pytest checks the type of its stream later, so replace only its method.
            capture.tmpfile.write = partial(_write, capture.tmpfile.write, capture.name)
            capture._old = _Stream(capture._old, capture.name)
        self._install()

    def close(self) -> None:
        """Restore streams, handlers and hook."""
        for handler in self._handlers:
            handler.removeFilter(self._filter)
        for capture in self._captures:
            del capture.tmpfile.write  # uncovers the method of its class
            capture._old = capture._old.stream
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if isinstance(stream, _Stream):
                setattr(sys, name, stream.stream)
        if comparison_hook() is self._explain:
            set_comparison_hook(None)

    def _install(self) -> None:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if not isinstance(stream, _Stream):
                setattr(sys, name, _Stream(stream, name))
        hook = comparison_hook()
        if hook != self._explain:
            self._front = hook
            set_comparison_hook(self._explain)

    def _explain(self, operator: str, left: object, right: object) -> str | None:
        """Explain a failed comparison: backstage by the item's own hook, otherwise by pytest's."""
        kept = backstage.get()
        explain = self._front if kept is None else kept.explain
        return None if explain is None else explain(operator, left, right)

    @contextmanager
    def _around(self) -> Iterator[None]:
        self._install()
        try:
            yield
        finally:
            self._install()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self) -> Generator[None, object, object]:
        """Wrap pytest's streams."""
        with self._around():
            return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Wrap pytest's streams."""
        with self._around():
            return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        """Wrap pytest's streams."""
        with self._around():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self) -> Generator[None, object, object]:
        """Wrap the streams in use between the phases."""
        with self._around():
            return (yield)
