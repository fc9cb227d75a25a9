"""What is remembered of attempts at beliefs: plain entries of an append-only ledger."""

from __future__ import annotations

from typing import Any

import msgspec

from pytest_velo.canonical import digest
from pytest_velo.errors import StoreError
from pytest_velo.records import Belief

_CUT = 32
"""Hex digits to keep of a digest: 128 bits."""


class Tried(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="attempt"):
    """An attempt: one body and prompt, on one set of draws of one model.

    Attributes:
        number: Which attempt at its belief it is, from 1.
        claim: The claim as written.
        claim_hash: Of claim and design, without max_trials.
        prompt: Hash of what the first trial sent but for its case, and of its judges (empty without calls).
        body: Hash of the body.
        draws: Of the first trial's draws: where they are, when they were made, and what came.
        rung: The rung of a ladder; empty without one.
        at: ISO 8601 in UTC.
    """

    test: str
    sentence: str
    number: int
    claim: str
    claim_hash: str
    prompt: str
    body: str
    draws: str
    model: str
    rung: str = ""
    profile: str = ""
    stream: str = ""
    seed: int = 0
    at: str = ""

    @property
    def id(self) -> str:
        """Identifies the attempt within its belief: who shows the same evidence again makes no new one."""
        return digest([self.claim_hash, self.prompt, self.body, self.draws, self.model, self.rung])[:_CUT]

    @property
    def kind_of(self) -> tuple[str, str, str, str, str]:
        """What fresh draws are drawn anew for: claim, prompt, body, model and rung."""
        return (self.claim_hash, self.prompt, self.body, self.model, self.rung)


class Found(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="finding"):
    """What an attempt found; a later finding of the same attempt has more trials.

    Attributes:
        attempt: The attempt's id.
        n: Units in the evidence.
        measure: The statistic; intervals of different ones are not compared.
        towards: +1 if the claim is about large values, -1 about small ones, 0 otherwise.
        estimate, low, high: What was observed, with its interval; None where there is none.
        verdict: `supported`, `refuted`, `inconclusive` or `measured`.
        oldest: When the oldest draw was made; empty without draws.
        outcomes: Those of the first trials, four hex digits for each.
        ends: No other rung of its ladder is tried after it; true without a ladder.
    """

    test: str
    sentence: str
    attempt: str
    n: int
    max_trials: int
    measure: str
    towards: int
    estimate: float | None
    low: float | None
    high: float | None
    verdict: str
    oldest: str = ""
    outcomes: str = ""
    ends: bool = True
    at: str = ""

    def contradicts(self, outcomes: str) -> bool:
        """Tell whether the same draws came out otherwise."""
        n = min(len(self.outcomes), len(outcomes))
        return self.outcomes[:n] != outcomes[:n]


class Foretold(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="prediction"):
    """What the author predicted.

    Attributes:
        claim_hash: Of claim and design, without max_trials; with `model` it says of which design.
        p: The chance that the claim is supported, in (0, 1).
        seen: There were attempts at this belief on this model already.
    """

    test: str
    sentence: str
    claim: str
    claim_hash: str
    model: str
    p: float
    seen: bool
    at: str = ""


Entry = Tried | Found | Foretold
"""Whatever the ledger holds."""


def belief_of(entry: Entry) -> Belief:
    """Return what an entry is about."""
    return Belief(test=entry.test, sentence=entry.sentence)


def keys_of(belief: Belief) -> tuple[str, str]:
    """Return digests of a belief's test and sentence, for columns; empty for a sentence that is."""
    return digest(belief.test)[:_CUT], digest(belief.sentence)[:_CUT] if belief.sentence else ""


def encoded(entry: Entry) -> bytes:
    """Return an entry as JSON."""
    return msgspec.json.encode(entry)


def same_as(entry: Entry) -> str:
    """Identify an entry, whenever it was made: the same one is not entered twice."""
    plain = msgspec.to_builtins(entry)
    if not isinstance(entry, Foretold):  # what is said a second time is said again
        del plain["at"]
    if isinstance(entry, Tried):
        del plain["number"]
    return digest(plain)[:_CUT]


_decode = msgspec.json.Decoder(Entry).decode


def read_entry(body: Any, where: str) -> Entry:
    """Read an entry.

    Raises:
        StoreError: It is none, or one of a newer version.
    """
    try:
        entry: Entry = _decode(body)
    except (msgspec.DecodeError, TypeError, RecursionError, UnicodeDecodeError) as error:
        raise StoreError(
            f"an entry of the ledger of attempts cannot be read: {error}",
            where=where,
            fix="upgrade pytest-velo if a newer one wrote it; else move the file away: counting starts anew",
        ) from None
    return entry
