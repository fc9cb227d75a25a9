"""Draws that are not made because the user did not ask for them, and what they would cost at worst."""

from __future__ import annotations

from pytest_velo.errors import NotDrawnError, WouldPayError


def not_estimated(worst_usd: float | None, where: str) -> NotDrawnError:
    """Return the error of a draw that an estimate would have to make.

    Args:
        worst_usd: Dollars the call would not exceed, from 0; None when its price is unknown.
        where: The model and the slot, for the message.
    """
    return NotDrawnError(
        "this draw is not stored, and an estimate makes none",
        worst_usd=worst_usd,
        where=where,
        fix="run without --velo-mode=estimate",
    )


def would_pay(worst_usd: float | None, where: str) -> WouldPayError:
    """Return the error of a draw that would cost money, and that nobody asked for.

    Args:
        worst_usd: Dollars the call would not exceed, from 0; None when its price is unknown.
        where: The model and the slot, for the message.
    """
    return WouldPayError(
        "this draw would cost money",
        worst_usd=worst_usd,
        where=where,
        fix="ask for paid draws: -m velo, the test's own node id, or --velo-mode=auto",
    )
