"""`--velo-report=html:FILE`: the page of a run, written by the run itself."""

from __future__ import annotations

import re

import pytest

RUN = """
from pathlib import Path

@pytest.mark.hypothesis(rate >= 0.5, models=[YES, NO])
async def test_agrees(model):
    "It says yes."
    return (await model("Sure?")).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, max_trials=40, min_trials=30)
async def test_luck(trial):
    return Path("good").exists() or trial.repeat % 4 == 0
"""


def test_a_run_writes_its_page_and_the_next_one_what_moved(run, monkeypatch):
    monkeypatch.chdir(run.path)
    run.file(RUN)
    (run.path / "good").touch()
    first = run("--velo-report=html:page.html")
    assert f"report: html: {run.path}/page.html" in re.sub(r"\n *", "", first.stdout.str())
    page = (run.path / "page.html").read_text(encoding="utf-8")
    for text in ("3 hypotheses · 2 supported · 1 refuted", "It says yes.", 'id="models-title"'):
        assert text in page
    assert "What moved since" not in page

    (run.path / "good").unlink()
    run("--velo-report=html:new/page.html", "-k", "luck")
    page = (run.path / "new" / "page.html").read_text(encoding="utf-8")
    assert "What moved since" in page
    assert "<strong>worse: it fell</strong>" in page
    assert 'href="#h1-t1"' in page


def test_a_page_that_could_not_be_written_is_refused_before_anything_is_paid_for(run, lab):
    run.file(RUN.replace("models=[YES, NO]", 'models=["lab/tiny"]'))
    (run.path / "folder").mkdir()
    result = run("--velo-report=html:folder")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "it is a folder" in result.stderr.str()
    assert lab.calls == []
