"""What a run shows on GitHub Actions beside its log: the summary of its step, and annotations."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from support.outcomes import ALL

EVIL = r"Sure.\n::error file=x.py::hacked\n   ::add-mask::secret\n##[error]boo\n::stop-commands::tok\x1b[31m"

HOSTILE = f"""
import logging, warnings
EVIL = scripted("evil", ["{EVIL}"])

@pytest.mark.hypothesis(rate >= 0.5, models=[EVIL])
def test_evil(model):
    "It agrees: 100%, always."
    text = model("Is it so?").text
    print(text)
    logging.warning(text)
    warnings.warn(text)
    assert "yes" in text

@pytest.mark.hypothesis(rate >= 0.5, models=[EVIL])
def test_raises(model):
    raise ValueError(model("q").text)

@pytest.fixture(scope="session")
def broken():
    raise RuntimeError("{EVIL}")

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
def test_no_fixture(model, broken):
    return model("q").answers("yes")
"""

EXPECTED = """
@pytest.mark.xfail(reason="known")
@pytest.mark.hypothesis(rate >= 0.5, models=[NO])
def test_expected(model):
    return model("q").answers("yes")
"""
PAID = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"])
async def test_paid(model):
    return (await model("q")).answers("yes")
"""


class OnGithub:
    """Runs pytest as a step of GitHub Actions does.

    Attributes:
        summary: The file of the step's summary.
    """

    def __init__(self, run: Any, monkeypatch: pytest.MonkeyPatch, summary: Path) -> None:
        self._run, self._patch, self.summary = run, monkeypatch, summary
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
        monkeypatch.setenv("GITHUB_WORKSPACE", str(run.path.parent))

    def __call__(self, *args: str, apart: bool = False) -> pytest.RunResult:
        """Run outside of any test, as far as the run can tell."""
        self._patch.delenv("PYTEST_CURRENT_TEST", raising=False)
        return self._run.apart(*args) if apart else self._run(*args)

    @property
    def told(self) -> str:
        """What the summary says."""
        return self.summary.read_text(encoding="utf-8")


@pytest.fixture
def github(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OnGithub:
    """Run pytest on GitHub."""
    return OnGithub(run, monkeypatch, tmp_path / "summary.md")


def commands(shown: str) -> list[str]:
    """Return the lines that GitHub's runner obeys, or would like to."""
    return [line for line in shown.split("\n") if line.lstrip().startswith("::") or "##[" in line]


def test_the_summary_and_the_annotations_of_a_run(run, github, lab):
    run.file(ALL + EXPECTED + PAID)
    result = github("--velo-report=html:out/page.html")
    told = github.told
    banner, *_ = told.split("\n")
    assert banner == (
        "## ✗ 1 of 5 hypotheses refuted, 1 in error, 1 inconclusive, 1 refuted as expected, 1 supported,"
        " 1 more not sampled"
    )
    rows = re.findall(r"^\| (\S)\xa0([a-z ]+) \|", told, re.MULTILINE)
    assert rows == [
        ("✗", "refuted"),
        ("!", "in error"),
        ("?", "inconclusive"),
        ("✗", "refuted as expected"),
        ("✓", "supported"),
    ]
    assert re.findall(r"^#### (.+)", told, re.MULTILINE) == [
        "✗ refuted: `test_refuted`",
        "! error: `test_broken`",
        "? inconclusive: `test_open`",
    ]
    assert "```bash\npytest test_it.py::test_refuted\n```" in told
    assert "'Reply' object has no attribute 'nothing'" in told
    assert "user       q\nassistant  no\n" in told
    assert "`out/page.html`" in told
    assert "`test_it.py::test_paid`: would make paid calls" in told

    folder = run.path.name
    line = {name: number for number, name in enumerate(run_lines(run), 1) if name.startswith("@pytest.mark")}
    refuted, broken, undecided = commands(result.stdout.str())
    assert refuted.startswith(
        f"::error file={folder}/test_it.py,line={line[refuted_mark()]},title=refuted%3A "
    )
    assert "::refuted: rate < 0.5 (a true claim is refuted at most 5%25 of the time)%0A" in refuted
    assert broken.startswith("::error file=")
    assert undecided.startswith("::warning file=")

    github("-k", "supported")
    assert github.told.startswith(told)  # another command of the same step
    assert "\n## ✓ The hypothesis is supported\n" in github.told


def refuted_mark() -> str:
    return "@pytest.mark.hypothesis(rate >= 0.5, models=[NO])"


def run_lines(run) -> list[str]:
    """Return the lines of the test file up to the first mark about NO: a later one is another test's."""
    lines = (run.path / "test_it.py").read_text(encoding="utf-8").split("\n")
    return lines[: lines.index(refuted_mark()) + 1]


@pytest.mark.parametrize(
    ("asked", "summarised", "annotated"),
    [("none", False, False), ("summary", True, False), ("annotations", False, True)],
)
def test_either_can_be_turned_off(run, github, asked, summarised, annotated):
    run.file(ALL)
    result = github(f"--velo-github={asked}", "-k", "refuted")
    assert github.summary.exists() == summarised
    assert bool(commands(result.stdout.str())) == annotated


def test_what_writes_nothing(run, github, monkeypatch):
    run.file("def test_plain(): assert False\n")
    assert commands(github().stdout.str()) == []
    run.file(ALL)
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "test_outer.py::test_it (call)")  # a run inside of a test
    assert commands(run("-k", "refuted").stdout.str()) == []
    assert not github.summary.exists()


def test_no_text_of_a_model_is_a_command(run, github):
    run.file(HOSTILE)
    for options in (("-rA",), ("--tb=native", "-l", "-vv")):
        result = github(*options, "--junitxml=out.xml", "-o", "junit_logging=all")
        shown = commands(result.stdout.str() + result.stderr.str())
        assert [line.split(" ")[0] for line in shown] == ["::error"] * 3, shown
        assert "\x1b" not in result.stdout.str()
        assert commands((run.path / "out.xml").read_text(encoding="utf-8")) == []
        assert commands(github.told) == []
    assert "Errors outside of hypotheses" in github.told


def test_errors_at_collection_are_told(run, github):
    run.file("import nothing_there\n", "test_bad.py")
    run.file(
        "@pytest.mark.hypothesis(rate >= 0.5, max_trial=3)\n"
        'def test_typo(model):\n    return model("q") == "a"\n'
    )
    result = github()
    told = github.told
    assert told.startswith("## ! No hypothesis was tested, 2 errors outside of hypotheses\n")
    assert "**The run ended early:**" in told
    assert "No module named 'nothing_there'" in told
    assert "max_trial" in told
    assert "page of this run" not in told
    assert len(commands(result.stdout.str())) == 2


def test_a_summary_that_cannot_be_written_fails_nothing(run, github):
    github.summary.mkdir()
    run.file(ALL)
    result = github("-k", "supported")
    assert result.ret == 0
    assert "the summary of the step is not written to" in result.stdout.str()
    assert "INTERNALERROR" not in result.stdout.str()


def test_more_than_github_shows_are_counted(run, github):
    run.file(
        '@pytest.mark.parametrize("n", range(11))\n'
        "@pytest.mark.hypothesis(rate >= 0.5, models=[NO])\n"
        "def test_no(model, n):\n"
        '    return model(f"{n}?").answers("yes")\n'
    )
    shown = commands(github().stdout.str())
    assert len(shown) == 10
    assert shown[-1].startswith("::error title=2 more errors::")


def test_the_plugin_that_annotates_every_failure_is_left_its_part(run, github, monkeypatch):
    run.file(ALL)
    run.file("", "pytest_github_actions_annotate_failures.py")
    monkeypatch.syspath_prepend(run.path)
    result = github("-p", "pytest_github_actions_annotate_failures", "-k", "open or refuted")
    assert [line.split(" ")[0] for line in commands(result.stdout.str())] == ["::warning"]


def test_markdown_goes_to_a_file_too_with_what_moved(run, monkeypatch):
    run.file(
        "from pathlib import Path\n"
        "@pytest.mark.hypothesis(rate >= 0.5, max_trials=40, min_trials=30)\n"
        "async def test_luck(trial):\n"
        '    return Path("good").exists() or trial.repeat % 4 == 0\n'
    )
    monkeypatch.chdir(run.path)
    (run.path / "good").touch()
    run()
    (run.path / "good").unlink()
    result = run("--velo-report=md:new/comment.md")
    told = (run.path / "new" / "comment.md").read_text(encoding="utf-8")
    assert told.startswith("<!-- pytest-velo -->\n## ✗ The hypothesis is refuted\n")
    assert "- **worse: it fell**: `test_luck`: rate: 1.00 -&gt; " in told
    assert "md: " in result.stdout.str()


@pytest.mark.processes
def test_workers_leave_it_to_their_controller(run, github):
    run.file(ALL)
    result = github("-n", "2")
    told = github.told
    assert re.findall(r"^## .*", told, re.MULTILINE) == [
        "## ✗ 1 of 4 hypotheses refuted, 1 in error, 1 inconclusive, 1 supported"
    ]
    assert len(commands(result.stdout.str())) == 3


@pytest.mark.processes
def test_an_interrupted_run_says_so(run, github):
    run.file(
        ALL
        + """
@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_zz(model):
    raise KeyboardInterrupt
"""
    )
    github("-k", "supported or zz", "--velo-scheduler=in-order", apart=True)
    told = github.told
    assert "**The run ended early:** it was interrupted. What had not begun by then is missing." in told
    assert "`test_supported`" in told
    assert json.loads((run.record.folder / "run.json").read_text())["results"]
