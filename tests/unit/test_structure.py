"""The house: no circle, wherever an import stands, and imports inside functions for weight only."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "structure.py"
MOST_LOCAL_IMPORTS = 60

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="it reads the repository, and this is not one")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = spec_from_file_location("structure", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["structure"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_no_circle_between_files_or_folders(script: ModuleType) -> None:
    structure = script.read()
    assert script.circles(structure.imports) == []
    assert script.circles(structure.between_folders()) == []


def test_imports_inside_functions_have_their_reason(script: ModuleType) -> None:
    local = script.read().local
    assert [found.where for found in local if not found.reason] == []
    assert len(local) <= MOST_LOCAL_IMPORTS


def test_a_circle_is_seen_wherever_its_imports_stand(script: ModuleType, tmp_path: Path) -> None:
    package = tmp_path / script.PACKAGE
    (package / "a").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "a/__init__.py": "",
        "a/one.py": "def f():\n    from pytest_velo.b import two\n",
        "b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pytest_velo import a\n",
        "c.py": "import pytest_velo.a.one\n",
    }
    for name, text in files.items():
        (package / name).write_text(text, encoding="utf-8")
    structure = script.read(tmp_path)
    assert script.circles(structure.imports) == []
    assert script.circles(structure.between_folders()) == [["pytest_velo.a", "pytest_velo.b"]]
    (package / "a" / "__init__.py").write_text("from pytest_velo.a import one\n", encoding="utf-8")
    found = script.circles(script.read(tmp_path).imports)
    assert found == [["pytest_velo.a", "pytest_velo.a.one", "pytest_velo.b"]]


@pytest.mark.processes
def test_the_script_prints_what_it_found() -> None:
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("modules", "circles", "local imports", "lines a module"):
        assert word in done.stdout
