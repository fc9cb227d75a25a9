"""Rows as columns of one kind each, and as data frames."""

from __future__ import annotations

import sys
from typing import Any

import pandas
import pytest

from pytest_velo import UsageError
from pytest_velo.report.frames.columns import COLUMNS, Kind, Table
from pytest_velo.report.frames.frame import columns_of, table_named, to_pandas, to_polars


@pytest.mark.parametrize(
    ("values", "kind", "kept"),
    [
        ([1, None, 3], Kind.INTEGER, [1, None, 3]),
        ([1, 2.5, None], Kind.NUMBER, [1.0, 2.5, None]),
        ([True, None], Kind.FLAG, [True, None]),
        (["a", None], Kind.TEXT, ["a", None]),
        ([True, 1], Kind.TEXT, ["true", "1"]),
        ([1, "one"], Kind.TEXT, ["1", "one"]),
        ([["a", 1], {"b": None}], Kind.TEXT, ['["a", 1]', '{"b": null}']),
        ([2**70, 1], Kind.TEXT, [str(2**70), "1"]),
        ([2**60, 0.5], Kind.TEXT, [str(2**60), "0.5"]),
        (["cut \ud83d", "é"], Kind.TEXT, ["cut ?", "é"]),
        ([None, None], Kind.TEXT, [None, None]),
    ],
)
def test_a_field_of_cases_is_a_column_of_one_kind(values: list[Any], kind: Kind, kept: list[Any]) -> None:
    column = columns_of(Table.TRIALS, [{"case.x": value} for value in values])["case.x"]
    assert (column.kind, column.values) == (kind, kept)
    frame = to_pandas({"x": column})
    assert [None if value is pandas.NA else value for value in frame.x] == kept


def test_names_of_users_clash_with_none_of_ours() -> None:
    rows = [{"case_id": "q1", "case.id": "mine", "case.outcome": 1, "outcome": 0.0, "outcome.trial": 1.0}]
    columns = columns_of(Table.TRIALS, rows)
    assert [*columns][5:10] == ["case_id", "case", "case.id", "case.outcome", "trial"]
    assert not [name for table in COLUMNS.values() for name in table if "." in name]


def test_names_that_are_no_text_are_columns_all_the_same() -> None:
    rows = [{"case.a\ud83d": 1, "case.a?": 2, "case.": 3, "case.\x1b[31m": 4}]
    frame = to_pandas(columns_of(Table.TRIALS, rows))
    named = [name for name in frame if name.startswith("case.")]
    assert named == ["case.a?", "case.a??", "case.", "case.\x1b[31m"]
    assert frame[named].iloc[0].tolist() == [1, 2, 3, 4]


def test_a_table_without_rows_has_its_columns() -> None:
    for table in Table:
        frame = to_pandas(columns_of(table, []))
        assert [*frame.columns] == [*COLUMNS[table]]
        assert len(frame) == 0


@pytest.mark.parametrize(("library", "convert"), [("pandas", to_pandas), ("polars", to_polars)])
def test_a_missing_library_is_named_with_the_line_that_installs_it(
    library: str, convert: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UsageError, match=rf"{library} is not installed") as caught:
        convert(columns_of(Table.TRIALS, []))
    assert caught.value.fix == f"pip install 'pytest-velo[{library}]'"


def test_an_unknown_table_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        table_named("hypothesis")
    assert "hypotheses" in caught.value.fix
