"""`velo report`: the page of a recorded run."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_velo.cli.report import report
from pytest_velo.errors import StoreError, UsageError
from support.reports import recorded, refuted


def ran(tmp_path: Path, *words: str) -> str:
    said = CliRunner().invoke(report, [*words, "--cache-dir", str(tmp_path)], catch_exceptions=False)
    assert said.exit_code == 0
    return said.stdout.strip()


def test_it_writes_into_the_record_unless_told_otherwise(tmp_path: Path) -> None:
    run = recorded(tmp_path, refuted())
    assert ran(tmp_path) == str(run.folder / "page.html")
    assert ran(tmp_path, "latest", "-o", str(tmp_path / "new" / "a.html")) == str(tmp_path / "new" / "a.html")
    assert (tmp_path / "new" / "a.html").read_bytes() == (run.folder / "page.html").read_bytes()
    assert not list(tmp_path.rglob(".*.html"))


def test_it_is_beside_the_last_run_with_a_test_in_common(tmp_path: Path) -> None:
    first = recorded(tmp_path, refuted())
    recorded(tmp_path, refuted(node_id="test_a.py::another"))
    third = recorded(tmp_path, refuted())
    page = Path(ran(tmp_path, third.folder.name)).read_text(encoding="utf-8")
    assert f"What moved since {first.folder.name}<" in page
    told = Path(ran(tmp_path, "--against", third.folder.name)).read_text(encoding="utf-8")
    assert f"What moved since {third.folder.name}<" in told
    alone = Path(ran(tmp_path, first.folder.name)).read_text(encoding="utf-8")
    assert "What moved since" not in alone


def test_mistakes(tmp_path: Path) -> None:
    recorded(tmp_path, refuted())
    with pytest.raises(UsageError, match="no finished run 'other'"):
        ran(tmp_path, "other")
    with pytest.raises(UsageError, match="-1 transcripts"):
        ran(tmp_path, "--transcripts=-1")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="the page cannot be written"):
        ran(tmp_path, "-o", str(tmp_path / "file" / "a.html"))


def test_markdown_goes_to_standard_output_or_a_file(tmp_path: Path) -> None:
    first = recorded(tmp_path, refuted())
    recorded(tmp_path, refuted(belief="Sie grüßt — 日本"))
    told = ran(tmp_path, "--md")
    assert told.startswith("<!-- pytest-velo -->\n## ✗ The hypothesis is refuted\n")
    assert "Sie grüßt — 日本" in told
    assert f"What moved since `{first.folder.name}`" in told
    assert ran(tmp_path, "--md", "-o", str(tmp_path / "new" / "a.md")) == ""
    assert (tmp_path / "new" / "a.md").read_text(encoding="utf-8").strip() == told


def test_markdown_is_as_short_as_a_comment_has_to_be(tmp_path: Path) -> None:
    recorded(tmp_path, *(refuted(node_id=f"test_a.py::test_{n}") for n in range(100)))
    assert len(ran(tmp_path, "--md").encode()) <= 65_536
    assert len(ran(tmp_path, "--md", "--limit=5000").encode()) <= 5_000
    assert len(ran(tmp_path, "--md", "--limit=1000000").encode()) > 65_536


def test_mistakes_about_markdown(tmp_path: Path) -> None:
    recorded(tmp_path, refuted())
    with pytest.raises(UsageError, match="100 bytes hold no report"):
        ran(tmp_path, "--md", "--limit=100")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="the report cannot be written"):
        ran(tmp_path, "--md", "-o", str(tmp_path / "file" / "a.md"))
