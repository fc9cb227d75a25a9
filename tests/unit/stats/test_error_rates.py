"""Wrong verdicts at the edge, exactly, for a few designs; `pytest -m calibration` has the whole of it."""

import copy

import pytest

from pytest_velo.claims import difference, mean, rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.operating import operating_characteristics
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.stats.rules.rate import make_rate_rule
from pytest_velo.verdicts import Verdict

ROUNDING = 1e-12


@pytest.mark.parametrize("claim", [rate >= 0.3, rate <= 0.1], ids=str)
def test_a_rate_errs_with_nearly_its_levels_and_never_more(claim):
    rule = make_rate_rule(claim, Design(alpha=0.05, beta=0.08, max_units=200))
    [at_the_edge] = operating_characteristics(rule, [claim.threshold])
    assert 0.04 < at_the_edge.supported <= 0.05 + ROUNDING
    assert 0.07 < at_the_edge.refuted <= 0.08 + ROUNDING


def verdicts_over_every_path(claim, letters, units, **design):
    """Return the chance of each verdict, where a unit is one of `letters` with its chance."""
    rule = rule_for(claim, Design(alpha=0.1, beta=0.2, max_units=units, **design))
    found = {Verdict.SUPPORTED: 0.0, Verdict.REFUTED: 0.0}
    going = [(rule, 1.0)]
    while going:
        rule, mass = going.pop()
        for outcome, chance in letters.items():
            further = copy.deepcopy(rule)
            verdict = further.feed(outcome, outcome)
            if verdict is not None:
                found[verdict] += mass * chance
            elif further.n < units:
                going.append((further, mass * chance))
    return found


@pytest.mark.parametrize(
    ("claim", "letters", "units", "design"),
    [
        (rate >= 0.5, {1.0: 0.5, 0.0: 0.5}, 10, {}),
        (rate >= 0.5, {1.0: 0.25, 0.5: 0.5, 0.0: 0.25}, 7, {"single": False}),  # two draws of each case
        (mean(0, 10) >= 7, {1.0: 0.7, 0.0: 0.3}, 10, {}),
        (difference("a", "b") >= 0, {1.0: 0.4, 0.5: 0.2, 0.0: 0.4}, 7, {}),
    ],
    ids=["rate", "means of cases", "scores", "difference"],
)
def test_every_path_of_the_shipped_rule_together_errs_within_its_levels(claim, letters, units, design):
    wrong = verdicts_over_every_path(claim, letters, units, **design)
    assert 0.005 < wrong[Verdict.SUPPORTED] <= 0.1 + ROUNDING
    assert 0.005 < wrong[Verdict.REFUTED] <= 0.2 + ROUNDING


def test_a_list_in_every_order_errs_within_its_levels():
    """Eleven outcomes with six ones support "at least half" rightly; with five ones that is wrong."""
    claim, size = rate >= 0.5, 11
    wrong = {}
    for ones, verdict in ((5, Verdict.SUPPORTED), (6, Verdict.REFUTED)):
        wrong[verdict] = 0.0
        going = [(rule_for(claim, Design(alpha=0.1, beta=0.2, max_units=size, census=size)), 1.0, ones)]
        while going:
            rule, mass, left = going.pop()
            for outcome, n_such in ((1.0, left), (0.0, size - rule.n - left)):
                if not n_such:
                    continue
                further, chance = copy.deepcopy(rule), n_such / (size - rule.n)
                found = further.feed(outcome, outcome)
                wrong[verdict] += mass * chance * (found is verdict)
                if found is None and further.n < size:
                    going.append((further, mass * chance, left - int(outcome)))
    assert 0.0 < wrong[Verdict.SUPPORTED] <= 0.1 + ROUNDING
    assert 0.0 < wrong[Verdict.REFUTED] <= 0.2 + ROUNDING
