"""The case set of one hypothesis: `cases=` read, checked, named and digested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pytest_velo.canonical import digest
from pytest_velo.case_sets import sources
from pytest_velo.case_sets.case import Case, Recorded
from pytest_velo.case_sets.files import SOURCES
from pytest_velo.case_sets.formats import Row
from pytest_velo.case_sets.presets import by_preset, check_preset
from pytest_velo.errors import UsageError, nearest
from pytest_velo.stubs import Stub
from pytest_velo.vocabulary import called

Over = Literal["cases", "population"]
Namer = str | Callable[[Any], Any]

DIGEST_LENGTH = 32
"""Hex digits of a case's digest: 128 bits."""

FINGERPRINTED = 20
"""Draws of an endless source that its digest covers, so that it does not depend on max_trials."""

MOST_FILTERED = 10_000
"""Consecutive rows that `filter=` may drop from an endless source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """A source with options; made by `cases()`."""

    source: Any
    id: Namer | None = None
    group: Namer | None = None
    rename: dict[str, str] | None = None
    filter: Callable[[Any], Any] | None = None
    n: int | None = None
    preset: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSet:
    """The cases of one hypothesis.

    Attributes:
        items: The cases: rows with named fields are `Case` objects, other values are unchanged.
        digests: Digest of each case's content (of its id if the content has no JSON form); equal
            contents have equal digests.
        ids: A unique name for each, for people.
        groups: The group of each; None without `group=`.
        digest: Digest of the whole set. For an endless source it covers the first 20 cases, so that it
            does not change when more are drawn.
        default_over: What a claim is about unless `over=` is given: `cases` for lists and files,
            `population` for generators, strategies and with `group=`.
        endless: More cases can be drawn (a strategy, or a generator with `rng`, without `n=`).
        origin: What was read, if `cases=` does not say it in full; empty otherwise.
        notices: What the reader of a verdict should know about where they come from.
        stub: What stands in for them, if they are made up; None otherwise.
    """

    items: tuple[Any, ...]
    digests: tuple[str, ...]
    ids: tuple[str, ...]
    groups: tuple[str, ...] | None
    digest: str
    default_over: Over
    endless: bool = False
    origin: str = ""
    notices: tuple[str, ...] = ()
    stub: Stub | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def n_draws(self) -> int:
        """Draws of each case that the source itself holds; 1 where trials draw."""
        first = self.items[0]
        return first.n_draws if isinstance(first, Recorded) else 1

    @property
    def is_recorded(self) -> bool:
        """Whether they come with outcomes, which cost nothing."""
        return isinstance(self.items[0], Recorded)


@called('cases("questions.jsonl", group="topic")')
def cases(
    source: Any,
    *,
    id: Namer | None = None,
    group: Namer | None = None,
    rename: dict[str, str] | None = None,
    filter: Callable[[Any], Any] | None = None,
    n: int | None = None,
    preset: str | None = None,
) -> Cases:
    """Give a source of cases options: `cases=cases("questions.jsonl", group="topic", n=100)`.

    Args:
        source: A list, a function (its `rng` parameter gets a seeded `random.Random`; it may be a
            generator), a file's path, a data set of the Hub (`hf://org/name?split=test`), or a strategy of
            the Hypothesis library.
        id: Field, or function of the case, that names each case uniquely.
        group: Field, or function of the case, that tells which cases belong together (the same template,
            the same passage). The unit of evidence is then the group's mean.
        rename: Old field names to new ones; applied first, or after `preset`.
        filter: Function of the case; a case is left out if it returns a false value. Applied before `n`.
        n: Take the first n cases, from 1.
        preset: `"inspect"`: the rows are Inspect's samples. Their `input` is the case's `question`, their
            `target` its `answer`, and what is in `metadata` becomes fields of the case.

    Raises:
        UsageError: An option has the wrong type.

    Examples:
        >>> from pathlib import Path
        >>> rows = [{"question": "2 + 2?", "topic": "sums"}, {"question": "Who?", "topic": "names"}]
        >>> found = load(cases(rows, id="topic", group="topic", n=1), base=Path())
        >>> found.ids, found.groups, found.default_over
        (('sums',), ('sums',), 'population')
    """
    if isinstance(source, Cases):
        raise UsageError("cases(...) is nested inside cases(...)", fix="give all options in one cases(...)")
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1):
        raise UsageError(
            f"n= must be a whole number, 1 or more, got {n!r}",
            where="cases",
            fix="n=100, or leave it out for all",
        )
    for option, value in (("id", id), ("group", group)):
        if not (value is None or isinstance(value, str) or callable(value)):
            raise UsageError(
                f"{option}= must be a field's name or a function, got {value!r}",
                where="cases",
                fix=f'{option}="topic", or {option}=lambda case: case.topic',
            )
    if not (filter is None or callable(filter)):
        raise UsageError(
            f"filter= must be a function of the case, got {filter!r}",
            where="cases",
            fix="filter=lambda case: case.length < 100",
        )
    if not (rename is None or isinstance(rename, dict)):
        raise UsageError(
            f"rename= must be a dict of old to new names, got {rename!r}",
            where="cases",
            fix='rename={"query": "question"}',
        )
    check_preset(preset)
    return Cases(source=source, id=id, group=group, rename=rename, filter=filter, n=n, preset=preset)


def load(source: Any, *, base: Path, seed: int = 0, max_n: int = 200) -> CaseSet:
    """Read the cases that `cases=` describes.

    Args:
        source: A source that `cases()` takes, or its result.
        base: The folder of the test file, for relative paths.
        seed: The run's root seed, for functions with `rng` and for strategies.
        max_n: Most cases drawn from an endless source, from 1; other sources are read whole.

    Raises:
        UsageError: The cases cannot be used; the text names the row and a fix.

    Examples:
        >>> load(["2 + 2?", "3 + 3?"], base=Path()).ids
        ('0', '1')
    """
    source, stub = _real(source)
    options = source if isinstance(source, Cases) else cases(source)
    opened = sources.open_source(options.source, base, seed)
    endless = opened.endless and options.n is None
    kept = _kept(opened.rows, options)
    limit = max(max_n, FINGERPRINTED) if endless else options.n
    rows = list(islice(kept, limit))
    if not rows:
        why = "filter= removed all" if options.filter is not None else "the source is empty"
        where = str(options.source) if isinstance(options.source, str | Path) else "cases"
        raise UsageError(f"there are no cases: {why}", where=where, fix=f"cases= takes {SOURCES}")
    ids = _positions(rows) if endless and options.id is None else _ids(rows, options.id)
    digests = _digests(rows, ids if options.id is not None else None)
    groups = None if options.group is None else tuple(_name(row, options.group, "group") for row in rows)
    whole = digest([digests[:FINGERPRINTED] if endless else digests, groups if not endless else None])
    end = max_n if endless else len(rows)
    return CaseSet(
        items=tuple(value for _, value in rows)[:end],
        digests=digests[:end],
        ids=ids[:end],
        groups=None if groups is None else groups[:end],
        digest=whole[:DIGEST_LENGTH],
        default_over="population" if opened.generated or groups is not None else "cases",
        endless=endless,
        origin=opened.origin,
        notices=opened.notices,
        stub=stub,
    )


def is_strategy(source: Any) -> bool:
    """Tell whether `cases=` is a strategy of the Hypothesis library, with or without options.

    Examples:
        >>> from hypothesis import strategies
        >>> is_strategy(cases(strategies.integers(), n=5)), is_strategy(cases([1, 2]))
        (True, False)
    """
    source, _ = _real(source)
    return sources.is_strategy(source.source if isinstance(source, Cases) else source)


def case_stub(source: Any) -> Stub | None:
    """Return the stub that `cases=` is, with or without options; None if they are real."""
    return _real(source)[1]


def _real(source: Any) -> tuple[Any, Stub | None]:
    """Return a source without the stub around it, and the stub."""
    if isinstance(source, Stub):
        return source.value, source
    if isinstance(source, Cases) and isinstance(source.source, Stub):
        return replace(source, source=source.source.value), source.source
    return source, None


def _kept(rows: Iterator[Row], options: Cases) -> Iterator[Row]:
    """Rename, turn rows into cases, and filter."""
    n_dropped = 0
    for where, read in rows:
        value = read if options.preset is None else by_preset(options.preset, where, read)
        case = Case(_renamed(where, value, options.rename or {})) if isinstance(value, dict) else value
        if options.filter is None or _asked(options.filter, case, where, "filter"):
            n_dropped = 0
            yield where, case
            continue
        n_dropped += 1
        if n_dropped >= MOST_FILTERED:
            raise UsageError(f"filter= dropped {n_dropped} cases in a row", where="cases", fix="loosen it")


def _renamed(where: str, row: dict[Any, Any], names: dict[str, str]) -> dict[str, Any]:
    for key in row:
        if not isinstance(key, str):
            raise UsageError(
                f"a field's name is {key!r}, which is not a string", where=where, fix=f"name it {str(key)!r}"
            )
    for old, new in names.items():
        if old not in row:
            raise UsageError(
                f"rename= names {old!r}, which is not a field", where=where, fix=nearest(old, row)
            )
        if new in row and new not in names:
            raise UsageError(
                f"rename= would make a second field {new!r}", where=where, fix="rename that one too"
            )
    return {names.get(name, name): value for name, value in row.items()}


def _asked(function: Callable[[Any], Any], case: Any, where: str, option: str) -> Any:
    try:
        return function(case)
    except Exception as error:
        text = error.what if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"
        fix = (
            error.fix
            if isinstance(error, UsageError)
            else "it is called for every case, and must not fail for any"
        )
        raise UsageError(f"{option}= failed: {text}", where=where, fix=fix) from error


def _name(row: Row, namer: Namer, option: str) -> str:
    """Return what `id=` or `group=` gives for one case."""
    where, case = row
    if callable(namer):
        value = _asked(namer, case, where, option)
    elif not isinstance(case, Case):
        raise UsageError(
            f"{option}={namer!r} names a field, but the case is {case!r}",
            where=where,
            fix=f"give a function: {option}=lambda case: ...",
        )
    elif namer not in vars(case):
        raise UsageError(
            f"this case has no field {namer!r} for {option}=", where=where, fix=nearest(namer, vars(case))
        )
    else:
        value = vars(case)[namer]
    if value is None or not isinstance(value, str | int | float) or value == "":
        raise UsageError(
            f"{option}= gave {value!r}",
            where=where,
            fix="return a non-empty string or a number for every case",
        )
    return str(value)


def _ids(rows: list[Row], namer: Namer | None) -> tuple[str, ...]:
    """Name each case: by `id=`, else by a unique field `id`, else by position."""
    if namer is None:
        found = [vars(case).get("id") if isinstance(case, Case) else None for _, case in rows]
        if all(isinstance(name, str | int) and name != "" for name in found):
            names = tuple(map(str, found))
            if len(set(names)) == len(names):
                return names
        return _positions(rows)
    names = tuple(_name(row, namer, "id") for row in rows)
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        where, again = (rows[at][0] for at in [at for at, other in enumerate(names) if other == name][:2])
        raise UsageError(
            f"the id {name!r} is already used by {where}",
            where=again,
            fix="give each case a unique id",
        )
    return names


def _positions(rows: list[Row]) -> tuple[str, ...]:
    return tuple(map(str, range(len(rows))))


def _digests(rows: list[Row], ids: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the digest of each case's content; of its id if the content has no JSON form, or is recorded."""
    digests = []
    for position, (where, case) in enumerate(rows):
        if ids is not None and isinstance(case, Recorded):  # what was recorded is an outcome, not an input
            digests.append(digest(["id", ids[position]])[:DIGEST_LENGTH])
            continue
        try:
            full = digest(vars(case) if isinstance(case, Case) else case)
        except UsageError as error:
            if ids is None:
                raise UsageError(
                    f"the case's content cannot be identified: {error.what}",
                    where=where,
                    fix="name each case: cases(..., id=lambda case: ...), or use JSON-like values",
                ) from None
            full = digest(["id", ids[position]])
        digests.append(full[:DIGEST_LENGTH])
    return tuple(digests)
