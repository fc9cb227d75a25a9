"""One input row, as a body sees it."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping
from typing import Any, NoReturn, Protocol, runtime_checkable

from pytest_velo.errors import UsageError, nearest


class MissingFieldError(UsageError, AttributeError, KeyError):
    """A case has no field of this name. Also an AttributeError and a KeyError, as Python code expects."""


class Case:
    """A row with named fields: `case.question` and `case["question"]` are the same. Frozen.

    A field wins over a method of the same name, so that `case.keys` never puts a method into a prompt.

    Examples:
        >>> case = Case({"question": "2 + 2?", "answer": "4"})
        >>> case.question, case["answer"], case.get("wrong"), "answer" in case
        ('2 + 2?', '4', None, True)
        >>> case
        Case(question='2 + 2?', answer='4')
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.__dict__.update(fields)  # instance attributes win over the methods below

    def get(self, name: str, default: Any = None) -> Any:
        """Return the field `name`, or `default` where the case has none."""
        return self.__dict__.get(name, default)

    def keys(self) -> KeysView[str]:
        """Return the names of the fields, in the order of the source (with `[]`, this allows `**case`)."""
        return self.__dict__.keys()

    def __getitem__(self, name: str) -> Any:
        try:
            return self.__dict__[name]
        except KeyError:
            self._missing(name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # Python probes for a protocol; not a user's misspelling
        self._missing(name)

    def _missing(self, name: object) -> NoReturn:
        raise MissingFieldError(
            f"the case has no field {name!r}", fix=nearest(str(name), map(str, self.__dict__))
        ) from None

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise MissingFieldError(
            f"a case is frozen: {name!r} cannot be set", fix="keep computed values in a variable"
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise MissingFieldError(
            f"a case is frozen: {name!r} cannot be deleted",
            fix="leave it: a prompt contains only what you put into it",
        )

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if isinstance(other, Case) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # fields may be lists

    def __repr__(self) -> str:
        return f"Case({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


def target_of(case: Any) -> str | tuple[str, ...]:
    """Return what a case's field `target` says the answer is, as text; a list of answers as several.

    Examples:
        >>> target_of(Case({"question": "2 + 2?", "target": 4})), target_of(Case({"target": ["a", "b"]}))
        ('4', ('a', 'b'))
        >>> target_of("2 + 2?"), target_of(Case({"question": "2 + 2?"}))
        ('', '')
    """
    target = Case.get(case, "target") if isinstance(case, Case) else None
    if isinstance(target, list | tuple):
        return tuple(str(one) for one in target if isinstance(one, str | int | float))
    return str(target) if isinstance(target, str | int | float) else ""


@runtime_checkable
class Recorded(Protocol):
    """A case whose source holds draws of it, made by somebody else: each trial gets the next one."""

    @property
    def n_draws(self) -> int:
        """How many there are, from 1."""
        ...

    def drawn(self, repeat: int) -> Case:
        """Return the case with draw `repeat`, from 0; with one that is invalid where there is none."""
        ...


def fresh(value: Any) -> Any:
    """Return `value` with its own lists and dicts, so that a body that changes its case affects no other.

    Examples:
        >>> rows = [[1], {"a": [2]}]
        >>> copy = fresh(rows)
        >>> copy == rows, copy[1]["a"] is rows[1]["a"]
        (True, False)
    """
    kind = type(value)
    if kind is list:
        return [fresh(part) for part in value]
    if kind is dict:
        return {name: fresh(part) for name, part in value.items()}
    if kind is tuple:
        return tuple(fresh(part) for part in value)
    if kind is Case:
        return Case({name: fresh(part) for name, part in value.__dict__.items()})
    return value


def is_shared_safely(value: Any) -> bool:
    """Tell whether `value` contains no list or dict, so that trials may share it without a copy.

    Examples:
        >>> is_shared_safely(("2 + 2?", 4)), is_shared_safely(Case({"options": ["a", "b"]}))
        (True, False)
    """
    kind = type(value)
    if kind is tuple:
        return all(map(is_shared_safely, value))
    if kind is Case:
        return all(map(is_shared_safely, value.__dict__.values()))
    return kind not in (list, dict)
