"""The input of the runner: a hypothesis ready to be sampled. Independent of pytest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from pytest_velo.canonical import digest
from pytest_velo.claims import AnyClaim, Claim
from pytest_velo.records import Belief, Invalid, Stubbed, TrialRecord, rung_id
from pytest_velo.runner.frame import Foresight, Frame
from pytest_velo.runner.labelled import Labels
from pytest_velo.sampling.trial import Trial
from pytest_velo.searching.hunt import Tried
from pytest_velo.settings import Endpoint
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.centred import is_centred
from pytest_velo.stats.rules.choice import MakeRule, rule_for
from pytest_velo.verdicts import StopReason


class Body(Protocol):
    """The user's test function with its fixtures in place.

    A coroutine body returns a coroutine; a plain one returns its value and is called in a worker thread.
    """

    def __call__(self, case: Any, arm: str, trial: Trial, /) -> Any:
        """Run one trial."""
        ...


class Attack(Protocol):
    """The user's function that attacks, with what it takes in place but for what differs each time.

    Like the body, it returns a coroutine or a value.
    """

    def __call__(self, history: tuple[Tried, ...], trial: Trial, /) -> Any:
        """Return the next case."""
        ...


class Outcomes(Protocol):
    """Reads the result of a body; the host (pytest) adds its own exceptions."""

    def value(self, returned: Any) -> dict[str, float]:
        """Return the named outcomes in what the body returned; raise BodyError if there are none."""
        ...

    def exception(self, error: BaseException) -> Reading:
        """Say what an exception out of a body means."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an exception from a body means: exactly one of the three.

    Attributes:
        against: An assert of the test failed: the outcome is 0. `detail` and `location` say which.
        invalid: The trial says nothing; the reason.
        error: The exception that ends the hypothesis as an error.
    """

    against: bool = False
    invalid: str | None = None
    error: BaseException | None = None
    detail: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """One belief about one model, ready to be sampled.

    Attributes:
        frame: What is sampled, in which order, and the design.
        limit: Maximum number of trials in flight; 1 if the body's fixtures cannot be shared.
        set_digest: Digest of the case set; empty without cases.
        body_digest: Digest of the body's source, for the look log.
        make_rule: Makes the rule of a claim about one statistic.
        reference: The values a baseline stored, one per turn, in the statistic's units; None for invalid.
        accepts: Checks the first trial and returns the reason why the run must stop, or None.
        to_the_end: Sample every unit, whatever the verdict.
        recorded: Only the trials of an earlier run are run again: there may be fewer than a verdict needs.
        seeds: The seeds of its trials by turn, if a record gives them; None to derive them as `Trial` says.
        max_trials_marked: `max_trials` is set in the mark, which overrides the option.
        opens_nothing: Why its bodies may open no connection of their own; empty if they may.
        ceiling: What can be reached: a value in the outcome's units, or an arm; None if not given.
        folder: The test file's, for relative paths of images and sounds.
        facts: What belongs to its verdict from the start: where the cases are from.
        adopts: The known endpoints, if the calls of clients that bodies make are draws; None if they are not.
        stubs: What stands in for something in every trial: cases, values of fixtures.
        allow_cut, allow_empty: Which replies count that the body's own clients get.
        tries: The belief that it is an attempt at, as the ledger of attempts knows it; None if nothing does.
        rung: The rung of a ladder that it stands on; empty without one.
        is_last_rung: No other rung is tried after it; true without a ladder.
        predicted: The chance, by its author, that the claim is supported; None if nobody said.
        labelling: The labels that its claim is about; None if it is about what was judged.
        attempt_alpha: Fixes the alpha of this attempt when the first trial is in, before it is weighed; None
            if alpha does not depend on earlier attempts.
        attack: Proposes the next case of a search; None where its source does, and for every other claim.
    """

    node_id: str
    belief: str
    claim: AnyClaim
    frame: Frame
    stream: str
    seed: int
    model: str | None
    limit: int
    set_digest: str
    body_digest: str
    body: Body
    is_async: bool
    outcomes: Outcomes
    may_pay: bool
    max_trials_marked: bool = False
    rerun: str = ""
    notices: tuple[str, ...] = ()
    keep_exceptions: bool = False
    make_rule: MakeRule = rule_for
    reference: tuple[float | None, ...] | None = None
    accepts: Callable[[TrialRecord], str | None] | None = None
    to_the_end: bool = False
    recorded: bool = False
    seeds: Mapping[int, int] | None = None
    opens_nothing: str = ""
    ceiling: float | str | None = None
    folder: Path = Path()
    facts: tuple[str, ...] = ()
    adopts: tuple[Endpoint, ...] | None = None
    allow_cut: bool = False
    allow_empty: bool = False
    tries: Belief | None = None
    rung: str = ""
    is_last_rung: bool = True
    predicted: float | None = None
    attempt_alpha: Callable[[TrialRecord], float] | None = None
    labelling: Labels | None = None
    stubs: tuple[Stubbed, ...] = ()
    attack: Attack | None = None

    @property
    def recorded_as(self) -> str:
        """Under which name its draws and trials are remembered: the test's, with the rung if there is one."""
        return rung_id(self.node_id, self.rung)

    @property
    def design(self) -> Design:
        """What its rule is made from."""
        return self.frame.design

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms every case goes through; empty without arms."""
        return self.frame.arms

    @property
    def invalid(self) -> Invalid:
        """How invalid trials count."""
        return self.frame.invalid

    @property
    def single(self) -> bool:
        """Whether every unit is one 0/1 draw, for each outcome in the claim."""
        rates = all(statistic.binary and not statistic.arms for statistic in self.claim.statistics)
        return self.frame.unit_size == 1 and rates

    @property
    def is_centred(self) -> bool:
        """Whether the verdict uses the covariate."""
        claim = self.claim
        return isinstance(claim, Claim) and self.make_rule is rule_for and is_centred(claim, self.design)

    @property
    def foresight(self) -> Foresight | None:
        """What the covariate says of each case; None without one."""
        covariate = self.frame.covariate
        return None if covariate is None else covariate.foresight

    @property
    def calibrated(self) -> bool:
        """Whether "supported" uses calibrated boundaries of one rate rather than Ville's."""
        one_claim = isinstance(self.claim, Claim)
        ours = self.make_rule is rule_for and self.design.census is None and not self.is_centred
        return self.single and self.design.calibrates and one_claim and ours

    @property
    def design_hash(self) -> str:
        """Identifies the design without its threshold and max_trials: looks of one design are comparable."""
        return digest(
            [
                self.claim.shape,
                self.design.alpha if self.frame.attempts_alpha is None else self.frame.attempts_alpha,
                self.design.beta,
                self.design.margin,
                self.design.min_units,
                self.frame.invalid.value,
                self.calibrated,
                self.frame.scope,
                self.set_digest,
                *(() if self.frame.covariate is None else (self.frame.covariate.digest,)),
                *(() if self.labelling is None else ("labels", self.labelling.path, self.labelling.every)),
            ]
        )

    @property
    def claim_hash(self) -> str:
        """Identifies the claim and its design, without max_trials."""
        return digest([str(self.claim), self.design_hash])

    def at_alpha(self, alpha: float) -> Hypothesis:
        """Return it with another alpha."""
        return replace(self, frame=replace(self.frame, design=replace(self.design, alpha=alpha)))

    def why_out(self, n_units: int) -> StopReason:
        """Say why there are no more trials after `n_units` units."""
        if self.recorded and n_units < self.design.max_units:
            return StopReason.RECORD_ENDS
        few = self.design.max_units < self.frame.max_trials
        return StopReason.CASES_EXHAUSTED if few else StopReason.MAX_TRIALS
