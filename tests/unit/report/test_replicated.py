"""Whether the evidence of runs may be multiplied, and what is said of the numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.records import (
    HypothesisResult,
    Invalid,
    Outcome,
    OutcomeKind,
    Repeat,
    RepeatKind,
    TrialRecord,
    TruthSeen,
)
from pytest_velo.report.again import test_of as name_without_model
from pytest_velo.report.repeats import replication_from_json, replication_to_json
from pytest_velo.report.replicated import (
    is_replicated,
    replicated_text,
    replication_facts,
    replication_of,
    shrank,
)
from pytest_velo.verdicts import Decision, Evidence, Interval, StopReason, Verdict


def found(estimate: float, log_e: float, cases: str, **fields) -> HypothesisResult:
    evidence = Evidence(
        n=9,
        n_for=5,
        n_against=4,
        estimate=estimate,
        log_e_support=log_e,
        log_e_refute=-log_e,
        rule="calibrated",
        interval=Interval(low=estimate - 0.1, high=estimate + 0.1, level=0.9),
    )
    decision = Decision(verdict=Verdict.SUPPORTED, stop=StopReason.DECIDED, certified="", evidence=evidence)
    trials = tuple(
        TrialRecord(index=n, case_id=name, repeat=0, seed=n, kind=OutcomeKind.ONE, values={"": 1.0}, unit=n)
        for n, name in enumerate(cases)
    )
    usual = {
        "scope": "this body as it stands",
        "outcome": Outcome.SUPPORTED,
        "claim": "rate >= 0.3",
        "invalid": Invalid.BOUND,
        "body_digest": "d",
        "claim_hash": "h",
    }
    return HypothesisResult(
        node_id="t.py::test_a", belief="b", decision=decision, trials=trials, **{**usual, **fields}
    )


def test_two_runs_that_are_undecided_alone_decide_together():
    product = replication_of(found(0.6, 1.6, ""), [], found(0.5, 1.6, ""))
    assert (product.combined, product.n_runs) == ("supported", 2)
    assert product.difference == pytest.approx(-0.1)
    assert product.difference_interval.level == pytest.approx(0.8)
    assert product.difference_interval.low == pytest.approx(-0.3)


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ({"claim": "rate >= 0.4"}, "the claim or its design"),
        ({"margin": 0.1}, "the claim or its design"),
        ({"body_digest": "e"}, "the body"),
        ({"body_digest": ""}, "the body"),
        ({"outcome": Outcome.ERROR}, "as an error"),
        ({"notices": ("exploratory: the body changed after its draws",)}, "exploratory"),
    ],
)
def test_what_is_not_the_same_hypothesis_is_not_multiplied(then, why):
    product = replication_of(found(0.6, 9.0, "", **then), [], found(0.5, 9.0, ""))
    assert (product.combined, product.log_e_support, product.n_runs) == ("", None, 0)
    assert why in product.why_not


def test_seen_cases_say_nothing_new_about_a_population():
    beyond = {"scope": "beyond these cases"}
    first, now = found(0.6, 9.0, "ab", **beyond), found(0.5, 9.0, "cd", **beyond)
    assert replication_of(first, [], now).combined == "supported"
    assert "some cases are in two" in replication_of(first, [], found(0.5, 9.0, "bc", **beyond)).why_not


def test_an_estimate_has_no_evidence():
    now = found(0.5, 1.0, "")
    evidence = replace(now.decision.evidence, log_e_support=None, log_e_refute=None)
    measured = replace(now, decision=replace(now.decision, evidence=evidence))
    assert "claims nothing" in replication_of(measured, [], measured).why_not


def test_shrinking_is_a_move_against_the_first_verdict():
    first = found(0.6, 1.0, "")
    smaller, larger = found(0.5, 1.0, ""), found(0.7, 1.0, "")
    for now, is_smaller in ((smaller, True), (larger, False)):
        assert shrank(replication_of(first, [], now), now) is is_smaller
    now = replace(smaller, replication=replication_of(first, [], smaller))
    assert replicated_text([now]) == "replicated 1 of 1; 1 shrank"
    assert "nothing to replicate" in replicated_text([])


def labelled(result: HypothesisResult, n: int, *, stop: StopReason = StopReason.DECIDED) -> HypothesisResult:
    """Return the result as one of a claim about labels."""
    truth = TruthSeen(
        source="labels.csv",
        every=5,
        n_judged=200,
        n_labelled=n,
        n_skipped=0,
        n_waiting=40 - n,
        n_changed=0,
        judged=0.5,
        judged_interval=None,
        correlation=None,
        agreement=None,
        n_alone=None,
        labels={},
    )
    is_open = stop is StopReason.UNLABELLED
    outcome = Outcome.INCONCLUSIVE if is_open else result.outcome
    decision = replace(result.decision, stop=stop)
    if not n:
        nothing = replace(
            decision.evidence, estimate=None, interval=None, log_e_support=None, log_e_refute=None
        )
        decision = replace(decision, evidence=nothing)
    return replace(result, outcome=outcome, decision=decision, truth=truth)


@pytest.mark.parametrize("n", [0, 3])
def test_a_replication_that_waits_for_labels_is_neither_replicated_nor_not(n):
    first = labelled(found(0.6, 1.0, ""), 40)
    now = labelled(found(0.5, 1.0, ""), n, stop=StopReason.UNLABELLED)
    seen = replication_of(first, [], now)
    assert seen.n_labels == 40
    assert not shrank(seen, now)
    now = replace(now, replication=seen)
    assert is_replicated(now) is None
    assert replicated_text([now]) == "1 replication cannot tell before people have labelled it"
    told = " ".join(replication_facts(seen, Repeat(kind=RepeatKind.REPLICATE, run="r", number=1), now))
    assert f"by 40 labels then, {n} now; too few for a verdict: label the trials of this run" in told
    assert told.count("too few") == 1
    assert "shrank" not in told
    assert ("one of them has no label yet" in told) is (n == 0)
    other = replace(
        found(0.5, 1.0, ""), replication=replication_of(found(0.6, 1.0, ""), [], found(0.5, 1.0, ""))
    )
    waits = "1 replication cannot tell before people have labelled it"
    assert replicated_text([now, other]) == f"replicated 1 of 1; 1 shrank; {waits}"


def test_a_replication_on_enough_labels_says_how_many():
    first, now = labelled(found(0.6, 1.0, ""), 40), labelled(found(0.5, 1.0, ""), 30)
    seen = replication_of(first, [], now)
    assert shrank(seen, now)
    assert is_replicated(replace(now, replication=seen)) is True
    told = " ".join(replication_facts(seen, Repeat(kind=RepeatKind.REPLICATE, run="r", number=1), now))
    assert "the estimate moved by -0.1, from 0.60 (by 40 labels then, 30 now);" in told
    assert replication_from_json(replication_to_json(seen)) == seen


@pytest.mark.parametrize(
    ("node_id", "name"),
    [
        ("t.py::test_a[lab/m]", "t.py::test_a"),
        ("t.py::test_a[lab/m-en]", "t.py::test_a[en]"),
        ("t.py::test_a[en-lab/m]", "t.py::test_a[en]"),
        ("t.py::test_a[en-lab/m-x]", "t.py::test_a[en-x]"),
        ("t.py::test_a", "t.py::test_a"),
    ],
)
def test_a_test_is_found_without_its_model(node_id, name):
    assert name_without_model(node_id, "lab/m") == name
