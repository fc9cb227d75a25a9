"""`velo label`: a blind session, its file, and sheets for other people."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pytest_velo import load
from pytest_velo.cli.main import main
from pytest_velo.labelling import Label, label_order, labels_in, read_labels, trial_digest
from pytest_velo.records import Call, OutcomeKind, TrialRecord, TruthSeen
from support.reports import call, paired, recorded, refuted, trial

TEST = "test_a.py::test_b"
N = 60
CHOSEN = [*label_order(TEST, N, 0)]
HOSTILE = "no\x1b[2J\u202e::error::"


def judged(says: str) -> Call:
    return replace(call("Is it polite?", says), speaker="judge")


def trials(outcome: Callable[[int], int] = lambda n: n % 2) -> tuple[TrialRecord, ...]:
    """Trials that a judge has judged: two records of it differ in the judge's verdicts alone."""
    return tuple(
        trial(
            n,
            outcome(n),
            case={"question": f"What is {n}?"},
            case_id=f"c{n}",
            repeat=0,
            detail="" if outcome(n) else f"the judge says no to {n}",
            location="" if outcome(n) else "test_a.py:7",
            notes=(f"judged {outcome(n)}",),
            calls=(call(f"Question {n}?", f"Answer {n}."), judged("yes" if outcome(n) else "no, it is rude")),
        )
        for n in range(N)
    )


class Session:
    """Types into the command, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "labels.csv"

    def __call__(self, *words: str, typed: str = "") -> Result:
        told = ["label", *words, "--cache-dir", str(self.folder)]
        return CliRunner().invoke(main, told, input=typed, env={"COLUMNS": "100"})

    @property
    def labels(self) -> list[bool | float | None]:
        return [label.label for label in labels_in(self.path)]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    recorded(tmp_path, refuted(trials=trials()))
    return Session(tmp_path)


def error(result: Result) -> str:
    assert result.exit_code == 1
    return result.output


def test_trials_are_shown_in_the_order_of_labels_and_saved(session: Session) -> None:
    said = session(typed="y\nn because it is rude\ns\n")
    assert said.exit_code == 0
    shown = [said.output.index(f"Question {at}?") for at in CHOSEN]
    assert shown == sorted(shown)
    assert said.output.count("Question ") == len(CHOSEN) == 3
    records = {each.index: each for each in trials()}
    labels = labels_in(session.path)
    assert [label.trial for label in labels] == [trial_digest(TEST, records[at]) for at in CHOSEN]
    assert [label.label for label in labels] == [True, False, None]
    assert [label.case for label in labels] == [f"c{at}" for at in CHOSEN]
    assert {label.test for label in labels} == {"test_a.py::test_b"}
    assert labels[1].note == "because it is rude"
    assert all(label.at.endswith("Z") for label in labels)
    assert "labels.csv: 3 labels (1 yes, 1 no, 1 skip) of this test" in said.output
    assert "no trial of this run is left to label" in said.output
    assert 'in the mark: truth=labels("' in said.output
    assert "then: pytest test_a.py::test_b" in said.output


def test_nothing_of_the_judge_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs that differ in the judge's verdicts alone look the same, byte for byte."""
    told = {}
    for name, outcome in {"all": lambda _: 1, "none": lambda _: 0, "half": lambda n: n % 2}.items():
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        (folder / "pytest.ini").write_text("[pytest]\n")
        result = refuted(trials=trials(outcome))
        if name == "none":
            invalid = {CHOSEN[0]: OutcomeKind.INVALID}
            result = replace(
                result,
                trials=tuple(
                    replace(each, kind=invalid[each.index], values={}) if each.index in invalid else each
                    for each in result.trials
                ),
            )
        recorded(folder, result)
        session = Session(folder)
        said = session(typed="y\nn\nu\nx\nq\n").output + session("--export", "sheet.csv").output
        files = [path.read_text() for path in (session.path, folder / "sheet.csv")]
        rows = [[{**row, "at": ""} for row in csv.DictReader(file.splitlines())] for file in files]
        told[name] = (said, rows)
    assert told["all"] == told["none"] == told["half"]
    assert "Answer" in told["all"][0]
    for word in ("judge", "polite", "rude", "refuted", "0.33", "rate", "test_a.py:7"):
        assert word not in told["all"][0]


def test_a_second_session_goes_on_where_the_first_stopped(session: Session) -> None:
    first = session(typed="y\nq\n")
    assert "2 trials of this run to label: the same command goes on there" in first.output
    second = session(typed="n\nn\n")
    assert "1 of 2" in second.output
    assert f"Question {CHOSEN[0]}?" not in second.output
    assert session.labels == [True, False, False]
    assert "no trial of this run is left" in session().output


def test_when_the_input_ends_so_does_the_session_with_what_it_has(session: Session) -> None:
    said = session(typed="y\n")
    assert said.exit_code == 0
    assert session.labels == [True]


def test_undo_shows_the_trial_before_again(session: Session) -> None:
    said = session(typed="u\ny\nn\nu\nu\nn\nq\n")
    assert "there is no label of this session to undo" in said.output
    assert said.output.count(f"Question {CHOSEN[0]}?") == 2
    assert session.labels == [False]


def test_undo_leaves_labels_of_earlier_sessions(session: Session) -> None:
    session(typed="y\nq\n")
    assert "there is no label of this session to undo" in session(typed="u\nq\n").output
    assert session.labels == [True]


@pytest.mark.parametrize("typed", ["", "maybe", "2", "yes!", "\x1b[A"])
def test_what_is_no_answer_is_asked_again(session: Session, typed: str) -> None:
    said = session(typed=f"{typed}\nq\n")
    assert "s: cannot say; u: undo; q: quit" in said.output.split("1 of 3")[1]
    assert not session.path.exists()


@pytest.mark.parametrize(("typed", "label"), [("1", True), ("0", False), ("YES", True), ("No", False)])
def test_answers_may_be_written_otherwise(session: Session, typed: str, label: bool) -> None:
    session("-n", "1", typed=f"{typed}\n")
    assert session.labels == [label]


def test_scores_are_of_the_claims_range(tmp_path: Path) -> None:
    recorded(tmp_path, refuted(claim="mean(0, 10) >= 7", trials=trials()))
    session = Session(tmp_path)
    said = session(typed="11\ny\n-1\nnan\n7.5 fair\n0\ns\n")
    assert "0 to 10/s/u/q" in said.output
    assert said.output.count("0 to 10, and a note if you like") == 5
    assert session.labels == [7.5, 0.0, None]


def test_the_transcript_is_harmless(tmp_path: Path) -> None:
    hostile = tuple(
        replace(each, case={"q\x1b": HOSTILE}, calls=(call(HOSTILE, HOSTILE),)) for each in trials()
    )
    recorded(tmp_path, refuted(trials=hostile))
    session = Session(tmp_path)
    said = session("--question", HOSTILE, "--by", HOSTILE, typed="y\nq\n").output
    assert r"no\x1b[2J\u202e" in said
    assert not {"\x1b", "\u202e"} & {*said}
    assert not any(line.lstrip().startswith("::") for line in said.splitlines())
    session(typed=f"y {HOSTILE}\nq\n")
    assert not {"\x1b", "\u202e"} & {*session.path.read_text()}


def test_each_person_labels_all_and_agreement_is_shown_in_the_end(session: Session) -> None:
    session("--by", "zoe", typed="y\nn\ns\n")
    said = session("--by", "bob", typed="y\ny\nq\n")
    assert "agree" not in said.output
    assert "zoe" not in said.output
    said = session("--by", "bob", typed="y\n")
    assert "bob and zoe agree on 1 of 2 trials (50%)" in said.output
    assert 'by="bob")' in said.output
    assert len(labels_in(session.path)) == 6
    assert "already here: bob, zoe" in session(typed="q\n").output


def test_hidden_fields_and_parts_are_not_shown(tmp_path: Path) -> None:
    grader = replace(call("Grade it.", "It is a 3."), speaker="grader")
    graded = tuple(replace(each, calls=(*each.calls, grader)) for each in trials())
    recorded(tmp_path, refuted(trials=graded))
    session = Session(tmp_path)
    assert "It is a 3." in session(typed="q\n").output
    said = session("--hide", "grader", "--hide", "question", typed="q\n").output
    assert "It is a 3." not in said
    assert "What is" not in said
    assert "Answer" in said


def test_a_name_that_hides_nothing_is_an_error(session: Session) -> None:
    told = error(session("--hide", "questoin"))
    assert "no part of a model named 'questoin', so nothing is hidden" in told
    assert "did you mean 'question'?" in told


def test_a_sheet_with_other_letters_is_marked_as_utf_8(tmp_path: Path) -> None:
    accented = tuple(replace(each, calls=(call("Où ?", "Là."),)) for each in trials())
    recorded(tmp_path, refuted(trials=accented))
    session, sheet = Session(tmp_path), tmp_path / "sheet.csv"
    session("--export", "sheet.csv")
    assert sheet.read_bytes().startswith(b"\xef\xbb\xbf")
    filled(sheet, ["no", "no", "no"])
    assert "3 new labels" in session("--import", "sheet.csv").output
    assert {label.test for label in labels_in(session.path)} == {"test_a.py::test_b"}


def test_a_persons_name_is_the_one_in_the_file(session: Session) -> None:
    session("--by", "zoe\tk", typed="y\nq\n")
    assert "2 trials to label" in session("--by", "zoe\tk", typed="q\n").output


def test_the_test_says_which_trials_where_labels_go_and_whose_count(tmp_path: Path) -> None:
    truth = TruthSeen(
        source="mine.csv",
        every=10,
        by="zoe",
        n_judged=60,
        n_labelled=0,
        n_skipped=0,
        n_waiting=6,
        n_changed=0,
        judged=0.5,
        judged_interval=None,
        correlation=None,
        agreement=None,
        n_alone=None,
        labels={},
    )
    recorded(tmp_path, refuted(trials=trials(), truth=truth))
    session = Session(tmp_path)
    said = session(typed="y\nq\n").output
    assert "6 trials to label, into mine.csv" in said
    assert "in the mark" not in said
    assert labels_in(tmp_path / "mine.csv")[0].by == "zoe"
    assert (
        'in the mark: truth=labels("mine.csv", by="bob", every=10)'
        in session("--by", "bob", typed="y\nq\n").output
    )


def test_the_arm_is_not_shown_and_is_in_the_file(tmp_path: Path) -> None:
    armed = tuple(replace(each, arm="new prompt" if each.index % 2 else "old") for each in trials())
    recorded(tmp_path, replace(paired(), node_id=TEST, seed=0, trials=armed))
    session = Session(tmp_path)
    said = session(typed="y\ny\ny\n")
    assert "new prompt" not in said.output
    assert [label.arm for label in labels_in(session.path)] == [armed[at].arm for at in CHOSEN]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"trials": ()}, "no trial is recorded, so there is nothing to label"),
        ({"trials": tuple(replace(each, calls=()) for each in trials())}, "no trial has a transcript"),
        (
            {"trials": tuple(replace(each, calls=(judged("no"),)) for each in trials())},
            "no trial has a transcr",
        ),
        ({"trials": trials(), "claim": 'rate("a") >= 0.5 & rate("b") >= 0.5'}, "has not one outcome"),
    ],
)
def test_what_cannot_be_labelled_is_an_error_with_a_way_out(tmp_path: Path, fields: dict, said: str) -> None:
    recorded(tmp_path, refuted(**fields))
    told = error(Session(tmp_path)())
    assert said in told
    assert "fix:" in told
    assert TEST in told


def test_several_hypotheses_need_a_choice(tmp_path: Path) -> None:
    recorded(tmp_path, refuted(trials=trials()), refuted(node_id="test_a.py::test_other", trials=trials()))
    session = Session(tmp_path)
    told = error(session())
    assert "1  test_b" in told
    assert "2 hypotheses are meant" in told
    assert session("-k", "test_b", typed="q\n").exit_code == 0
    assert session("-k", "2", typed="q\n").output.startswith("test_a.py::test_other")


def test_a_label_out_of_the_claims_range_is_named(session: Session) -> None:
    first = trial_digest(TEST, trials()[CHOSEN[0]])
    session.path.write_text(f"trial,label\n{first},0.5\n")
    assert f"the label of trial {first} is '0.5', and this claim's outcomes are y/n" in error(session())


def filled(sheet: Path, answers: list[str]) -> None:
    rows = [*csv.DictReader(sheet.read_text().splitlines(keepends=True))]
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "label": answer} for row, answer in zip(rows, answers, strict=True))


@pytest.fixture
def sheet(session: Session) -> Path:
    path = session.folder / "sheet.csv"
    said = session("--export", "sheet.csv", "--question", "Is it polite?")
    assert said.exit_code == 0, said.output
    assert "3 trials, to be labelled y/n, or skip" in said.output
    return path


def test_a_sheet_goes_out_and_comes_back(session: Session, sheet: Path) -> None:
    text = sheet.read_text()
    assert "judge" not in text
    rows = [*csv.DictReader(text.splitlines(keepends=True))]
    assert [row["case.question"] for row in rows] == [f"What is {at}?" for at in CHOSEN]
    assert rows[0]["transcript"] == f"user: Question {CHOSEN[0]}?\n\nassistant: Answer {CHOSEN[0]}."
    assert rows[0]["question"] == "Is it polite?"
    filled(sheet, ["yes", "", "skip"])
    said = session("--import", sheet.name, "--by", "bob").output
    assert "sheet.csv: 2 new labels, 0 known already" in said
    assert "1 trial of the sheet have no label yet" not in said
    assert "1 trial of the sheet has no label yet" in said
    assert {label.by for label in labels_in(session.path)} == {"bob"}
    assert session.labels == [True, None]
    filled(sheet, ["yes", "no", "skip"])
    assert "1 new label, 2 known already" in session("--import", sheet.name, "--by", "bob").output
    assert session.labels == [True, None, False]


def test_only_what_is_not_labelled_yet_goes_out(session: Session) -> None:
    session(typed="y\nq\n")
    sheet = session.folder / "sheet.jsonl"
    session("--export", sheet.name, "-n", "1")
    rows = [json.loads(line) for line in sheet.read_text().splitlines()]
    assert [row["case.question"] for row in rows] == [f"What is {CHOSEN[1]}?"]
    sheet.write_text(json.dumps({**rows[0], "label": False}))
    assert "1 new label" in session("--import", sheet.name).output
    assert session.labels == [True, False]


def test_a_sheet_is_what_its_name_says(session: Session) -> None:
    said = error(session("--export", "sheet.xlsx"))
    assert "sheet.xlsx: the name of a file of labels ends in .csv, .tsv or .jsonl" in said
    assert not (session.folder / "sheet.xlsx").exists()
    session("--export", "sheet.tsv")
    head, *_ = (session.folder / "sheet.tsv").read_text(encoding="utf-8").splitlines()
    assert head.split("\t")[:2] == ["trial", "label"]


def test_a_sheet_is_never_written_over(session: Session, sheet: Path) -> None:
    filled(sheet, ["yes", "no", "no"])
    before = sheet.read_bytes()
    assert "there is such a file already" in error(session("--export", sheet.name))
    assert sheet.read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Answer", "Reply", "its transcript is not the one that went out"),
        (",no,", ",maybe,", "its label is 'maybe'"),
        (",no,", ",7,", "its label is '7', and this claim's outcomes are y/n"),
        ("\nt", "\nx", "is none of those that are labelled in this run"),
    ],
)
def test_a_sheet_that_was_damaged_is_refused_as_a_whole(
    session: Session, sheet: Path, old: str, new: str, said: str
) -> None:
    filled(sheet, ["no", "no", "no"])
    text = sheet.read_text()
    assert old in text
    sheet.write_text(text[::-1].replace(old[::-1], new[::-1], 1)[::-1])
    told = error(session("--import", sheet.name))
    assert said in told
    assert "sheet.csv:" in told
    assert not session.path.exists()


def test_a_sheet_that_says_otherwise_than_the_file_is_refused(session: Session, sheet: Path) -> None:
    session(typed="y\nq\n")
    filled(sheet, ["no", "no", "no"])
    assert "says 'no' of trial" in error(session("--import", sheet.name))
    assert session.labels == [True]
    assert "3 new labels" in session("--import", sheet.name, "--by", "bob").output


def test_a_spreadsheet_may_change_line_ends_and_quotes(session: Session, sheet: Path) -> None:
    filled(sheet, ["no", "no", "TRUE"])
    sheet.write_bytes(b"\xef\xbb\xbf" + sheet.read_bytes().replace(b"\n\n", b"\r\n \r\n"))
    assert "3 new labels" in session("--import", sheet.name).output
    assert session.labels == [False, False, True]


def test_a_sheet_computes_nothing(tmp_path: Path) -> None:
    formula = '=HYPERLINK("http://x")'
    risky = tuple(
        replace(each, case={"question": formula}, repeat=each.index, calls=(call(formula, formula),))
        for each in trials()
    )
    recorded(tmp_path, refuted(trials=risky))
    session, sheet = Session(tmp_path), tmp_path / "sheet.csv"
    session("--export", sheet.name, "--question", "+1")
    for row in csv.DictReader(sheet.read_text().splitlines(keepends=True)):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
    filled(sheet, ["no", "no", "no"])
    assert "3 new labels" in session("--import", sheet.name).output


def test_the_rows_of_a_notebook_are_a_file_of_labels(session: Session) -> None:
    rows = load(cache_dir=session.folder)["test_b"].to_label()
    assert [row["case.question"] for row in rows] == [f"What is {at}?" for at in CHOSEN]
    assert not any("judge" in text or "polite" in text for row in rows for text in row.values())
    with session.path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "label": "no"} for row in rows[:2])
    assert session.labels == [False, False]
    assert "1 trial to label" in session(typed="q\n").output
    assert len(load(cache_dir=session.folder)["test_b"].to_label(10, hide=["question"])) == 6


@pytest.mark.parametrize("off", ["", "1"])
def test_colours_are_for_those_who_want_them(session: Session, off: str) -> None:
    told = ["label", "--cache-dir", str(session.folder)]
    said = CliRunner().invoke(main, told, input="q\n", color=True, env={"NO_COLOR": off}).output
    assert ("\x1b[" in said) is not bool(off)


def test_labels_of_other_trials_stay_and_do_not_count(session: Session) -> None:
    session.path.write_text("trial,label\nt0,yes\n")
    said = session(typed="y\nq\n")
    assert "1 label (1 yes) of this test" in said.output
    assert read_labels(session.path)["t0"] == Label(trial="t0", label=True)
