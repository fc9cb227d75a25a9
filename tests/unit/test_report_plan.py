"""The lines of `velo plan` and of estimates: their numbers are those of the laws."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_velo.claims import Direction, rate
from pytest_velo.report.estimates import Estimate, estimate_text, total_text
from pytest_velo.report.lines import as_text
from pytest_velo.report.plan import chance, plan_lines
from pytest_velo.report.plan_record import (
    HypothesisPlan,
    MeasuredRow,
    MeasuredTable,
    PlannedPart,
    Row,
    Table,
    TrialPrice,
    plan_document,
)
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.planning.operating import OperatingCharacteristics, law_with_futility
from pytest_velo.stats.planning.truths import Detectable, detectable_of, truths_of
from pytest_velo.stats.rules.rate import make_rate_rule

CLAIM = rate >= 0.3
LAW = law_with_futility(
    make_rate_rule(CLAIM, Design(alpha=0.05, beta=0.05, max_units=100)), usual_futility(100)
)


def table(**changes) -> Table:
    rows = tuple(Row(law=law, note="threshold" if law.truth == 0.3 else "") for law in LAW(truths_of(CLAIM)))
    known = {"assuming": "", "exact": True, "stops_early": True, "rows": rows}
    return Table(**{**known, "detectable": detectable_of(CLAIM, LAW), **changes})


def part(**changes) -> PlannedPart:
    known = {
        "claim": str(CLAIM),
        "direction": Direction.AT_LEAST,
        "about": "rate",
        "alpha": 0.05,
        "beta": 0.05,
        "n_support": 3,
        "n_refute": 9,
        "tables": (table(),),
    }
    return PlannedPart(**{**known, **changes})


def plan(**changes) -> HypothesisPlan:
    known = {
        "node_id": "test_it.py::test_h",
        "claim": str(CLAIM),
        "scope": "this body as it stands",
        "model": "lab/tiny",
        "unit": "trial",
        "unit_told": "",
        "trials_per_unit": 1,
        "max_trials": 100,
        "max_units": 100,
        "min_trials": 1,
        "alpha": 0.05,
        "beta": 0.05,
        "margin": 0.0,
        "price": TrialPrice(calls=2.0, usd=0.01, known_from="the mean of its last run"),
        "parts": (part(),),
    }
    return HypothesisPlan(**{**known, **changes})


def lines(*plans: HypothesisPlan, width: int = 100) -> list[str]:
    return as_text(plan_lines(plans, width)).split("\n")


def test_every_number_of_the_table_is_that_of_the_law() -> None:
    told = lines(plan())
    for law in LAW(truths_of(CLAIM)):
        [row] = [line for line in told if line.split()[:1] == [f"{law.truth:g}"]]
        cells = row.replace(" (threshold)", "").split()
        rest = 1 - law.supported - law.refuted
        assert cells[1:] == [
            chance(law.supported),
            chance(law.refuted),
            chance(rest),
            f"{law.mean_n:.1f}",
            f"{2 * law.mean_n:,.0f}",
            f"${0.01 * law.mean_n:.2f}",
        ]
    assert sum("(threshold)" in line for line in told) == 1


def test_the_facts_stand_above_the_table() -> None:
    told = lines(plan())
    assert told[:7] == [
        "test_it.py::test_h",
        "  claim      rate >= 0.3",
        "  about      this body as it stands",
        "  model      lab/tiny",
        "  design     at most 100 trials · alpha 5% · beta 5% · margin 0",
        "  in reach   at the earliest supported after 3 trials, refuted after 9 trials",
        "  cost       2 calls and $0.01 a trial (the mean of its last run); about 200 calls and $1.00 in all",
    ]


def test_what_is_told_often_enough_stands_below_it_by_direction() -> None:
    found = detectable_of(CLAIM, LAW)
    up = f"with a chance of 80%: supported from {found.supported[0]:.3g} up"
    down = f"refuted from {found.refuted[0]:.3g} down"
    assert f"  {up}; {down}" in lines(plan())
    never = table(detectable=Detectable(power=0.8, supported=(None,), refuted=(0.5,)))
    at_most = part(direction=Direction.AT_MOST, tables=(never,))
    assert "  with a chance of 80%: supported at no true value; refuted from 0.5 up" in lines(
        plan(parts=(at_most,))
    )
    ends = Detectable(power=0.9, supported=(0.4, 0.6), refuted=(0.2, None))
    within = part(direction=Direction.WITHIN, tables=(table(detectable=ends),))
    assert (
        "  with a chance of 90%: supported from 0.4 to 0.6; refuted from 0.2 down, at no true value"
        in lines(plan(parts=(within,)))
    )


def test_unknown_costs_are_question_marks_and_no_columns() -> None:
    unknown = lines(plan(price=TrialPrice(calls=None, usd=None, known_from="known after its first run")))
    assert (
        "  cost       ? calls and $? a trial (known after its first run); at most ? calls and $?" in unknown
    )
    assert not any("dollars" in line or line.rstrip().endswith("calls") for line in unknown)
    free = lines(plan(price=TrialPrice(calls=1.0, usd=0.0, known_from="the mean of its last run")))
    assert (
        "  cost       1 call and $0.00 a trial (the mean of its last run); about 100 calls and $0.00 in all"
        in free
    )
    assert not any("dollars" in line for line in free)


def test_approximate_numbers_look_so() -> None:
    law = OperatingCharacteristics(truth=0.31, supported=0.0, refuted=0.413, mean_n=88.4)
    rough = table(assuming="pigs fly", exact=False, rows=(Row(law=law),))
    told = lines(plan(parts=(part(tables=(rough,)),)))
    assert "  approximate, assuming that pigs fly" in told
    [row] = [line for line in told if line.startswith("  0.31 ")]
    assert row.split()[1:5] == ["≤5%", "41%", "59%", "88"]


def test_units_that_are_no_trials_are_explained_and_paid_in_full() -> None:
    pairs = plan(unit="pair", unit_told="a pair: two trials", trials_per_unit=2, max_units=40)
    told = lines(pairs)
    assert "  unit       a pair: two trials" in told
    few = "at most 40 pairs (max_trials=100: there are no more)"
    assert f"  design     {few} · alpha 5% · beta 5% · margin 0" in told
    assert (
        "  cost       2 calls and $0.01 a trial (the mean of its last run); about 160 calls and $0.80 in all"
        in told
    )
    assert any(line.split()[4:6] == ["mean", "pairs"] or "mean pairs" in line for line in told)


def test_parts_of_a_joint_claim_are_told_apart() -> None:
    other = part(claim='rate("b") >= 0.3', n_support=None, beta=0.025)
    told = lines(plan(parts=(part(claim='rate("a") >= 0.3'), other)))
    assert '  in reach   at the earliest never supported, refuted after 9 trials: rate("b") >= 0.3' in told
    headings = ['  rate("a") >= 0.3', '  rate("b") >= 0.3']
    assert [line for line in told if line in headings] == headings


def test_estimates_are_told_by_their_units() -> None:
    row = MeasuredRow(truth=0.2, mirrored=0.8, n=70.4, halfwidth=0.0986, measured=1.0)
    middle = MeasuredRow(truth=0.5, mirrored=0.5, n=100.0, halfwidth=0.12, measured=1 / 3)
    measured = MeasuredTable(assuming="", n_runs=3, rows=(middle, row))
    told = lines(plan(parts=(), measured=(measured,), claim="estimate(rate, halfwidth=0.1)"))
    assert "  design     at most 100 trials · alpha 5%" in told
    assert "  means of 3 simulated runs with fixed seeds" in told
    exact = lines(
        plan(parts=(), measured=(replace(measured, n_runs=0),), claim="estimate(rate, halfwidth=0.1)")
    )
    assert "  means, computed exactly" in exact
    [mirrored] = [line for line in told if "or 0.8" in line]
    assert mirrored.split() == ["0.2", "or", "0.8", "70", "0.0986", "100%", "141", "$0.70"]
    [alone] = [line for line in told if line.startswith("  0.5 ")]
    assert alone.split()[:4] == ["0.5", "100", "0.12", "33%"]


def test_what_cannot_be_planned_says_so_and_notes_come_once() -> None:
    problem = plan(parts=(), problem="its rule is unknown", remarks=("mind the gap",))
    told = lines(problem, plan(remarks=("mind the gap",)))
    assert "  no plan    its rule is unknown" in told
    assert told.count("note       mind the gap") == 1


def test_hostile_names_are_shown_and_not_obeyed() -> None:
    told = lines(plan(node_id="test_it.py::test_\x1b[2J", scope="a\x1b]0;b\x07"))
    assert "\x1b" not in "".join(told)


def test_machines_read_what_people_do() -> None:
    document = json.loads(json.dumps(plan_document([plan(parts=(part(n_refute=None),))])))
    assert document["version"] == 1
    [told] = document["hypotheses"]
    [first] = told["parts"]
    assert (first["n_support"], first["n_refute"]) == (3, None)
    laws = [row["law"] for row in first["tables"][0]["rows"]]
    assert laws == [
        {
            "truth": law.truth,
            "supported": law.supported,
            "refuted": law.refuted,
            "mean_n": law.mean_n,
        }
        for law in LAW(truths_of(CLAIM))
    ]


SEEN = Estimate(n_trials=40, n_draws=80, n_left=160, calls_per_trial=2.0, usd_per_trial=0.001)


@pytest.mark.parametrize(
    ("estimate", "told"),
    [
        (
            Estimate(ends="its verdict is in the cache", n_draws=1),
            "0 calls, its verdict is in the cache (1 draw)",
        ),
        (Estimate(ends="its replies are scripted"), "0 calls, its replies are scripted"),
        (Estimate(n_left=200), "at most 200 trials of at least 1 call each, $?"),
        (
            Estimate(n_left=200, usd_per_trial=0.002, is_worst=True),
            "at most 200 trials of at least 1 call each, $0.40 at worst with 1 each",
        ),
        (
            Estimate(n_left=200, usd_per_trial=0.0),
            "at most 200 trials of at least 1 call each, $0.00",
        ),
        (
            SEEN,
            "40 trials from the cache (80 draws), then about 320 calls, $0.16, over at most 160 trials",
        ),
        (
            replace(SEEN, is_worst=True, n_likely=25.0),
            "40 trials from the cache (80 draws), then about 320 calls, $0.16 at worst for so many, over"
            " at most 160 trials; perhaps as few as 50 calls and $0.025",
        ),
        (
            Estimate(n_left=10, calls_per_trial=1.0, n_likely=4.2, likely_when="if the rate is 0.5"),
            "about 10 calls, $?, over at most 10 trials; on average up to 5 calls, if the rate is 0.5",
        ),
    ],
)
def test_estimates_in_words(estimate: Estimate, told: str) -> None:
    assert estimate_text(estimate) == f"estimate: {told}"
    assert Estimate.from_json(estimate.to_json()) == estimate


@pytest.mark.parametrize(
    ("estimates", "told"),
    [
        ([SEEN], "1 hypothesis: about 320 calls, 80 draws from the cache, about $0.16"),
        (
            [SEEN, Estimate(n_left=5), Estimate(ends="...", n_draws=7)],
            "3 hypotheses: about 325 calls (assuming one per trial for 1 that never ran), 87 draws from the"
            " cache, about $0.16 + $? of 1",
        ),
        (
            [Estimate(n_left=5, calls_per_trial=1.5)],
            "1 hypothesis: about 8 calls, 0 draws from the cache, $?",
        ),
        ([Estimate(ends="...")], "1 hypothesis: 0 calls, 0 draws from the cache, $0.00"),
    ],
)
def test_totals_in_words(estimates: list[Estimate], told: str) -> None:
    assert total_text(estimates) == f"estimate of {told}"
