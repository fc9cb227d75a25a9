"""Repeats of a recorded run; loaded where a session is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.lazy import lazily

if TYPE_CHECKING:
    from pytest_velo.integration.repeating.repeated import register as register

__getattr__ = lazily(__name__, {"register": "repeated"})
