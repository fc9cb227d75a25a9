"""What stands alone in a mark: it is not joined with a claim, and is neither true nor false."""

from __future__ import annotations

from typing import ClassVar, NoReturn

from pytest_velo.errors import UsageError


class Alone:
    """What a mark takes as it is; its text is what users wrote."""

    __slots__ = ()

    _why: ClassVar[str] = "cannot be joined with another claim"

    def __and__(self, other: object) -> NoReturn:
        raise UsageError(f"`{self}` {self._why}", fix="write a separate test for it")

    __rand__ = __and__

    def __ge__(self, other: object) -> NoReturn:
        raise UsageError(f"`{self}` is not compared with a number", fix="pass it to the mark as it is")

    __le__ = __gt__ = __lt__ = __ge__

    def __repr__(self) -> str:
        return str(self)

    def __bool__(self) -> NoReturn:
        raise UsageError(f"`{self}` has no truth value", fix="pass it to the mark as it is")
