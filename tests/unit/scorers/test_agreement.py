"""How far a judge agrees with people."""

from __future__ import annotations

import math
from itertools import product
from random import Random

import pandas
import pytest
from scipy.stats import binom

from pytest_velo import UsageError
from pytest_velo.scorers.agreement import Agreement, Judged, _kappa
from pytest_velo.stats.intervals import clopper_pearson


def agreement(yes_yes: int, yes_no: int, no_yes: int, no_no: int, invalid: int = 0) -> Agreement:
    counts = {(True, True): yes_yes, (True, False): yes_no, (False, True): no_yes, (False, False): no_no}
    pairs = [pair for pair, n in counts.items() for _ in range(n)] + [(True, None)] * invalid
    return Agreement.of([said for _, said in pairs], labels=[label for label, _ in pairs])


def test_the_counts_and_rates_of_a_table() -> None:
    found = agreement(40, 10, 5, 45, invalid=4)
    assert found.matrix == {
        "yes": {"yes": 40, "no": 10, "invalid": 4},
        "no": {"yes": 5, "no": 45, "invalid": 0},
    }
    assert (found.n, found.n_invalid, found.rate) == (100, 4, 0.85)
    assert found.interval == clopper_pearson(85, 100, 0.95)
    assert (found.sensitivity.rate, found.specificity.rate) == (0.8, 0.9)
    assert found.sensitivity.interval == clopper_pearson(40, 50, 0.95)
    assert found.kappa == pytest.approx(0.7)  # (0.85 - 0.5) / (1 - 0.5)
    assert len(found.disagreements) == 15
    assert len(found.invalid) == 4


def test_invalid_verdicts_are_in_no_rate_and_bound_it() -> None:
    found = agreement(1, 0, 0, 1, invalid=2)
    assert found.rate == 1.0
    assert found.bounds == (0.5, 1.0)
    assert found.disagreements == ()


def test_what_is_not_known_is_none() -> None:
    nothing = Agreement.of([None, None], labels=[True, False])
    assert nothing.rate is nothing.interval is nothing.kappa is nothing.kappa_interval is None
    assert nothing.sensitivity.rate is None
    assert Agreement(judged=()).bounds is None
    one_sided = agreement(3, 1, 0, 0)
    assert one_sided.rate == 0.75
    assert one_sided.specificity.rate is one_sided.kappa is one_sided.kappa_interval is None


def test_columns_of_frames_are_verdicts_and_labels() -> None:
    said = pandas.Series([True, False, pandas.NA], dtype="boolean")
    found = Agreement.of(said, labels=pandas.Series([1, 0, 1]), texts=pandas.Series(["a", "b", "c"]))
    assert [judged.text for judged in found.invalid] == ["c"]
    assert (found.n, found.rate, found.n_invalid) == (2, 1.0, 1)
    assert Agreement.of([1.0, math.nan], labels=[True, True]).n_invalid == 1


@pytest.mark.parametrize(
    ("verdicts", "labels", "what"),
    [
        ([True], [True, False], "1 verdicts, 2 labels and 2 texts"),
        ([2], [1], "2 is neither"),
        ([1], [None], "missing"),
    ],
)
def test_verdicts_that_are_none_are_refused(verdicts, labels, what) -> None:
    with pytest.raises(UsageError, match=what):
        Agreement.of(verdicts, labels=labels)


def test_kappa_is_that_of_the_textbook() -> None:
    """Cohen's kappa from the table itself, for random tables."""
    rng = Random(3)
    for _ in range(50):
        a, b, c, d = (rng.randint(1, 30) for _ in range(4))
        n = a + b + c + d
        observed = (a + d) / n
        by_chance = ((a + b) * (a + c) + (c + d) * (b + d)) / n**2
        assert agreement(a, b, c, d).kappa == pytest.approx((observed - by_chance) / (1 - by_chance))


def test_kappa_grows_with_sensitivity_and_with_specificity() -> None:
    steps = [place / 10 for place in range(11)]
    for share, other in product([0.05, 0.3, 0.5, 0.8, 0.95], steps):
        for of in (lambda x, s=share, o=other: _kappa(s, x, o), lambda x, s=share, o=other: _kappa(s, o, x)):
            values = [of(step) for step in steps]
            assert values == sorted(values)


@pytest.mark.parametrize(("n_yes", "n_no"), [(10, 10), (5, 25)])
@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.9, 0.8), (0.99, 0.6), (0.5, 0.5)])
def test_the_interval_of_kappa_covers_it_at_its_level(n_yes, n_no, sensitivity, specificity) -> None:
    """Exactly: over every table that may come out."""
    true = _kappa(n_yes / (n_yes + n_no), sensitivity, specificity)
    covered = 0.0
    for k_yes, k_no in product(range(n_yes + 1), range(n_no + 1)):
        ends = agreement(k_yes, n_yes - k_yes, n_no - k_no, k_no).kappa_interval
        chance = binom.pmf(k_yes, n_yes, sensitivity) * binom.pmf(k_no, n_no, specificity)
        covered += chance * (ends.low <= true <= ends.high)
    assert covered >= 0.95


def test_it_prints_what_a_reader_needs_and_no_text_escapes() -> None:
    judged = (
        Judged(id="q1", text="Hello", label=True, verdict=True),
        Judged(id="q2", text="\x1b[31mred\u202e\nagrees on 9 of 9", label=False, verdict=True),
        Judged(id="q3", text="hm", label=True, verdict=None, invalid="the judge's answer\nit said: 'x'"),
    )
    printed = str(Agreement(judged=judged, judge="lab/tiny"))
    assert printed.splitlines()[0].startswith("the judge lab/tiny agrees with people on 1 of 2: 50.0% [")
    assert "33.3% to 66.7%" in printed
    assert "'q2' people: no, judge: yes: '\\x1b[31mred\\u202e\\nagrees on 9 of 9'" in printed
    assert "'q3' people: yes, the judge's answer, it said: 'x': 'hm'" in printed
    many = agreement(0, 30, 0, 0)
    assert "and 20 more" in str(many)
    assert len(str(many).splitlines()) < 20
