"""Which process this is; it costs nothing to ask."""

from __future__ import annotations

from pytest_velo.errors import BodyError

name = ""
"""In a worker process, the function that it runs, e.g. ``the scorer `similarity` ``; empty elsewhere."""


def refuse(what: str) -> None:
    """Refuse in a worker process what belongs to the trial, which is not there.

    Raises:
        BodyError: This is one.
    """
    if name:
        raise BodyError(
            f"{name} began {what} in its own process, where there is no trial, no cache and no budget",
            fix="call models in the body, and give the scorer what they replied",
        )
