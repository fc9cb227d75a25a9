"""What checks find, through real runs: shown, recorded, silenced, refused under strict."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from pytest_velo import check_sync, rate, scripted
from pytest_velo.cli.main import main
from pytest_velo.errors import UsageError
from pytest_velo.interactive.session import close_all
from support.documents import DOCS, blocks_of

PAGES = sorted((DOCS / "checks").glob("F*.md"))
COPIES = ["Is one a number?", "Is two a number?", "is one a number", "Is six a number?"]

TWICE = f"""
CASES = {COPIES!r}

@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases=CASES)
async def test_twice(model, case):
    return await model(case) == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases=CASES, silence={{"F05": "on \\x1b[31mpurpose"}})
async def test_silenced(model, case):
    return await model(case) == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=[YES], silence={{"F05": "it may come"}})
async def test_needless(model):
    return await model("Is one a number?") == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_cold(model):
    return await model("Is one a number?", temperature=0) == "yes"
"""
HOOK = """
from pytest_velo.checks.check import Check, Level, Remark

def grave(seen):
    if seen.trials:
        yield Remark(message="it is grave <script>", fix="leave it", trials=[0])

def pytest_velo_checks():
    return [Check(code="ACME01", name="gravity", sees="It sees.", look=grave, level=Level.ERROR)]
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of its own for what is checked without pytest."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    close_all()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_example_of_a_page_shows_what_the_page_says(run, page):
    code, ours = next(block for block in blocks_of(page) if block.language == "python"), page.stem[:3]
    (run.path / code.file).write_text(code.code, encoding="utf-8")
    printed = run("-m", "velo").stdout.str()
    assert re.search(rf"^  {ours} +\S", printed, re.MULTILINE), printed
    assert ours in {found.code for result in run.record.results for found in result.found}


def test_what_is_found_is_shown_and_recorded(run):
    run.file(TWICE)
    result = run("--velo-report=md:run.md", "--velo-report=html:run.html")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "checks",
            "  F03 *identical replies (warning): *",
            "  F05 *duplicate cases (warning): 1 of 4 cases are copies*",
            "*1 test: test_twice",
            "*fix: *",
            "*docs/checks/F05-duplicate-cases.md",
            "  F05 *duplicate cases (note): silence= names it, and it found nothing here",
            "*1 test: test_needless",
            r"  F05 *duplicate cases (silenced: on \x1b?31mpurpose): 1 of 4 cases*",
            "*1 test: test_silenced",
        ]
    )
    twice, silenced, needless, cold = run.record.results
    assert [(each.code, each.level, each.silenced, each.cases) for each in twice.found] == [
        ("F05", "warning", "", ("2",))
    ]
    assert [each.silenced for each in silenced.found] == ["on \x1b[31mpurpose"]
    assert [each.level for each in needless.found] == ["note"]
    assert [each.code for each in cold.found] == ["F03"]
    for report in ("run.md", "run.html"):
        text = (run.path / report).read_text(encoding="utf-8")
        assert "2 warnings, 1 note, 1 silenced" in text
        assert "\x1b" not in text
        assert "duplicate cases" in text


def test_strict_refuses_before_sampling_what_is_found_in_cases_and_fails_what_is_found_in_trials(run):
    run.file(TWICE)
    result = run("--velo-strict")
    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["UsageError: F05 duplicate cases: 1 of 4 cases*", '*silence={"F05": "why it does not count here"}*']
    )
    assert [result.node_id.partition("::")[2] for result in run.record.results] == [
        "test_silenced",
        "test_needless",
        "test_cold",
    ]
    assert set(run.outcomes) == {"supported"}


@pytest.mark.processes
def test_workers_find_the_same(run):
    run.file(TWICE)
    run("-n", "2").stdout.fnmatch_lines(["  F05 *1 of 4 cases are copies*"])
    assert [[each.code for each in result.found] for result in run.record.results] == [
        ["F05"],
        ["F05"],
        ["F05"],
        ["F03"],
    ]


@pytest.mark.parametrize(
    ("silence", "said"),
    [
        ('{"F5": "why"}', "silence= names 'F5', which is no check"),
        ('{"F05": ""}', "silence={'F05': ''}: expected a reason for each code"),
        ('["F05"]', "silence=['F05']: expected a reason for each code"),
    ],
)
def test_a_silence_that_cannot_be_meant_is_refused(run, silence, said):
    mark = f"@pytest.mark.hypothesis(rate >= 0.5, models=[YES], silence={silence})"
    run.file(f"{mark}\nasync def test_it(model):\n    return True\n")
    result = run()
    assert result.ret in (2, 4)
    assert said in result.stdout.str() + result.stderr.str()


def test_a_module_silences_for_its_tests_and_a_test_adds(run):
    run.file('pytestmark = pytest.mark.velo(silence={"F05": "all here"})\n' + TWICE)
    run()
    twice, silenced, *_ = run.record.results
    assert [each.silenced for each in (*twice.found, *silenced.found)] == ["all here", "on \x1b[31mpurpose"]


def test_an_error_of_a_plugin_fails_its_test_without_strict_and_is_text_everywhere(run):
    (run.path / "conftest.py").write_text(HOOK, encoding="utf-8")
    run.file(
        "@pytest.mark.hypothesis(rate >= 0.5, models=[YES])\n"
        "async def test_it(model):\n    return await model('?') == 'yes'\n"
    )
    result = run("--velo-report=html:run.html")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  ACME01 *gravity (error): it is grave <script>"])
    assert run.outcomes == ["supported"]
    assert "grave <script>" not in (run.path / "run.html").read_text(encoding="utf-8")


def test_an_older_record_has_nothing_found(run):
    run.file(TWICE)
    run("-k", "twice")
    file = run.record.folder / "run.json"
    text = json.loads(file.read_text(encoding="utf-8"))
    for result in text["results"]:
        del result["found"]
    file.write_text(json.dumps(text), encoding="utf-8")
    assert [result.found for result in run.record.results] == [()]


def test_a_plan_tells_what_is_found_in_the_cases(run, monkeypatch):
    run.file(TWICE)
    monkeypatch.chdir(run.path)
    planned = CliRunner().invoke(main, ["plan", "test_it.py::test_twice"])
    assert "F05 duplicate cases (warning)" in " ".join(planned.output.split())


def test_without_pytest(here):
    def says_yes(model, case):
        return model(case) == "yes"

    yes = scripted("yes-man", ["yes"])
    finding = check_sync(rate >= 0.5, says_yes, models=[yes], cases=COPIES)
    assert [found.code for found in finding.result.found] == ["F05"]
    assert "duplicate cases (warning)" in str(finding)
    assert "duplicate cases (warning)" in finding._repr_html_()
    silenced = check_sync(rate >= 0.5, says_yes, models=[yes], cases=COPIES, silence={"F05": "why not"})
    assert "silenced: why not" in str(silenced)
    with pytest.raises(UsageError, match="F99"):
        check_sync(rate >= 0.5, says_yes, models=[yes], cases=COPIES, silence={"F99": "why"})


def test_the_command_lists_checks_and_shows_pages():
    listed = CliRunner().invoke(main, ["checks"]).output
    assert "F05        duplicate cases (warning): Cases are there more than once" in listed
    assert "detection 200 of 200" in listed
    page = CliRunner().invoke(main, ["checks", "f05"]).output
    assert page.startswith("# F05: duplicate cases\n")
    unknown = CliRunner().invoke(main, ["checks", "F5"])
    assert unknown.exit_code == 1
    assert "F05" in unknown.output
