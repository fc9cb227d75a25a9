"""Recorded runs for the page: what people see every day, and what nobody should."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_velo.claims import AnyClaim, Estimation, difference, estimate, mean, rate
from pytest_velo.records import (
    Call,
    FinishReason,
    HypothesisResult,
    Outcome,
    OutcomeKind,
    Reply,
    ToolCall,
    TrialRecord,
    UnitKind,
)
from pytest_velo.report.load import Run
from pytest_velo.runner.result import result_of
from pytest_velo.verdicts import FoundCase, Interval, Searched, Verdict
from support.reports import call, recorded
from support.runs import sampled

if TYPE_CHECKING:
    from support.runs import Told

HOSTILE_TEXTS = (
    "</script><script>window.hit='a script'</script>",
    "<img src=x onerror=\"window.hit='an event handler'\">",
    "[a link](javascript:window.hit=1) <a href=\"javascript:window.hit='a link'\">click</a>",
    "\x1b[31mred\x1b[0m \x1b]8;;https://example.org\x07a link of the terminal\x1b]8;;\x07",
    "abc \u202edesrever\u202c \u2066isolated\u2069 \ud800 half a pair",
    "\"><svg onload=window.hit='svg'> {{ 7 * 7 }} {% raw %} <!-- ]]> &amp; &#x3c;script&#x3e;",
    "<style>*{display:none}</style><base href=https://example.org><meta http-equiv=refresh content=0>",
)
"""What a model, a data set or a server may say."""

MODELS = ("lab/small", "lab/large", "lab/thinking")
_WORDS = (
    "the",
    "answer",
    "is",
    "that",
    "no",
    "river",
    "of",
    "this",
    "country",
    "runs",
    "north",
    "Lyon",
    "Rhône",
)


def everyday(folder: Path, *, seed: int = 1, beliefs: Iterable[int] = range(10), shift: float = 0.0) -> Run:
    """Record a run of some beliefs about three models: several turns, tools, reasoning, arms, a score.

    `shift` makes every 1 more likely.
    """
    return recorded(folder, *_results(random.Random(seed), beliefs, shift))


def _results(chance: random.Random, beliefs: Iterable[int], shift: float) -> Iterator[HypothesisResult]:
    for belief in beliefs:
        claim, outcome, arms = _CLAIMS[belief % len(_CLAIMS)]
        for at, model in enumerate(MODELS):
            n = 150 if isinstance(claim, Estimation) else 60 if arms else 40
            unit = UnitKind.PAIR if arms else UnitKind.TRIAL
            outcomes: list[Told] = [outcome(chance, at, shift) for _ in range(n)]
            run = sampled(
                claim, outcomes, arms=arms, unit=unit, node_id=f"test_it.py::test_{belief}[{model}]"
            )
            result = result_of(run)
            trials = tuple(_talked(trial, chance, model) for trial in result.trials)
            yield replace(
                result,
                belief=f"Belief {belief}: the model answers what it was asked, and in few words.",
                model=model,
                trials=trials,
                models_served=(f"{model}-2026-11-01",),
                n_calls=2 * len(trials),
                n_cached=len(trials) // 2,
                n_unpriced=len(trials) if at == 2 else 0,
                priced_usd=0.001 * len(trials),
                cost_usd=None if at == 2 else 0.002 * len(trials),
                rerun=f"pytest '{result.node_id}' --velo-model={model}",
            )


def _tossed(*rates: float) -> _Toss:
    def toss(chance: random.Random, at: int, shift: float) -> Told:
        return None if chance.random() < 0.03 else float(chance.random() < rates[at] + shift)

    return toss


def _scored(chance: random.Random, at: int, shift: float) -> Told:
    return round(min(10.0, max(0.0, chance.gauss(6 + at + shift, 2))), 1)


def _named(chance: random.Random, at: int, shift: float) -> Told:
    return {"kind": float(chance.random() < 0.9), "short": float(chance.random() < 0.6 + 0.1 * at + shift)}


_Toss = Callable[[random.Random, int, float], Any]
_CLAIMS: tuple[tuple[AnyClaim, _Toss, tuple[str, ...]], ...] = (
    (rate >= 0.7, _tossed(0.4, 0.9, 0.95), ()),
    (rate <= 0.3, _tossed(0.5, 0.1, 0.05), ()),
    (mean(0, 10) >= 6, _scored, ()),
    (difference("hinted", "plain") >= 0.05, _tossed(0.6, 0.7, 0.8), ("hinted", "plain")),
    ((rate("kind") >= 0.6) & (rate("short") >= 0.4), _named, ()),
    (estimate(rate, halfwidth=0.05), _tossed(0.5, 0.6, 0.7), ()),
    (rate.within(0.2, 0.8), _tossed(0.5, 0.95, 0.5), ()),
)


def _said(chance: random.Random, n: int) -> str:
    return " ".join(chance.choice(_WORDS) for _ in range(n)).capitalize() + "."


def _talked(trial: TrialRecord, chance: random.Random, model: str) -> TrialRecord:
    """Return a trial with a conversation of two turns, in which a tool is used."""
    asked = f"Question {trial.index}: {_said(chance, 14)}"
    tool = ToolCall(id="1", name="look_up", arguments={"river": chance.choice(_WORDS)})
    first = call(asked, "")
    thinks = _said(chance, 40) if "thinking" in model else None
    reply = replace(first.reply, tool_calls=(tool,), reasoning=thinks, finish_reason=FinishReason.TOOL_CALLS)
    first = replace(first, model=model, reply=reply)
    messages = (
        *first.request.messages,
        {"role": "assistant", "content": "", "tool_calls": [tool.request]},
        {"role": "tool", "tool_call_id": "1", "content": _said(chance, 20)},
    )
    second = call("", _said(chance, 30))
    second = replace(second, model=model, request=replace(second.request, messages=messages))
    against = trial.kind is OutcomeKind.ZERO
    return replace(
        trial,
        calls=(first, second),
        case_id=trial.case_id or f"q{trial.repeat}",
        detail=trial.detail or ("assert 'Lyon' in reply.text" if against else ""),
        location="test_it.py:17" if against else "",
    )


def hostile(folder: Path) -> Run:
    """Record a run in which every text that is not ours tries to be more than text."""
    results = hostile_results(HOSTILE_TEXTS)
    problem = replace(
        results[0], node_id="test_it.py::broken", outcome=Outcome.ERROR, problem=HOSTILE_TEXTS[0]
    )
    searched = replace(attacked(HOSTILE_TEXTS[1]), node_id="test_it.py::attack")
    return recorded(folder, *results, problem, searched)


def attacked(text: str = '"poem base64"', *, found: bool = True) -> HypothesisResult:
    """Return a search that confirmed one case, says nothing of another, and holds on a third; or found none.

    Args:
        text: The case that was confirmed, as JSON.
        found: Whether it found any.
    """
    confirmed = FoundCase(
        found=f"{text} and more",
        smallest=text,
        case_id="c1",
        n_smaller=6,
        is_smallest=True,
        verdict=Verdict.REFUTED,
        certified="rate < 0.95",
        level=0.05,
        n=9,
        n_against=8,
        n_invalid=1,
        estimate=0.0,
        interval=Interval(low=0.0, high=0.47, level=0.95),
        p_value=0.0008,
    )
    open_one = replace(
        confirmed,
        found='"a poem"',
        smallest='"a poem"',
        n_smaller=0,
        verdict=Verdict.INCONCLUSIVE,
        n_against=1,
        estimate=0.875,
        p_value=0.3,
    )
    holds = replace(open_one, smallest='"please"', verdict=Verdict.SUPPORTED, certified="rate > 0.95")
    findings = (confirmed, open_one, holds) if found else ()
    searched = Searched(
        source=f"7 listed cases, such as {text}",
        n_cases=13,
        n_exploring=7,
        n_shrinking=6,
        n_confirming=27 if found else 0,
        findings=findings,
        saved="leaks.jsonl" if found else "",
    )
    told = result_of(sampled(rate >= 0.7, [1.0, 0.0, 1.0, 0.0]))
    assert told.decision is not None
    nothing = replace(told.decision.evidence, estimate=None, interval=None, p_support=None, p_refute=None)
    return replace(
        told,
        node_id="test_it.py::test_attack",
        claim="each_case(rate >= 0.95)",
        outcome=Outcome.REFUTED if found else Outcome.INCONCLUSIVE,
        decision=replace(told.decision, evidence=nothing, searched=searched),
    )


def hostile_results(texts: Iterable[str]) -> list[HypothesisResult]:
    """Return a refuted hypothesis for each text, which has it wherever there is a text."""
    results = []
    told = result_of(sampled(rate >= 0.7, [0.0, None, *[float(i % 4 == 0) for i in range(20)]]))
    for at, text in enumerate(texts):
        trials = tuple(
            replace(trial, case_id=text, detail=text, notes=(text,), location=text, calls=(_call(text),))
            for trial in told.trials
        )
        results.append(
            replace(
                told,
                node_id=f"test_it.py::test_{at}[{text}]".replace("\ud800", ""),
                belief=text,
                model=text,
                trials=trials,
                notices=(text,),
                facts=(text,),
                rerun=f"pytest {text}",
                models_served=(text,),
                outside={text: 2},
            )
        )
    return results


def _call(text: str) -> Call:
    tool = ToolCall(id=text, name=text, arguments={text: text}, arguments_text=text)
    said = call("Say it.", "")
    message = {"role": text, "content": [{"type": "text", "text": text}, {"type": text}]}
    return replace(
        said,
        model=text,
        request=replace(said.request, messages=(message, *said.request.messages)),
        reply=Reply(text=text, reasoning=text, tool_calls=(tool,), model_served=text, not_honoured=(text,)),
    )


def without_decisions(folder: Path) -> Run:
    """Record a run of an error, a skip, an undecided one, and one that has no trials in its record."""
    whole = result_of(sampled(rate >= 0.7, [1.0, 0.0, 1.0, 0.0]))
    nothing: dict[str, Any] = {"decision": None, "trials": (), "telling": ()}
    return recorded(
        folder,
        replace(whole, node_id="test_it.py::error", outcome=Outcome.ERROR, problem="KeyError", **nothing),
        replace(whole, node_id="test_it.py::skip", outcome=Outcome.SKIPPED, problem="no key", **nothing),
        replace(whole, node_id="test_it.py::undecided"),
        replace(whole, node_id="test_it.py::no_trials", trials=()),
        replace(whole, node_id="test_it.py::own", claim="median >= 3"),
    )
