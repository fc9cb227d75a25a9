"""The `strategy` of a body: it asks the model in the way of the rung that is being sampled."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ClassVar

from pytest_velo.elicit.rung import Asked, Rung
from pytest_velo.elicit.shots import ZeroShot
from pytest_velo.errors import BodyError, tell
from pytest_velo.records import Reply
from pytest_velo.sampling.model import AsyncModel, Model
from pytest_velo.sampling.pending import Pending
from pytest_velo.sampling.prompts import Prompt, messages_of
from pytest_velo.scorers.judge import AsyncJudge

PLAIN = ZeroShot(name="zero_shot")
"""The rung of a hypothesis without a ladder."""

_rung: ContextVar[Rung] = ContextVar("pytest_velo_rung", default=PLAIN)


def stand_on(rung: Rung) -> None:
    """Let the strategies of this context ask in the way of `rung`."""
    _rung.set(rung)


class _Asker:
    """The common part of both kinds of strategy."""

    _stays_here: ClassVar[str] = "a strategy"

    __slots__ = ("_judge", "_model", "_other")

    def __init__(
        self, model: Any, *, other: Callable[[str], AsyncModel], judge: Callable[[], AsyncJudge]
    ) -> None:
        """Take the hypothesis's model, and what returns another by its id, and the judge."""
        self._model = model
        self._other = other
        self._judge = judge

    @property
    def _lost(self) -> BodyError | None:
        """Why a call found no trial."""
        lost: BodyError | None = self._model._lost
        return lost

    @property
    def rung(self) -> str:
        """The name of the rung that is being sampled."""
        return _rung.get().name

    def __repr__(self) -> str:
        return f"<strategy {self.rung}>"

    def _asked(
        self, model: AsyncModel, prompt: Prompt, system: str | None, slot: str | None, options: dict[str, Any]
    ) -> Asked:
        scope = model._scope()
        try:
            messages = messages_of(prompt, system, scope.folder)
        except BodyError as error:
            raise tell(error) from None
        return Asked(
            scope=scope,
            prompt=prompt,
            messages=messages,
            options=options,
            slot=slot,
            model=model,
            other=self._other,
            judge=self._judge,
        )


class AsyncStrategy(_Asker):
    """A strategy inside an `async def` body: `reply = await strategy("…")`."""

    __slots__ = ()

    def __call__(
        self, prompt: Prompt, *, system: str | None = None, slot: str | None = None, **options: Any
    ) -> Pending[Reply]:
        """Ask in the way of the rung.

        Args:
            prompt: As for `model`.
            system: The system prompt.
            slot: As for `model`.
            **options: Keywords of each call of the model: `max_tokens=`, `temperature=`, ...

        Raises:
            InvalidTrial: As for `model`; one unusable draw of several makes the trial invalid.
        """
        asked = self._asked(self._model, prompt, system, slot, options)
        call = _rung.get().ask(asked)

        async def answer() -> Reply:
            return await call

        return Pending("strategy(...)", answer)


class Strategy(_Asker):
    """A strategy inside a plain `def` body: `reply = strategy("…")` blocks until the reply is there."""

    __slots__ = ()

    def __call__(
        self, prompt: Prompt, *, system: str | None = None, slot: str | None = None, **options: Any
    ) -> Reply:
        """Ask in the way of the rung; arguments and errors as in `AsyncStrategy`."""
        model: Model = self._model
        scope = model._blocking_scope()
        assert scope.block is not None
        rung = _rung.get()

        async def answer() -> Reply:
            return await rung.ask(self._asked(model._twin(), prompt, system, slot, options))

        return scope.block(answer())
