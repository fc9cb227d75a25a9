"""Cases read by the library `datasets`, from folders on this machine: no network.

Run them with `pytest -m servers` where the extra `datasets` is installed.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from pytest_velo import cases
from pytest_velo import load as load_run
from pytest_velo.case_sets import load
from pytest_velo.errors import UsageError
from pytest_velo.media import Media

pytestmark = pytest.mark.servers
pyarrow = pytest.importorskip("pyarrow", reason='pip install "pytest-velo[parquet]"')
parquet = pytest.importorskip("pyarrow.parquet", reason='pip install "pytest-velo[parquet]"')
datasets = pytest.importorskip("datasets", reason='pip install "pytest-velo[datasets]"')

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set of two splits."""
    folder = tmp_path / "sums"
    folder.mkdir()
    for split, n in (("train", 3), ("test", 2)):
        rows = ({"question": f"{i} + {i}?", "answer": 2 * i} for i in range(n))
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


def test_a_split_is_read(folder: Path) -> None:
    found = load(cases(f"hf://{folder}?split=test", rename={"answer": "sum"}), base=Path())
    assert [vars(case) for case in found.items] == [
        {"question": "0 + 0?", "sum": 0},
        {"question": "1 + 1?", "sum": 2},
    ]
    assert found.default_over == "cases"
    assert found.origin == f"hf://{folder}, split test"
    assert (
        load(f"hf://{folder}?split=train[:2]", base=Path()).digest
        == load(f"hf://{folder}?split=test", base=Path()).digest
    )


def test_several_splits_are_named(folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(f"hf://{folder}", base=Path())
    assert "train" in caught.value.what
    assert "test" in caught.value.what
    assert "split=" in caught.value.fix


def test_one_split_needs_no_name(folder: Path) -> None:
    (folder / "test.jsonl").unlink()
    assert len(load(f"hf://{folder}", base=Path())) == 3


@pytest.mark.parametrize(
    "text", ["hf://{folder}?split=dev", "hf://{folder}/none", "hf://nobody/nothing?split=test"]
)
def test_what_cannot_be_loaded_is_named(folder: Path, text: str) -> None:
    source = text.format(folder=folder)
    with pytest.raises(UsageError) as caught:
        load(source, base=Path())
    assert caught.value.where == source
    assert "cannot be loaded" in caught.value.what
    assert caught.value.fix


def test_images_are_parts_of_a_prompt(tmp_path: Path) -> None:
    features = datasets.Features({"picture": datasets.Image(), "label": datasets.Value("string")})
    rows = [{"picture": {"bytes": PNG, "path": None}, "label": "a"}, {"picture": None, "label": "b"}]
    (tmp_path / "pictures").mkdir()
    table = pyarrow.Table.from_pylist(rows, schema=features.arrow_schema)
    parquet.write_table(table, tmp_path / "pictures" / "train.parquet")

    first, second = load(f"hf://{tmp_path}/pictures?split=train", base=Path()).items

    assert isinstance(first.picture, Media)
    assert first.picture.content == PNG
    assert second.picture is None


def test_a_run_says_where_its_cases_are_from(folder: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import pytest
        from pytest_velo import rate, scripted

        @pytest.mark.hypothesis(
            rate >= 0.5, cases="hf://{folder}?split=test", models=[scripted("no", ["no"])], max_trials=20
        )
        async def test_it(model, case):
            return case.question in await model(case.question)
        """
    )
    result = pytester.runpytest_inprocess(
        "-p", "no:randomly", "-o", "asyncio_default_fixture_loop_scope=function"
    )
    [found] = load_run(cache_dir=pytester.path / ".pytest_velo").results
    assert found.facts == (f"cases from hf://{folder}, split test",)
    result.stderr.no_fnmatch_line("*examples/s*")
