"""The budget: what a call may cost is set aside before it is sent, what it did cost is booked after it."""

from __future__ import annotations

from pytest_velo.sampling.budget import LocalLedger, shared_ledger
from pytest_velo.settings import Settings


def test_several_workers_share_a_ledger() -> None:
    books = LocalLedger()
    assert shared_ledger(Settings(workers=2), books) is books
    assert shared_ledger(Settings(workers=1), books) is None
