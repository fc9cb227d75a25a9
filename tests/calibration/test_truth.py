"""Error rates of claims about labels at the null's edge, whatever the judge; what breaks the proof fails."""

import math

import numpy as np
import pytest

from pytest_velo import estimate, rate
from pytest_velo.case_sets import Planned
from pytest_velo.records import OutcomeKind, TrialRecord
from pytest_velo.runner.labelled import RecordedLabels
from pytest_velo.runner.weigher import weigh
from pytest_velo.stats.engine.blocks import CENTRING, Blocks
from pytest_velo.stats.limits.blocks import centres_of
from pytest_velo.stats.limits.centred import centred_log_evidence
from pytest_velo.verdicts import Verdict
from support.hypotheses import hypothesis_of

ALPHA, BLOCKS = 0.05, 60
BAR = math.log(1 / ALPHA)
BATCH = 5_000


def agreeing(share):
    return lambda rng, true: np.where(rng.random(true.shape) < share, true, 1.0 - true)


def lenient(rng, true):
    """Say yes wherever it is true, and every other time where it is not."""
    return np.where(rng.random(true.shape) < 0.5, 1.0, true)


def turning(rng, true):
    """Be right in the first third of the blocks, then inverted: the coefficient is wrong at its largest."""
    late = (np.arange(true.shape[1]) >= true.shape[1] // 3)[None, :, None]
    return np.where(late, 1.0 - true, true)


def spiteful(rng, true):
    """Be inverted from the block on in which the truth has led: right only while that gains nothing."""
    led = np.cumsum(true.mean(axis=2) - true.mean(), axis=1) > 0
    late = np.concatenate([np.zeros((len(true), 1), bool), led[:, :-1]], axis=1)[:, :, None]
    return np.where(late, 1.0 - true, true)


def rare(rng, true):
    """Say yes to one trial in a hundred, and only where it is false: the ends are foreseen too near."""
    return np.where((true == 0.0) & (rng.random(true.shape) < 0.02), 1.0, 0.0)


JUDGES = {
    "perfect": lambda rng, true: true,
    "93 in 100": agreeing(0.93),
    "85 in 100": agreeing(0.85),
    "75 in 100": agreeing(0.75),
    "a coin": agreeing(0.5),
    "inverted": lambda rng, true: 1.0 - true,
    "7 in 100": agreeing(0.07),
    "constant": lambda rng, true: np.ones_like(true),
    "lenient": lenient,
    "turning": turning,
    "spiteful": spiteful,
    "rare": rare,
    "scores": lambda rng, true: np.clip(0.3 + 0.4 * true + rng.normal(0, 0.2, true.shape), 0.0, 1.0),
}


def blocks_of(rng, rate_, judge, every, n_runs=BATCH):
    """Return true outcomes and judged ones, shape (runs, blocks, trials of a block)."""
    true = (rng.random((n_runs, BLOCKS, every)) < rate_).astype(float)
    return true, JUDGES[judge](rng, true)


def rejected(true, judged, edge, side, chosen=0):
    """Return how many runs reject the true null at any look: whoever peeks sees the maximum."""
    centres, ends = centres_of(
        judged[:, :, chosen], judged.mean(axis=2), judged.min(axis=2), judged.max(axis=2)
    )
    evidence = centred_log_evidence(true[:, :, chosen], centres, [edge], side, CENTRING, ends)
    return int((evidence.max(axis=1) >= BAR).sum())


@pytest.mark.parametrize("judge", JUDGES)
def test_a_true_null_at_the_edge_is_rejected_as_rarely_as_alpha_says(judge, calibration):
    rng, found = np.random.default_rng(0), {}
    for edge, every in ((0.5, 4), (0.15, 8)):
        found |= {(edge, side): 0 for side in (1, -1)}
        for _ in range(0, calibration.n_runs, BATCH):
            true, judged = blocks_of(rng, edge, judge, every)
            for side in (1, -1):
                found[edge, side] += rejected(true, judged, edge, side)
    print(judge, {key: n / calibration.n_runs for key, n in found.items()})
    for n in found.values():
        assert n / calibration.n_runs <= calibration.most(ALPHA)


def test_what_breaks_the_theorem_is_noticed(calibration):
    rng, most = np.random.default_rng(1), calibration.most(ALPHA, BATCH)
    true, judged = blocks_of(rng, 0.5, "85 in 100", 8)
    assert rejected(true, judged, 0.5, 1) / BATCH <= most

    # A choice that looks: of each block, a trial that the judge calls good.
    best = judged.argmax(axis=2)[:, :, None]
    seen = [np.take_along_axis(each, best, axis=2)[:, :, 0] for each in (true, judged)]
    centres, ends = centres_of(seen[1], judged.mean(axis=2))
    peeked = centred_log_evidence(seen[0], centres, [0.5], 1, CENTRING, ends)
    assert (peeked.max(axis=1) >= BAR).mean() > 2 * most

    # A mean of other trials: those of the first block, as if the judge could not drift.
    for shift, side in ((0.15, -1), (-0.15, 1)):
        centres, ends = centres_of(judged[:, :, 0], np.clip(judged.mean(axis=2) + shift, 0.0, 1.0))
        other = centred_log_evidence(true[:, :, 0], centres, [0.5], -side, CENTRING, ends)
        assert (other.max(axis=1) >= BAR).mean() > 2 * most

    # Ends that a centre exceeds: the bets then lose more than all, and what is left is no fortune.
    centres, (lows, highs) = centres_of(judged[:, :, 0], judged.mean(axis=2))
    assert (centres >= lows - 1e-12).all()
    assert (centres <= highs + 1e-12).all()


def test_the_judge_alone_would_be_wrong_at_once(calibration):
    """What the labels are there against: a lenient judge, taken at its word, rejects nearly every time."""
    true, judged = blocks_of(np.random.default_rng(2), 0.5, "lenient", 4)
    own = centred_log_evidence(judged[:, :, 0], judged[:, :, 0] * 0.0, [0.5], 1, CENTRING)
    assert (own.max(axis=1) >= BAR).mean() > 0.9
    assert rejected(true, judged, 0.5, 1) / BATCH <= calibration.most(ALPHA, BATCH)


EVERY, N_WEIGHED, HORIZON = 4, 300, 40


def weighed(claim, seed, judge, rate_, skipped=0.0):
    """Weigh trials whose labels are known, as a run does, until a verdict or the horizon."""
    rng = np.random.default_rng(seed)
    true = (rng.random((1, HORIZON, EVERY)) < rate_).astype(float)
    judged = JUDGES[judge](rng, true).reshape(-1)
    true = true.reshape(-1)
    chosen = [block * EVERY + int(rng.integers(EVERY)) for block in range(HORIZON)]
    # A person cannot say where it is false more often than where it is true.
    labels = {at: None if rng.random() < skipped * (1.0 - true[at]) else bool(true[at]) for at in chosen}
    weigher = weigh(
        hypothesis_of(
            claim=claim,
            max_trials=HORIZON,
            turns_per_unit=EVERY,
            centring=CENTRING,
            labelled_every=EVERY,
            labelling=RecordedLabels(every=EVERY, chosen=chosen, labels=labels),
        )
    )
    verdict = None
    for index, value in enumerate(judged):
        if rng.random() < 0.05:
            record = TrialRecord(
                index=index, case_id="", repeat=0, seed=0, kind=OutcomeKind.INVALID, values={}
            )
        else:
            kind = OutcomeKind.ONE if value else OutcomeKind.ZERO
            record = TrialRecord(index=index, case_id="", repeat=0, seed=0, kind=kind, values={"": value})
        planned = Planned(
            index=index,
            turn=index,
            unit=index // EVERY,
            case=None,
            case_digest="",
            case_id="",
            repeat=0,
            unit_size=EVERY,
        )
        verdict = weigher.add(record, planned)
        if verdict is not None or weigher.n >= HORIZON:
            break
    return verdict, weigher


@pytest.mark.parametrize("judge", ["93 in 100", "inverted", "lenient"])
def test_verdicts_by_labels_are_as_rarely_wrong_as_their_levels_say(judge, calibration):
    wrong = {Verdict.SUPPORTED: 0, Verdict.REFUTED: 0, "interval": 0}
    for seed in range(N_WEIGHED):
        verdict, _ = weighed(rate >= 0.5, seed, judge, 0.5, skipped=0.1)
        wrong[Verdict.SUPPORTED] += verdict is Verdict.SUPPORTED
        verdict, weigher = weighed(rate <= 0.5, seed, judge, 0.5, skipped=0.1)
        wrong[Verdict.REFUTED] += verdict is Verdict.REFUTED
        ends = weigher.bounds()[2]
        wrong["interval"] += not ends.low <= 0.5 <= ends.high
    print(judge, wrong)
    assert wrong[Verdict.SUPPORTED] / N_WEIGHED <= calibration.most(ALPHA, N_WEIGHED)
    assert wrong[Verdict.REFUTED] / N_WEIGHED <= calibration.most(ALPHA, N_WEIGHED)
    assert wrong["interval"] / N_WEIGHED <= calibration.most(2 * ALPHA, N_WEIGHED)


def test_a_measured_truth_is_in_its_interval(calibration):
    missed, stopped = 0, 0
    for seed in range(N_WEIGHED // 2):
        verdict, weigher = weighed(estimate(rate, halfwidth=0.2), seed, "lenient", 0.3)
        ends = weigher.bounds()[2]
        stopped += verdict is Verdict.MEASURED
        missed += not ends.low <= 0.3 <= ends.high
    print(missed, stopped)
    assert stopped > N_WEIGHED // 4  # the interval's own width decides when it stops
    assert missed / (N_WEIGHED // 2) <= calibration.most(ALPHA, N_WEIGHED // 2)


def test_a_null_is_tested_on_the_same_centres_in_plain_floats_and_in_arrays():
    _, judged = blocks_of(np.random.default_rng(3), 0.4, "scores", 5, n_runs=1)
    blocks = Blocks()
    plain = [blocks.centre(list(block), 2) for block in judged[0]]
    centres, (lows, highs) = centres_of(
        judged[:, :, 2], judged.mean(axis=2), judged.min(axis=2), judged.max(axis=2)
    )
    assert np.allclose([centre for centre, _ in plain], centres[0])
    assert np.allclose([ends for _, ends in plain], np.stack([lows[0], highs[0]], axis=1))
