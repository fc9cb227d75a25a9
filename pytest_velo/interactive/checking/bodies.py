"""The body of a check: a function as a test's is, whose parameters are ours or a sweep's."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_velo.bodies.asserts import removed_asserts
from pytest_velo.bodies.forbidden import forbidden_helper
from pytest_velo.bodies.shape import BodyFacts, check_facts, read_body
from pytest_velo.designing.parameters import PARAMETERS, PER_TRIAL
from pytest_velo.designing.supplies import Taker, supply
from pytest_velo.errors import UsageError, nearest
from pytest_velo.runner.hypothesis import Body

Function = Callable[..., Any]
NOTEBOOK = "notebook"
"""The place of a body in a notebook that does not tell its name."""
_EXAMPLE = "async def caves(model, case): ..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A function that can be a body.

    Attributes:
        function: The user's.
        name: Its name.
        uses: The names of its parameters that are ours.
        facts: What its source says.
    """

    function: Function
    name: str
    uses: tuple[str, ...]
    facts: BodyFacts

    @property
    def belief(self) -> str:
        """The docstring's first line, else the name in words."""
        doc = self.docstring
        return doc.splitlines()[0] if doc else self.name.removeprefix("test_").replace("_", " ")

    @property
    def docstring(self) -> str | None:
        """That of a function; None without one."""
        return inspect.getdoc(self.function) if inspect.isroutine(self.function) else None

    @property
    def place(self) -> str:
        """Where it stands: a notebook's name or a file, relative to the working directory."""
        inner = inspect.unwrap(self.function)
        told = getattr(inner, "__globals__", {}).get("__vsc_ipynb_file__")
        told = told or os.environ.get("JPY_SESSION_NAME")
        if told:
            return Path(str(told)).name
        file = getattr(getattr(inner, "__code__", None), "co_filename", "")
        if not os.path.isfile(file) or "ipykernel" in file:
            return NOTEBOOK
        path = Path(os.path.relpath(file))
        return path.name if path.parts[:1] == (os.pardir,) else path.as_posix()

    def with_arguments(self, taker: Taker, setting: Mapping[str, Any]) -> tuple[Body, list[Any]]:
        """Return the body with its arguments in place, and those that are the same in all trials.

        Args:
            taker: What ours are made from.
            setting: The values of the parameters that a sweep goes over.

        Raises:
            UsageError: One cannot be made here.
        """
        fixed = {name: supply(name, taker) for name in self.uses if name not in PER_TRIAL}
        given = {**fixed, **{name: value for name, value in setting.items() if name not in self.uses}}
        function, uses = self.function, frozenset(self.uses)

        def body(case: Any, arm: str, trial: Any) -> Any:
            of_the_trial = {"case": case, "arm": arm, "trial": trial}
            return function(**given, **{name: of_the_trial[name] for name in uses & of_the_trial.keys()})

        return body, list(fixed.values())


def check_body(function: Any, swept: Collection[str]) -> Checked:
    """Check what was given as a body.

    Args:
        function: The user's.
        swept: The parameters that a sweep goes over.

    Raises:
        UsageError: It cannot be one. Without a place; the caller knows it.
    """
    if not callable(function) or isinstance(function, type):
        raise UsageError(
            f"the body is a function, got {_kind(function)}", fix=f"{_EXAMPLE}; then check(claim, caves)"
        )
    uses = _uses(function, swept)
    facts = read_body(function, uses)
    problem = check_facts(facts) or forbidden_helper(function) or removed_asserts(function)
    if problem is not None:
        raise problem
    return Checked(function=function, name=facts.name, uses=uses, facts=facts)


def _uses(function: Function, swept: Collection[str]) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise UsageError("the body's parameters cannot be read", fix=_EXAMPLE) from None
    rest = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = [name for name, parameter in parameters.items() if parameter.kind not in rest]
    for name in swept:
        if name not in named:
            known = [other for other in named if other not in PARAMETERS or other == "model"]
            fix = nearest(name, known) if known else f"make {name!r} a parameter of the body"
            raise UsageError(f"over= names {name!r}, which is no parameter of the body", fix=fix)
    uses = []
    for name in named:
        parameter = parameters[name]
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise UsageError(
                f"the body takes {name!r} by its position, and it is called by names", fix="drop the `/`"
            )
        if name in PARAMETERS:
            uses.append(name)
        elif name not in swept and parameter.default is parameter.empty:
            raise UsageError(
                f"the body takes {name!r}, and there are no fixtures of yours without pytest",
                fix=f"use `{name}` as it is around the body, without a parameter; or sweep over it:"
                f" over={{{name!r}: [...]}}; ours are {', '.join(PARAMETERS)}",
            )
    return tuple(uses)


def _kind(value: Any) -> str:
    name = type(value).__name__
    if inspect.iscoroutine(value):
        value.close()
        return "a coroutine: leave out the parentheses"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
