"""What is said of stubs: in the verdict's word, in a row of their own, and where they are refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_velo.records import HypothesisResult, Outcome, Stubbed
from pytest_velo.report.numbers import count
from pytest_velo.report.text import inline

_UNTOLD = (Outcome.ERROR, Outcome.SKIPPED)
"""Outcomes that no stub changes the meaning of."""
_NAME = 40


def stubs_of(result: HypothesisResult) -> tuple[Stubbed, ...]:
    """Return what a verdict rests on that was made up; empty where there is no verdict, or nothing was."""
    return () if result.outcome in _UNTOLD else result.stubs


def outcome_word(result: HypothesisResult) -> str:
    """Return the outcome with what it is worth: `supported`, `supported (judge stubbed)`, `(fails F19)`."""
    failed = ", ".join(dict.fromkeys(each.code for each in result.found if each.fails(strict=False)))
    told = [stubbed_text(stubs_of(result)), f"fails {failed}" if failed else ""]
    worth = ", ".join(filter(None, told))
    return f"{result.outcome} ({worth})" if worth else str(result.outcome)


def stubbed_text(stubs: Sequence[Stubbed]) -> str:
    """Name what was stubbed, each once: `model and judge stubbed`; empty if nothing was."""
    names = [*dict.fromkeys(inline(each.what, _NAME) for each in stubs)]
    if not names:
        return ""
    *others, last = names
    return f"{', '.join(others)}{' and ' if others else ''}{last} stubbed"


def stub_text(stub: Stubbed) -> str:
    """Say of one stub what it stands in for, why, and where it was made."""
    return f"{inline(stub.what, _NAME)}: {inline(stub.why, 300)} ({inline(stub.where, 300)})"


def refusal(result: HypothesisResult, who: str = "--velo-strict") -> str:
    """Say why a verdict that rests on stubs does not pass, and what to do; empty if it rests on none."""
    stubs = stubs_of(result)
    if not stubs:
        return ""
    told = "; ".join(map(stub_text, stubs))
    return (
        f"{who} takes no verdict that rests on {count(len(stubs), 'stub')}: {told}"
        "\n  fix: put the real thing in its place, or run without strict while it is missing"
    )


def declared_lines(declared: Sequence[tuple[str, Sequence[Stubbed]]]) -> Iterator[str]:
    """Yield a line for each stub that tests, by name, declare: `judge (no rubric yet) in test_x`."""
    tests: dict[Stubbed, list[str]] = {}
    for name, stubs in declared:
        for stub in stubs:
            tests.setdefault(stub, []).append(inline(name))
    for stub, names in tests.items():
        where = names[0] if len(names) == 1 else f"{names[0]} and {count(len(names) - 1, 'more test')}"
        yield f"{inline(stub.what, _NAME)} ({inline(stub.why, 300)}) in {where}, {inline(stub.where, 300)}"
