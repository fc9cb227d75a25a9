"""What workers are told of the controller's session: its command line and options, and nothing of its own."""

from __future__ import annotations

from pathlib import Path

from pytest_velo.integration.run.workers import _relative, _without_ours


def test_what_concerns_the_controller_alone_stays_there() -> None:
    args = [
        "-m",
        "velo",
        "--velo-workers=local:2",
        "--velo-cache-dir",
        "/home/me/cache",
        "tests",
        "--velo-seed=3",
    ]
    assert [*_without_ours(args)] == ["-m", "velo", "tests", "--velo-seed=3"]


def test_tests_are_named_from_the_folder_of_the_command() -> None:
    folder = Path("/home/me/project/tests")
    assert _relative("/home/me/project/tests/test_it.py::test_h", folder) == "test_it.py::test_h"
    assert _relative("/home/me/project", folder) == ".."
    assert _relative("--velo-seed=3", folder) == "--velo-seed=3"
