"""The profile `confirm`: a claim is frozen before its first draw, and its draws are fresh.

The draws of a confirmation are in a stream that is named by the hash of the frozen claim. So another claim,
design, body, judge or seed has other draws, the same one finds its own again, on any machine and in replay,
and no claim can be fitted to draws that were seen. What the hash does not cover (a prompt or a scorer outside
of the body) the look log sees once the first trial was made: such a run is no confirmation, and says so.

How often a test was confirmed is remembered beside the look log: a second try is shown as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from pytest_velo.cache.frozen import FrozenClaim
from pytest_velo.cache.looks import Look
from pytest_velo.canonical import digest
from pytest_velo.errors import UsageError
from pytest_velo.records import Confirmation, HypothesisResult, Outcome
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.looks import CONFIRM_ANEW, draws_of

PREFIX = "confirm:"
_NAMED, _SHOWN = 16, 6
"""Digits of a frozen claim's hash in the name of its stream, and in what people read."""


class FrozenLog(Protocol):
    """Where frozen claims and looks are stored."""

    def freeze(self, claim: FrozenClaim) -> tuple[FrozenClaim, ...]:
        """Append a claim unless it is there; return all of its test, the oldest first."""
        ...

    def frozen(self, test: str) -> tuple[FrozenClaim, ...]:
        """Return the claims of a test, the oldest first."""
        ...

    def looks_at(self, draws: str) -> tuple[Look, ...]:
        """Return every look at a set of draws, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirming:
    """One confirmation.

    Attributes:
        hypothesis: What is sampled, on fresh draws.
        frozen: The claim, with the time when it was frozen; no time where this machine does not know it.
        earlier: What became of the test's earlier confirmations, the oldest first.
        repeats_cases: Its cases stand for a population, and exploring may have used them.
    """

    hypothesis: Hypothesis
    frozen: FrozenClaim
    earlier: tuple[str, ...]
    repeats_cases: bool = False

    def told(self, result: HypothesisResult) -> HypothesisResult:
        """Return the result with what makes it a confirmation, or why it is none.

        A stub that was used makes it an error: what it stood in for is not confirmed.
        """
        if (stubs := stubs_of(result)) and result.outcome is not Outcome.ERROR:
            return replace(result, outcome=Outcome.ERROR, problem=str(_stubbed(stubs, result.node_id)))
        doubts = [notice for notice in result.notices if notice.startswith("exploratory: ")]
        found = Confirmation(
            hash=self.frozen.hash,
            frozen_at=self.frozen.frozen_at,
            number=len(self.earlier) + 1,
            earlier=self.earlier,
            doubt=doubts[0].removeprefix("exploratory: ").partition(";")[0] if doubts else "",
        )
        return replace(
            result,
            confirmation=found,
            facts=(*result.facts, self._fact(found, result)),
            notices=tuple(notice.replace(CONFIRM_ANEW, _ANEW) for notice in result.notices),
        )

    def _fact(self, found: Confirmation, result: HypothesisResult) -> str:
        told = confirmation_fact(found, result)
        if self.repeats_cases:
            told += "; of the same list of cases, which stands for others: keep some aside for a confirmation"
        return told


_ANEW = 'another stream="…" in the mark draws anew, as a further confirmation'


def confirming(
    log: FrozenLog | None,
    hypothesis: Hypothesis,
    *,
    judge: str | None,
    writes: bool,
    stubs: Sequence[Any] = (),
) -> Confirming:
    """Freeze a hypothesis of the profile `confirm`.

    Args:
        log: Where frozen claims are; None if nothing was stored yet.
        hypothesis: As it would be sampled, with the stream that `make_hypothesis` gives it.
        judge: The id of its judge; None without one.
        writes: It is about to be sampled. Otherwise nothing is written: for a plan, and in replay.
        stubs: What its mark stubs.

    Raises:
        UsageError: It has stubs.
        StoreError: The claim cannot be written.
    """
    if stubs:
        raise _stubbed(stubs, hypothesis.node_id)
    claim = _frozen(hypothesis, judge)
    claims: tuple[FrozenClaim, ...] = ()
    if log is not None:
        claims = log.freeze(claim) if writes else log.frozen(claim.test)
    known = next((each for each in claims if each.hash == claim.hash), None)
    before = claims if known is None else claims[: claims.index(known)]
    return Confirming(
        hypothesis=replace(hypothesis, stream=_stream(claim)),
        frozen=known or replace(claim, frozen_at=""),
        earlier=tuple(_verdict(log, each) for each in before),
    )


def stubs_of(holder: Any) -> Sequence[Any]:
    """Return what is stubbed in a result, or in what a mark says; empty where nothing is."""
    return tuple(getattr(holder, "stubs", ()))


def confirmation_fact(found: Confirmation, result: HypothesisResult) -> str:
    """Say what makes a result a confirmation."""
    name = f"claim {found.hash[:_SHOWN]}"
    when = f"frozen {_minute(found.frozen_at)}" if found.frozen_at else "frozen elsewhere"
    if found.doubt:
        told = f"not a confirmation: {found.doubt} ({when}, {name})"
    else:
        word = "confirmed" if result.outcome in (Outcome.SUPPORTED, Outcome.MEASURED) else "confirmation"
        told = f"{word}: {when}, {name}, fresh draws"
    if not found.frozen_at:
        told += "; earlier confirmations of this test are not known here"
    if found.frozen_at and result.oldest_draw and _older(result.oldest_draw, found.frozen_at):
        told += (
            f"; its oldest draw is of {_minute(result.oldest_draw)}, made for this very claim: the record of"
            " frozen claims is younger, and may lack some"
        )
    if found.earlier:
        told += f"; the {ordinal(found.number)} confirmation of this test: {_told(found.earlier)}"
    return told


def _told(earlier: Sequence[str]) -> str:
    """Say what became of the earlier confirmations, in a list that stays short."""
    each = [f"the {ordinal(n)} was {verdict}" for n, verdict in enumerate(earlier, 1)]
    if len(each) > _MOST_TOLD:
        each = [f"{len(each) - _MOST_TOLD} more", *each[-_MOST_TOLD:]]
    return ", ".join(each)


_MOST_TOLD = 3


def ordinal(n: int) -> str:
    """Return a position as people write it."""
    ends = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ends}"


def _frozen(hypothesis: Hypothesis, judge: str | None) -> FrozenClaim:
    design, frame = hypothesis.design, hypothesis.frame
    # The thresholds of a calibrated rule are those of its horizon, so a raised max_trials is another design.
    # With extend=True they hold for every horizon.
    most = None if design.extend else design.max_units
    stream = hypothesis.stream.removeprefix(PREFIX)
    reference = None if hypothesis.reference is None else list(hypothesis.reference)
    fixed = [
        hypothesis.claim_hash,
        hypothesis.body_digest,
        most,
        design.extend,
        [frame.unit.value, frame.turns_per_unit, list(frame.arms)],
        hypothesis.seed,
        stream,
        judge,
        reference,
    ]
    test = digest([hypothesis.recorded_as, hypothesis.model])
    return FrozenClaim(
        test=test,
        hash=digest([test, *fixed]),
        node_id=hypothesis.recorded_as,
        model=hypothesis.model or "",
        claim=str(hypothesis.claim),
        claim_hash=hypothesis.claim_hash,
        body=hypothesis.body_digest,
        max_trials=most,
        seed=hypothesis.seed,
        stream=stream,
        frozen_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _stream(claim: FrozenClaim) -> str:
    return stream_named(claim.hash, claim.stream)


def stream_named(frozen: str, stream: str) -> str:
    """Return the stream of a confirmation, by the hash of its claim and the mark's own stream."""
    return f"{PREFIX}{frozen[:_NAMED]}:{stream}"


def _verdict(log: FrozenLog | None, claim: FrozenClaim) -> str:
    """Return what a confirmation came to, by its last look."""
    assert log is not None  # it came from there
    looks = log.looks_at(draws_of(claim.node_id, claim.model or None, _stream(claim)))
    return looks[-1].verdict if looks else "not finished"


def _stubbed(stubs: Sequence[Any], node_id: str) -> UsageError:
    names = ", ".join(str(stub[0] if isinstance(stub, tuple) else stub) for stub in stubs)
    return UsageError(
        f"the profile confirm takes no stubs, and this has {len(stubs)}: {names}",
        where=node_id,
        fix="replace the stub by what it stands for, or run without --velo-profile=confirm",
    )


def _older(drawn_at: str, frozen_at: str) -> bool:
    return datetime.fromisoformat(drawn_at) < datetime.fromisoformat(frozen_at)


def _minute(time: str) -> str:
    return f"{time[:10]} {time[11:16]}"
