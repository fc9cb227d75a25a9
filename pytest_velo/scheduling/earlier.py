"""What earlier runs saw of a hypothesis, so that the first trials go where verdicts are near.

It only says who is next: no rule sees it, so it can change neither evidence nor a verdict. An earlier run may
mislead, since body, model or the world changed; so however long it was, it counts as a few trials, and `gain`
believes it only as far as the run's own trials fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_velo.cache.attempt_ledger import attempts_in
from pytest_velo.cache.attempts import Entry, Found, Tried
from pytest_velo.claims import AnyClaim, Claim
from pytest_velo.runner.attempts import latest_findings
from pytest_velo.runner.hypothesis import Hypothesis

MOST = 30.0
"""Trials that earlier runs count as at most.

More saves little where they are right. Where they mislead, a tenth of the prior that believes none of them
(`gain`) keeps the loss small however many there are: `benchmarks/scheduling.py --most 8`.
"""

_IF_CHANGED = 0.5  # what is left of an attempt's weight if its claim or its body was another one
_IF_OTHER_MODEL = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What earlier attempts at a hypothesis's belief saw.

    Attributes:
        n_attempts: How many of them count.
        weight: Trials that they count as, above 0, up to `MOST`.
        mean: Their mean unit on [0, 1].
        n_units: Units of the newest one's evidence.
        cost_usd: Dollars of a trial when the test last ran; None if that is not known.
    """

    n_attempts: int
    weight: float
    mean: float
    n_units: int
    cost_usd: float | None = None


def earlier_of(
    history: Iterable[Entry], hypothesis: Hypothesis, *, n_known: int = 0, cost_usd: float | None = None
) -> Earlier | None:
    """Return what a belief's history says of the draws that a hypothesis is about to make; None if nothing.

    The newest attempts count first, until their weight is used up. With `n_known`, trials that an earlier
    look had under this seed, an attempt at these very draws does not count: the run reads them itself.
    """
    entries = [*history]
    findings = latest_findings(entries)
    weight = total = 0.0
    n_attempts = n_units = 0
    for attempt, found in _newest_first(entries, findings, hypothesis):
        if n_known and _has_same_draws(attempt, hypothesis):
            continue
        mean = _unit_mean(hypothesis.claim, found)
        counts = min(found.n * _share(attempt, hypothesis), MOST - weight)
        if mean is None or counts <= 0.0:
            continue
        n_units = n_units or found.n
        n_attempts, weight, total = n_attempts + 1, weight + counts, total + counts * mean
    if not n_attempts:
        return None
    mean = total / weight
    return Earlier(n_attempts=n_attempts, weight=weight, mean=mean, n_units=n_units, cost_usd=cost_usd)


def _newest_first(
    entries: Iterable[Entry], findings: dict[str, Found], hypothesis: Hypothesis
) -> Iterator[tuple[Tried, Found]]:
    """Yield the attempts on the same rung that found something of the same measure."""
    measure = " & ".join(map(str, hypothesis.claim.statistics))
    for attempt in reversed(attempts_in(entries)):
        found = findings.get(attempt.id)
        if found is not None and (attempt.rung, found.measure) == (hypothesis.rung, measure):
            yield attempt, found


def _has_same_draws(attempt: Tried, hypothesis: Hypothesis) -> bool:
    """Tell whether an attempt had these draws, as far as is known before the first trial."""
    return (attempt.model, attempt.body, attempt.seed, attempt.stream) == (
        hypothesis.model or "",
        hypothesis.body_digest,
        hypothesis.seed,
        hypothesis.stream,
    )


def _share(attempt: Tried, hypothesis: Hypothesis) -> float:
    """Return what a trial of an attempt counts as, from 0 to 1: less for all that is another one now."""
    share = 1.0
    if attempt.claim_hash != hypothesis.claim_hash:
        share *= _IF_CHANGED
    if attempt.body != hypothesis.body_digest:
        share *= _IF_CHANGED
    if attempt.model != (hypothesis.model or ""):
        share *= _IF_OTHER_MODEL
    return share


def _unit_mean(claim: AnyClaim, found: Found) -> float | None:
    """Return what was found, on [0, 1], if anything was; of a joint claim that of its first part."""
    if found.estimate is None or not found.n:
        return None
    if not isinstance(claim, Claim):
        return 0.5  # nobody asks: the units to go are guessed from `n_units`
    return min(1.0, max(0.0, claim.statistic.scale.to_unit(found.estimate)))
