"""What the runner is told: a hypothesis ready to be sampled. No pytest in here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from pytest_velo.canonical import digest
from pytest_velo.case_sets import Planned
from pytest_velo.claims import AnyClaim, Claim, Direction
from pytest_velo.records import Family, TrialRecord, UnitKind
from pytest_velo.records import Invalid as Invalid
from pytest_velo.sampling.trial import Trial
from pytest_velo.stats.rules.choice import RuleFactory, rule_for
from pytest_velo.stats.rules.rate import MAX_CALIBRATED_UNITS
from pytest_velo.verdicts import StopReason


class Over(StrEnum):
    """What the claim is about."""

    CASES = "cases"
    POPULATION = "population"


class Body(Protocol):
    """The user's test function with its fixtures in place.

    A coroutine body returns a coroutine; a plain one its value, and is called in a worker thread.
    """

    def __call__(self, case: Any, arm: str, trial: Trial, /) -> Any:
        """Run one trial."""
        ...


class Outcomes(Protocol):
    """Reads what a body gave; the host (pytest) brings its own exceptions into it."""

    def value(self, returned: Any) -> dict[str, float]:
        """Return the named outcomes of what the body returned; raise BodyError for none."""
        ...

    def exception(self, error: BaseException) -> Reading:
        """Say what an exception out of a body means."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an exception out of a body means: exactly one of the three.

    Attributes:
        against: An assert of the test failed: the outcome is 0. `detail` and `location` say which.
        invalid: The trial says nothing, and why.
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
        plan: Makes the trials in submission order; the same whatever max_trials is.
        max_units: Most units (trials, pairs, complete cases or groups) that may be fed.
        unit_size: Largest number of trials in a unit; 1 when every trial is its own.
        unit: What is counted, as the record tells it.
        arms: The arms every case goes through; empty without arms.
        limit: Most trials in flight; 1 when the body's fixtures cannot be shared.
        scope: What the claim is about, in words.
        set_digest: Digest of the case set; empty without cases.
        body_digest: Digest of the body's source, for the look log.
        make_rule: Makes the rule of a claim about one statistic.
        census: The units are a list of so many recorded outcomes, each looked at once; None otherwise.
        reference: What a baseline stored, a value for each turn, in the statistic's units; None for invalid.
        accepts: Looks at the first trial and says why the run must not go on; None lets it.
        to_the_end: Sample every unit, whatever the verdict.
        recorded: Only the trials of an earlier run are run again: there may be fewer than the verdict needs.
        seeds: The seeds of its trials by turn, where a record gives them; None makes them as `Trial` says.
        family: The hypotheses its error rates hold together with: `alpha` and `beta` are its share of theirs.
        max_trials_marked: The mark says `max_trials`, which no option overrides.
        ceiling: What can be reached: a value in the outcome's units, or an arm; None when nobody says.
    """

    node_id: str
    belief: str
    claim: AnyClaim
    alpha: float
    beta: float
    margin: float
    max_trials: int
    min_trials: int
    invalid: Invalid
    extend: bool
    stream: str
    seed: int
    model: str | None
    plan: Callable[[], Iterator[Planned]]
    max_units: int
    unit_size: int
    limit: int
    scope: str
    set_digest: str
    body_digest: str
    body: Body
    is_async: bool
    outcomes: Outcomes
    may_pay: bool
    unit: UnitKind = UnitKind.TRIAL
    max_trials_marked: bool = False
    arms: tuple[str, ...] = ()
    rerun: str = ""
    notices: tuple[str, ...] = ()
    keep_exceptions: bool = False
    make_rule: RuleFactory = rule_for
    census: int | None = None
    reference: tuple[float | None, ...] | None = None
    accepts: Callable[[TrialRecord], str | None] | None = None
    to_the_end: bool = False
    recorded: bool = False
    seeds: Mapping[int, int] | None = None
    family: Family | None = None
    ceiling: float | str | None = None

    @property
    def turns_per_unit(self) -> int:
        """Most trials, or pairs of arms, whose mean is one unit."""
        return self.unit_size // max(1, len(self.arms))

    @property
    def single(self) -> bool:
        """Every unit is one 0/1 draw, of each outcome that is claimed about."""
        rates = all(statistic.binary and not statistic.arms for statistic in self.claim.statistics)
        return self.unit_size == 1 and rates

    @property
    def calibrated(self) -> bool:
        """Whether the verdict uses one calibrated boundary rather than Ville's."""
        claim = self.claim
        one_sided = isinstance(claim, Claim) and claim.direction is not Direction.WITHIN
        few = self.max_units <= MAX_CALIBRATED_UNITS
        ours = self.make_rule is rule_for and self.census is None
        return self.single and few and not self.extend and one_sided and ours

    @property
    def design_hash(self) -> str:
        """Identifies the design, threshold and max_trials apart: looks of one design are comparable."""
        return digest(
            [
                self.claim.shape,
                self.alpha,
                self.beta,
                self.margin,
                self.min_trials,
                self.invalid.value,
                self.calibrated,
                self.scope,
                self.set_digest,
            ]
        )

    @property
    def claim_hash(self) -> str:
        """Identifies the claim and its design, max_trials apart."""
        return digest([str(self.claim), self.design_hash])

    def why_out(self, n_units: int) -> StopReason:
        """Say why there are no more trials.

        Args:
            n_units: Units that were fed.
        """
        if self.recorded and n_units < self.max_units:
            return StopReason.RECORD_ENDS
        return StopReason.CASES_EXHAUSTED if self.max_units < self.max_trials else StopReason.MAX_TRIALS
