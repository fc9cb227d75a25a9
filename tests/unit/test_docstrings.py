"""The test files that docstrings show run, and end as they say: supported, where no line says `ends …`.

A block without a test is a script, which runs to its end.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import pytest_velo
from pytest_velo.report.load import Run, load

PACKAGE = Path(pytest_velo.__file__).parent
FENCE = re.compile(r"^(?P<indent> *)```\w*\n(?P<code>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (?P<file>\w+\.\w+)\n")
ENDS = re.compile(r"\bends (?P<outcome>[a-z]+)\b")
TEST = re.compile(r"^(?:async )?def (?P<name>test_\w+)", re.MULTILINE)
# What a user would be asked to choose, or would notice, is kept out of a run of many files.
QUIET = ("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist")


@dataclass(frozen=True)
class Shown:
    """What one docstring shows: file name → text. A block without a name in its first line is a test file."""

    where: str
    files: Mapping[str, str]

    def __str__(self) -> str:
        return self.where

    @property
    def is_alone(self) -> bool:
        """It brings a conftest.py or settings, which would reach the tests of others."""
        return any(not name.startswith("test_") for name in self.files)

    @property
    def tests(self) -> set[tuple[str, str]]:
        """The node ids below the docstring's folder, each with the outcome that the text promises."""
        expected = set()
        for file, text in self.files.items():
            said = ENDS.search(text)
            outcome = said["outcome"] if said else "supported"
            expected |= {(f"{file}::{test['name']}", outcome) for test in TEST.finditer(text)}
        return expected

    def write(self, folder: Path) -> None:
        """Write the files."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")


def docstrings(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    """Return every docstring below `node` with the dotted name of what it is about."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield name, ast.get_docstring(node) or ""
    for child in ast.iter_child_nodes(node):
        own = getattr(child, "name", None)
        yield from docstrings(child, f"{name}.{own}" if isinstance(own, str) else name)


def shown() -> Iterator[Shown]:
    """Return what the package's docstrings show, in the order of the files."""
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "```" not in source:
            continue  # every worker collects this, and to parse the package takes seconds
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for where, text in docstrings(ast.parse(source), module):
            files = {}
            for n, block in enumerate(FENCE.finditer(text), 1):
                code = textwrap.dedent(block["code"])
                named = NAMED.match(code)
                files[named["file"] if named else f"test_{n}.py"] = code
            if files:
                yield Shown(where, files)


SHOWN = tuple(shown())


def run_pytest(folder: Path) -> tuple[Run, str]:
    """Run pytest in a folder, in a process of its own, and return the record and what it printed."""
    if not (folder / "pytest.ini").exists():
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if k != "CI" and not k.startswith(("PYTEST_", "VELO_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *QUIET, "--continue-on-collection-errors"],
        cwd=folder,
        env=kept,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert (folder / ".pytest_velo").exists(), printed
    return load(cache_dir=folder / ".pytest_velo"), printed


def run_scripts(example: Shown, folder: Path) -> None:
    """Run what is no test, each file in a process of its own."""
    example.write(folder)
    (folder / "pytest.ini").touch()  # the settings and the cache are those of this folder
    kept = {k: v for k, v in os.environ.items() if k != "CI" and not k.startswith(("PYTEST_", "VELO_"))}
    for name in example.files:
        done = subprocess.run(
            [sys.executable, name], cwd=folder, env=kept, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, str]:
    """One run over all test files that need nothing else, each in a folder of its own."""
    folder = tmp_path_factory.mktemp("docstrings")
    for example in SHOWN:
        if example.tests and not example.is_alone:
            example.write(folder / example.where)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n", encoding="utf-8")
    return run_pytest(folder)


@pytest.mark.processes
@pytest.mark.parametrize("example", SHOWN, ids=str)
def test_what_a_docstring_shows_ends_as_it_says(
    example: Shown, together: tuple[Run, str], tmp_path: Path
) -> None:
    if not example.tests:
        run_scripts(example, tmp_path)
        return
    run, printed = together
    below = f"{example.where}/"
    if example.is_alone:
        example.write(tmp_path)
        run, printed = run_pytest(tmp_path)
        below = ""
    ended = {
        (result.node_id.removeprefix(below).partition("[")[0], str(result.outcome))
        for result in run.results
        if result.node_id.startswith(below)
    }
    assert ended == example.tests, printed


def test_what_users_touch_in_a_trial_is_shown() -> None:
    wanted = {
        "hooks": ("pytest_velo_providers", "pytest_velo_claims"),
        "integration.fixtures": ("velo", "model", "judge", "case", "arm", "trial"),
        "designing.supplies": ("Velo",),
        "sampling.chat": ("Chat", "AsyncChat"),
        "sampling.model": ("Model", "AsyncModel"),
        "sampling.trial": ("Trial",),
        "scorers.judge": ("Judge", "AsyncJudge"),
    }
    names = {f"pytest_velo.{module}.{name}" for module, names in wanted.items() for name in names}
    assert names <= {example.where for example in SHOWN}
