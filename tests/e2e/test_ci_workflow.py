"""The workflow in `docs/ci/` is run: its shell lines, in a folder with hypotheses about scripted models."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="pip install 'pytest-velo[dev]'")

CI = Path(__file__).parents[2] / "docs" / "ci"

TESTS = """
@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_yes(model):
    "It says yes."
    return (await model("Sure?")).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=[NO])
async def test_no(model):
    "It never says no."
    return (await model("Sure?")).answers("yes")
"""

# What the workflow calls and this machine lacks: it notes what it is told, and answers as GitHub would.
PROGRAM = """#!{python}
import os, sys
with open("told.txt", "a") as file:
    print({name!r}, *sys.argv[1:], file=file)
if "--jq" in sys.argv and os.path.exists("id.txt"):
    print(open("id.txt").read())
"""


class Machine:
    """Runs the steps of a job as a runner does, in one folder.

    Attributes:
        folder: Where the repository is.
        summary: The file of the step's summary.
    """

    def __init__(self, folder: Path, tools: Path) -> None:
        self.folder = folder
        self.summary = folder / "summary.md"
        for name in ("pip", "gh"):
            program = tools / name
            program.write_text(PROGRAM.format(python=sys.executable, name=name), encoding="utf-8")
            program.chmod(0o755)
        own = str(Path(sys.executable).parent)
        self._env = {
            **os.environ,
            "PATH": os.pathsep.join([str(tools), own, os.environ["PATH"]]),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_REPOSITORY": "org/repo",
            "GITHUB_WORKSPACE": str(folder),
        }
        del self._env["PYTEST_CURRENT_TEST"]  # the run is not part of this test

    def steps(self, job: dict[str, Any], known: dict[str, str]) -> list[subprocess.CompletedProcess[str]]:
        """Run a job's shell lines, whatever became of those before; `known` is what expressions stand for."""
        ran = []
        for step in job["steps"]:
            if "run" not in step:
                continue
            assert "${{" not in step["run"], "an expression in a shell line is a way to inject one"
            env = {name: self._value(str(text), known) for name, text in step.get("env", {}).items()}
            ran.append(
                subprocess.run(
                    ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
                    cwd=self.folder,
                    env={**self._env, **env},
                    capture_output=True,
                    text=True,
                    check=False,
                )
            )
        return ran

    @staticmethod
    def _value(text: str, known: dict[str, str]) -> str:
        return re.sub(r"\$\{\{ (.+?) \}\}", lambda found: known[found[1]], text)

    @property
    def told(self) -> list[str]:
        """What the programs were told."""
        return (self.folder / "told.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.processes
def test_the_shell_lines_of_the_workflow_do_what_they_are_for(run, tmp_path: Path) -> None:
    workflow = yaml.safe_load((CI / "velo.yml").read_text(encoding="utf-8"))
    inputs = workflow[True]["workflow_call"]["inputs"]  # YAML 1.1 reads `on` as true
    known = {f"inputs.{name}": str(given["default"]) for name, given in inputs.items()}
    known |= {"github.token": "t", "github.event.pull_request.number": "7"}
    known |= {f"secrets.{name}": "" for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")}
    run.file(TESTS, "tests/test_it.py")
    (tmp_path / "tools").mkdir()
    machine = Machine(run.path, tmp_path / "tools")
    jobs = workflow["jobs"]

    installed, replayed = machine.steps(jobs["replay"], known)
    assert installed.returncode == 0
    assert machine.told == ["pip install .[test]"]
    assert replayed.returncode == 1, replayed.stdout + replayed.stderr
    assert "\n::error file=tests/test_it.py,line=" in replayed.stdout
    made = {path.name for path in (run.path / "velo").iterdir()}
    assert made == {"page.html", "comment.md", "junit.xml"}
    summary = machine.summary.read_text(encoding="utf-8")
    assert summary.startswith("## ✗ 1 of 2 hypotheses refuted, 1 supported\n")
    assert "#### ✗ refuted: It never says no.\n" in summary
    assert "The page of this run, with its transcripts: `velo/page.html`\n" in summary

    (commented,) = machine.steps(jobs["comment"], known)
    (run.path / "id.txt").write_text("41", encoding="utf-8")
    (again,) = machine.steps(jobs["comment"], known)
    assert commented.returncode == again.returncode == 0, commented.stderr + again.stderr
    writes = [line for line in machine.told if "--method" in line]
    assert writes == [
        "gh api --silent --method POST repos/org/repo/issues/7/comments --field body=@velo/comment.md",
        "gh api --silent --method PATCH repos/org/repo/issues/comments/41 --field body=@velo/comment.md",
    ]
    comment = (run.path / "velo" / "comment.md").read_text(encoding="utf-8")
    assert comment.startswith("<!-- pytest-velo -->\n")

    *_, drawn = machine.steps(jobs["live"], known)
    assert drawn.returncode == 1, drawn.stdout + drawn.stderr
    assert "budget $1.00" in drawn.stdout
    told = machine.summary.read_text(encoding="utf-8")
    assert "### What moved since " in told.removeprefix(summary)


def test_only_the_job_that_comments_may_write_and_it_runs_no_code_of_the_repository() -> None:
    jobs = yaml.safe_load((CI / "velo.yml").read_text(encoding="utf-8"))["jobs"]
    writers = {name for name, job in jobs.items() if "write" in job["permissions"].values()}
    assert writers == {"comment"}
    uses = [step.get("uses", "") for step in jobs["comment"]["steps"]]
    assert not any("checkout" in action for action in uses)
    assert "secrets" not in str(jobs["replay"]) + str(jobs["comment"])


@pytest.mark.processes
@pytest.mark.parametrize(
    ("schema", "file"), [("vendor.github-workflows", "velo.yml"), ("vendor.gitlab-ci", "velo.gitlab-ci.yml")]
)
def test_the_workflows_are_what_their_schema_says(schema: str, file: str) -> None:
    pytest.importorskip("check_jsonschema", reason="pip install 'pytest-velo[dev]'")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(CI / file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
