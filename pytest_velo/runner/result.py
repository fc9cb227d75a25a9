"""From a run to its result: the decision, what it certifies, and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_velo.claims import Claim, Direction, EachCase, Estimation, Ranking
from pytest_velo.errors import VeloError
from pytest_velo.records import (
    Call,
    CovariateSeen,
    Family,
    HypothesisResult,
    Invalid,
    Outcome,
    OutcomeKind,
    Stubbed,
    TrialRecord,
    TruthSeen,
    UnitKind,
    add_costs,
)
from pytest_velo.runner.beside import seen_of
from pytest_velo.runner.distance import n_against, pair_counts, telling
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.labelled import truth_of
from pytest_velo.runner.ranked import RankingWeigher
from pytest_velo.runner.run import Run
from pytest_velo.runner.searched import SearchWeigher
from pytest_velo.runner.weigher import Measuring
from pytest_velo.stats.intervals import clopper_pearson, wilson
from pytest_velo.stats.rules.centred import has_calibrated_rule
from pytest_velo.stats.rules.interval import DRIFT
from pytest_velo.verdicts import Decision, Evidence, Interval, Standings, StopReason, Verdict

_REASONS_SAID = 3


def result_of(run: Run) -> HypothesisResult:
    """Return the result of a run that ended, for whatever reason."""
    hypothesis = run.hypothesis
    shown = [run.error_trial] if run.error_trial is not None else []
    calls = [call for trial in (*run.trials, *run.after, *shown, *run.unused) for call in trial.calls]
    made = [call.reply.cost_usd for call in calls if not call.reply.cached]
    return HypothesisResult(
        node_id=hypothesis.node_id,
        belief=hypothesis.belief,
        claim=str(hypothesis.claim),
        scope=hypothesis.frame.scope,
        outcome=_outcome(run),
        unit=hypothesis.frame.unit,
        invalid=hypothesis.frame.invalid,
        model=hypothesis.model,
        decision=_decision_of(run),
        telling=telling(run.weigher.distances(), run.units),
        problem=run.refusal or ("" if run.error is None else _problem(run.error)),
        alpha=hypothesis.design.alpha,
        beta=hypothesis.design.beta,
        margin=hypothesis.design.margin,
        family=_family(run),
        max_trials=hypothesis.frame.max_trials
        if hypothesis.design.census is None
        else hypothesis.design.max_units,
        max_units=hypothesis.design.max_units,
        max_trials_marked=hypothesis.max_trials_marked,
        seed=hypothesis.seed,
        trials=(*run.trials, *shown),
        n_calls=len(calls),
        n_cached=sum(call.reply.cached for call in calls),
        cost_usd=add_costs(made),
        usd_per_turn=_usd_per_turn(run),
        usd_by_arm=_usd_by_arm(run, (*run.trials, *run.after, *shown, *run.unused)),
        outside=dict(run.outside),
        n_unpriced=made.count(None),
        priced_usd=add_costs(cost for cost in made if cost is not None),
        n_in_flight_max=run.n_in_flight_max,
        oldest_draw=min((call.drawn_at for call in calls), default=None),
        models_served=_served(calls),
        duration_s=run.duration_s,
        facts=hypothesis.facts,
        notices=(*run.notices, *invalid_reasons(run.trials), *_drift(run)),
        rerun=hypothesis.rerun,
        claim_hash=hypothesis.claim_hash,
        body_digest=hypothesis.body_digest,
        stubs=_stubs(run, (*run.trials, *shown)),
        covariate=_covariate(run),
        truth=_truth(run),
    )


def _covariate(run: Run) -> CovariateSeen | None:
    """Return what the covariate turned out to say."""
    covariate, beside = run.hypothesis.frame.covariate, run.weigher.beside
    claim = run.hypothesis.claim
    if covariate is None or beside is None or not isinstance(claim, Claim):
        return None
    return seen_of(
        covariate,
        beside,
        claim.statistic,
        used=run.hypothesis.is_centred,
        rival=has_calibrated_rule(claim, run.hypothesis.design),
        n=run.weigher.n,
        decided=run.verdict in (Verdict.SUPPORTED, Verdict.REFUTED),
    )


def _truth(run: Run) -> TruthSeen | None:
    """Return what people said of the trials; None where the claim is about what was judged."""
    labelled, labelling = run.weigher.labelled, run.hypothesis.labelling
    if labelled is None or labelling is None:
        return None
    claim, design = run.hypothesis.claim, run.hypothesis.design
    decided = run.verdict is not Verdict.INCONCLUSIVE
    return truth_of(
        labelled,
        labelling,
        claim.statistics[0],
        design,
        n=run.weigher.n if decided else None,
        two_sided=isinstance(claim, Estimation),
    )


def _stubs(run: Run, trials: Sequence[TrialRecord]) -> tuple[Stubbed, ...]:
    """Return what stood in for something in the trials; what was declared and not used did not."""
    everywhere = run.hypothesis.stubs if trials else ()
    return tuple(dict.fromkeys([*everywhere, *(each for trial in trials for each in trial.stubs)]))


def _usd_per_turn(run: Run) -> float | None:
    """Return what a trial, or a pair with all its arms, costs where nothing is in the cache."""
    total = add_costs(call.reply.cost_usd for trial in run.trials for call in trial.calls)
    if run.weigher.labelled is not None:  # a label takes the trials of its block
        size = run.hypothesis.frame.unit_size
        return None if total is None or not run.trials else total / len(run.trials) * size
    return None if total is None or not run.units.turns else total / len(run.units.turns)


def invalid_reasons(trials: Sequence[TrialRecord]) -> Iterator[str]:
    """Say why trials are invalid, the most common first, by the first lines of the reasons."""
    reasons = Counter(
        trial.detail.partition("\n")[0] for trial in trials if trial.kind is OutcomeKind.INVALID
    )
    for reason, n in reasons.most_common(_REASONS_SAID):
        yield f"{n:,} of {len(trials):,} trials {'is' if n == 1 else 'are'} invalid: {reason}"
    if len(reasons) > _REASONS_SAID:
        n_others = sum(n for _, n in reasons.most_common()[_REASONS_SAID:])
        yield f"{n_others:,} of {len(trials):,} trials are invalid for other reasons"


def _problem(error: BaseException) -> str:
    """Say what ended a run; our own errors explain themselves, others need their type."""
    if isinstance(error, VeloError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _decision_of(run: Run) -> Decision:
    """Return the verdict with its certificate and evidence."""
    hypothesis, stop = run.hypothesis, run.stop or StopReason.INTERRUPTED
    settled = stop in (StopReason.DECIDED, StopReason.FUTILITY) and not hypothesis.to_the_end
    settled = settled and not isinstance(run.weigher, SearchWeigher)  # nobody knew how many it would take
    return Decision(
        verdict=run.verdict,
        stop=stop,
        certified=_certificate(hypothesis, run.weigher.certified(run.verdict)),
        evidence=_evidence_of(run),
        n_unused=run.n_beyond,
        n_saved=_saved(run) if settled else 0,
        parts=run.weigher.parts(),
        n_needed=run.weigher.n_needed(),
        standings=_standings(run),
        searched=run.weigher.searched() if isinstance(run.weigher, SearchWeigher) else None,
    )


def _standings(run: Run) -> Standings | None:
    """Return how the arms of a ranking stand; None for other claims."""
    return run.weigher.standings() if isinstance(run.weigher, RankingWeigher) else None


def _usd_by_arm(run: Run, trials: Sequence[TrialRecord]) -> dict[str, float | None]:
    """Return what the trials of each arm of a ranking took now; nothing for other claims."""
    if not isinstance(run.weigher, RankingWeigher):
        return {}
    each = ((arm, [trial.cost_usd for trial in trials if trial.arm == arm]) for arm in run.hypothesis.arms)
    return {arm: add_costs(costs) for arm, costs in each}


def _saved(run: Run) -> int:
    """Count the trials that were not needed: of all arms, and of all draws or members of a unit."""
    frame = run.hypothesis.frame
    n_trials, n_units = len(run.trials), run.weigher.n
    per_unit = n_trials / n_units if frame.unit is UnitKind.GROUP and n_units else frame.unit_size
    return max(0, round(run.hypothesis.design.max_units * per_unit) - n_trials)


def _family(run: Run) -> Family | None:
    """Return the family with what each verdict would certify, needed after the rule is gone."""
    family = run.hypothesis.frame.family
    if family is None or isinstance(
        run.hypothesis.claim, Estimation | Ranking | EachCase
    ):  # an estimate that a baseline stores
        return None
    supported, refuted = (
        _certificate(run.hypothesis, run.weigher.certified(verdict))
        for verdict in (Verdict.SUPPORTED, Verdict.REFUTED)
    )
    return replace(family, if_supported=supported, if_refuted=refuted)


def _certificate(hypothesis: Hypothesis, inequality: str) -> str:
    """Say what was certified: the inequality, its scope, and what was left out."""
    among = " among valid replies" if hypothesis.frame.invalid is Invalid.EXCLUDE else ""
    recorded = " of these recorded outcomes" if hypothesis.design.census is not None else ""
    return f"{inequality}{among}{recorded}"


def _evidence_of(run: Run) -> Evidence:
    """Return the evidence of the stopping prefix."""
    weigher, units = run.weigher, run.units
    p_support, p_refute, interval = weigher.bounds()
    log_e = weigher.log_e()
    wilson, exact = _descriptive(run)
    against = n_against(weigher.distances(), units)
    return Evidence(
        n=weigher.n,
        n_for=units.n_valid - against,
        n_against=against,
        n_invalid=units.n_invalid,
        n_ones=units.n_ones if _is_share(run) else None,
        estimate=None
        if weigher.parts() or isinstance(weigher, RankingWeigher | SearchWeigher)
        else run.estimate,
        log_e_support=None if log_e is None else log_e[0],
        log_e_refute=None if log_e is None else log_e[1],
        p_support=p_support,
        p_refute=p_refute,
        interval=interval,
        wilson=wilson,
        clopper_pearson=exact,
        rule=weigher.kind,
        arms=units.arm_means,
        share_of_gap=_share_of_gap(run),
        pairs=pair_counts(units, binary=run.hypothesis.claim.statistics[0].binary),
        interval_of=weigher.interval_of if isinstance(weigher, Measuring) else None,
    )


def _share_of_gap(run: Run) -> float | None:
    """Return the gain of the first arm over the second as a share of the gap to the ceiling, if there is one.

    It is the ratio of two observed means: descriptive, without an error rate.
    """
    ceiling, means = run.hypothesis.ceiling, run.units.arm_means
    if ceiling is None or not run.units.compares:
        return None
    first, second = (means.get(arm) for arm in run.units.compares)
    top = means.get(ceiling) if isinstance(ceiling, str) else ceiling
    if first is None or second is None or top is None or top <= second:
        return None
    return (first - second) / (top - second)


def _drift(run: Run) -> Iterator[str]:
    """Say where the trials hardly have one value that a verdict could be about."""
    if run.weigher.drifts():
        yield (
            "the draws drift: the earlier trials rule out what all of them show, so there is hardly one value"
            f" that a verdict could be about (said at most {DRIFT:.1%} of the time if nothing drifts). The"
            " interval goes by the evidence at the last trial; look for what changed during the run"
        )


def _is_share(run: Run) -> bool:
    """Whether the estimate is the share of ones among the valid trials."""
    statistics = run.hypothesis.claim.statistics
    if isinstance(run.weigher, SearchWeigher):
        return False  # its trials are of cases that were chosen for failing
    return len(statistics) == 1 and statistics[0].binary and not statistics[0].arms


def _descriptive(run: Run) -> tuple[Interval | None, Interval | None]:
    """Return the fixed-n intervals of the valid trials; none if units are means."""
    ones, zeros = run.units.n_ones, run.units.n_zeros
    if not (run.hypothesis.single and _is_share(run)) or ones + zeros == 0:
        return None, None
    level = 1 - run.hypothesis.design.alpha - run.hypothesis.design.beta
    return wilson(ones, ones + zeros, level), clopper_pearson(ones, ones + zeros, level)


def _outcome(run: Run) -> Outcome:
    if run.error is not None:
        return Outcome.ERROR
    match run.verdict:
        case Verdict.SUPPORTED:
            return Outcome.SUPPORTED
        case Verdict.REFUTED:
            return Outcome.REFUTED
        case Verdict.MEASURED:
            return Outcome.MEASURED
        case Verdict.INCONCLUSIVE:
            return Outcome.INCONCLUSIVE


def _served(calls: list[Call]) -> tuple[str, ...]:
    return tuple(sorted({call.reply.model_served for call in calls if call.reply.model_served}))


def with_brief_details(result: HypothesisResult, show: int) -> HypothesisResult:
    r"""Return the result with the long messages of failed asserts only for the trials that are shown.

    Which other trials have one depends on how many were in flight, and a record must not depend on that.
    """
    n_arms = len({trial.arm for trial in result.trials})
    shown = frozenset(result.telling[: show * n_arms])  # whole pairs
    if not any("\n" in trial.detail and trial.index not in shown for trial in result.trials):
        return result
    return replace(result, trials=tuple(_brief(trial, shown) for trial in result.trials))


def _brief(trial: TrialRecord, shown: frozenset[int]) -> TrialRecord:
    head, *more = trial.detail.split("\n", 1)
    if trial.kind is not OutcomeKind.ZERO or not more or trial.index in shown:
        return trial
    return replace(trial, detail=head)


def explains_asserts(run: Run, show: int) -> bool:
    """Tell whether the next failed assert may be among the first `show` trials against the claim."""
    claim = run.hypothesis.claim
    if run.units.compares:  # of the pairs that differ, those against the claim are shown first
        values = [turn.value for turn in run.units.turns if turn.value]
        return min(sum(value > 0 for value in values), sum(value < 0 for value in values)) < show
    against = not isinstance(claim, Claim) or claim.direction is not Direction.AT_MOST
    return against and run.units.n_zeros < show
