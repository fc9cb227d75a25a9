"""Files of labels hold what was added, whatever the texts; what is added is taken back; order is blind."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_velo.labelling import Label, LabelFile, label_order, labels_in
from pytest_velo.labelling.file import KINDS, harmless

few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
texts = st.text(max_size=20) | st.sampled_from(
    ["=1+1", "'=x", "-1", "\t@a", 'a"b', "a,b", "\ud800", "\x00", "\r\n"]
)
labels = st.builds(
    Label,
    trial=st.text("0123456789abcdef", min_size=1, max_size=8).map(lambda text: f"t{text}"),
    label=st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
    test=texts,
    case=texts,
    arm=texts,
    repeat=st.none() | st.integers(0, 10**9 - 1),
    by=texts,
    at=texts,
    note=texts,
)
of_different_trials = st.lists(labels, max_size=5, unique_by=lambda label: label.trial)


def clean(text: str) -> str:
    """Return a text without what no file of labels holds: control characters are spaces."""
    kept = harmless(f"x{text}")
    return kept[1:]


def as_held(label: Label) -> Label:
    return Label(
        trial=label.trial,
        label=label.label,
        repeat=label.repeat,
        **{name: clean(getattr(label, name)) for name in ("test", "case", "arm", "by", "at", "note")},
    )


@few
@given(found=of_different_trials, kind=st.sampled_from(KINDS))
def test_what_was_added_is_read(tmp_path: Path, found: list[Label], kind: str) -> None:
    path = tmp_path / f"labels{kind}"
    path.unlink(missing_ok=True)
    file = LabelFile(path)
    for label in found:
        file.add(label)
    if found:
        assert list(labels_in(path)) == [*map(as_held, found)]
        assert [type(label.label) for label in labels_in(path)] == [type(label.label) for label in found]


@few
@given(found=of_different_trials)
def test_no_cell_computes_anything(tmp_path: Path, found: list[Label]) -> None:
    path = tmp_path / "labels.csv"
    path.unlink(missing_ok=True)
    file = LabelFile(path)
    for label in found:
        file.add(label)
    if not found:
        return
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        texts_of_it = [cell for name, cell in row.items() if name != "label"]
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in texts_of_it)


@few
@given(kept=of_different_trials, added=of_different_trials, kind=st.sampled_from(KINDS))
def test_what_was_added_is_taken_back_to_the_byte(
    tmp_path: Path, kept: list[Label], added: list[Label], kind: str
) -> None:
    path = tmp_path / f"labels{kind}"
    path.write_bytes(b"")
    file = LabelFile(path)
    states = []
    for label in (*kept, *added):
        states.append(path.read_bytes())
        file.add(label)
    while file.take_back() is not None:
        assert path.read_bytes() == states.pop()
    assert states == []


@few
@given(
    test=st.text(max_size=30),
    n=st.integers(0, 300),
    more=st.integers(0, 300),
    seed=st.integers(-(2**63), 2**63),
    every=st.integers(1, 50),
)
def test_one_of_each_block_and_the_same_when_the_run_grows(
    test: str, n: int, more: int, seed: int, every: int
) -> None:
    chosen = [*label_order(test, n, seed, every)]
    blocks = [at // every for at in chosen]
    assert blocks == sorted(set(blocks))
    assert set(range(n // every)) <= set(blocks)
    assert [at for at in label_order(test, n + more, seed, every) if at < n] == chosen


@pytest.mark.parametrize("text", ["=1", "'=1", "''=1", "'", "", "'a", "a"])
def test_the_apostrophe_of_a_formula_is_taken_off_and_no_other(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.csv"
    LabelFile(path).add(Label(trial="t1", label=True, note=text))
    assert labels_in(path)[0].note == text
