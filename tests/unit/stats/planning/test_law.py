"""What a design will do before anything is drawn: P(each verdict), mean sample size, what it can detect."""

from __future__ import annotations

from pytest_velo.claims import difference, mean, rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.law import approximate_law, pair_laws, smallest_detectable
from pytest_velo.stats.planning.operating import operating_characteristics
from pytest_velo.stats.rules.rate import make_rate_rule
from support.laws import pair_law


def test_smallest_detectable_rate() -> None:
    rule = make_rate_rule(rate >= 0.3, Design(alpha=0.05, beta=0.05, max_units=200))
    assert (
        round(smallest_detectable(lambda truths: operating_characteristics(rule, truths), 0.3, 1.0), 2) == 0.4
    )


def test_pair_law_of_one_difference() -> None:
    law = pair_law(difference("a", "b") >= 0, 0.2, 0.1, Design(alpha=0.05, beta=0.05, max_units=400))
    assert round(law.supported, 2) == 0.91
    assert law.refuted < 0.001
    assert round(law.mean_n) == 183


def test_pair_laws_of_several_differences() -> None:
    design = {"alpha": 0.05, "beta": 0.05, "max_units": 100}
    laws = pair_laws(difference("a", "b") >= 0, [(0.1, 0.1), (0.3, 0.1)], Design(**design))
    assert [(round(law.truth, 3), round(law.supported, 2)) for law in laws] == [(0.0, 0.03), (0.2, 0.84)]


def test_approximate_law_of_a_mean() -> None:
    law = approximate_law(mean(0, 10) >= 7, 7.5, 1.5, Design(alpha=0.05, beta=0.05, max_units=200))
    assert law.supported > 0.9
    assert law.refuted <= 0.05
    assert 60 < law.mean_n < 100
