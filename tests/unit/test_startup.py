"""A pytest that does not use the plugin hardly notices it: few modules, none of them heavy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MOST_MODULES = 10  # over pytest's own: pytest's import hook loads each of an installed plugin slowly
HEAVY = {
    "anthropic",
    "anyio",
    "apsw",
    "asyncio",
    "click",
    "genai_prices",
    "httpx2",
    "hypothesis",
    "jinja2",
    "msgspec",
    "numpy",
    "openai",
    "scipy",
    "xllamacpp",
}
TEST = """
import json, sys
from pathlib import Path

def test_nothing():
    Path("modules.json").write_text(json.dumps(sorted(sys.modules)))
"""


def modules_of_a_run(folder: Path, *plugins: str) -> set[str]:
    (folder / "test_empty.py").write_text(TEST, encoding="utf-8")
    # Other plugins off: what they import would hide what we import.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("VELO_", "PYTEST_"))}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins], cwd=folder, env=env, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ("velo: seed" in ran.stdout) == bool(plugins), "the header tells whether the plugin is there"
    return set(json.loads((folder / "modules.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def extra(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules that are there because the plugin is."""
    folder = tmp_path_factory.mktemp("empty")
    without = modules_of_a_run(folder)
    return modules_of_a_run(folder, "-p", "pytest_velo.plugin") - without


def test_an_unused_plugin_adds_few_modules(extra: set[str]) -> None:
    assert "pytest_velo.plugin" in extra
    assert len(extra) <= MOST_MODULES, sorted(extra)


def test_an_unused_plugin_adds_nothing_heavy(extra: set[str]) -> None:
    assert HEAVY.isdisjoint(name.partition(".")[0] for name in extra)


def test_an_unused_plugin_loads_nothing_that_samples_or_judges(extra: set[str]) -> None:
    parts = {".".join(name.split(".")[:2]) for name in extra if name.startswith("pytest_velo.")}
    light = {"hooks", "integration", "lazy", "plugin", "version"}
    assert parts <= {f"pytest_velo.{name}" for name in light}
