"""The checks of one hypothesis: before it is sampled, and of its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_velo.case_sets import CaseSet
from pytest_velo.checks.check import Check, Seen, When
from pytest_velo.checks.registry import look, needless
from pytest_velo.designing.spec import Spec
from pytest_velo.errors import UsageError
from pytest_velo.found import Found
from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.runner.frame import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """What the checks say of one hypothesis.

    Attributes:
        seen: What they look at.
        checks: All of them, those of plugins too.
        silence: Why what some find does not count, by code.
        before: What they found before anything was sampled.
    """

    seen: Seen
    checks: Sequence[Check]
    silence: dict[str, str]
    before: tuple[Found, ...]

    def refuse(self, *, strict: bool) -> None:
        """Refuse to sample, and to pay, where the test fails in any case.

        Raises:
            UsageError: With what was found; without a place.
        """
        counted = [found for found in self.before if found.fails(strict=strict)]
        if counted:
            first = counted[0]
            raise UsageError(
                f"{first.code} {first.name}: {first.message}",
                fix=f'{first.fix}; or silence={{"{first.code}": "why it does not count here"}}',
            )

    def of(self, result: HypothesisResult) -> HypothesisResult:
        """Return a result with what was found before and in its trials."""
        found = list(self.before)
        if result.outcome is not Outcome.ERROR:  # its trials are what came before the error, and no evidence
            seen = replace(self.seen, result=result)
            known = {each.code for each in found}
            others = [check for check in self.checks if check.code not in known]
            found += look(others, When.AFTER, seen, self.silence)
            found += needless(found, self.checks, self.silence)
        return replace(result, found=tuple(found))


def checking_of(
    spec: Spec,
    frame: Frame,
    cases: CaseSet | None,
    body: Callable[..., Any] | None,
    checks: Sequence[Check],
    *,
    judges_held: frozenset[str] = frozenset(),
) -> Checking:
    """Return the checks of a hypothesis; those of its cases have looked."""
    silence: dict[str, str] = dict(spec.get("silence", {}))
    seen = Seen(
        claim=spec.claim,
        frame=frame,
        cases=cases,
        body=body,
        keywords=spec.options,
        judges_held=judges_held,
    )
    before = tuple(look(checks, When.BEFORE, seen, silence))
    return Checking(seen=seen, checks=checks, silence=silence, before=before)
