"""What a run makes of its trials: joint claims, numbers, runs to the end, refused and recorded ones."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_velo import estimate, mean, rate
from pytest_velo.case_sets import plain_order
from pytest_velo.claims import Estimation, baseline
from pytest_velo.errors import InvalidTrial
from pytest_velo.records import Invalid, Outcome, OutcomeKind, TrialRecord
from pytest_velo.runner.result import result_of
from pytest_velo.runner.weigher import AllClaims, Measuring, OneClaim, weigh
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.rules.joint import make_joint_rule
from pytest_velo.verdicts import StopReason, Verdict
from support.hypotheses import Named, hypothesis_of

JOINT = (rate("bad") <= 0.3) & (mean(0, 10, "help") >= 6)


@pytest.fixture
def go(make_hypothesis, sample):
    """Run a hypothesis to its end."""

    def run(body, claim, **changes):
        outcomes = {"outcomes": Named()} if len(claim.statistics) > 1 or claim.statistics[0].name else {}
        return asyncio.run(sample(make_hypothesis(body, claim, **{"max_trials": 200, **outcomes, **changes})))

    return run


def records(values):
    """Records of trials with these named outcomes; None for an invalid one."""
    for index, named in enumerate(values):
        kind = OutcomeKind.INVALID if named is None else OutcomeKind.VALUE
        yield TrialRecord(index=index, case_id="", repeat=0, seed=0, kind=kind, values=named or {})


def fed(weigher, values):
    """Feed a weigher until it decides; returns the verdict."""
    for record, planned in zip(records(values), plain_order(), strict=False):
        verdict = weigher.add(record, planned)
        if verdict is not None:
            return verdict
    return None


@pytest.mark.parametrize(
    ("claim", "kind"),
    [(rate >= 0.5, OneClaim), (JOINT, AllClaims), (estimate(rate, halfwidth=0.1), Measuring)],
)
def test_each_kind_of_claim_has_its_weigher(make_hypothesis, claim, kind):
    assert type(weigh(make_hypothesis(None, claim))) is kind


def test_all_parts_see_every_trial_and_an_invalid_one_is_invalid_in_all(make_hypothesis):
    weigher = weigh(make_hypothesis(None, JOINT, max_trials=200))
    assert fed(weigher, [{"bad": 0, "help": 8}, None, {"bad": 1, "help": 4}]) is None
    assert weigher.n == 3
    bad, helpful = weigher.parts()
    assert (bad.estimate, helpful.estimate) == (0.5, 6.0)
    assert weigher.units.n_invalid == 1
    # Against the part it speaks against most, in widths of the ranges: 1 - 0.3 of 1, and 6 - 4 of 10.
    assert weigher.distances() == [pytest.approx(-0.2), None, pytest.approx(0.7)]
    assert weigher.n_needed() is None


def test_a_joint_claim_without_a_complete_unit_has_no_intervals(make_hypothesis):
    weigher = weigh(make_hypothesis(None, JOINT, invalid=Invalid.EXCLUDE))
    assert fed(weigher, [None, None]) is None
    assert weigher.n == 0
    assert [part.interval for part in weigher.parts()] == [None, None]
    assert weigher.bounds()[2] is None


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.tuples(st.sampled_from([0, 0, 0, 1]), st.floats(0, 10)).map(
                lambda v: {"bad": v[0], "help": v[1]}
            ),
        ),
        min_size=1,
        max_size=80,
    ),
    st.sampled_from(list(Invalid)),
)
def test_the_joint_weigher_feeds_its_rule_exactly_what_the_trials_say(values, invalid):
    """The rule fed by hand with the bounds of each outcome comes to the same, trial by trial."""
    weigher = weigh(_hypothesis(JOINT, invalid))
    rule = make_joint_rule(JOINT, Design(alpha=0.05, beta=0.05, max_units=100))
    for (record, planned), named in zip(
        zip(records(values), plain_order(), strict=False), values, strict=True
    ):
        verdict = weigher.add(record, planned)
        if named is not None:
            unit = [(named["bad"],) * 2, (named["help"] / 10,) * 2]
        elif invalid is Invalid.BOUND:
            unit = [(0.0, 1.0), (0.0, 1.0)]
        elif invalid is Invalid.AGAINST:  # a 1 is against `<=`, a 0 against `>=`
            unit = [(1.0, 1.0), (0.0, 0.0)]
        else:
            assert verdict is None
            continue
        assert verdict is rule.feed(unit)
        assert weigher.log_e() == (rule.log_e_support, rule.log_e_refute)
        if verdict is not None:
            return
    assert weigher.n == rule.n


def _hypothesis(claim, invalid):
    return hypothesis_of(claim=claim, invalid=invalid, max_trials=100, outcomes=Named())


def test_the_telling_trials_of_a_joint_claim_are_those_against_any_part(go):
    async def body(case, arm, trial):
        return {"bad": trial.index % 5 == 0, "help": 3 if trial.index % 5 == 1 else 9}

    run = go(body, (rate("bad") <= 0.1) & (mean(0, 10, "help") >= 8.5), max_trials=200)
    assert run.verdict is Verdict.REFUTED
    result = result_of(run)
    shown = result.telling
    assert {index % 5 for index in shown} == {0, 1}
    assert result.decision.evidence.n_against == len(shown)
    assert run.trials[shown[0]].values["bad"] == 1  # 0.9 of its range on the wrong side, the other 0.55


def test_a_number_is_measured_as_soon_as_its_interval_is_that_tight(go):
    async def body(case, arm, trial):
        return trial.rng.random() < 0.3

    run = go(body, estimate(rate, halfwidth=0.12))
    result = result_of(run)
    assert (run.verdict, run.stop, result.outcome) == (Verdict.MEASURED, StopReason.DECIDED, Outcome.MEASURED)
    ends = result.decision.evidence.interval
    assert 0.1 < (ends.high - ends.low) / 2 <= 0.12
    low, high = map(float, result.decision.certified.split(" <= rate <= "))  # never more than the interval
    assert ends.low - 0.001 < low <= ends.low
    assert ends.high <= high < ends.high + 0.001
    assert ends.level == 0.95
    assert result.decision.n_saved == 200 - result.decision.evidence.n > 0
    assert (result.decision.evidence.p_support, result.decision.evidence.log_e_support) == (None, None)
    assert result_of(run).telling == ()


def test_a_number_not_yet_measured_guesses_what_it_takes(go):
    async def body(case, arm, trial):
        return trial.index % 2

    run = go(body, estimate(rate, halfwidth=0.05), max_trials=100)
    decision = result_of(run).decision
    half = (decision.evidence.interval.high - decision.evidence.interval.low) / 2
    assert (decision.verdict, decision.stop) == (Verdict.INCONCLUSIVE, StopReason.MAX_TRIALS)
    assert decision.n_needed == pytest.approx(100 * (half / 0.05) ** 2, abs=1)
    assert decision.certified == "not measured: estimate(rate, halfwidth=0.05)"


@pytest.mark.parametrize(("every", "more"), [(3, None), (20, True)])
def test_no_number_of_trials_closes_what_invalid_ones_leave_open(go, every, more):
    """A share of invalid outcomes may be anything: an interval is at least that wide, however many come."""

    async def body(case, arm, trial):
        if trial.index % every == 0:
            raise InvalidTrial("no answer")
        return trial.index % 2

    decision = result_of(go(body, estimate(rate, halfwidth=0.1), max_trials=120)).decision
    ends = decision.evidence.interval
    half, left_open = (ends.high - ends.low) / 2, 1 / every / 2
    expected = 120 * ((half - left_open) / (0.1 - left_open)) ** 2 if more else None
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.n_needed == (pytest.approx(expected, rel=0.02) if more else None)


def test_before_any_unit_a_number_has_no_interval_and_no_guess(make_hypothesis):
    weigher = weigh(make_hypothesis(None, estimate(rate, halfwidth=0.1)))
    assert weigher.bounds() == (None, None, None)
    assert weigher.n_needed() is None
    assert weigher.log_e() is None
    assert weigher.predictive_probability() == 1.0


def test_a_run_to_the_end_takes_every_unit_whatever_the_verdict(go):
    async def body(case, arm, trial):
        return True

    run = go(body, rate >= 0.5, max_trials=60, to_the_end=True)
    decision = result_of(run).decision
    assert (run.verdict, run.stop) == (Verdict.SUPPORTED, StopReason.DECIDED)
    assert decision.evidence.n == len(run.trials) < 20  # the evidence is that of the verdict
    assert [record.index for record in (*run.trials, *run.after)] == list(range(60))
    assert decision.n_saved == 0


def test_a_run_to_the_end_is_never_given_up(go):
    async def body(case, arm, trial):
        return trial.index % 2

    kept = go(body, rate >= 0.5, max_trials=100)
    assert kept.stop is StopReason.FUTILITY
    assert go(body, rate >= 0.5, max_trials=100, to_the_end=True).stop is StopReason.MAX_TRIALS


def test_a_baseline_is_all_units_and_is_measured_by_the_last(go):
    async def body(case, arm, trial):
        return trial.index % 3 == 0

    run = go(body, Estimation(statistic=rate, halfwidth=None), max_trials=60, to_the_end=True)
    assert (run.verdict, len(run.trials), run.after) == (Verdict.MEASURED, 60, [])


def test_the_first_trial_runs_alone_and_may_end_the_run(go):
    started = []

    async def body(case, arm, trial):
        started.append(trial.index)
        return True

    seen = []

    def accepts(first):
        seen.append((first.index, list(started)))
        return "another prompt"

    run = go(body, rate >= 0.5, accepts=accepts)
    assert seen == [(0, [0])]
    assert (started, run.refusal, run.stop) == ([0], "another prompt", StopReason.NOT_COMPARABLE)
    result = result_of(run)
    assert (result.outcome, result.problem, result.decision.evidence.n) == (
        Outcome.INCONCLUSIVE,
        "another prompt",
        0,
    )


def test_a_first_trial_that_is_accepted_counts_like_any(go):
    async def body(case, arm, trial):
        return trial.rng.random() < 0.8

    plain = go(body, rate >= 0.5)
    asked = go(body, rate >= 0.5, accepts=lambda first: None)
    assert (asked.verdict, asked.trials) == (plain.verdict, plain.trials)


def test_recorded_trials_that_end_are_not_the_end_of_the_cases(go):
    async def body(case, arm, trial):
        return trial.index % 2

    run = go(body, rate >= 0.5, recorded=True, trials=lambda: islice(plain_order(), 12))
    assert (run.stop, run.weigher.n, run.verdict) == (StopReason.RECORD_ENDS, 12, Verdict.INCONCLUSIVE)
    full = go(body, rate >= 0.5, recorded=True, max_trials=12, trials=lambda: islice(plain_order(), 12))
    assert full.stop is StopReason.MAX_TRIALS


@pytest.mark.parametrize("invalid", list(Invalid))
def test_pairs_with_a_baseline_are_bounded_where_either_side_is_invalid(go, invalid):
    """Stored: 1, nothing, 1, 1. Now: 1, 1, nothing, 0."""

    async def body(case, arm, trial):
        if trial.index == 2:
            raise InvalidTrial("cut")
        return trial.index < 3

    run = go(
        body,
        rate >= baseline - 0.3,
        max_trials=40,
        invalid=invalid,
        reference=(1.0, None, 1.0, 1.0),
        trials=lambda: islice(plain_order(), 4),
    )
    assert [turn.value for turn in run.units.turns] == [0.0, None, None, -1.0]
    assert run.units.arm_means == {"now": pytest.approx(2 / 3), "baseline": 1.0}
    assert run.weigher.n == (2 if invalid is Invalid.EXCLUDE else 4)
    ends = result_of(run).decision.evidence.interval
    assert ends.low <= -0.5 <= ends.high


def test_the_reference_is_taken_turn_by_turn_whatever_is_in_flight(make_hypothesis, sample, latency):
    async def body(case, arm, trial):
        await latency.wait(trial.rng.expovariate(1))
        return trial.rng.random() < 0.5

    reference = tuple(float(n % 3 == 0) for n in range(60))
    hypothesis = make_hypothesis(body, rate >= baseline - 0.2, max_trials=60, reference=reference)
    fast = asyncio.run(sample(replace(hypothesis, limit=30)))
    alone = asyncio.run(sample(replace(hypothesis, limit=1)))
    assert fast.units.turns == alone.units.turns
    assert fast.units.turns[1].value == alone.trials[1].values[""] - reference[1]
