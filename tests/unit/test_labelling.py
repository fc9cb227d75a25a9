"""Labels: what people say of trials, the files that hold it, and which trials are asked about."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.case_sets import Case
from pytest_velo.errors import UsageError
from pytest_velo.labelling import (
    Label,
    LabelFile,
    label_order,
    label_text,
    labels_in,
    read_labels,
    seen_calls,
    trial_digest,
)
from pytest_velo.records import TrialRecord
from pytest_velo.report.transcript import trial_from_json, trial_to_json
from support.reports import call, trial

TEST = "test_a.py::test_b"


def labelled(path: Path, *labels: Label) -> Path:
    file = LabelFile(path)
    for label in labels:
        file.add(label)
    return path


def asked(number: int = 0, reply: str = "Hello!", **fields: Any) -> TrialRecord:
    return replace(trial(number, 1, calls=(call("Say hello.", reply),)), **fields)


def test_one_trial_of_each_block_is_labelled() -> None:
    chosen = [*label_order(TEST, 200, 0)]
    assert [at // 20 for at in chosen] == [*range(10)]


def test_the_order_stays_when_the_run_grows() -> None:
    whole = [*label_order(TEST, 400, 7)]
    for n in range(400):
        assert [*label_order(TEST, n, 7)] == [at for at in whole if at < n]


def test_each_place_of_a_block_is_chosen_as_often() -> None:
    places = Counter(at % 5 for at in label_order(TEST, 100_000, 3, every=5))
    assert sum(places.values()) == 20_000
    assert all(abs(n - 4_000) < 5 * (20_000 * 0.2 * 0.8) ** 0.5 for n in places.values())


def test_seed_and_test_change_the_order() -> None:
    orders = {tuple(label_order(test, 400, seed)) for test in (TEST, "other") for seed in (0, 1)}
    assert len(orders) == 4


def test_the_digest_is_of_what_a_person_sees() -> None:
    first = asked(case={"question": "Hi?"})
    digest = trial_digest(TEST, first)
    assert digest.startswith("t")
    seen_otherwise = [
        (TEST, asked(case={"question": "Ho?"})),
        (TEST, asked(case={"question": "Hi?"}, arm="a")),
        (TEST, asked(case={"question": "Hi?"}, repeat=1)),
        (TEST, asked(reply="Bye!", case={"question": "Hi?"})),
        ("other", first),
    ]
    assert digest not in {trial_digest(test, each) for test, each in seen_otherwise}


def test_the_digest_holds_no_outcome_and_nothing_of_a_judge() -> None:
    first = asked()
    judge = replace(call("Is it polite?", '{"verdict": "no"}'), speaker="judge")
    judged = replace(
        trial(0, 0, calls=(*first.calls, judge)),
        index=5,
        seed=9,
        notes=("the judge says no",),
        detail="assert False",
    )
    assert seen_calls(judged) == first.calls
    assert trial_digest(TEST, judged) == trial_digest(TEST, first)


@pytest.mark.parametrize(
    "case",
    [
        None,
        "plain",
        Case({"a": 1.5, "b": [float("inf"), None], "c": {"d": True}, "e": object()}),
        {"half": "\ud800", "all": "äöü\x00"},
    ],
)
def test_a_trial_that_ran_and_the_same_in_a_record_have_the_same_digest(case: Any) -> None:
    shown = call([{"type": "text", "text": "Look:"}, {"type": "image", "data": "AAAA"}], "\ud83d")
    ran = replace(trial(0, 1, calls=(shown,)), case=case)
    written = json.dumps(trial_to_json(TEST, ran))
    assert trial_digest(TEST, trial_from_json(json.loads(written))) == trial_digest(TEST, ran)


@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv", "labels.jsonl", "LABELS.CSV"])
def test_what_is_added_is_read(tmp_path: Path, name: str) -> None:
    labels = (
        Label(
            trial="t1",
            label=True,
            test=TEST,
            case="c",
            arm="a",
            repeat=0,
            by="ann",
            at="2026-11-30T00:00:00Z",
        ),
        Label(trial="t2", label=False, note='a "quoted", note'),
        Label(trial="t3", label=0.1),
        Label(trial="t4", label=None, note="=1+1", by="-x"),
        Label(trial="t5", label=-2.5, note="'=x", case="@home"),
    )
    path = labelled(tmp_path / name, *labels)
    assert labels_in(path) == labels
    assert read_labels(path) == {label.trial: label for label in labels}


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    path = labelled(
        tmp_path / "labels.csv", Label(trial="t1", label=True, note="=cmd|' /C calc'!A0", by="\t=1")
    )
    assert path.read_text().splitlines()[1].endswith("'=cmd|' /C calc'!A0")
    assert "\t" not in path.read_text()


def test_a_file_of_a_spreadsheet_is_read_and_added_to(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        "\ufefflabel;trial;mood\r\nTRUE;t1;good\r\n0;t2;bad\r\n;t3;\r\nSkip;t4;", encoding="utf-8"
    )
    assert {trial: label.label for trial, label in read_labels(path).items()} == {
        "t1": True,
        "t2": False,
        "t4": None,
    }
    labelled(path, Label(trial="t3", label=False))
    assert read_labels(path)["t3"].label is False
    assert path.read_text(encoding="utf-8-sig").splitlines()[-1] == "no;t3;"


@pytest.mark.parametrize("said", [{"by": "zoe"}, {"note": "why"}])
def test_nothing_is_added_that_the_file_has_no_column_for(tmp_path: Path, said: dict[str, str]) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("trial,label\nt1,yes\n")
    with pytest.raises(UsageError, match="would be lost"):
        LabelFile(path).add(Label(trial="t2", label=True, **said))
    assert path.read_text() == "trial,label\nt1,yes\n"


def test_what_was_added_is_taken_back(tmp_path: Path) -> None:
    file = LabelFile(labelled(tmp_path / "labels.csv", Label(trial="t0", label=True)))
    before = file.path.read_bytes()
    first, second = Label(trial="t1", label=True), Label(trial="t2", label=False)
    file.add(first)
    file.add(second)
    assert [file.take_back(), file.take_back(), file.take_back()] == [second, first, None]
    assert file.path.read_bytes() == before
    assert [label.trial for label in file.labels] == ["t0"]


def test_what_somebody_else_added_stays(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    mine, theirs = LabelFile(path), LabelFile(path)
    mine.add(Label(trial="t1", label=True, by="ann"))
    theirs.add(Label(trial="t1", label=True, by="bob"))
    with pytest.raises(UsageError, match="somebody else has added"):
        mine.take_back()
    assert [label.by for label in labels_in(path)] == ["ann", "bob"]


def test_one_person_who_says_two_things_is_an_error(tmp_path: Path) -> None:
    path = labelled(tmp_path / "labels.csv", Label(trial="t1", label=True, by="ann"))
    labelled(tmp_path / "labels.csv", Label(trial="t1", label=True, by="bob"))
    assert len(labels_in(path)) == 2
    with path.open("a") as file:
        file.write("t1,no,,,,,ann,,\n")
    with pytest.raises(
        UsageError, match=r"labels.csv:4: ann says 'no' of trial t1, and 'yes' in labels.csv:2"
    ):
        labels_in(path)


def test_a_file_from_before_is_read_and_added_to_without_the_test(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("trial,label,case,arm,repeat,by,at,note\nt1,yes,c,,0,ann,,\n")
    labelled(path, Label(trial="t2", label=False, test=TEST, case="d", by="ann"))
    assert labels_in(path) == (
        Label(trial="t1", label=True, case="c", repeat=0, by="ann"),
        Label(trial="t2", label=False, case="d", by="ann"),
    )


def test_people_who_differ_need_a_choice(tmp_path: Path) -> None:
    path = labelled(
        tmp_path / "labels.csv",
        Label(trial="t1", label=True, by="ann"),
        Label(trial="t1", label=False, by="bob"),
        Label(trial="t2", label=False, by="bob"),
    )
    with pytest.raises(UsageError, match=r"people differ: of trial t1 ann says 'yes', bob 'no'") as raised:
        read_labels(path)["t1"]
    assert raised.value.fix == 'say whose labels count: labels("labels.csv", by="ann")'
    assert {trial: label.label for trial, label in read_labels(path, by="bob").items()} == {
        "t1": False,
        "t2": False,
    }
    with pytest.raises(UsageError, match="no label is by 'bop'") as raised:
        read_labels(path, by="bop")
    assert raised.value.fix == "did you mean 'bob'?"


@pytest.mark.parametrize("by", ["bob", "ann"])
def test_what_is_said_twice_concerns_the_test_that_it_is_of(tmp_path: Path, by: str) -> None:
    path = tmp_path / "labels.csv"
    of = f"trial,label,test,by\nt1,yes,{TEST},ann\nt1,no,{TEST},{by}\nt2,yes,,ann\nt2,no,,{by}\nt3,no,,ann\n"
    path.write_text(of)
    said = "of trial t1"
    with pytest.raises(UsageError, match=said):
        read_labels(path, test=TEST)
    found = read_labels(path, test="other")
    assert {**found} == {"t3": Label(trial="t3", label=False, by="ann")}
    assert len(found) == 1
    for name in ("t1", "t2", "t2"):
        with pytest.raises(UsageError, match=f"of trial {name}") as raised:
            found.get(name)
        assert str(raised.value.within("test_it")).count("test_it: ") == 1  # whoever looked it up before
    assert found.get("t4") is None


def test_who_labelled_only_another_test_is_somebody(tmp_path: Path) -> None:
    path = labelled(tmp_path / "labels.csv", Label(trial="t1", label=True, by="ann", test="other"))
    assert {**read_labels(path, by="ann", test=TEST)}.keys() == {"t1"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("trial\nt1\n", "labels.csv:2: the row has no field `label`, it has 'trial'"),
        ("trial,label\n,yes\n", "labels.csv:2: the row does not say which trial it is of"),
        ("trial,label\nt1,maybe\n", "labels.csv:2: its label is 'maybe', which is neither"),
        ("trial,label\nt1,nan\n", "labels.csv:2: its label is 'nan', which is neither"),
        ("trial,label\nt1,1e999\n", "labels.csv:2: its label is '1e999', which is neither"),
        ('trial,label\nt1,"0,5"\n', "labels.csv:2: its label is '0,5', which is neither"),
        ("trial,label,repeat\nt1,yes,-1\n", "labels.csv:2: its repeat is '-1', which is no number from 0"),
        ("trial,label\nt1\n", "labels.csv:2: the row has 1 cells, the header has 2"),
        ('trial,label\nt1,"yes', "labels.csv:2: the row is not CSV"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(content)
    with pytest.raises(UsageError) as raised:
        labels_in(path)
    assert said in str(raised.value)
    assert raised.value.fix


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1]", "the row has no fields"),
        ('{"trial": "t1", "label": [true]}', "its label is [True]"),
        ('{"trial": 3, "label": true}', "does not say which trial"),
        ('{"trial": "t1", "label": 1e400}', "labels.jsonl:1"),
        ("{", "the line is not JSON"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(f"{line}\n")
    with pytest.raises(UsageError) as raised:
        labels_in(path)
    assert said in str(raised.value)


def test_a_file_that_is_not_there_and_one_of_another_kind_are_named(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").touch()
    with pytest.raises(UsageError, match="there is no such file of labels") as raised:
        labels_in(tmp_path / "lables.csv")
    assert raised.value.fix == "did you mean 'labels.csv'?"
    with pytest.raises(UsageError, match="the name of a file of labels ends"):
        LabelFile(tmp_path / "labels.xlsx")


def test_labels_as_people_write_them() -> None:
    assert [label_text(label) for label in (True, False, None, 0.25, 3.0, 1 / 3)] == [
        "yes",
        "no",
        "skip",
        "0.25",
        "3",
        "0.3333333333333333",
    ]
