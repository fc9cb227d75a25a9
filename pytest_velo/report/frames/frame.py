"""Data frames of a recorded run: the same columns and values in pandas and in polars."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, assert_never

from pytest_velo.errors import UsageError, nearest
from pytest_velo.report.frames.columns import AFTER, COLUMNS, Kind, Table

if TYPE_CHECKING:
    import pandas
    import polars

_MOST_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: what it holds, and the value of each row, None where it is not known."""

    kind: Kind
    values: list[Any]


Columns = Mapping[str, Column]


def table_named(name: str) -> Table:
    """Return the table of this name.

    Raises:
        UsageError: There is none.
    """
    try:
        return Table(name)
    except ValueError:
        raise UsageError(f"there is no table {name!r}", fix=nearest(str(name), list(Table))) from None


def columns_of(table: Table, rows: Iterable[Mapping[str, Any]]) -> Columns:
    """Return rows as columns, those that users name behind ours, in the order in which they come up."""
    listed = list(rows)
    known = COLUMNS[table]
    others = dict.fromkeys(name for row in listed for name in row if name not in known)
    found: dict[str, Column] = {}
    for name, kind in known.items():
        values = [row.get(name) for row in listed]
        found[name] = _column(kind, values) if kind is not Kind.ANY else _guessed(values)
        for prefix, behind in AFTER.items():
            if behind == name:
                for other in (other for other in others if other.startswith(prefix)):
                    found[_free(other, found)] = _guessed([row.get(other) for row in listed])
    return found


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """Return a name as text that no other column has: half of a surrogate pair is no text."""
    name = _whole(name)
    while name in taken:
        name += "?"
    return name


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _column(kind: Kind, values: list[Any]) -> Column:
    return Column(kind=kind, values=list(map(_as_text, values)) if kind is Kind.TEXT else values)


def _guessed(values: list[Any]) -> Column:
    """Return values that anybody may have put there as a column of one kind; mixed ones are text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return Column(kind=Kind.FLAG, values=values)
    if kinds == {int} and all(value is None or abs(value) <= _MOST_INTEGER for value in values):
        return Column(kind=Kind.INTEGER, values=values)
    if kinds and kinds <= {int, float} and all(map(_is_exact, values)):
        return Column(kind=Kind.NUMBER, values=[None if value is None else float(value) for value in values])
    return _column(Kind.TEXT, values)


def _is_exact(value: float | None) -> bool:
    """Tell whether a number is itself as a float, and no NaN, which libraries take for unknown."""
    if value is None:
        return True
    return abs(value) <= 2**53 if isinstance(value, int) else math.isfinite(value)


def _as_text(value: Any) -> str | None:
    """Return a value as text, in JSON unless it is one already; half of a surrogate pair becomes `?`."""
    if value is None:
        return None
    return _whole(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def to_pandas(columns: Columns) -> pandas.DataFrame:
    """Return columns as a frame of pandas, with nullable dtypes.

    Raises:
        UsageError: pandas is not installed.
    """
    library = _library("pandas")
    frame: pandas.DataFrame = library.DataFrame(
        {name: library.array(column.values, dtype=_dtype(column.kind)) for name, column in columns.items()}
    )
    return frame


def _dtype(kind: Kind) -> str:
    match kind:
        case Kind.TEXT | Kind.ANY:
            return "string"
        case Kind.INTEGER:
            return "Int64"
        case Kind.NUMBER:
            return "Float64"
        case Kind.FLAG:
            return "boolean"
    assert_never(kind)


def to_polars(columns: Columns) -> polars.DataFrame:
    """Return columns as a frame of polars.

    Raises:
        UsageError: polars is not installed.
    """
    library = _library("polars")
    kinds = {
        Kind.TEXT: library.String,
        Kind.ANY: library.String,
        Kind.INTEGER: library.Int64,
        Kind.NUMBER: library.Float64,
        Kind.FLAG: library.Boolean,
    }
    series = (
        library.Series(name, column.values, dtype=kinds[column.kind]) for name, column in columns.items()
    )
    frame: polars.DataFrame = library.DataFrame(list(series))
    return frame


def _library(name: str) -> Any:
    """Return a library of data frames, which an extra of ours brings."""
    try:
        return import_module(name)
    except ModuleNotFoundError as problem:
        if problem.name != name:
            raise  # it is there, and lacks something itself
        raise UsageError(
            f"{name} is not installed", where=f"to_{name}()", fix=f"pip install 'pytest-velo[{name}]'"
        ) from None
