"""Holm's steps over finished results, what is said of them, and that they survive the run document."""

from __future__ import annotations

import itertools
import json
from dataclasses import fields, replace

import pytest

from pytest_velo.records import Family, HypothesisResult, Outcome
from pytest_velo.report.document import compact, from_compact, result_to_json
from pytest_velo.report.failure import failure_lines
from pytest_velo.report.families import expected_wrong_families, family_lines
from pytest_velo.report.lines import as_text
from pytest_velo.report.summary import expected_false
from pytest_velo.runner.holm import settle
from pytest_velo.stats.multiplicity import holm
from pytest_velo.verdicts import StopReason, Verdict
from support.members import NO_EVIDENCE, UNDECIDED

FAMILY = Family(name="f", size=3, alpha=0.05, beta=0.05, if_supported="rate > 0.5", if_refuted="rate < 0.5")
EVIDENCE = replace(
    NO_EVIDENCE, n=10, n_for=7, n_against=3, n_ones=7, estimate=0.7, log_e_support=1.0, log_e_refute=-1.0
)


def member(
    name: str,
    p_support: float | None = 1.0,
    p_refute: float | None = 1.0,
    outcome: Outcome = Outcome.INCONCLUSIVE,
    family: Family | None = FAMILY,
) -> HypothesisResult:
    known = [Verdict.SUPPORTED, Verdict.REFUTED]
    decision = replace(
        UNDECIDED,
        verdict=next((verdict for verdict in known if verdict.value == outcome.value), Verdict.INCONCLUSIVE),
        certified="undecided",
        evidence=replace(EVIDENCE, p_support=p_support, p_refute=p_refute),
    )
    return HypothesisResult(
        node_id=f"t.py::{name}",
        belief="b",
        claim="rate >= 0.5",
        scope="s",
        outcome=outcome,
        decision=decision,
        alpha=0.05 if family is None else family.alpha / family.size,
        beta=0.05 if family is None else family.beta / family.size,
        family=family,
    )


def outcomes(results: list[HypothesisResult]) -> list[str]:
    return [result.outcome.value for result in results]


def test_the_steps_go_on_until_one_fails() -> None:
    sampled = [
        member("a", p_support=0.01, outcome=Outcome.SUPPORTED),
        member("b", p_support=0.03),
        member("c", p_support=0.02),
    ]
    settled = settle(sampled)
    assert outcomes(settled) == ["supported"] * 3
    assert [result.family.p_support for result in settled] == [0.03, 0.04, 0.04]
    assert [result.family.by_steps for result in settled] == [False, True, True]
    assert settled[1].decision.verdict is Verdict.SUPPORTED
    assert settled[1].decision.certified == "rate > 0.5"
    assert settled[1].decision.stop is StopReason.MAX_TRIALS
    # The first step fails: p = 0.02 of three.
    assert (
        outcomes(settle([member("a"), member("b", p_support=0.03), member("c", p_support=0.02)]))
        == ["inconclusive"] * 3
    )


def test_refutations_take_steps_of_their_own() -> None:
    sampled = [
        member("a", p_refute=0.01, outcome=Outcome.REFUTED),
        member("b", p_refute=0.02),
        member("c", p_support=0.02),
    ]
    settled = settle(sampled)
    assert outcomes(settled) == ["refuted", "refuted", "inconclusive"]
    assert settled[1].decision.certified == "rate < 0.5"


def test_the_order_of_the_results_is_kept_and_does_not_matter() -> None:
    sampled = [
        member("a", p_support=0.01, outcome=Outcome.SUPPORTED),
        member("alone", p_support=0.04, family=None),
        member("b", p_support=0.02),
        member("c", p_refute=0.3),
    ]
    expected = {result.node_id: result for result in settle(sampled)}
    for order in itertools.permutations(sampled):
        settled = settle(order)
        assert [result.node_id for result in settled] == [result.node_id for result in order]
        assert {result.node_id: result for result in settled} == expected
    assert expected["t.py::alone"] == sampled[1]


def test_settling_twice_changes_nothing() -> None:
    settled = settle([member("a", p_support=0.01, outcome=Outcome.SUPPORTED), member("b", p_support=0.02)])
    assert settled[1].family.by_steps
    assert settle(settled) == settled


@pytest.mark.parametrize(
    "absent",
    [
        [],
        [member("c", p_support=0.001, outcome=Outcome.ERROR)],
        [replace(member("c"), decision=None)],
        [member("c", p_support=None, p_refute=None)],
    ],
    ids=["not run", "error", "no trial", "no p"],
)
def test_what_has_no_result_counts_with_p_1(absent) -> None:
    sampled = [
        member("a", p_support=0.01, outcome=Outcome.SUPPORTED),
        member("b", p_support=0.026),
        *absent,
    ]
    settled = settle(sampled)
    assert outcomes(settled)[:2] == ["supported", "inconclusive"]
    assert settled[1].family.p_support == holm([0.01, 0.026, 1.0], 0.05).p_values[1] == 0.052


def test_a_member_is_decided_at_most_one_way() -> None:
    family = replace(FAMILY, size=1)
    assert outcomes(settle([member("a", 0.02, 0.03, family=family)])) == ["supported"]
    assert outcomes(settle([member("a", 0.03, 0.02, family=family)])) == ["refuted"]
    assert outcomes(settle([member("a", 0.02, 0.02, family=family)])) == ["inconclusive"]


def test_every_member_is_held_to_its_own_level() -> None:
    strict = replace(FAMILY, alpha=0.01)
    sampled = [
        member("a", p_support=0.001, outcome=Outcome.SUPPORTED),
        member("b", p_support=0.011, family=strict),
        member("c", p_support=0.02),
    ]
    assert outcomes(settle(sampled)) == ["supported", "inconclusive", "supported"]


def test_families_do_not_mix() -> None:
    other = replace(FAMILY, name="g")
    sampled = [
        member("a", p_support=0.01, outcome=Outcome.SUPPORTED),
        member("b", p_support=0.02),
        member("c", p_support=0.02, family=other),
    ]
    assert outcomes(settle(sampled)) == ["supported", "supported", "inconclusive"]


def test_every_field_of_a_family_is_written_and_read_again() -> None:
    settled = settle([member("a", p_support=0.01, outcome=Outcome.SUPPORTED), member("b", p_support=0.02)])
    written = json.loads(json.dumps(result_to_json(settled[1])))["family"]
    assert set(written) == {field.name for field in fields(Family)}
    assert from_compact(compact(settled[1], 3)) == settled[1]


def test_a_family_counts_once_among_the_false_verdicts_to_expect() -> None:
    three = [member(name) for name in "abc"]
    assert expected_wrong_families(three) == pytest.approx(0.1)  # wrong either way
    assert expected_false([*three, member("d", family=None)]) == pytest.approx(0.15)
    alone = member("a", family=replace(FAMILY, name="g", size=1, beta=0.2))
    assert expected_wrong_families([alone]) == pytest.approx(0.2)  # a single claim is true or false
    assert expected_wrong_families([replace(one, decision=None) for one in three]) == 0.0
    assert expected_wrong_families([member("a", family=replace(FAMILY, alpha=0.1)), *three]) == pytest.approx(
        0.15
    )


def test_there_is_no_block_without_families() -> None:
    assert family_lines([member("a", family=None)], 80) == []


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_block_fits_and_is_ascii_where_it_must_be(width) -> None:
    hostile = replace(FAMILY, name="a\x1b[31mred" + "x" * 300)
    results = settle([member("a", p_support=0.01, outcome=Outcome.SUPPORTED, family=hostile)])
    lines = family_lines(results, width, encoding="ascii")
    assert all(len(line.text) <= width for line in lines)
    text = as_text(lines)
    assert text.isascii()
    assert "\x1b" not in text
    assert "2 without a result (p = 1)" in " ".join(text.split())


def test_a_member_in_full_says_its_levels_and_the_risk_of_its_family() -> None:
    sampled = [member("a", p_refute=0.01, outcome=Outcome.REFUTED), member("b", p_refute=0.02)]
    for result in settle(sampled):
        text = as_text(failure_lines(result, 3, width=200))
        assert "in a family of 3, any claim that is true is refuted at most 5% of the time" in text
        assert "alpha 0.05 / 3 (family f, Holm); beta 0.05 / 3" in text
        assert ("by Holm's step-down" in text) == result.family.by_steps
    alone = as_text(failure_lines(member("a", outcome=Outcome.REFUTED, family=replace(FAMILY, size=1)), 3))
    assert "at most 5% of the time" in alone
    assert "Holm" not in alone
