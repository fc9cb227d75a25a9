"""The automation of the repository: its YAML can be read, and says what pyproject.toml says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import pytest_velo

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(
    path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"
)
MAJOR = re.compile(r"[\w-]+/[\w./-]+@(v\d+|release/v\d+)")

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


@cache
def read(path: Path) -> dict[Any, Any]:
    """Return what a YAML file says; the key `on` is read as True."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@cache
def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def workflow(name: str) -> dict[Any, Any]:
    """Return one workflow."""
    return read(ROOT / ".github" / "workflows" / f"{name}.yml")


def steps(path: Path) -> Iterator[dict[str, Any]]:
    """Return the steps of all jobs."""
    for job in read(path)["jobs"].values():
        yield from job["steps"]


def dev_requirement(name: str) -> SpecifierSet:
    """Return which versions of a package the dev extra takes."""
    required = map(Requirement, project()["project"]["optional-dependencies"]["dev"])
    [found] = [requirement for requirement in required if requirement.name == name]
    return found.specifier


def test_the_pythons_that_are_tested_are_those_that_are_promised() -> None:
    tested = workflow("ci")["jobs"]["tests"]["strategy"]["matrix"]["python"]
    named = re.findall(r"Python :: (3\.\d+)$", "\n".join(project()["project"]["classifiers"]), re.MULTILINE)
    assert tested == named
    promised = SpecifierSet(project()["project"]["requires-python"])
    assert all(promised.contains(f"{version}.0") for version in named)
    first = min(int(version.split(".")[1]) for version in named)
    assert not promised.contains(f"3.{first - 1}.0")


def test_linux_and_macos_are_tested() -> None:
    assert workflow("ci")["jobs"]["tests"]["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest"]


def test_one_job_waits_for_all_others() -> None:
    jobs = workflow("ci")["jobs"]
    assert set(jobs["passed"]["needs"]) == set(jobs) - {"passed"}


@each_workflow
def test_a_workflow_starts_without_permissions_and_its_jobs_have_few(path: Path) -> None:
    assert read(path)["permissions"] == {}
    assert "group" in read(path)["concurrency"]
    for name, job in read(path)["jobs"].items():
        assert job["timeout-minutes"] > 0, name
        granted = {what for what, how in job.get("permissions", {}).items() if how != "read"}
        allowed = {("release", "package"): {"attestations", "id-token"}, ("release", "publish"): {"id-token"}}
        assert granted == allowed.get((path.stem, name), set()), name


@each_workflow
def test_actions_are_pinned_and_a_checkout_keeps_no_credentials(path: Path) -> None:
    for step in steps(path):
        if uses := step.get("uses"):
            assert MAJOR.fullmatch(uses), uses
            if uses.startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@each_workflow
def test_scripts_that_a_workflow_calls_exist_and_can_be_run(path: Path) -> None:
    for script in re.findall(r"\.ci/\w+", path.read_text(encoding="utf-8")):
        assert (ROOT / script).stat().st_mode & 0o111, script


def test_a_release_is_published_from_a_tag_after_the_wheel_was_tried() -> None:
    release = workflow("release")
    assert set(release[True]["push"]) == {"tags"}
    publish = release["jobs"]["publish"]
    assert {"package", "wheel"} <= set(publish["needs"])
    assert publish["environment"]["name"] == "pypi"
    assert any("gh-action-pypi-publish" in step["uses"] for step in publish["steps"])


def test_the_nightly_run_measures_error_rates() -> None:
    runs = [step.get("run", "") for step in workflow("nightly")["jobs"]["calibration"]["steps"]]
    assert any(run.startswith("pytest -m calibration") for run in runs)


def test_pre_commit_has_the_ruff_of_the_dev_extra() -> None:
    repos = read(ROOT / ".pre-commit-config.yaml")["repos"]
    [ruff] = [repo for repo in repos if repo["repo"].endswith("/ruff-pre-commit")]
    assert dev_requirement("ruff").contains(ruff["rev"].removeprefix("v"))
    assert {hook["id"] for hook in ruff["hooks"]} == {"ruff-check", "ruff-format"}
    local = [hook["id"] for repo in repos if repo["repo"] == "local" for hook in repo["hooks"]]
    assert local == ["mypy"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_issue_forms_ask_for_something(path: Path) -> None:
    form = read(path)
    assert form["name"]
    assert form["description"]
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids)) > 0
    assert all(field["attributes"]["label"] for field in form["body"])


def test_the_chooser_of_issues_can_be_read() -> None:
    chooser = read(ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml")
    assert all({"name", "url", "about"} == set(link) for link in chooser["contact_links"])


def test_the_version_is_written_once() -> None:
    assert "version" in project()["project"]["dynamic"]
    assert project()["tool"]["hatch"]["version"]["path"] == "pytest_velo/version.py"
    source = (Path(pytest_velo.__file__).parent / "version.py").read_text(encoding="utf-8")
    assert re.findall(r'^__version__ = "(.+)"$', source, re.MULTILINE) == [pytest_velo.__version__]


def test_changelog_fragments_have_a_known_type_and_say_something() -> None:
    settings = project()["tool"]["towncrier"]
    types = {kind["directory"] for kind in settings["type"]}
    folder = ROOT / settings["directory"]
    for path in folder.iterdir():
        if path.name in settings["ignore"]:
            continue
        assert re.fullmatch(rf"(\d+|\+[\w-]+)\.({'|'.join(types)})\.md", path.name), path.name
        assert path.read_text(encoding="utf-8").strip(), path.name


def test_release_notes_have_a_place_in_the_changelog() -> None:
    settings = project()["tool"]["towncrier"]
    text = (ROOT / settings["filename"]).read_text(encoding="utf-8")
    assert text.count(settings["start_string"]) == 1
