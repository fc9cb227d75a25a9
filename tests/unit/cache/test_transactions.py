"""Transactions of the store: whenever somebody presses Ctrl-C, the next one can begin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from pytest_velo.cache.attempt_ledger import AttemptLedger
from pytest_velo.cache.attempts import Tried

TRIED = Tried(
    test="t",
    sentence="",
    number=1,
    claim="rate >= 0.5",
    claim_hash="c",
    prompt="p",
    body="b",
    draws="d",
    model="m",
    at="2026-11-30",
)


class Pressed(apsw.Connection):
    """A connection at which Ctrl-C is pressed while SQLite runs one of `statements`."""

    statements: tuple[str, ...] = ()

    def execute(self, statements: str, *args: Any, **kwargs: Any) -> Any:
        found = super().execute(statements, *args, **kwargs)
        if statements in Pressed.statements:
            Pressed.statements = ()
            raise KeyboardInterrupt  # where Python handles a signal: as soon as SQLite has returned
        return found


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "COMMIT"])
def test_after_ctrl_c_the_next_transaction_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    monkeypatch.setattr(apsw, "Connection", Pressed)
    ledger = AttemptLedger(tmp_path / "draws.sqlite-attempts")
    monkeypatch.setattr(Pressed, "statements", (statement,))
    with pytest.raises(KeyboardInterrupt):
        ledger.number(TRIED)
    assert ledger.number(TRIED).number == 1
    assert len(ledger.entries()) == 1
