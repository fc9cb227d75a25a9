"""Rungs that ask another model: a larger one, or one that was fine-tuned for the task."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_velo.case_sets import CaseSet
from pytest_velo.elicit.rung import Asked, Rung, name_of
from pytest_velo.elicit.shots import ZeroShot
from pytest_velo.elicit.training_log import read_log
from pytest_velo.errors import UsageError
from pytest_velo.records import Reply
from pytest_velo.sampling.pending import Pending


@dataclass(frozen=True, kw_only=True)
class OtherModel(Rung):
    """Another model.

    Attributes:
        id: Its id.
        inner: How it is asked.
    """

    id: str
    inner: Rung = field(default_factory=lambda: ZeroShot(name="zero_shot"))

    def ask(self, asked: Asked) -> Pending[Reply]:
        """Ask it."""
        return self.inner.ask(replace(asked, model=asked.other(self.id)))

    @property
    def of(self) -> Rung:
        """How it is asked."""
        return self.inner

    @property
    def other_models(self) -> tuple[str, ...]:
        """It, and those of the rung below."""
        return (self.id, *self.inner.other_models)

    @property
    def n_calls(self) -> int:
        """Those of the rung below."""
        return self.inner.n_calls

    def relative_cost(self, folder: Path) -> float | None:
        """Return what the user says: prices of two models are not known to each other."""
        return self.cost


@dataclass(frozen=True, kw_only=True)
class FineTuned(OtherModel):
    """A model that was fine-tuned, with the log of its training.

    Attributes:
        log: The file; None without one.
        held_out: The least accuracy on held-out examples that training must have ended with; None for any.
    """

    log: str | os.PathLike[str] | None = None
    held_out: float | None = None

    def check(self, cases: CaseSet | None, folder: Path) -> tuple[str, ...]:
        """Check that training did what it should: an attempt whose training failed says nothing.

        Raises:
            UsageError: The log cannot be read, the loss did not fall, or held-out accuracy is too low.
        """
        below = super().check(cases, folder)
        if self.log is None:
            return (*below, f"{self.name}: without log=, nothing says that its training worked")
        training = read_log(folder / os.fspath(self.log), where=self.name)
        first, last = training.loss
        if not last < first:
            raise UsageError(
                f"the loss did not fall: {first:.4g} at first, {last:.4g} in the end ({self.log})",
                where=self.name,
                fix='train again, or leave the rung out and say so: skip="the training failed"',
            )
        told = f"{self.name}: {training.text}"
        if training.accuracy is None:
            if self.held_out is not None:
                raise UsageError(
                    f"held_out={self.held_out:g}, but {self.log} has no accuracy on held-out examples",
                    where=self.name,
                    fix="evaluate while training, or leave held_out= out",
                )
            return (*below, f"{told}; no accuracy on held-out examples in the log")
        before, now = training.accuracy
        if self.held_out is not None and now < self.held_out:
            raise UsageError(
                f"accuracy on held-out examples ended at {now:.4g}, below held_out={self.held_out:g}"
                f" ({self.log})",
                where=self.name,
                fix='train again, or leave the rung out and say so: skip="the training failed"',
            )
        fell = "; accuracy on held-out examples fell, as if it had learned the examples by heart" * (
            now < before
        )
        return (*below, f"{told}{fell}")


def _checked(id: Any, of: Rung | None, kind: str) -> Rung:
    if not isinstance(id, str) or "/" not in id:
        raise UsageError(f"{id!r} is no model id", where=kind, fix=f'{kind}("openai/gpt-5-mini")')
    inner = ZeroShot(name="zero_shot") if of is None else of
    if not isinstance(inner, Rung):
        raise UsageError(f"of={of!r} is no rung", where=kind, fix="of=few_shot(examples)")
    return inner


def model(
    id: str,
    *,
    of: Rung | None = None,
    name: str | None = None,
    skip: str = "",
    prior: float | None = None,
    cost: float | None = None,
) -> OtherModel:
    """Ask another model in place of the hypothesis's.

    Args:
        id: Its id: `"endpoint/name"`.
        of: Another rung, by which it is asked (default: the plain prompt).
        name: As in `zero_shot`, like `skip`, `prior` and `cost`.
        skip: Why the rung is not tried.
        prior: The chance that it succeeds.
        cost: Of a trial, relative to the plain prompt's to the hypothesis's model; unknown by default.

    Raises:
        UsageError: An argument is not valid.
    """
    inner = _checked(id, of, "model")
    below = "" if of is None else f"of={inner.name}"
    return OtherModel(
        name=name_of("model", name, id, below), id=id, inner=inner, skip=skip, prior=prior, cost=cost
    )


def fine_tuned(
    id: str,
    log: str | os.PathLike[str] | None = None,
    *,
    held_out: float | None = None,
    of: Rung | None = None,
    name: str | None = None,
    skip: str = "",
    prior: float | None = None,
    cost: float | None = None,
) -> FineTuned:
    """Ask a model that was fine-tuned, after a look at the log of its training.

    A loss that did not fall is an error before any call: such an attempt says nothing about the idea.

    Args:
        id: Its id: `"endpoint/name"`.
        log: Rows of step and loss as CSV or JSON lines, OpenAI's events or its results file, or the
            `trainer_state.json` of Hugging Face; relative to the test file.
        held_out: The least accuracy on held-out examples that training must have ended with, in [0, 1].
        of: Another rung, by which it is asked (default: the plain prompt).
        name: As in `zero_shot`, like `skip`, `prior` and `cost`.
        skip: Why the rung is not tried.
        prior: The chance that it succeeds.
        cost: Of a trial, relative to the plain prompt's to the hypothesis's model; unknown by default.

    Raises:
        UsageError: An argument is not valid.
    """
    inner = _checked(id, of, "fine_tuned")
    if held_out is not None and not (isinstance(held_out, int | float) and 0 <= held_out <= 1):
        raise UsageError(f"held_out={held_out!r}: expected 0 to 1", where="fine_tuned", fix="held_out=0.8")
    below = "" if of is None else f"of={inner.name}"
    return FineTuned(
        name=name_of("fine_tuned", name, id, below),
        id=id,
        inner=inner,
        log=log,
        held_out=held_out,
        skip=skip,
        prior=prior,
        cost=cost,
    )
