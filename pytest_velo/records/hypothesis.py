"""One finished hypothesis, with all that reports may say about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_velo.found import Found
from pytest_velo.records.assumptions import Assumed
from pytest_velo.records.attempts import Attempt, Confirmation, Prediction
from pytest_velo.records.beside import CovariateSeen, TruthSeen
from pytest_velo.records.ladders import LadderResult
from pytest_velo.records.outcomes import Invalid, Outcome, UnitKind
from pytest_velo.records.repeats import Replication
from pytest_velo.records.trials import Stubbed, TrialRecord
from pytest_velo.verdicts import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The hypotheses that share one's error rates, and the effect on its verdict.

    Attributes:
        name: The function's node id, or the name given in the marks.
        size: Hypotheses in the family, from 1, fixed at collection.
        alpha, beta: P(any wrong supported) and P(any wrong refuted) in the family, at most; each member is
            sampled at a share of `1 / size` of it.
        procedure: `holm`, or `ebh`, whose alpha and beta are the expected shares of wrong verdicts.
        p_support, p_refute: Its adjusted p-values in [0, 1]; None before the end of the session, and without
            evidence.
        if_supported, if_refuted: The inequality each verdict would certify.
        by_steps: The verdict came at the end of the session, by the step-down.
    """

    name: str
    size: int
    alpha: float
    beta: float
    p_support: float | None = None
    p_refute: float | None = None
    if_supported: str = ""
    if_refuted: str = ""
    by_steps: bool = False
    procedure: str = "holm"


@dataclass(frozen=True, slots=True, kw_only=True)
class HypothesisResult:
    """One finished hypothesis: everything a report may say about it.

    Attributes:
        node_id: The test's node id.
        belief: The claim in words: the docstring's first line, else the test's name.
        claim: The claim as written, e.g. `rate >= 0.3`.
        scope: What the claim is about: `this body as it stands`, `over these 12 cases`,
            `beyond these cases`, `beyond these cases (unit: group)`.
        max_trials: The most units that were asked for; `max_units` of them are there, where cases run out
            before. None if an older record does not tell.
        max_trials_marked: The mark sets `max_trials`, so no option raises it.
        unit: What is counted; None if an older record does not tell.
        invalid: How invalid trials entered the evidence; None likewise.
        model: The model id; None when the hypothesis calls none.
        decision: None for an error or a skip before any unit was complete.
        problem: Why it is an error, a skip or undecided; empty otherwise.
        alpha, beta, margin: Error rates in (0, 1) it was sampled at and the margin of the claim.
        family: The hypotheses it shares its error rates with; None if it is judged alone.
        trials: The trials of the stopping prefix, in submission order.
        n_calls: Calls of all trials that ran, those beyond the prefix included; `n_cached` were read.
        cost_usd: Dollars spent now; None when a price is unknown.
        n_unpriced: Calls made now whose price is unknown; None if an older record does not tell.
        priced_usd: Dollars of the others made now; None likewise.
        usd_per_turn: Mean dollars of the calls of a trial, or of a pair with all its arms, whether made now
            or read; None if a price is unknown.
        usd_by_arm: Dollars that the trials of each arm of a ranking took now; None for an unknown price.
            Empty for other claims, and in older records.
        outside: How many connections its bodies opened past the sampler, by address: calls that nobody sees.
        n_in_flight_max: Most trials in flight at once.
        oldest_draw: ISO 8601 UTC of the oldest draw used; None without draws.
        models_served: The model ids the providers reported, sorted.
        n_retries: Attempts beyond the first; None where hypotheses were sampled together, and only the
            session's total is known.
        facts: One-line facts that belong to the verdict: the baseline, the drift since the first one.
        notices: One-line warnings for the reader.
        found: What checks found, silenced ones too.
        rerun: The command that runs this hypothesis again.
        claim_hash: Identifies claim, design and case set, for the look log.
        body_digest: Of the body's source; empty if it has none, or if an older record does not tell.
        telling: Indices of trials against the claim, the most telling first, at most 100 of them: those
            on the wrong side of the threshold, e.g. the zeros for `rate >= 0.3` and the lowest scores for
            `mean(0, 10) >= 7`; of a difference, the trials of whole pairs, those that differ first.
            `n_against` of the evidence counts them all.
        attempt: Which attempt at its belief it is; None if nothing was sampled, or in an older record.
        prediction: What its author predicted; None without `predict=`.
        stubs: What stood in for something in its trials, each once, in the order of use; empty in older
            records.
        assumes: What it assumes, with how that stood; empty in older records.
        ladder: The rungs that were climbed, where evidence and trials are those of one of them, and calls
            and dollars those of all; None without a ladder.
        confirmation: The frozen claim; None outside of the profile `confirm`, and in older records.
        replication: What it replicates; None if it is no replication.
        n_earlier: Earlier attempts from which the scheduler knew what to expect; 0 in older records.
        covariate: What was known of each case; None without one, and in older records.
        truth: What people said of some trials, if the claim is about that; None if not, and in older records.
    """

    node_id: str
    belief: str
    claim: str
    scope: str
    outcome: Outcome
    unit: UnitKind | None = None
    invalid: Invalid | None = None
    model: str | None = None
    decision: Decision | None = None
    problem: str = ""
    alpha: float = 0.05
    beta: float = 0.05
    margin: float = 0.0
    family: Family | None = None
    max_trials: int = 200
    max_units: int | None = None
    max_trials_marked: bool = False
    seed: int = 0
    trials: tuple[TrialRecord, ...] = ()
    n_calls: int = 0
    n_cached: int = 0
    cost_usd: float | None = 0.0
    n_unpriced: int | None = None
    priced_usd: float | None = None
    usd_per_turn: float | None = None
    usd_by_arm: Mapping[str, float | None] = field(default_factory=dict)
    outside: Mapping[str, int] = field(default_factory=dict)
    n_in_flight_max: int = 0
    oldest_draw: str | None = None
    models_served: tuple[str, ...] = ()
    n_retries: int | None = 0
    duration_s: float = 0.0
    facts: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    found: tuple[Found, ...] = ()
    rerun: str = ""
    claim_hash: str = ""
    body_digest: str = ""
    telling: tuple[int, ...] = ()
    attempt: Attempt | None = None
    prediction: Prediction | None = None
    stubs: tuple[Stubbed, ...] = ()
    assumes: tuple[Assumed, ...] = ()
    ladder: LadderResult | None = None
    confirmation: Confirmation | None = None
    replication: Replication | None = None
    n_earlier: int = 0
    covariate: CovariateSeen | None = None
    truth: TruthSeen | None = None
