"""The example of an edited step: what the page shows is the file, and what the file comes to."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "faithfulness"


def test_the_page_shows_the_example_and_its_verdict(run, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    page = (ROOT / "docs" / "how-to" / "faithfulness.md").read_text(encoding="utf-8")
    example = (EXAMPLE / "test_faithfulness.py").read_text(encoding="utf-8")
    assert f"```python\n{example[example.index('import pytest') :]}```" in page

    shutil.copytree(EXAMPLE, run.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".pytest_velo"))
    result = run("--velo-mode=replay")  # from the committed draws: no model is asked

    assert result.ret == 0
    _, _, shown = page.partition("$ pytest examples/faithfulness --velo-mode=replay\n")
    printed = result.stdout.str()
    for line in shown.partition("```")[0].splitlines():
        assert line in printed
