"""Asking a judge about texts that people have labelled, all at once, each as a part of the running trial."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pytest_velo.errors import InvalidTrial
from pytest_velo.sampling.scope import TrialScope, enter
from pytest_velo.scorers.agreement import Agreement, Judged
from pytest_velo.scorers.labels import Labelled

Ask = Callable[[Labelled, str], Awaitable[bool]]
"""Asks the judge about a row, by a slot of its own, so that no two rows share a draw."""


async def agreement_on(
    rows: Sequence[Labelled], ask: Ask, scope: TrialScope, *, level: float, judge: str
) -> Agreement:
    """Ask about each row and return how far the judge agrees; its calls are the trial's.

    Raises:
        VeloError: The judge cannot be asked; the trial is then an error.
    """
    scope.start()
    parts = [scope.inner() for _ in rows]
    tasks = [asyncio.create_task(_one(row, ask, part)) for row, part in zip(rows, parts, strict=True)]
    try:
        judged = await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    finally:
        for part in parts:
            scope.absorb(part)
        scope.leave()
    return Agreement(judged=tuple(judged), level=level, judge=judge)


async def _one(row: Labelled, ask: Ask, part: TrialScope) -> Judged:
    enter(part)  # in this task's own context
    verdict, why = None, ""
    try:
        verdict = await ask(row, row.digest)
    except InvalidTrial as error:
        why = error.reason
    return Judged(
        id=row.id, question=row.question, text=row.text, label=row.label, verdict=verdict, invalid=why
    )
