"""Errors for draws that are not made because they were not enabled, with their worst-case price."""

from __future__ import annotations

from pytest_velo.errors import NotDrawnError, WouldPayError


def not_estimated(worst_usd: float | None, where: str) -> NotDrawnError:
    """Return the error for a draw that an estimate would have to make; the price is None if unknown."""
    return NotDrawnError(
        "this draw is not stored, and an estimate makes no calls",
        worst_usd=worst_usd,
        where=where,
        fix="run without --velo-mode=estimate",
    )


def would_pay(worst_usd: float | None, where: str) -> WouldPayError:
    """Return the error for a draw that would cost money without being enabled; the price may be unknown."""
    return WouldPayError(
        "this would make a paid call, and paid calls are not enabled",
        worst_usd=worst_usd,
        where=where,
        fix="enable paid calls: -m velo, the test's own node id, or --velo-mode=auto",
    )
