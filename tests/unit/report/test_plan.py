"""The lines of `velo plan`."""

from __future__ import annotations

from dataclasses import replace

from pytest_velo.report.lines import as_text
from pytest_velo.report.plan import chance, plan_lines
from pytest_velo.stats.planning.truths import Detectable
from support.reports import plan


def test_plan_lines_show_the_law() -> None:
    assert [line.text for line in plan_lines([plan()])] == [
        "test_a.py::test_b",
        "  claim      rate >= 0.7",
        "  about      this body as it stands",
        "  model      lab/tiny",
        "  design     at most 200 trials · alpha 5% · beta 5% · margin 0",
        "  in reach   at the earliest supported after 9 trials, refuted after 3 trials",
        "  cost       1 call and $0.002 a trial (the mean of its last run); about 200 calls and $0.40 in all",
        "",
        "  true rate  supported  refuted  inconclusive  mean trials  calls  dollars",
        "  0.5             0.2%    97.0%          2.8%         31.0     31   $0.062",
        "  0.9            95.0%     0.4%          4.6%         42.0     42   $0.084",
        "  with a chance of 80%: supported from 0.83 up; refuted from 0.57 down",
        "",
    ]


def test_chance_is_never_rounded_to_certainty() -> None:
    assert chance(0.05) == "5.0%"
    assert chance(0.9999) == ">99.9%"
    assert chance(1.0) == "100%"
    assert chance(0.0) == "0%"
    assert chance(0.0002) == "<0.1%"
    assert chance(0.0, 0.05) == "≤5%"
    assert chance(0.414, 0.05) == "41%"
    assert chance(0.9999, 0.05) == ">99%"


def test_other_assumptions_are_a_sentence_and_no_second_table() -> None:
    part = plan().parts[0]
    other = replace(
        part.tables[0],
        assuming="arms are alike",
        detectable=Detectable(power=0.8, supported=(0.75,), refuted=(None,)),
    )
    text = as_text(
        plan_lines([plan(parts=(replace(part, tables=(*part.tables, other)),), spread_told="not known")])
    )
    assert text.count("true rate") == 1
    assert "  spread     not known" in text
    assert "if instead arms are alike: supported from 0.75 up; refuted at no true value" in text
