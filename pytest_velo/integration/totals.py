"""What all processes of a session drew, so that the summary misses no call and no dollar."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_velo.records import HypothesisResult, add_costs
from pytest_velo.report.lines import Line, Style, block
from pytest_velo.report.numbers import count, dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Draws of one or more processes, and what went wrong when their records were written.

    Attributes:
        n_calls: Draws that were made.
        cost_usd: Their cost in dollars; None if any of it is unknown.
        problems: Why a record is missing or incomplete.
        waits: What calls waited for, and retries, where hypotheses were sampled together and share them.
    """

    n_calls: int = 0
    cost_usd: float | None = 0.0
    problems: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return text that a worker can send."""
        return json.dumps([self.n_calls, self.cost_usd, self.problems, self.waits])

    @classmethod
    def from_json(cls, text: str) -> Drawn:
        """Undo `to_json`."""
        n_calls, cost_usd, problems, waits = json.loads(text)
        return cls(n_calls=n_calls, cost_usd=cost_usd, problems=tuple(problems), waits=tuple(waits))


def beyond(drawn: Sequence[Drawn], results: Sequence[HypothesisResult]) -> Drawn:
    """Return what was drawn but is in none of the reported `results`; an unknown price makes the cost None.

    Calls in flight when their verdict came are finished, paid for and kept in the cache. So are the calls of
    a test that ran again, and of trials that were cancelled halfway.
    """
    made = sum(process.n_calls for process in drawn)
    told = sum(result.n_calls - result.n_cached for result in results)
    spent = add_costs(process.cost_usd for process in drawn)
    known = add_costs(result.cost_usd for result in results)
    cost = None if spent is None or known is None else max(0.0, spent - known)
    return Drawn(n_calls=max(0, made - told), cost_usd=cost)


def drawn_lines(drawn: Sequence[Drawn], results: Sequence[HypothesisResult], width: int) -> Iterator[Line]:
    """Yield the lines below the summary's table: unused draws, waits, records that were not written."""
    more = beyond(drawn, results)
    if more.n_calls:
        calls = f"{count(more.n_calls, 'more call')} ({dollars(more.cost_usd)})"
        yield Line("")
        yield from block("ahead", f"{calls} made ahead and not needed; kept for later", width, Style.DIM)
    for wait in dict.fromkeys(wait for process in drawn for wait in process.waits):
        yield from block("notice", wait, width, Style.WARN)
    for problem in dict.fromkeys(problem for process in drawn for problem in process.problems):
        yield from block("error", problem, width, Style.BAD)
