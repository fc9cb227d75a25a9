"""What a type checker says of user code: nothing of the right, and of the wrong exactly what is marked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
IGNORE = re.compile(r"  # type: ignore\[([\w-]+)\]")
ERROR = re.compile(r"(\w+\.py):(\d+): error: .*\[([\w-]+)\]")


@pytest.mark.processes
def test_mypy_finds_every_mistake_and_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    source = (HERE / "wrong.py").read_text(encoding="utf-8")
    lines = source.splitlines()
    expected = {
        ("wrong.py", str(number), found[1])
        for number, line in enumerate(lines, 1)
        if (found := IGNORE.search(line))
    }
    (tmp_path / "wrong.py").write_text(IGNORE.sub("", source), encoding="utf-8")
    files = [str(HERE / "ok.py"), str(tmp_path / "wrong.py")]
    command = [sys.executable, "-m", "mypy", "--config-file", str(HERE / "mypy.ini"), *files]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parents[1], check=False)
    assert {found.groups() for found in ERROR.finditer(done.stdout)} == expected, done.stdout + done.stderr
    assert len(expected) > 10
