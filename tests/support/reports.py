"""Small hypotheses, finished and planned, records of runs, a cache."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_velo.cache.keys import request_key
from pytest_velo.cache.store import Store
from pytest_velo.claims import Direction
from pytest_velo.records import (
    Address,
    Call,
    Draw,
    HypothesisResult,
    Outcome,
    OutcomeKind,
    Reply,
    Request,
    TrialRecord,
    Usage,
)
from pytest_velo.report.document import RunDocument
from pytest_velo.report.load import Run, load
from pytest_velo.report.plan_record import HypothesisPlan, PlannedPart, Row, Table, TrialPrice
from pytest_velo.report.record import append_trials, create_run, merge_trials, trial_lines, write_run
from pytest_velo.stats.planning.operating import OperatingCharacteristics
from pytest_velo.stats.planning.truths import Detectable
from pytest_velo.verdicts import Decision, Evidence, Interval, PairCounts, StopReason, Verdict

_STARTED_AT = datetime(2026, 11, 23, 21, 46, 8, tzinfo=UTC)


def trial(index: int, outcome: int, **fields: Any) -> TrialRecord:
    """Return a trial that came out 0 or 1.

    Args:
        index: Its place, from 0.
        outcome: 0 or 1.
        **fields: Of the record, where they are not the plainest.
    """
    known = {
        "index": index,
        "case_id": "",
        "repeat": index,
        "seed": 100 + index,
        "kind": OutcomeKind.ONE if outcome else OutcomeKind.ZERO,
        "values": {"": float(outcome)},
    }
    return TrialRecord(**{**known, **fields})


def call(prompt: str, answer: str) -> Call:
    """Return a model call of a trial: a user's message and the reply."""
    message = {"role": "user", "content": prompt}
    request = Request(api="openai-chat", endpoint="lab", model="tiny", messages=(message,))
    return Call(
        model="lab/tiny",
        request=request,
        reply=Reply(text=answer, usage=Usage(output_tokens=2), model_served="tiny"),
        address=Address(key=request_key(request), seed=0, stream="", slot=":0:0"),
        drawn_at="2026-11-23T21:46:10+00:00",
    )


def refuted(**fields: Any) -> HypothesisResult:
    """Return a refuted hypothesis of 9 trials, a third of which came out 1.

    Args:
        **fields: Of the result, where they are to be others.
    """
    evidence = Evidence(
        n=9,
        n_for=3,
        n_against=6,
        n_ones=3,
        estimate=3 / 9,
        log_e_support=-4.0,
        log_e_refute=3.2,
        p_support=1.0,
        p_refute=0.04,
        interval=Interval(low=0.09, high=0.69, level=0.9),
        rule="calibrated",
    )
    result = HypothesisResult(
        node_id="test_a.py::test_b",
        belief="Replies greet.",
        claim="rate >= 0.7",
        scope="this body as it stands",
        outcome=Outcome.REFUTED,
        model="lab/tiny",
        decision=Decision(
            verdict=Verdict.REFUTED,
            stop=StopReason.DECIDED,
            certified="rate < 0.7",
            evidence=evidence,
            n_saved=191,
        ),
        trials=tuple(trial(index, index % 3 == 0) for index in range(9)),
        telling=(1, 2, 4, 5, 7, 8),
        n_calls=9,
        cost_usd=0.018,
        duration_s=4.5,
        rerun="pytest test_a.py::test_b --velo-seed=0",
    )
    return replace(result, **fields)


def paired(claim: str = 'difference("a", "b") >= 0.3', **fields: Any) -> HypothesisResult:
    """Return a refuted difference of 260 pairs, of which two were kept.

    Args:
        claim: As written.
        **fields: Of its counts, where they are to be others.
    """
    known = {"first": "a", "second": "b", "n_first": 56, "n_second": 14, "n_equal": 190, "binary": True}
    base = refuted(claim=claim)
    evidence = replace(
        base.decision.evidence,
        n=260,
        n_for=246,
        n_against=14,
        n_ones=None,
        estimate=0.16,
        arms={"a": 0.5, "b": 0.34},
        pairs=PairCounts(**{**known, **fields}),
    )
    trials = tuple(
        trial(2 * turn + place, outcome, case_id=f"q{turn}", repeat=0, arm=arm)
        for turn, outcomes in enumerate([(0, 1), (1, 1)])
        for place, (arm, outcome) in enumerate(zip("ab", outcomes, strict=True))
    )
    return replace(
        base,
        decision=replace(base.decision, evidence=evidence),
        trials=trials,
        telling=(0, 1, 2, 3),
        max_trials=400,
    )


def undecided(stop: StopReason = StopReason.MAX_TRIALS, **evidence: Any) -> HypothesisResult:
    """Return an undecided hypothesis of 200 trials, 150 of which came out 1; the trials are left out.

    Args:
        stop: Why it stopped.
        **evidence: Fields of its evidence that are to be others.
    """
    known = {
        "n": 200,
        "n_for": 150,
        "n_against": 50,
        "n_ones": 150,
        "estimate": 0.75,
        "log_e_support": 1.0,
        "log_e_refute": -3.0,
        "p_support": 0.3,
        "p_refute": 1.0,
        "interval": Interval(low=0.66, high=0.83, level=0.9),
        "rule": "calibrated",
    }
    decision = Decision(
        verdict=Verdict.INCONCLUSIVE,
        stop=stop,
        certified="",
        evidence=Evidence(**{**known, **evidence}),
    )
    return refuted(
        node_id="test_a.py::test_c",
        outcome=Outcome.INCONCLUSIVE,
        decision=decision,
        trials=(),
        telling=(),
        n_calls=200,
        cost_usd=0.4,
        duration_s=100.0,
        rerun="pytest test_a.py::test_c --velo-seed=0",
    )


def document(*results: HypothesisResult, run_id: str = "2026-11-23T21-46-08Z") -> RunDocument:
    """Return the document of a run of some hypotheses.

    Args:
        *results: In the order they ran.
        run_id: The run's id.
    """
    return RunDocument(
        velo_version="0.1.0",
        run_id=run_id,
        started_at=_STARTED_AT.isoformat(),
        duration_s=6.0,
        seed=7,
        mode="auto",
        models=("lab/tiny",),
        results=results,
    )


def recorded(cache_dir: Path, *results: HypothesisResult) -> Run:
    """Write the record of a run of some hypotheses with their trials, and load it.

    Args:
        cache_dir: Where it is written; a second run of the same folder is `...Z-2`.
        *results: In the order they ran.
    """
    folder = create_run(cache_dir, _STARTED_AT)
    append_trials(folder, {result.node_id: trial_lines(result) for result in results})
    merge_trials(folder)
    write_run(folder, document(*results, run_id=folder.name))
    return load(folder.name, cache_dir)


def stored(cache_dir: Path) -> Path:
    """Fill a cache with one draw, and with the record of the run that made it.

    Args:
        cache_dir: Where it is written.

    Returns:
        The folder of the cache.
    """
    made = call("Say hello.", "Hello!")
    store = Store.open(cache_dir / "draws.sqlite")
    store.put_many([(made.request, Draw(address=made.address, reply=made.reply, drawn_at=made.drawn_at))])
    store.close()
    recorded(cache_dir, refuted(trials=(trial(0, 1, calls=(made,)),)))
    return cache_dir


def plan(**fields: Any) -> HypothesisPlan:
    """Return a plan of `rate >= 0.7` with the law at two true rates.

    Args:
        **fields: Of the plan, where they are to be others.
    """
    rows = (
        Row(law=OperatingCharacteristics(truth=0.5, supported=0.002, refuted=0.97, mean_n=31.0)),
        Row(law=OperatingCharacteristics(truth=0.9, supported=0.95, refuted=0.004, mean_n=42.0)),
    )
    found = Detectable(power=0.8, supported=(0.83,), refuted=(0.57,))
    table = Table(assuming="", exact=True, stops_early=True, rows=rows, detectable=found)
    part = PlannedPart(
        claim="rate >= 0.7",
        direction=Direction.AT_LEAST,
        about="rate",
        alpha=0.05,
        beta=0.05,
        n_support=9,
        n_refute=3,
        tables=(table,),
    )
    known = {
        "node_id": "test_a.py::test_b",
        "claim": "rate >= 0.7",
        "scope": "this body as it stands",
        "model": "lab/tiny",
        "unit": "trial",
        "unit_told": "",
        "trials_per_unit": 1,
        "max_trials": 200,
        "max_units": 200,
        "min_trials": 1,
        "alpha": 0.05,
        "beta": 0.05,
        "margin": 0.0,
        "price": TrialPrice(calls=1.0, usd=0.002, known_from="the mean of its last run"),
        "parts": (part,),
    }
    return HypothesisPlan(**{**known, **fields})
