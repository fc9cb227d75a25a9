"""Wrong verdicts at the edge, exactly, from trials to verdict: rates, pairs at no difference, & and lists.

Every probability here is computed by a forward pass over what the shipped weighers make of trials, at
truths where the claim is true and false at once but for a hair: there either verdict is at its most wrong.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from pytest_velo.baselines.codec import decode, encode
from pytest_velo.baselines.entry import Sampled, StoredTurn
from pytest_velo.baselines.file import BaselineFile
from pytest_velo.case_sets import pick_order
from pytest_velo.claims import baseline, difference, estimate, rate
from pytest_velo.runner.weigher import weigh
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.mixture import log_e_counts
from pytest_velo.stats.planning.operating import operating_characteristics
from pytest_velo.stats.rules.census import census_tests
from pytest_velo.stats.rules.joint import make_joint_rule
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict

ROUNDING = 1e-12
SUPPORTED, REFUTED = Verdict.SUPPORTED, Verdict.REFUTED


def always(**chances):
    """Independent units: the same chances whatever was seen."""
    law = {name: np.array(chance) for name, chance in chances.items()}
    return lambda seen: law


@pytest.mark.parametrize("claim", [rate >= 0.3, rate <= 0.1, rate >= 0.8, rate.within(0.3, 0.7)], ids=str)
def test_rates(calibration, claim):
    horizon, edges = 40, [edge for edge in (claim.low, claim.high) if edge is not None]
    truths = np.array([*edges, 0.5])
    letters = {"one": [calibration.trial(_=1.0)], "zero": [calibration.trial(_=0.0)]}
    law = calibration.law(
        calibration.hypothesis(claim, horizon), letters, always(one=truths, zero=1 - truths)
    )
    n = len(edges)
    assert law[SUPPORTED][:n].max() <= calibration.alpha + ROUNDING
    assert law[REFUTED][:n].max() <= calibration.beta + ROUNDING
    assert min(law[SUPPORTED][:n].max(), law[REFUTED][:n].max()) > 0.005
    rule = make_rate_rule(claim, Design(alpha=calibration.alpha, beta=calibration.beta, max_units=horizon))
    exact = operating_characteristics(rule, truths.tolist())
    assert law[SUPPORTED] == pytest.approx([at.supported for at in exact], abs=1e-9)
    assert law[REFUTED] == pytest.approx([at.refuted for at in exact], abs=1e-9)


RANGES = [(0.3, 0.7), (0.4, 0.6), (0.05, 0.2), (0.8, 0.95)]


@pytest.mark.parametrize("horizon", [200, 1000])
@pytest.mark.parametrize("ends", RANGES, ids=str)
def test_rates_between_two_ends(calibration, ends, horizon):
    """By the counts, as the test above holds them to what the weigher says: at both ends, and inside."""
    truths = np.linspace(*ends, 9).tolist()
    alpha, beta = calibration.alpha, calibration.beta
    rule = make_rate_rule(rate.within(*ends), Design(alpha=alpha, beta=beta, max_units=horizon))
    law = operating_characteristics(rule, truths)
    wrong = {SUPPORTED: [law[0].supported, law[-1].supported], REFUTED: [at.refuted for at in law]}
    calibration.tell(wrong)
    assert 0.9 * alpha < max(wrong[SUPPORTED]) <= alpha + ROUNDING
    assert 0.2 * beta < max(wrong[REFUTED]) <= beta + ROUNDING


@pytest.mark.parametrize("ends", RANGES, ids=str)
def test_both_ends_at_twice_alpha_as_if_both_had_to_err_is_wrong_too_often(calibration, ends):
    """A false claim is beyond one of its ends, so one test alone has to err."""
    design = Design(alpha=2 * calibration.alpha, beta=calibration.beta, max_units=1000)
    law = operating_characteristics(make_rate_rule(rate.within(*ends), design), [*ends])
    calibration.tell({SUPPORTED: [at.supported for at in law]})
    assert min(at.supported for at in law) > 1.5 * calibration.alpha


DISCORDANT = np.array([0.04, 0.2, 0.5, 1.0])


def same_or_not():
    return always(up=DISCORDANT / 2, down=DISCORDANT / 2, same=1 - DISCORDANT)


@pytest.mark.parametrize("claim", [difference("a", "b") >= 0, difference("a", "b") <= 0], ids=str)
def test_arms_that_do_not_differ(calibration, claim):
    """Arms that agree on few, on some, on half and on no cases."""
    trial = calibration.trial
    letters = {
        "up": [trial("b", _=0.0), trial("a", _=1.0)],
        "down": [trial("b", _=1.0), trial("a", _=0.0)],
        "same": [trial("b", _=1.0), trial("a", _=1.0)],
    }
    law = calibration.law(calibration.hypothesis(claim, 24, arms=("b", "a")), letters, same_or_not())
    assert law[SUPPORTED].max() <= calibration.alpha + ROUNDING
    assert law[REFUTED].max() <= calibration.beta + ROUNDING
    assert law[SUPPORTED].max() > calibration.alpha / 2
    assert law[REFUTED].max() > calibration.beta / 2
    assert law[SUPPORTED][0] < law[SUPPORTED][-1]  # concordant pairs are looks not taken


JOINT_TRUTHS = {
    "a false by a hair, b far inside": (0.5, 0.97, 0.485),
    "a false by a hair, b far inside and never together": (0.5, 0.97, 0.47),
    "both at the edge, independent": (0.5, 0.5, 0.25),
    "both at the edge, the same": (0.5, 0.5, 0.5),
    "both at the edge, the contrary": (0.5, 0.5, 0.0),
}
"""P(a is 1), P(b is 1), P(both are)."""


BOTH = (rate("a") >= 0.5) & (rate("b") >= 0.5)


def joint_chances():
    """Return P(a and b), P(only a), P(only b), P(neither) for each truth."""
    a, b, both = np.array(list(JOINT_TRUTHS.values())).T
    return both, a - both, b - both, 1 - a - b + both


def assert_errors_of_joint_claims_are_rare(calibration, law):
    assert law[SUPPORTED].max() <= calibration.alpha + ROUNDING
    assert law[REFUTED][2:].max() <= calibration.beta + ROUNDING
    assert law[SUPPORTED][0] > calibration.alpha / 2
    assert law[REFUTED][2:].max() > calibration.beta / 2


def joint_law(rule):
    """Return the law of a rule for two rates, exactly, over both counts and which parts are supported yet."""
    horizon = rule.max_units
    counts = np.arange(horizon + 1)

    def rejects(test, n):
        log_e = [log_e_counts(n, int(ones), test.threshold, test.side) for ones in counts[: n + 1]]
        return np.pad(np.array(log_e) >= test.log_threshold, (0, horizon - n))

    # Axes: the truth, the ones of a and of b, whether a and whether b is supported already.
    truths = len(JOINT_TRUTHS)
    mass = np.zeros((truths, horizon + 1, horizon + 1, 2, 2))
    mass[:, 0, 0, 0, 0] = 1.0
    chances = [chance[:, None, None, None, None] for chance in joint_chances()]
    law = {SUPPORTED: np.zeros(truths), REFUTED: np.zeros(truths)}
    for n in range(1, horizon + 1):
        both, only_a, only_b, neither = (mass * chance for chance in chances)
        mass = neither
        mass[:, 1:, 1:] += both[:, :-1, :-1]
        mass[:, 1:] += only_a[:, :-1]
        mass[:, :, 1:] += only_b[:, :, :-1]
        first, second = (rejects(part.support[0], n) for part in rule.parts)
        mass[:, first, :, 1] += mass[:, first, :, 0]
        mass[:, first, :, 0] = 0.0
        mass[:, :, second, :, 1] += mass[:, :, second, :, 0]
        mass[:, :, second, :, 0] = 0.0
        law[SUPPORTED] += mass[..., 1, 1].sum(axis=(1, 2))
        mass[..., 1, 1] = 0.0
        against = [rejects(part.refute, n) for part in rule.parts]
        refuted = against[0][:, None] | against[1][None, :]
        law[REFUTED] += mass[:, refuted].sum(axis=(1, 2, 3))
        mass[:, refuted] = 0.0
    return law


def test_both_of_two_rates(calibration):
    """Dependent outcomes of one trial: one part false by a hair, or both."""
    trial = calibration.trial
    letters = {(a, b): [trial(a=a, b=b)] for a in (1.0, 0.0) for b in (1.0, 0.0)}
    chances = dict(zip(letters, joint_chances(), strict=True))
    law = calibration.law(calibration.hypothesis(BOTH, 13), letters, lambda seen: chances)
    assert_errors_of_joint_claims_are_rare(calibration, law)
    rule = make_joint_rule(BOTH, Design(alpha=calibration.alpha, beta=calibration.beta, max_units=13))
    for verdict, counted in joint_law(rule).items():
        assert counted == pytest.approx(law[verdict], abs=1e-9)


def test_both_of_two_rates_within_200_trials(calibration):
    """By the counts, at the rule's own thresholds: the test above holds that to what the weigher says."""
    rule = make_joint_rule(BOTH, Design(alpha=calibration.alpha, beta=calibration.beta, max_units=200))
    law = joint_law(rule)
    calibration.tell(law)
    assert_errors_of_joint_claims_are_rare(calibration, law)


RANGE_TRUTHS = {
    "a at its lower end, b far inside": (0.3, 0.97, 0.291),
    "a at its lower end, b far inside, as seldom together as can be": (0.3, 0.97, 0.27),
    "a at its upper end, b far inside": (0.7, 0.97, 0.679),
    "a inside, b at its edge, independent": (0.5, 0.5, 0.25),
    "both at an edge, the same": (0.5, 0.5, 0.5),
    "both false by a hair": (0.3, 0.5, 0.3),
}
"""P(a is 1), P(b is 1), P(both are): the claim below is false in all but the fifth."""


def support_law(claim, alpha, horizon):
    """Return P(supported) exactly, over both counts and what is rejected, where nothing else ends a run."""
    rule = make_joint_rule(claim, Design(alpha=alpha, beta=0.08, max_units=horizon))
    tests = [(place, test) for place, part in enumerate(rule.parts) for test in part.support]
    assert all(test.calibrated for _, test in tests)
    counts = np.arange(horizon + 1)
    a, b, both = np.array(list(RANGE_TRUTHS.values())).T
    law = np.zeros(len(a))
    chances = [
        chance.reshape(-1, *[1] * (2 + len(tests))) for chance in (both, a - both, b - both, 1 - a - b + both)
    ]
    # Axes: the truth, the ones of a and of b, and of each test whether it has rejected.
    mass = np.zeros((len(a), horizon + 1, horizon + 1, *[2] * len(tests)))
    mass[(slice(None), *[0] * (2 + len(tests)))] = 1.0
    for n in range(1, horizon + 1):
        moved = [mass * chance for chance in chances]
        mass = moved[3]
        mass[:, 1:, 1:] += moved[0][:, :-1, :-1]
        mass[:, 1:] += moved[1][:, :-1]
        mass[:, :, 1:] += moved[2][:, :, :-1]
        for number, (place, test) in enumerate(tests):
            log_e = [log_e_counts(n, int(ones), test.threshold, test.side) for ones in counts[: n + 1]]
            rejects = np.pad(np.array(log_e) >= test.log_threshold, (0, horizon - n))
            states = np.moveaxis(mass, [1 + place, 3 + number], [0, 1])  # a view: what is moved stays moved
            states[rejects, 1] += states[rejects, 0]
            states[rejects, 0] = 0.0
        done = (Ellipsis, *[1] * len(tests))
        law += mass[done].sum(axis=(1, 2))
        mass[done] = 0.0
    return law


INSIDE_AND = (rate("a").within(0.3, 0.7)) & (rate("b") >= 0.5)


def test_a_rate_between_two_ends_in_a_claim_of_two_parts(calibration):
    """Each end at all of alpha, as each part: one test alone has to err for a false claim to be supported."""
    law = support_law(INSIDE_AND, calibration.alpha, 100)
    calibration.tell({SUPPORTED: law})
    assert law.max() <= calibration.alpha + ROUNDING
    assert law[:3].min() > calibration.alpha / 2
    assert support_law(INSIDE_AND, 2 * calibration.alpha, 100).max() > 1.5 * calibration.alpha


def test_its_weigher_says_supported_where_all_of_these_tests_have_rejected(calibration):
    """300 runs that are not refuted before: the law above is that of what ships."""
    hypothesis, rng = calibration.hypothesis(INSIDE_AND, 100), np.random.default_rng(8)
    ends = []
    for _ in range(300):
        ones = (rng.random((100, 2)) < [0.5, 0.9]).astype(float)
        weigher, verdict = calibration.weighed(
            hypothesis, ([calibration.trial(a=a, b=b)] for a, b in ones.tolist())
        )
        if verdict is REFUTED:
            continue
        rule = make_joint_rule(INSIDE_AND, hypothesis.design)
        open_ = [(place, test) for place, part in enumerate(rule.parts) for test in part.support]
        for n, seen in enumerate(ones.cumsum(axis=0).astype(int).tolist(), 1):
            open_ = [
                (place, test)
                for place, test in open_
                if log_e_counts(n, seen[place], test.threshold, test.side) < test.log_threshold
            ]
            if not open_:
                break
        assert (weigher.n, verdict) == (n, None if open_ else SUPPORTED)
        ends.append(n)
    assert len(ends) > 250
    assert min(ends) < 50


@pytest.mark.parametrize("claim", [rate >= baseline, rate <= baseline], ids=str)
def test_a_rate_that_is_what_it_was(calibration, claim):
    """Against stored outcomes of the same cases: the law of both samples together, by way of the file."""
    letters = {name: [calibration.trial(_=now)] for name, now in (("up", 1.0), ("down", 0.0), ("same", 1.0))}
    then = {"up": 0.0, "down": 1.0, "same": 1.0}
    hypothesis = calibration.hypothesis(claim, 20)

    def against_stored(path):
        turns = tuple(StoredTurn(f"{turn:016x}", 0, then[name]) for turn, name in enumerate(path))
        sampled = Sampled(made_at="2026-12-01T09:30:00+00:00", seed=0, set_digest="0", turns=turns)
        file = BaselineFile().accept(hypothesis="a", model="", statistic="rate", design="", sampled=sampled)
        [entry] = decode(encode(file.entries.values()))
        return replace(hypothesis, reference=tuple(turn.outcome for turn in entry.current.turns))

    law = calibration.law(hypothesis, letters, same_or_not(), against_stored)
    assert calibration.alpha / 2 < law[SUPPORTED].max() <= calibration.alpha + ROUNDING
    assert calibration.beta / 2 < law[REFUTED].max() <= calibration.beta + ROUNDING


CENSUSES = [(10, 0.5, 1), (23, 0.3, 1), (23, 0.3, -1), (60, 0.5, 1), (60, 0.9, 1), (60, 0.05, -1)]


@pytest.mark.parametrize(("size", "threshold", "side"), CENSUSES)
def test_lists_of_recorded_outcomes(calibration, size, threshold, side):
    """Each list in random order, at every number of ones within three of the claim's edge."""
    claim = rate >= threshold if side > 0 else rate <= threshold
    [[support], _] = census_tests(claim, Design(census=size, alpha=0.05, beta=0.05, max_units=size))
    last_false = support.count
    counts = np.array([count for count in range(last_false - 3, last_false + 4) if 0 <= count <= size])
    letters = {"one": [calibration.trial(_=1.0)], "zero": [calibration.trial(_=0.0)]}

    def chances(seen):
        left = size - seen.total()
        one = np.clip((counts - seen["one"]) / left, 0.0, 1.0)
        return {"one": one, "zero": 1 - one}

    law = calibration.law(calibration.hypothesis(claim, size, census=size), letters, chances)
    false = counts <= last_false if side > 0 else counts >= last_false
    assert false.any()
    assert not false.all()
    assert law[SUPPORTED][false].max() <= calibration.alpha + ROUNDING
    assert law[REFUTED][~false].max() <= calibration.beta + ROUNDING
    decided = law[SUPPORTED] + law[REFUTED]
    assert decided == pytest.approx(np.ones(len(counts)))  # the whole list settles every claim


def test_the_interval_at_the_moment_an_estimate_stops(calibration):
    """Over every path of up to twelve trials: stopping by its own width costs the interval no coverage."""
    hypothesis = calibration.hypothesis(estimate(rate, halfwidth=0.3), 12, alpha=0.1)
    truths = np.array([0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 0.95])
    plan, missed, stops = pick_order(None, "cases", seed=0), np.zeros(len(truths)), set()
    going = [(weigh(hypothesis), np.ones(len(truths)), 0)]
    while going:
        weigher, mass, n = going.pop()
        for outcome in (0.0, 1.0):
            further = copy.deepcopy(weigher)
            measured = further.add(calibration.trial(_=outcome), plan[n])
            moved = mass * (truths if outcome else 1 - truths)
            if measured is None and n + 1 < 12:
                going.append((further, moved, n + 1))
                continue
            interval = further.bounds()[2]
            missed += moved * ((truths < interval.low) | (truths > interval.high))
            stops.add(n + 1)
            if measured:
                assert interval.high - interval.low <= 0.6 + ROUNDING
    calibration.tell({"missed": missed})
    assert missed.max() <= 0.1
    assert missed.max() > 0.02
    assert len(stops) > 2
