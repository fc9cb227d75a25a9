"""A hypothesis on draws that are independent of those seen: another stream, other seeds, another order.

The stream alone makes fresh replies. But what a body draws from `trial.rng`, and which cases are picked, are
samples, too: a claim that was fitted to them would be tested on them again.

Where every unit picks a case of a fixed set (`over="cases"`), another order makes the picks independent. If
a list stands for a population each case is there once, and no order makes a seen case unseen: then the trials
are those of the list, and `repeats_cases` says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pytest_velo.case_sets import CaseSet
from pytest_velo.designing.frame import in_order_of
from pytest_velo.designing.models import judge_id
from pytest_velo.designing.spec import Spec
from pytest_velo.runner.confirming import Confirming, FrozenLog, confirming, stubs_of
from pytest_velo.runner.frame import Over
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.sampling.seeds import derive
from pytest_velo.settings import Settings


@dataclass(frozen=True, slots=True)
class Seeds(Mapping[int, int]):
    """The seeds of the trials of a stream, by turn, without an end; of the common stream those of always."""

    root: int
    name: str
    stream: str = ""

    def __getitem__(self, turn: int) -> int:
        """Return the seed of a turn."""
        parts = (self.root, self.name, turn)
        return derive(*parts, self.stream) if self.stream else derive(*parts)

    def __iter__(self) -> Iterator[int]:
        """Yield nothing: there is no last turn."""
        return iter(())

    def __len__(self) -> int:
        """Return 0, for the same reason."""
        return 0


def afresh(hypothesis: Hypothesis, spec: Spec, cases: CaseSet | None) -> Hypothesis:
    """Return the hypothesis with seeds and an order of the stream that it has.

    What is compared with a baseline keeps the baseline's order, to be paired with it.
    """
    name = hypothesis.set_digest or hypothesis.node_id
    frame = hypothesis.frame
    if cases is not None and frame.over is Over.CASES and hypothesis.reference is None:
        frame = in_order_of(frame, spec, cases, derive("order", hypothesis.seed, hypothesis.stream))
    return replace(hypothesis, frame=frame, seeds=Seeds(hypothesis.seed, name, hypothesis.stream))


def confirmed_afresh(
    log: FrozenLog | None,
    hypothesis: Hypothesis,
    spec: Spec,
    cases: CaseSet | None,
    settings: Settings,
    *,
    writes: bool,
) -> Confirming:
    """Freeze the claim of a hypothesis, and return it on the draws, seeds and order of its confirmation.

    Raises:
        UsageError, StoreError: As in `confirming`.
    """
    judge, stubs = judge_id(spec, settings), stubs_of(spec)
    found = confirming(log, hypothesis, judge=judge, writes=writes, stubs=stubs)
    fresh = afresh(found.hypothesis, spec, cases)
    return replace(found, hypothesis=fresh, repeats_cases=repeats_cases(hypothesis))


def repeats_cases(hypothesis: Hypothesis) -> bool:
    """Tell whether its cases stand for a population and may have been seen."""
    return hypothesis.frame.over is Over.POPULATION and bool(hypothesis.set_digest)
