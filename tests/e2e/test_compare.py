"""`velo compare` on the records of real runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pytest_velo.cli.main import main

DRAWS = """
@pytest.mark.hypothesis(rate >= 0.3, cases=list("abcdefgh") * 4, over="population", draws_per_case=2)
def test_it(trial, case):
    return trial.index >= 0
"""

DROP = """
CASES = [f"question {n}" for n in range(30)]

@pytest.mark.hypothesis(rate >= 0.3, cases=CASES, min_trials=60)
def test_right(trial, case):
    return trial.rng.random() < SHARE

@pytest.mark.hypothesis(rate <= 0.99, min_trials=60)
def test_wrong(trial):
    return trial.rng.random() < SHARE

@pytest.mark.hypothesis(rate.within(0.001, 0.999), min_trials=60)
def test_either(trial):
    return trial.rng.random() < SHARE

@pytest.mark.hypothesis(rate >= 0.3)
def test_same(trial):
    return trial.rng.random() < 0.7
"""


@pytest.fixture
def compare(run):
    """Call the command on the records of the folder; `ok` says how it must end."""

    def go(*args: str, code: int = 0) -> Result:
        result = CliRunner(env={"COLUMNS": "200"}).invoke(
            main, ["compare", "--cache-dir", str(run.path / ".pytest_velo"), *args]
        )
        assert result.exit_code == code, result.output
        return result

    return go


@pytest.fixture
def two_runs(run):
    """Run a file twice, with something replaced in between."""

    def go(source: str, *changes: tuple[str, str], first: tuple[str, ...] = (), second: tuple[str, ...] = ()):
        run.file(source)
        run(*first)
        for old, new in changes:
            assert old in source
            source = source.replace(old, new)
        run.file(source)
        run(*second)
        assert run.n_runs == 2

    return go


def run_ids(path: Path) -> list[str]:
    return sorted(file.parent.name for file in (path / ".pytest_velo" / "runs").glob("*/run.json"))


def section(result: Result, name: str) -> str:
    """The lines of one test, as one text."""
    blocks = [block for block in result.output.split("\n\n") if block.startswith(f"test_it.py::{name}")]
    assert len(blocks) == 1, result.output
    return blocks[0]


def test_what_fell_rose_and_stayed_is_told_apart(two_runs, compare, run) -> None:
    two_runs(DROP.replace("SHARE", "0.9"), ("0.9\n", "0.4\n"))
    result = compare("previous", "latest", "--margin", "0.05")
    before, now = run_ids(run.path)
    assert result.output.splitlines()[:2] == [f"before  {before}", f"now     {now}"]
    right = section(result, "test_right")
    assert "over 60 pairs; difference -0." in right
    assert "at 95%\n  worse: it fell; the change is 0.05 or more\n  flipped " in right
    assert "  flipped 32 to 0 and 0 to 1: case 5 to 0; " in right
    assert right.endswith("; 27 more\n  between the runs changed: the body")
    assert "better: it fell; the change is 0.05 or more" in section(result, "test_wrong")
    assert "trial " in section(result, "test_wrong")
    assert "changed: it fell; the change is 0.05 or more" in section(result, "test_either")
    assert "no change is shown at 5%: the same in every pair; a change of" in section(result, "test_same")
    assert (
        "4 comparisons, each at 5%: where nothing changed, expect at most 0.2 false changes" in result.output
    )


def test_the_order_of_the_runs_is_the_direction(two_runs, compare, run) -> None:
    two_runs(DROP.replace("SHARE", "0.9"), ("0.9\n", "0.4\n"))
    before, now = run_ids(run.path)
    assert "worse: it fell" in section(compare(before, now), "test_right")
    assert "better: it rose" in section(compare(now, before), "test_right")


def test_what_became_worse_can_fail_a_build(two_runs, compare) -> None:
    two_runs(DROP.replace("SHARE", "0.9"), ("0.9\n", "0.4\n"))
    compare("previous", "latest", "test_right", "--fail-on-worse", code=1)
    compare("previous", "latest", "test_right")
    compare("latest", "previous", "test_right", "--fail-on-worse")
    compare("previous", "latest", "test_wrong", "--fail-on-worse")  # it fell, which is what it claims
    compare("previous", "latest", "test_either", "--fail-on-worse")  # neither way is worse


def test_a_part_of_the_node_id_chooses(two_runs, compare) -> None:
    two_runs(DROP.replace("SHARE", "0.9"), ("0.9\n", "0.4\n"))
    result = compare("previous", "latest", "same")
    assert "test_same" in result.output
    assert "test_right" not in result.output
    assert "1 comparison, at 5%" in result.output


def test_tests_of_one_run_only_are_listed(two_runs, compare) -> None:
    two_runs(DROP.replace("SHARE", "0.9"), ("def test_right", "def test_new"))
    result = compare("previous")  # the second run is the latest unless it is named
    assert "only before\n  test_it.py::test_right\n" in result.output
    assert "only now\n  test_it.py::test_new\n" in result.output


ARMS = """
from pytest_velo import difference, mean

@pytest.mark.hypothesis(difference("a", "b", of=mean(0, 10)) <= 9, arms=("a", "b"), cases=list("xyz"),
                        min_trials=40)
def test_arms(trial, case, arm):
    return 8 if arm == "a" else BEE

@pytest.mark.hypothesis((rate("x") >= 0.3) & (rate("y") <= 0.99), min_trials=40)
def test_joint(trial):
    return {"x": BEE > 5, "y": trial.rng.random() < 0.5}

@pytest.mark.hypothesis(mean(0, 10) >= 1, cases=list("vwxyz") * 4, over="population", draws_per_case=3,
                        max_trials=20)
def test_population(trial, case):
    return BEE + 0 * trial.index

@pytest.mark.hypothesis(rate >= 0.1, cases=list("xyz"), draws_per_case=2, max_trials=40, min_trials=40)
def test_drawn_twice(trial, case):
    return trial.rng.random() < BEE / 10
"""


def test_each_arm_and_each_part_is_compared_by_itself(two_runs, compare) -> None:
    two_runs(ARMS.replace("BEE", "7"), ("7", "2"))
    result = compare("previous", "latest", "--fail-on-worse", code=1)
    arms = section(result, "test_arms").splitlines()
    assert arms[1].startswith("  mean(0, 10) in arm a: 8.00 -> 8.00 over 40 pairs; difference 0.00 [")
    assert "the same in every pair" in arms[2]
    assert arms[3].startswith("  mean(0, 10) in arm b: 7.00 -> 2.00 over 40 pairs; difference -5.00 [")
    assert arms[4] == "  changed: it fell"  # of an arm, neither way is worse
    assert arms[5].startswith("  moved 40 down and 0 up: case ")
    assert arms[5].count("7.00 -> 2.00") == 5
    assert arms[5].endswith("; 35 more")
    joint = section(result, "test_joint")
    assert 'rate("x"): 1.00 -> 0.00' in joint
    assert "worse: it fell" in joint
    assert 'rate("y"): 0.' in joint
    assert "the same in every pair" in joint


def test_a_case_drawn_several_times_is_one_piece_of_evidence(two_runs, compare) -> None:
    two_runs(ARMS.replace("BEE", "7"), ("7", "2"))
    result = compare("previous")
    population = section(result, "test_population")
    assert " cases; difference -5.00 [" in population
    assert "over 9 pairs of 3 cases;" in population  # the first run stopped after three
    assert "over 80 pairs of 40 cases;" in section(result, "test_drawn_twice")


def test_other_models_are_named(two_runs, compare) -> None:
    source = """
@pytest.mark.hypothesis(rate >= 0.3, models=[YES], min_trials=30)
def test_agrees(model):
    return model("Really?") == "yes"
"""
    two_runs(source, ("[YES]", "[NO]"))
    result = compare("previous")
    assert "test_it.py::test_agrees  scripted/yes -> scripted/no\n" in result.output
    assert "rate: 1.00 -> 0.00 over 30 pairs" in result.output
    assert "worse: it fell" in result.output


def test_invalid_trials_are_bounded_and_counted(two_runs, compare) -> None:
    source = """
@pytest.mark.hypothesis(rate >= 0.3, min_trials=30)
def test_some(trial):
    if trial.index % 5 == 0:
        pytest.skip("lost")
    return HIT
"""
    two_runs(source.replace("HIT", "trial.index >= 0"), ("return trial.index >= 0", "return trial.index > 3"))
    result = compare("previous")
    assert "rate: 1.00 -> 0.88 over 30 pairs (6 invalid); difference -0.12 [" in result.output
    assert "no change is shown at 5%" in result.output


def test_runs_of_nothing_valid_say_so(two_runs, compare) -> None:
    two_runs(SOURCE, ("return", "pytest.skip('lost') #"))
    output = compare("previous").output
    assert "rate: ? -> ? over 4 pairs (4 invalid); difference ? [-1.00, " in output


SOURCE = """
CASES = list("abcdefgh")

@pytest.mark.hypothesis(rate >= 0.3, cases=CASES)
def test_it(trial, case):
    return trial.rng.random() < 0.7
"""


@pytest.mark.parametrize(
    ("changes", "second", "reason"),
    [
        ([("0.3", "0.4")], (), "the claim was `rate >= 0.3` and is now `rate >= 0.4`"),
        ([("abcd", "xyz")], (), "the cases or the design"),
        ([], ("--velo-alpha=0.01",), "the cases or the design (alpha, beta,"),
        ([], ("--velo-seed=5",), "runs with different seeds have different orders"),
        ([("return", "return 1 / 0 #")], (), "in the second run it ended as error"),
        ([("CASES)", "CASES, draws_per_case=2)")], (), "the cases or the design"),
    ],
)
def test_what_cannot_be_compared_is_said(two_runs, compare, changes, second, reason) -> None:
    two_runs(SOURCE, *changes, second=second)
    output = " ".join(compare("previous", "latest", "--fail-on-worse").output.split())
    assert reason in output


EVERY_DESIGN = """
GROUPED = cases([{"q": n, "g": n % 23} for n in range(60)], group="g")

@pytest.mark.hypothesis(rate >= 0.3, cases=GROUPED, min_trials=23)
def test_groups(trial, case):
    return trial.rng.random() < SHARE

@pytest.mark.hypothesis(rate >= 0.3, cases=list(range(30)), once=True, min_trials=30)
def test_list(trial, case):
    return trial.rng.random() < SHARE

@pytest.mark.hypothesis(rate >= 0.3, cases=list("ab"), invalid="exclude", draws_per_case=2, max_trials=30,
                        min_trials=28)
def test_valid_ones(trial, case):
    if trial.index in (0, 1, 6):
        pytest.skip("lost")
    return trial.rng.random() < SHARE

@pytest.mark.hypothesis(difference("x", "y") <= 0.9, arms=("x", "y"), cases=GROUPED, min_trials=23)
def test_arms(trial, case, arm):
    return trial.rng.random() < SHARE

@pytest.mark.hypothesis(rate >= 0.3, min_trials=20)
def test_plain(trial):
    return trial.rng.random() < SHARE
"""


@pytest.fixture
def every_design(two_runs):
    """Two runs of every design, the second of which is right hardly ever."""
    source = "from pytest_velo import difference\n" + EVERY_DESIGN
    two_runs(source.replace("SHARE", "0.97"), ("0.97", "0.05"))


def as_older(run, *names: str) -> None:
    """Take out of the records what older ones did not tell."""
    for name in names or run_ids(run.path):
        folder = run.path / ".pytest_velo" / "runs" / name
        data = json.loads((folder / "run.json").read_text())
        for result in data["results"]:
            del result["unit"], result["invalid"]
        (folder / "run.json").write_text(json.dumps(data))
        trials = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
        for trial in trials:
            del trial["unit"], trial["unit_size"]
        lines = (json.dumps(trial, separators=(",", ":")) for trial in trials)
        (folder / "trials.jsonl").write_text("".join(f"{line}\n" for line in lines))


def test_every_design_is_compared_by_its_own_unit(every_design, compare) -> None:
    result = compare("previous", "latest", "--fail-on-worse", "--margin=0.05", code=1)
    groups = section(result, "test_groups")
    assert "over 60 pairs of 23 groups; difference -0." in groups
    assert "worse: it fell; the change is 0.05 or more" in groups
    valid = section(result, "test_valid_ones")
    assert "over 55 pairs of 28 cases (3 more with an invalid side left out); difference -" in valid
    assert "worse: it fell" in valid
    arms = section(result, "test_arms")
    assert arms.count("over 60 pairs of 23 groups;") == 2
    assert arms.count("changed: it fell") == 2


def test_of_a_list_the_cases_are_spoken_of_and_no_interval_is_shown(every_design, compare) -> None:
    lines = section(compare("previous", "latest", "--margin=0.05"), "test_list").splitlines()
    assert "over 30 pairs; difference -" in lines[1]
    assert "[" not in lines[1]
    assert lines[2] == "  worse: it fell in some of these cases; a change of 0.05 or more is not ruled out"
    same = section(compare("latest", "latest"), "test_list").splitlines()
    assert same[2] == "  no change is shown at 5%: the same in every pair"


def test_records_that_do_not_name_units_are_compared_where_they_tell_enough(
    every_design, compare, run
) -> None:
    new = compare("previous")
    as_older(run)
    old = compare("previous")
    assert section(old, "test_plain") == section(new, "test_plain")
    assert section(old, "test_list") == section(new, "test_list")
    for name in ("test_groups", "test_arms"):
        assert "not compared: an older record does not tell the groups apart" in section(old, name)
    assert "not compared: an older record does not tell which trials make a unit" in section(
        old, "test_valid_ones"
    )


@pytest.mark.slow
def test_an_older_record_is_compared_with_a_newer_one(two_runs, compare, run) -> None:
    two_runs(ARMS.replace("BEE", "7"), ("7", "2"))
    new = compare("previous").output
    as_older(run, run_ids(run.path)[0])
    assert compare("previous").output == new


def test_the_record_says_what_a_unit_is_and_which_trials_make_it(every_design, run) -> None:
    units = {result.node_id.partition("::")[2]: result for result in run.record.results}
    assert {name: result.unit for name, result in units.items()} == {
        "test_groups": "group",
        "test_list": "outcome",
        "test_valid_ones": "case",
        "test_arms": "group",
        "test_plain": "trial",
    }
    assert units["test_valid_ones"].invalid == "exclude"
    first = units["test_arms"].trials[: units["test_arms"].trials[0].unit_size]
    assert {trial.unit for trial in first} == {0}
    assert len({int(trial.case_id) % 23 for trial in first}) == 1, "a group with both of its arms"
    assert [trial.unit for trial in units["test_valid_ones"].trials][:6] == [0, 0, 1, 1, 2, 2]


def test_trials_of_a_unit_that_broke_off_are_left_out(run, compare) -> None:
    run.file(
        "GROUPED = cases([{'q': n, 'g': n % 5} for n in range(30)], group='g')\n"
        + """
@pytest.mark.hypothesis(rate >= 0.3, cases=GROUPED, min_trials=5)
def test_it(trial, case):
    return trial.index >= 0
"""
    )
    run()
    (name,) = run_ids(run.path)
    path = run.path / ".pytest_velo" / "runs" / name / "trials.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:20]))
    assert "over 18 pairs of 3 groups" in compare("latest", "latest").output


def test_another_number_of_draws_is_another_unit(two_runs, compare) -> None:
    two_runs(DRAWS, ("draws_per_case=2", "draws_per_case=3"))
    assert "not compared: draws_per_case changed" in compare("previous").output


def test_nothing_that_counts_is_not_compared(two_runs, compare) -> None:
    two_runs(SOURCE.replace("CASES)", "CASES, invalid='exclude')"), ("return", "pytest.skip('lost') #"))
    assert "not compared: in the second run no trial counted" in compare("previous").output


def test_mistakes_are_said(run, compare) -> None:
    run.file(SOURCE)
    assert "there is no record of a run here" in compare("latest", code=1).output
    run()
    assert "there is no run before" in compare("previous", code=1).output
    assert "there is no finished run 'lates'" in compare("lates", code=1).output
    latest = run_ids(run.path)[0]
    assert (
        "no test in these runs has 'test_if' in its node id"
        in compare(latest, latest, "test_if", code=1).output
    )
    assert "between 0 and 1, got 1.5" in compare("latest", "latest", "--alpha=1.5", code=1).output
    for margin in ("0", "-0.1", "nan", "inf"):
        output = compare("latest", "latest", f"--margin={margin}", code=1).output
        assert "--margin: margin must be above 0" in output
        assert "fix: --margin=0.05" in output


def test_a_record_that_lacks_an_outcome_is_not_compared(run, compare) -> None:
    run.file(SOURCE)
    run()
    path = run.path / ".pytest_velo" / "runs" / run_ids(run.path)[0] / "trials.jsonl"
    first, *others = path.read_text().splitlines()
    trial = json.loads(first)
    trial["values"] = {"": 7.0}
    path.write_text("\n".join([json.dumps(trial, separators=(",", ":")), *others, ""]))
    assert "trial 0 has no outcome of rate in its record" in compare("latest", "latest").output


def test_names_in_a_record_cannot_command_a_terminal(two_runs, compare) -> None:
    source = """
@pytest.mark.hypothesis(rate >= 0.3, cases=cases([{"id": "::error::\\x1b[31m" + c} for c in "abc"], id="id"))
def test_it(trial, case):
    return SHARE
"""
    two_runs(
        source.replace("SHARE", "trial.index >= 0"), ("return trial.index >= 0", "return trial.index < 0")
    )
    output = compare("previous").output
    assert "\x1b" not in output
    assert "case ::error::" in output.replace("\n", " ") or "\\x1b[31m" in output
    assert not any(line.strip().startswith("::") for line in output.splitlines())


def test_previous_knows_the_tenth_run_of_one_second(run, compare) -> None:
    run.file(SOURCE)
    run()
    runs = run.path / ".pytest_velo" / "runs"
    name = run_ids(run.path)[0]
    for number in (2, 9, 10):
        (runs / f"{name}-{number}").mkdir()
        for file in (runs / name).iterdir():
            (runs / f"{name}-{number}" / file.name).write_bytes(file.read_bytes())
    (runs / "latest").write_text(f"{name}-10\n")
    assert f"before  {name}-9\n" in compare("previous").output
