"""The baseline file's text: one sorted line per entry, so that a diff shows which hypotheses changed.

Outcomes of 0 or 1 are one string, `"0110x1"` (`x`: invalid); others are numbers, null for an invalid one.
Distinct cases are listed once, and turns refer to them by position. `order` is left out if every turn has
the next case; `repeats` if they count the earlier turns of the same case, which holds unless turns are
missing; `anchor` if the baseline is the first one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from pytest_velo.baselines.entry import Entry, Sampled, StoredTurn
from pytest_velo.errors import StoreError
from pytest_velo.reading import decoder

VERSION = 1

_LETTERS: dict[float | None, str] = {0.0: "0", 1.0: "1", None: "x"}
_OUTCOMES = {letter: outcome for outcome, letter in _LETTERS.items()}
_CONFLICT = (b"<<<<<<< ", b">>>>>>> ", b"||||||| ")


class _Sampled(msgspec.Struct, omit_defaults=True):
    made_at: str
    seed: int
    outcomes: str | list[float | None]
    set: str = ""
    cases: list[str] = []
    order: list[int] | None = None
    repeats: list[int] | None = None
    body: str = ""
    prompt: str = ""
    judge: str = ""
    models_served: list[str] = []


class _Entry(msgspec.Struct, omit_defaults=True):
    hypothesis: str
    model: str
    statistic: str
    design: str
    current: _Sampled
    anchor: _Sampled | None = None


class _Head(msgspec.Struct):
    """The part of the file that tells whether the rest can be read."""

    version: int


class _File(msgspec.Struct):
    version: int
    entries: list[_Entry]


_decode_head = decoder(_Head)
_decode_file = decoder(_File)


def encode(entries: Iterable[Entry]) -> bytes:
    """Return the file's bytes, UTF-8 and sorted by key; each key occurs once."""
    lines = [
        msgspec.json.encode(_entry_to_wire(entry)) for entry in sorted(entries, key=lambda entry: entry.key)
    ]
    body = b",\n".join(lines) + (b"\n" if lines else b"")
    return b'{"version": %d, "entries": [\n%b]}\n' % (VERSION, body)


def decode(content: bytes) -> list[Entry]:
    """Undo `encode`; white space does not matter, so the file may have been reformatted.

    Raises:
        StoreError: The file is damaged, of a newer version, in conflict, or has an entry twice.
    """
    _check_merged(content)
    try:
        version = _decode_head(content).version
        if version > VERSION:
            raise StoreError(
                f"the file has version {version}; this pytest-velo reads versions up to {VERSION}",
                fix="pip install --upgrade pytest-velo",
            )
        entries = [_entry_from_wire(entry) for entry in _decode_file(content).entries]
    except ValueError as problem:
        raise StoreError(
            f"the file is damaged ({problem})",
            fix="restore it from version control, or remove it and run with --velo-update",
        ) from None
    seen = Counter(entry.key for entry in entries)
    for key, times in seen.items():
        if times > 1:
            raise StoreError(f"{times} entries are for {key}", fix="keep one of the lines")
    return entries


def _check_merged(content: bytes) -> None:
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.startswith(_CONFLICT):
            raise StoreError(
                f"line {number} is an unresolved merge conflict",
                fix="keep one line of each entry and remove the markers, or take either side and run with"
                " --velo-update",
            )


def _entry_to_wire(entry: Entry) -> _Entry:
    return _Entry(
        hypothesis=entry.hypothesis,
        model=entry.model,
        statistic=entry.statistic,
        design=entry.design,
        current=_sampled_to_wire(entry.current),
        anchor=None if entry.anchor == entry.current else _sampled_to_wire(entry.anchor),
    )


def _entry_from_wire(wire: _Entry) -> Entry:
    current = _sampled_from_wire(wire.current, wire.hypothesis)
    return Entry(
        hypothesis=wire.hypothesis,
        model=wire.model,
        statistic=wire.statistic,
        design=wire.design,
        current=current,
        anchor=current if wire.anchor is None else _sampled_from_wire(wire.anchor, wire.hypothesis),
    )


def _sampled_to_wire(sampled: Sampled) -> _Sampled:
    outcomes = [turn.outcome for turn in sampled.turns]
    places: dict[str, int] = {}
    order = [places.setdefault(turn.case, len(places)) for turn in sampled.turns]
    repeats = [turn.repeat for turn in sampled.turns]
    if places == {"": 0}:  # without cases there is nothing to list
        places, order = {}, []
    return _Sampled(
        made_at=sampled.made_at,
        seed=sampled.seed,
        outcomes="".join(map(_LETTERS.__getitem__, outcomes))
        if set(outcomes) <= _LETTERS.keys()
        else outcomes,
        set=sampled.set_digest,
        cases=list(places),
        order=None if order == list(range(len(order))) else order,
        repeats=None if repeats == _counted([turn.case for turn in sampled.turns]) else repeats,
        body=sampled.body,
        prompt=sampled.prompt,
        judge=sampled.judge,
        models_served=list(sampled.models_served),
    )


def _sampled_from_wire(wire: _Sampled, hypothesis: str) -> Sampled:
    outcomes: Sequence[float | None] = (
        [_OUTCOMES[letter] for letter in wire.outcomes if letter in _OUTCOMES]
        if isinstance(wire.outcomes, str)
        else wire.outcomes
    )
    n = len(wire.outcomes)
    order = range(n) if wire.order is None else wire.order
    cases = [wire.cases[place] for place in order if 0 <= place < len(wire.cases)] if wire.cases else [""] * n
    repeats = _counted(cases) if wire.repeats is None else wire.repeats
    if not len(outcomes) == len(order) == len(cases) == len(repeats) == n:
        raise ValueError(f"the outcomes, cases and repeats of {hypothesis} do not fit together")
    return Sampled(
        made_at=wire.made_at,
        seed=wire.seed,
        set_digest=wire.set,
        turns=tuple(map(StoredTurn, cases, repeats, outcomes)),
        body=wire.body,
        prompt=wire.prompt,
        judge=wire.judge,
        models_served=tuple(wire.models_served),
    )


def _counted(cases: Iterable[str]) -> list[int]:
    """Return for each turn how many earlier ones have the same case."""
    seen: Counter[str] = Counter()
    repeats = []
    for case in cases:
        repeats.append(seen[case])
        seen[case] += 1
    return repeats
