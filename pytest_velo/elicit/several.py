"""The rung that draws several answers and chooses one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_velo.case_sets import CaseSet
from pytest_velo.elicit.rung import Asked, Rung, name_of
from pytest_velo.elicit.selectors import Selector, selector_of
from pytest_velo.elicit.shots import ZeroShot
from pytest_velo.errors import UsageError
from pytest_velo.records import Reply
from pytest_velo.sampling.pending import Pending


@dataclass(frozen=True, kw_only=True)
class BestOf(Rung):
    """Several answers, of which a selector chooses one.

    Attributes:
        n: How many.
        selector: Who chooses.
        inner: How each is asked for.
    """

    n: int
    selector: Selector
    inner: Rung = field(default_factory=lambda: ZeroShot(name="zero_shot"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 2:
            raise UsageError(f"n={self.n!r}: expected a whole number, 2 or more", where=self.name, fix="n=8")

    def ask(self, asked: Asked) -> Pending[Reply]:
        """Ask for all answers at once, and choose when they are in."""
        draws = [self.inner.ask(asked.nth(at)) for at in range(self.n)]

        async def best() -> Reply:
            replies = await together(draws)
            at = await self.selector.choose(asked, replies)
            asked.scope.trial.note(f"{self.name}: draw {at + 1} of {self.n}, chosen by {self.selector.name}")
            return replies[at]

        return Pending("strategy(...)", best)

    @property
    def of(self) -> Rung:
        """How each answer is asked for."""
        return self.inner

    @property
    def other_models(self) -> tuple[str, ...]:
        """Those of the answers."""
        return self.inner.other_models

    @property
    def n_calls(self) -> int:
        """Calls for one answer, without those of a judge that chooses."""
        return self.n * self.inner.n_calls

    def judges(self) -> bool:
        """Tell whether a judge chooses, here or below."""
        return self.selector.judges or self.inner.judges()

    def chosen_by(self) -> tuple[Any, ...]:
        """Return the functions that choose."""
        mine = () if self.selector.function is None else (self.selector.function,)
        return (*mine, *self.inner.chosen_by())

    def check(self, cases: CaseSet | None, folder: Path) -> tuple[str, ...]:
        """Check how each answer is asked for."""
        return self.inner.check(cases, folder)

    def relative_cost(self, folder: Path) -> float | None:
        """Return the cost of all answers."""
        each = self.inner.relative_cost(folder)
        return self.cost if self.cost is not None else None if each is None else self.n * each


async def together(draws: Iterable[Coroutine[Any, Any, Reply]]) -> list[Reply]:
    """Return all replies; if some cannot be used, raise for the first of them once all are in.

    So what is raised does not depend on which came first, and no call is left under way.
    """
    came = await asyncio.gather(*draws, return_exceptions=True)
    for each in came:
        if isinstance(each, BaseException):
            raise each
    return [each for each in came if isinstance(each, Reply)]


def best_of(
    n: int,
    selector: Any = "majority",
    *,
    of: Rung | None = None,
    name: str | None = None,
    skip: str = "",
    prior: float | None = None,
    cost: float | None = None,
) -> BestOf:
    """Draw `n` answers, and let a selector choose one.

    The selector is given the prompt and the replies, and never the case: it must not see the label.

    Args:
        n: How many, from 2. An answer that is cut or empty makes the trial invalid, like any other.
        selector: `majority`; `judged(question)`; a `@scorer` of a text, whose highest score wins; or a plain
            function of the prompt and the replies, which returns one of them or its place.
        of: Another rung, by which each answer is asked for (default: the plain prompt).
        name: As in `zero_shot`, like `skip`, `prior` and `cost`.
        skip: Why the rung is not tried.
        prior: The chance that it succeeds.
        cost: Of a trial, relative to the plain prompt's.

    Raises:
        UsageError: `n` or another argument is not valid.
    """
    inner = ZeroShot(name="zero_shot") if of is None else of
    if not isinstance(inner, Rung):
        raise UsageError(f"of={of!r} is no rung", where="best_of", fix="of=chain_of_thought()")
    by = selector_of(selector)
    below = "" if of is None else f"of={inner.name}"
    return BestOf(
        name=name_of("best_of", name, n, by.name, below),
        n=n,
        selector=by,
        inner=inner,
        skip=skip,
        prior=prior,
        cost=cost,
    )
