"""How a run went, in one line, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.markdown.around import Around
from pytest_velo.report.numbers import count
from pytest_velo.report.phrases import mark
from pytest_velo.report.stubs import stubs_of


class Standing(StrEnum):
    """How a hypothesis stands, in the order in which a reader should hear of it."""

    REFUTED = "refuted"
    ERROR = "in error"
    INCONCLUSIVE = "inconclusive"
    EXPECTED = "refuted as expected"
    SUPPORTED = "supported"
    MEASURED = "measured"
    SKIPPED = "skipped"


URGENT = (Standing.REFUTED, Standing.ERROR, Standing.INCONCLUSIVE)
"""What a reader is told the reasons of."""


def standing_of(result: HypothesisResult, around: Around) -> Standing:
    """Say how a hypothesis stands."""
    if result.outcome is Outcome.REFUTED and result.node_id in around.expected:
        return Standing.EXPECTED
    return Standing[result.outcome.name]


def banner(results: Sequence[HypothesisResult], around: Around) -> str:
    """Return the line: `✗ 1 of 3 hypotheses refuted, 2 supported`."""
    counts = Counter(standing_of(result, around) for result in results)
    told = [(standing, counts[standing]) for standing in Standing if counts[standing]]
    trouble = f"{count(len(around.troubles), 'error')} outside of hypotheses" if around.troubles else ""
    if not told:
        if trouble or (around.stopped and not around.unsampled):
            return ", ".join(filter(None, [f"{mark(Outcome.ERROR)} No hypothesis was tested", trouble]))
        return f"{mark(Outcome.SKIPPED)} No hypothesis was sampled"
    stubbed = Counter(standing_of(result, around) for result in results if stubs_of(result))
    (worst, n), *others = told
    of = (
        f"{n:,} of {count(len(results), 'hypothesis', 'hypotheses')}"
        if len(results) > 1
        else "The hypothesis is"
    )
    with_stubs = {standing: f"{standing} ({stubbed[standing]:,} stubbed)" for standing in stubbed}
    parts = [
        f"{of} {with_stubs.get(worst, worst)}",
        *(f"{n:,} {with_stubs.get(standing, standing)}" for standing, n in others),
    ]
    if around.unsampled:
        parts.append(f"{len(around.unsampled):,} more not sampled")
    sign = Outcome.ERROR if trouble and worst is not Standing.REFUTED else _outcome(worst)
    return f"{mark(sign)} {', '.join(filter(None, [*parts, trouble]))}"


def _outcome(standing: Standing) -> Outcome:
    return Outcome.SUPPORTED if standing is Standing.EXPECTED else Outcome[standing.name]
