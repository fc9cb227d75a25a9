"""A function called many times: the same in every number of processes."""

from __future__ import annotations

import json
import operator
from pathlib import Path

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.logs.arms import read_arms
from pytest_velo.parallel.mapping import mapped


def logs(folder: Path, n: int) -> list[Path]:
    files = [folder / f"log{i}.jsonl" for i in range(n)]
    for i, file in enumerate(files):
        rows = [{"id": str(k), "passed": (i + k) % 3 > 0} for k in range(5)]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return files


def test_one_job_calls_in_this_process_and_only_when_asked() -> None:
    calls = iter([(1, 2), (3, 4)])
    results = mapped(lambda a, b: a + b, calls, jobs=1)
    assert next(results) == 3
    assert next(calls) == (3, 4)


@pytest.mark.processes
def test_the_results_are_those_of_one_process_and_in_their_order(tmp_path) -> None:
    calls = [(i, i + 1) for i in range(20)]
    assert [*mapped(operator.mul, calls, jobs=2)] == [*mapped(operator.mul, calls, jobs=1)]
    files = logs(tmp_path, 4)
    one, two = read_arms(files), read_arms(files, jobs=2)
    assert [*one] == [*two]
    assert one == two
    for damaged in files[1:3]:
        damaged.write_text("{", encoding="utf-8")
    said = []
    for jobs in (1, 2):
        with pytest.raises(UsageError) as raised:
            read_arms(files, jobs=jobs)
        said.append(str(raised.value))
    assert said[0] == said[1]
    assert "log1.jsonl" in said[0], "the first one in their order"
