"""Logs side by side: what pairs, what is missing, and what must not be paired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.logs.arms import read_arms
from pytest_velo.logs.grid import Grid, make_grid
from pytest_velo.logs.log import Kind, Log, Sample
from support.logs import promptfoo_file, promptfoo_result, write_rows


def log(name: str, samples: Iterable[Sample], announced: Iterable[tuple[str, int]] = ()) -> Log:
    return Log(
        name=name,
        path=Path(f"{name}.eval"),
        kind=Kind.INSPECT,
        digest="0" * 64,
        samples=tuple(samples),
        announced=tuple(announced),
    )


def sample(name: str, epoch: int = 1, **fields: Any) -> Sample:
    return Sample(id=name, epoch=epoch, scores={"acc": 1.0}, fields=fields, where=f"{name}:{epoch}")


def paired(*logs: Log, group: str | None = None) -> Grid:
    return make_grid({each.name: each for each in logs}, group)


def reasons(grid: Grid, arm: str) -> Mapping[tuple[str, int], str]:
    cells = ((name, draw) for name in grid.ids for draw in range(grid.n_draws))
    return {cell: why for cell in cells if (why := grid.at(arm, *cell).invalid)}


def test_a_sample_that_one_log_lacks_is_invalid_there() -> None:
    grid = paired(log("a", [sample("x"), sample("y")]), log("b", [sample("y"), sample("z")]))

    assert grid.ids == ("x", "y", "z")
    assert reasons(grid, "a") == {("z", 0): "missing: the log has no such sample"}
    assert set(reasons(grid, "b")) == {("x", 0)}


def test_a_sample_that_was_announced_and_never_ran_is_missing() -> None:
    grid = paired(log("a", [sample("x")], announced=[("x", 1), ("x", 2), ("y", 1), ("y", 2)]))

    assert grid.n_draws == 2
    assert set(reasons(grid, "a")) == {("x", 1), ("y", 0), ("y", 1)}
    assert "epoch 2" in reasons(grid, "a")["x", 1]


def test_epochs_of_other_numbers_are_gone_through_in_full() -> None:
    two = [sample("x", epoch) for epoch in (1, 2)]
    three = [sample("x", epoch) for epoch in (1, 2, 3)]
    grid = paired(log("a", two), log("b", three))

    assert grid.n_draws == 6
    assert [grid.at("a", "x", draw).epoch for draw in range(6)] == [1, 2, 1, 2, 1, 2]
    assert [grid.at("b", "x", draw).epoch for draw in range(6)] == [1, 2, 3, 1, 2, 3]
    assert "2 and b 3 epochs" in grid.notices[0]


def test_a_sample_that_comes_twice_is_refused_with_both_places() -> None:
    with pytest.raises(UsageError, match="comes twice in epoch 2") as error:
        paired(log("a", [sample("x", 2), Sample(id="x", epoch=2, where="again")]))
    assert error.value.where == "again"
    assert "x:2" in error.value.what


def test_logs_without_a_common_sample_are_refused() -> None:
    with pytest.raises(UsageError, match="no sample in common") as error:
        paired(log("a", [sample("1")]), log("b", [sample("one")]))
    assert error.value.where == "b.eval"
    assert "--id" in error.value.fix


def test_logs_that_number_the_same_inputs_differently_are_refused() -> None:
    first = log("a", [sample(str(n), input=f"question {n}") for n in range(6)])
    second = log("b", [sample(str(n), input=f"question {(n + 1) % 6}") for n in range(6)])
    with pytest.raises(UsageError, match="number the same samples differently") as error:
        paired(first, second)
    assert error.value.fix == "pair them by their text: --id=input"


def test_other_inputs_under_the_same_ids_are_said() -> None:
    first = log("a", [sample(str(n), input=f"question {n}") for n in range(6)])
    second = log("b", [sample(str(n), input=f"question {n}, please") for n in range(2)])
    [notice] = paired(first, second).notices
    assert "2 of 2 samples have another input in b" in notice


def test_samples_are_grouped_by_a_field_and_those_nobody_has_stand_alone() -> None:
    grid = paired(
        log("a", [sample("x", topic="t"), sample("y", topic=3)], announced=[("z", 1)]), group="topic"
    )
    assert dict(zip(grid.ids, grid.groups or (), strict=True)) == {"z": "sample z", "x": "t", "y": "3"}
    with pytest.raises(UsageError, match="no field 'topik'") as error:
        paired(log("a", [sample("x", topic="t")]), group="topik")
    assert (error.value.where, error.value.fix) == ("x:1", "did you mean 'topic'?")


def test_rows_that_are_only_numbered_pair_with_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_rows(tmp_path / f"{name}.jsonl", [{"ok": True}])
    arms = read_arms(["a.jsonl", "b.jsonl"], base=tmp_path)
    assert make_grid({"a": arms["a"]}).ids == ("0",)
    with pytest.raises(UsageError, match="pair with nothing") as error:
        make_grid(arms)
    assert "--id" in error.value.fix


def test_logs_are_paired_by_another_field(tmp_path: Path) -> None:
    for name, numbers in (("a", (1, 2)), ("b", (2, 1))):
        results = [
            promptfoo_result(place, variables={"q": f"question {number}"})
            for place, number in enumerate(numbers)
        ]
        promptfoo_file(tmp_path / f"{name}.json", results)
    grid = make_grid(read_arms(["a.json", "b.json"], base=tmp_path, id_field="q"))

    assert grid.ids == ("question 1", "question 2")
    assert not grid.notices


def test_two_logs_of_one_name_need_names(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        write_rows(tmp_path / folder / "a.jsonl", [{"id": 1, "ok": True}])
    with pytest.raises(UsageError, match="2 logs are named 'a'") as error:
        read_arms(["x/a.jsonl", "y/a.jsonl"], base=tmp_path)
    assert "--arm old=" in error.value.fix
    assert list(read_arms([], {"old": "x/a.jsonl", "new": "y/a.jsonl"}, base=tmp_path)) == ["old", "new"]


def test_a_file_of_several_arms_cannot_be_given_one_name(tmp_path: Path) -> None:
    promptfoo_file(tmp_path / "r.json", [promptfoo_result(0, provider) for provider in ("p", "q")])
    with pytest.raises(UsageError, match="2 arms") as error:
        read_arms([], {"old": "r.json"}, base=tmp_path)
    assert "r:p, r:q" in error.value.what


def test_a_log_without_samples_is_refused() -> None:
    with pytest.raises(UsageError, match="no samples"):
        paired(log("a", [], announced=[("x", 1)]))
