"""One run of the body, as the body sees it."""

from __future__ import annotations

import random
from typing import ClassVar


class Trial:
    """One run of the body, as the body sees it (fixture `trial`).

    Attributes:
        index: Position in submission order, from 0.
        repeat: How often this case was drawn before, from 0.
        seed: 63-bit seed, from the root seed, the case set (else the test) and the index; never from
            the arm or max_trials.

    >>> trial = Trial(index=0, repeat=0, seed=7)
    >>> trial.rng.random() == Trial(index=0, repeat=0, seed=7).rng.random()
    True
    >>> trial.note("it hesitated")
    >>> trial.notes
    ('it hesitated',)

    Example:
        ```python
        import pytest
        from pytest_velo import estimate, rate


        @pytest.mark.hypothesis(estimate(rate, halfwidth=0.1))  # claims nothing: it ends measured
        def test_two_dice(trial):
            "How often do two dice show seven or more?"
            return trial.rng.randint(1, 6) + trial.rng.randint(1, 6) >= 7
        ```
    """

    _stays_here: ClassVar[str] = "the trial, whose notes would be lost there,"

    __slots__ = ("_notes", "_rng", "index", "repeat", "seed")

    def __init__(self, *, index: int, repeat: int, seed: int) -> None:
        self.index = index
        self.repeat = repeat
        self.seed = seed
        self._rng: random.Random | None = None
        self._notes: list[str] = []

    @property
    def rng(self) -> random.Random:
        """This trial's own generator, seeded with `seed`; made on first use (it costs 6 µs)."""
        if self._rng is None:
            self._rng = random.Random(self.seed)
        return self._rng

    @property
    def notes(self) -> tuple[str, ...]:
        """The remarks given to `note`, in order."""
        return tuple(self._notes)

    def note(self, text: object) -> None:
        """Store a remark with the trial's record; it is shown with the transcript."""
        self._notes.append(str(text))

    def __repr__(self) -> str:
        return f"Trial(index={self.index}, repeat={self.repeat}, seed={self.seed})"
