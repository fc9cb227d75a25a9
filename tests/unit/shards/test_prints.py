"""A worker that has something else is refused, by name and with both digests."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.shards.prints import check_prints, prints_of


def test_another_file_is_named_with_both_digests(tmp_path: Path) -> None:
    (tmp_path / "here.py").write_text("x = 1\n")
    (tmp_path / "there.py").write_text("x = 2\n")
    here = prints_of({"tests/test_it.py": tmp_path / "here.py"}, {"pytest": "9.2.0"})
    there = prints_of({"tests/test_it.py": tmp_path / "there.py"}, {"pytest": "9.2.0"})
    with pytest.raises(UsageError) as caught:
        check_prints(here, there, worker="tcp://a:1", host="box")
    said = str(caught.value)
    for part in (
        "tcp://a:1",
        "box",
        "tests/test_it.py",
        *{here["tests/test_it.py"], there["tests/test_it.py"]},
    ):
        assert part in said
    assert caught.value.fix


@pytest.mark.parametrize("name", ["python", "pytest", "pytest-velo", "the files of pytest-velo"])
def test_another_version_is_named(name: str) -> None:
    here = prints_of({}, {"pytest": "9.2.0"})
    with pytest.raises(UsageError, match=f"{name} is 0 there, {here[name]} here"):
        check_prints(here, {**here, name: "0"}, worker="w", host="h")


def test_a_file_that_a_worker_lacks_is_missing_and_one_more_there_is_none(tmp_path: Path) -> None:
    here = {"a.py": "1"}
    with pytest.raises(UsageError, match=r"a\.py is missing there"):
        check_prints(here, {}, worker="w", host="h")
    check_prints(here, {**here, "b.py": "2"}, worker="w", host="h")


def test_many_differences_are_counted() -> None:
    here = {f"{n}.py": "1" for n in range(9)}
    with pytest.raises(UsageError, match="and 4 more"):
        check_prints(here, {}, worker="w", host="h")
