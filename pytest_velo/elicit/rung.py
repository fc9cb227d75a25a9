"""A rung: one way to elicit an answer, which turns a call of `strategy` into calls of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_velo.errors import UsageError

if TYPE_CHECKING:
    from pytest_velo.case_sets import CaseSet
    from pytest_velo.records import JsonObject, Reply
    from pytest_velo.sampling.model import AsyncModel
    from pytest_velo.sampling.pending import Pending
    from pytest_velo.sampling.prompts import Prompt
    from pytest_velo.sampling.scope import TrialScope
    from pytest_velo.scorers.judge import AsyncJudge


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call of `strategy`.

    Attributes:
        scope: The running trial.
        prompt: As the body gave it.
        messages: The same as messages, the system prompt first.
        options: The other keywords of the call, which are a model's.
        slot: Names its draws; None for none.
        model: Who is asked.
        other: Returns another model by its id.
        judge: Returns the hypothesis's judge.
    """

    scope: TrialScope
    prompt: Prompt
    messages: tuple[JsonObject, ...]
    options: Mapping[str, Any]
    slot: str | None
    model: AsyncModel
    other: Callable[[str], AsyncModel]
    judge: Callable[[], AsyncJudge]

    def send(self) -> Pending[Reply]:
        """Ask the model once."""
        return self.model(self.messages, slot=self.slot, **self.options)

    def nth(self, at: int) -> Asked:
        """Return the call for draw `at` of several, from 0.

        The first one has the slot that it would have alone, so rungs share it: the error over a ladder is a
        sum over its rungs, which holds whatever they have in common.
        """
        if not at:
            return self
        return replace(self, slot=f"draw {at + 1}" if self.slot is None else f"{self.slot}, draw {at + 1}")


@dataclass(frozen=True, kw_only=True)
class Rung(ABC):
    """One way to elicit an answer.

    Attributes:
        name: Names it within its ladder.
        skip: Why it is not tried; empty if it is.
        prior: The chance that it succeeds, in the user's opinion, in (0, 1]; None without one.
        cost: Of a trial, relative to the plain prompt's, as the user says; None to be derived.
    """

    name: str
    skip: str = ""
    prior: float | None = None
    cost: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise UsageError("a rung's name is a text", where="ladder", fix='name="with examples"')
        if not isinstance(self.skip, str):
            raise UsageError(
                f"skip= says why the rung is not tried, got {self.skip!r}",
                where=self.name,
                fix='skip="no fine-tuning access"',
            )
        for name, value, most in (("prior", self.prior, 1.0), ("cost", self.cost, float("inf"))):
            if value is not None and not (
                isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= most
            ):
                upper = " and up to 1" if most == 1.0 else ""
                raise UsageError(
                    f"{name}={value!r}: expected a number above 0{upper}", where=self.name, fix=f"{name}=0.5"
                )

    @abstractmethod
    def ask(self, asked: Asked) -> Pending[Reply]:
        """Ask in this way; the calls are written now, so that one that is never awaited is found."""

    @property
    def other_models(self) -> tuple[str, ...]:
        """The ids of the models that it asks in place of the hypothesis's."""
        return ()

    @property
    def of(self) -> Rung | None:
        """The rung whose answers it works with; None without one."""
        return None

    @property
    def n_calls(self) -> int:
        """Calls of the model for one answer, at least."""
        return 1

    def judges(self) -> bool:
        """Tell whether it asks the hypothesis's judge."""
        return self.of is not None and self.of.judges()

    def chosen_by(self) -> tuple[Any, ...]:
        """Return the functions of the user's that choose among its answers."""
        return () if self.of is None else self.of.chosen_by()

    def check(self, cases: CaseSet | None, folder: Path) -> tuple[str, ...]:
        """Check it against the cases of its hypothesis, with files read from `folder`; return notices.

        Raises:
            UsageError: It cannot be used with them.
        """
        return () if self.of is None else self.of.check(cases, folder)

    def relative_cost(self, folder: Path) -> float | None:
        """Return the cost of a trial, relative to the plain prompt's; None if unknown."""
        if self.cost is not None:
            return self.cost
        return 1.0 if self.of is None else self.of.relative_cost(folder)


def name_of(kind: str, given: str | None, *parts: object) -> str:
    """Return a rung's name: the one that was given, else as it is written."""
    if given is not None:
        return given
    told = ", ".join(str(part) for part in parts if part != "")
    return f"{kind}({told})" if told else kind
