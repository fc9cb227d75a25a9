"""The live line of a check: there while it is sampled, and gone when it ends."""

from __future__ import annotations

import pytest

from pytest_velo.claims import rate
from pytest_velo.interactive.checking.progress import Progress
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
