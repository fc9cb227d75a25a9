"""The live line of a check: there while it is sampled, and gone when it ends."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pytest_velo.claims import rate
from pytest_velo.interactive.checking.progress import Progress, progress
from support.runs import sampled


class Screen:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.is_clear = True

    def show(self, line: str) -> None:
        self.lines.append(line)
        self.is_clear = False

    def clear(self) -> None:
        self.is_clear = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("pytest_velo.interactive.checking.progress.time.monotonic", lambda: now[0])
    return now


def test_it_is_drawn_by_its_caller_and_taken_back(clock: list[float]) -> None:
    screen = Screen()
    live = Progress(screen, 1, by_itself=False)
    run = sampled(rate >= 0.9, [1.0, 0.0, 1.0])
    live(run)
    live.draw()
    assert screen.lines == [], "what ends at once shows nothing"
    clock[0] = 0.5
    live(run)
    assert screen.lines == [], "another thread does not draw"
    live.draw()
    live.draw()
    (line,) = screen.lines
    assert "3 of at most" in line
    assert "rate 0.67" in line
    live.close()
    assert screen.is_clear


def test_a_sweep_tells_how_many_of_it_ended(clock: list[float]) -> None:
    screen = Screen()
    live = Progress(screen, 3, by_itself=True)
    clock[0] = 1.0
    live(sampled(rate >= 0.9, [1.0, 0.0, 1.0]))
    assert screen.lines[0].startswith("1 of 3 settings ended; ")


def test_without_a_screen_it_is_quiet(clock: list[float], capfd: pytest.CaptureFixture[str]) -> None:
    live = Progress(None, 1, by_itself=True)
    clock[0] = 1.0
    live(sampled(rate >= 0.9, [1.0]))
    live.close()
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What the display of a notebook's cell was told to show, in order."""
    shown: list[dict[str, str]] = []

    def display(bundle: dict[str, str], **_: Any) -> Any:
        shown.append(bundle)
        return SimpleNamespace(update=lambda bundle, **_: shown.append(bundle))

    ipython = ModuleType("IPython")
    ipython.__dict__.update(
        get_ipython=lambda: SimpleNamespace(kernel=object()), display=SimpleNamespace(display=display)
    )
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    return shown


def test_a_cell_shows_one_line_and_is_empty_afterwards(
    clock: list[float], cell: list[dict[str, str]]
) -> None:
    with progress(1, by_itself=False) as live:
        for clock[0], outcomes in ((2.0, [1.0, 0.0, 1.0]), (3.0, [1.0] * 4)):
            live(sampled(rate >= 0.9, outcomes))
            live.draw()
    first, second, last = cell
    assert "3 of at most" in first["text/plain"]
    assert "4 of at most" in second["text/plain"]
    assert set(last.values()) == {""}


def test_a_cell_that_cannot_be_drawn_from_its_own_thread_shows_nothing(
    clock: list[float], cell: list[dict[str, str]]
) -> None:
    with progress(1, by_itself=True) as live:
        clock[0] = 2.0
        live(sampled(rate >= 0.9, [1.0, 0.0, 1.0]))
    assert cell == []
