"""Whatever is accepted into a baseline file comes back from it, and its first baseline stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.baselines.codec import decode, encode
from pytest_velo.baselines.entry import Entry, Sampled, StoredTurn
from pytest_velo.baselines.file import BaselineFile

texts = st.text(st.characters(codec="utf-8"), max_size=8)
cases = st.sampled_from(["", "00112233445566aa", "ffeeddccbbaa9988", "0123456789abcdef"])
binary = st.sampled_from([0.0, 1.0, None])
scores = st.none() | st.floats(-1e6, 1e6)


def turns_of(outcomes: st.SearchStrategy[float | None]) -> st.SearchStrategy[tuple[StoredTurn, ...]]:
    turn = st.builds(StoredTurn, cases, st.integers(0, 5), outcomes)
    return st.lists(turn, max_size=12).map(tuple)


sampleds = st.builds(
    Sampled,
    made_at=texts,
    seed=st.integers(-(2**63), 2**63 - 1),
    set_digest=texts,
    turns=turns_of(binary) | turns_of(scores),
    body=texts,
    prompt=texts,
    judge=texts,
    models_served=st.lists(texts, max_size=2).map(tuple),
)
entries = st.builds(
    Entry,
    hypothesis=texts,
    model=texts,
    statistic=texts,
    design=texts,
    current=sampleds,
    anchor=sampleds,
)
files = st.lists(entries, max_size=4, unique_by=lambda entry: entry.key)


@pytest.mark.slow
@given(files)
def test_what_is_written_is_read(entries: list[Entry]) -> None:
    written = encode(entries)
    assert decode(written) == sorted(entries, key=lambda entry: entry.key)
    assert encode(reversed(decode(written))) == written
    assert written.count(b"\n") == len(entries) + 2


@given(st.lists(sampleds, min_size=1, max_size=4))
def test_the_first_baseline_stays(accepted: list[Sampled]) -> None:
    file = BaselineFile()
    for sampled in accepted:
        file = file.accept(hypothesis="t.py::t", model="m", statistic="rate", design="d", sampled=sampled)
    entry = file.get("t.py::t", "m", "rate")
    assert entry is not None
    assert (entry.anchor, entry.current) == (accepted[0], accepted[-1])
    assert decode(encode(file.entries.values())) == [entry]
