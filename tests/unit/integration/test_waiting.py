"""The line that is shown while pytest waits for batches."""

from __future__ import annotations

import dataclasses

from pytest_velo.batches.entry import Batch, BatchState
from pytest_velo.batches.service import Standing
from pytest_velo.batches.watching import Look
from pytest_velo.errors import TransientError
from pytest_velo.integration.run.waiting import waiting_text

BATCH = Batch(
    name="0123456789abcdef",
    endpoint="lab",
    model="tiny",
    state=BatchState.UNDER_WAY,
    sent_at=0.0,
    remote="batch_0",
    n=40,
    n_waiting=40,
    worst_usd=0.5,
    told="in_progress",
)
STANDING = Standing(remote="batch_0", word="in_progress", is_ended=False, n_done=7, n_failed=1)


def test_it_tells_counts_and_costs() -> None:
    text = waiting_text([Look(batch=BATCH, standing=STANDING)], 0.0)
    assert "batch_0 in_progress" in text
    assert "7 of 40 draws done" in text
    assert "1 failed" in text
    assert "$0.00 so far" in text
    assert "$0.50 more at most" in text


def test_an_unknown_price_is_not_shown_as_nothing() -> None:
    unpriced = dataclasses.replace(BATCH, worst_usd=None, spent_usd=None)
    text = waiting_text([Look(batch=unpriced, standing=STANDING)], 0.0)
    assert "$? so far" in text
    assert "$? more at most" in text


def test_trouble_is_told_and_a_server_cannot_move_the_cursor() -> None:
    hostile = dataclasses.replace(BATCH, remote="batch\x1b[2J", told="do\nne")
    trouble = TransientError("no answer", kind="connection")
    text = waiting_text([Look(batch=hostile, trouble=trouble)], 0.0)
    assert "no answer now: no answer" in text
    assert "\x1b" not in text
    assert "\n" not in text
