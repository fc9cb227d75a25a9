"""From a run to its result: the decision, what it certifies, and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from pytest_velo.checks.arms import confounded_arms
from pytest_velo.claims import Direction
from pytest_velo.errors import VeloError
from pytest_velo.records import Call, HypothesisResult, Outcome, OutcomeKind, TrialRecord, add_costs
from pytest_velo.runner.hypothesis import Hypothesis, Invalid
from pytest_velo.runner.run import Run
from pytest_velo.verdicts import Decision, Evidence, Interval, StopReason, Verdict

MOST_TELLING = 100
_REASONS_SAID = 3


def result_of(run: Run) -> HypothesisResult:
    """Return what is known of a run that ended, for whatever reason."""
    hypothesis = run.hypothesis
    shown = [run.error_trial] if run.error_trial is not None else []
    calls = [call for trial in (*run.trials, *shown, *run.unused) for call in trial.calls]
    return HypothesisResult(
        node_id=hypothesis.node_id,
        belief=hypothesis.belief,
        claim=str(hypothesis.claim),
        scope=hypothesis.scope,
        outcome=_outcome(run),
        model=hypothesis.model,
        decision=decision_of(run),
        telling=telling(run),
        problem="" if run.error is None else _problem(run.error),
        alpha=hypothesis.alpha,
        beta=hypothesis.beta,
        margin=hypothesis.margin,
        max_trials=hypothesis.max_trials,
        seed=hypothesis.seed,
        trials=(*run.trials, *shown),
        n_calls=len(calls),
        n_cached=sum(call.reply.cached for call in calls),
        cost_usd=add_costs(call.reply.cost_usd for call in calls if not call.reply.cached),
        n_in_flight_max=run.n_in_flight_max,
        oldest_draw=min((call.drawn_at for call in calls), default=None),
        models_served=_served(calls),
        duration_s=run.duration_s,
        notices=(*run.notices, *invalid_reasons(run.trials), *_told_apart(run)),
        rerun=hypothesis.rerun,
        claim_hash=hypothesis.claim_hash,
    )


def invalid_reasons(trials: Sequence[TrialRecord]) -> Iterator[str]:
    """Say why trials are invalid, the commonest reasons first: without it nobody knows what to mend.

    >>> trial = TrialRecord(
    ...     index=0, case_id="", repeat=0, seed=0, kind=OutcomeKind.INVALID, values={}, detail="cut"
    ... )
    >>> list(invalid_reasons([trial, trial]))
    ['2 of 2 trials are invalid: cut']
    """
    reasons = Counter(trial.detail for trial in trials if trial.kind is OutcomeKind.INVALID)
    for reason, n in reasons.most_common(_REASONS_SAID):
        yield f"{n} of {len(trials)} trials {'is' if n == 1 else 'are'} invalid: {reason}"
    if len(reasons) > _REASONS_SAID:
        n_others = sum(n for _, n in reasons.most_common()[_REASONS_SAID:])
        yield f"{n_others} of {len(trials)} trials are invalid for other reasons"


def _problem(error: BaseException) -> str:
    """Say what ended a run; ours explain themselves, others need their type."""
    if isinstance(error, VeloError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def decision_of(run: Run) -> Decision:
    """Return the verdict with its certificate and evidence."""
    hypothesis, stop = run.hypothesis, run.stop or StopReason.INTERRUPTED
    settled = stop in (StopReason.DECIDED, StopReason.FUTILITY)
    return Decision(
        verdict=run.verdict,
        stop=stop,
        certified=certificate(hypothesis, run.rule.certified(run.verdict)),
        evidence=evidence_of(run),
        n_unused=run.n_beyond,
        n_saved=max(0, hypothesis.max_units - run.rule.n) if settled else 0,
    )


def certificate(hypothesis: Hypothesis, inequality: str) -> str:
    """Say what was certified and of what: the inequality, the scope, and what was left out."""
    among = " among valid replies" if hypothesis.invalid is Invalid.EXCLUDE else ""
    return f"{inequality}{among}"


def evidence_of(run: Run) -> Evidence:
    """Return the evidence of the stopping prefix."""
    rule = run.rule
    p_support, p_refute, interval = rule.evidence_bounds()
    wilson, exact = _descriptive(run)
    against = n_against(run)
    return Evidence(
        n=rule.n,
        n_for=run.units.n_valid - against,
        n_against=against,
        n_invalid=run.units.n_invalid,
        n_ones=run.units.n_ones if _is_share(run) else None,
        estimate=run.estimate,
        log_e_support=rule.log_e_support,
        log_e_refute=rule.log_e_refute,
        p_support=p_support,
        p_refute=p_refute,
        interval=interval,
        wilson=wilson,
        clopper_pearson=exact,
        rule=rule.kind,
        arms=run.units.arm_means,
    )


def _told_apart(run: Run) -> tuple[str, ...]:
    """Return a remark when arms differ in more than one thing; what made the difference is then unknown."""
    arms = run.hypothesis.claim.statistic.arms
    if not arms:
        return ()
    trials = {trial.index: trial for trial in run.trials}
    turns = (tuple(trials[index] for index in turn.trials) for turn in run.units.turns)
    return confounded_arms(arms, turns)


def _is_share(run: Run) -> bool:
    """Whether the estimate is the share of ones among the valid trials."""
    statistic = run.hypothesis.claim.statistic
    return statistic.binary and not statistic.arms


def _descriptive(run: Run) -> tuple[Interval | None, Interval | None]:
    """Return the fixed-n intervals of the valid trials; none where units are means."""
    ones, zeros = run.units.n_ones, run.units.n_zeros
    if not run.hypothesis.single or ones + zeros == 0:
        return None, None
    from pytest_velo.stats.intervals import clopper_pearson, wilson

    level = 1 - run.hypothesis.alpha - run.hypothesis.beta
    return wilson(ones, ones + zeros, level), clopper_pearson(ones, ones + zeros, level)


def _outcome(run: Run) -> Outcome:
    if run.error is not None:
        return Outcome.ERROR
    match run.verdict:
        case Verdict.SUPPORTED:
            return Outcome.SUPPORTED
        case Verdict.REFUTED:
            return Outcome.REFUTED
        case Verdict.INCONCLUSIVE:
            return Outcome.INCONCLUSIVE


def _speaks_against(run: Run) -> Callable[[float], float]:
    """Return how far a turn's value is on the wrong side of the threshold; at most 0 on the claim's side."""
    claim = run.hypothesis.claim
    low, high = claim.low, claim.high
    match claim.direction:
        case Direction.AT_LEAST:
            return lambda value: claim.threshold - value
        case Direction.AT_MOST:
            return lambda value: value - claim.threshold
        case Direction.WITHIN:
            assert low is not None  # their constructor sees to it
            assert high is not None
            if run.estimate is not None and run.estimate > (low + high) / 2:
                return lambda value: value - high
            return lambda value: low - value


def telling(run: Run) -> tuple[int, ...]:
    """Return the indices of the trials against the claim, the most telling first, at most `MOST_TELLING`."""
    distance = _speaks_against(run)
    valued = ((distance(turn.value), turn.trials) for turn in run.units.turns if turn.value is not None)
    against = sorted((far for far in valued if far[0] > 0), key=lambda far: -far[0])
    return tuple(index for _, trials in against for index in trials)[:MOST_TELLING]


def n_against(run: Run) -> int:
    """Count the prefix's turns against the claim."""
    distance = _speaks_against(run)
    return sum(turn.value is not None and distance(turn.value) > 0 for turn in run.units.turns)


def cost_of(run: Run) -> float | None:
    """Return the dollars of the trials in the prefix so far; None when a price is unknown."""
    return add_costs(trial.cost_usd for trial in run.trials)


def _served(calls: list[Call]) -> tuple[str, ...]:
    return tuple(sorted({call.reply.model_served for call in calls if call.reply.model_served}))


def explains_asserts(run: Run, show: int) -> bool:
    """Tell whether a failed assert, which is a 0, may be among the first `show` trials against the claim."""
    return run.hypothesis.claim.direction is not Direction.AT_MOST and run.units.n_zeros < show
