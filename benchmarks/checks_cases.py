"""What `checks.py` measures of the checks F01 to F06."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from checks import Measured, rate_of

from pytest_velo import check_sync, estimate, rate
from pytest_velo.case_sets import CaseSet, load
from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.constants import CHECK as CONSTANT
from pytest_velo.checks.duplicates import CHECK as DUPLICATES
from pytest_velo.checks.flips import CHECK as FLIPS
from pytest_velo.checks.repeats import CHECK as REPEATS
from pytest_velo.checks.shots import CHECK as SHOTS
from pytest_velo.checks.truncation import CHECK as TRUNCATION
from pytest_velo.claims import AnyClaim
from pytest_velo.designing.frame import make_frame
from pytest_velo.designing.spec import make_spec
from pytest_velo.found import Level
from pytest_velo.records import FinishReason, HypothesisResult, Invalid, Outcome, OutcomeKind, TrialRecord
from pytest_velo.runner.frame import Over
from pytest_velo.runner.weigher import weigh
from pytest_velo.settings import Settings
from pytest_velo.stats.rules.choice import rule_for
from pytest_velo.verdicts import Decision, Evidence, StopReason, Verdict

MODEL = "local/smollm2-135m"
FILES = (
    "bbh/date_understanding.json",
    "bbh/navigate.json",
    "bbh/snarks.json",
    "bbh/sports_understanding.json",
    "model_written_evals/persona.first200.jsonl",
)
_SEED = 1729
_AGAIN = 6


@cache
def rows_of(data: Path, name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a file as cases with a question and an answer, each text once."""
    text = (data / name).read_text(encoding="utf-8")
    rows = json.loads(text)["examples"] if name.endswith(".json") else map(json.loads, text.splitlines())
    pairs = {
        (row.get("input") or row["question"]).strip(): (
            row.get("target") or row["answer_matching_behavior"]
        ).strip()
        for row in rows
    }
    return tuple({"question": question, "answer": answer} for question, answer in pairs.items())


def seen_of(cases: CaseSet | None, claim: AnyClaim, body: Any = None, **keywords: Any) -> Seen:
    """Return what a check sees before anything is sampled."""
    spec = make_spec(claim, keywords)
    return Seen(
        claim=claim, frame=make_frame(spec, cases, Settings()), cases=cases, body=body, keywords=keywords
    )


def speaks(check: Check, seen: Seen, level: Level = Level.WARNING) -> bool:
    """Tell whether a check says something at a level."""
    return any(check.found(remark).level is level for remark in _said(check, seen))


def _said(check: Check, seen: Seen) -> Iterator[Remark]:
    yield from check.look(seen)


def truncation(data: Path) -> Measured:
    """Hide from the check which replies the engine cut, and ask it of each."""
    cut: list[bool] = []
    whole: list[bool] = []
    for trial in (*drawn(data), *cold(data)):
        call = trial.calls[0]
        was_cut = call.reply.finish_reason is FinishReason.LENGTH
        told = replace(call.reply, finish_reason=FinishReason.STOP)
        hidden = replace(call, reply=told, may_be_cut=False)
        alone = replace(trial, kind=OutcomeKind.ONE, calls=(hidden,))
        (cut if was_cut else whole).append(speaks(TRUNCATION, _after([alone])))
    how = "replies of the embedded model to questions of five files, max_tokens 8 and 12"
    return Measured(
        detection=rate_of(cut, f"{how}: those that the engine cut, told as whole"),
        false_alarms=rate_of(whole, f"{how}: those that it ended"),
    )


def flips(data: Path) -> Measured:
    """Decide on real outcomes without the invalid ones, and again with those gone the other way."""
    rng = random.Random(_SEED)
    turned: list[bool] = []
    same: list[bool] = []
    pool = [outcome_of(trial) for trial in (*drawn(data), *cold(data))]
    for _ in range(4_000):
        share = rng.choice((0.01, 0.03, 0.1, 0.3, 0.8))
        outcomes = rng.choices(
            [each for each in pool if each is not None] + [None] * round(share * len(pool)), k=200
        )
        claim = rate >= rng.choice((0.1, 0.2, 0.3, 0.5, 0.7))
        seen, verdict = _decided(claim, outcomes, Invalid.EXCLUDE)
        if verdict not in (Verdict.SUPPORTED, Verdict.REFUTED) or seen.result is None:
            continue
        n = len(seen.result.trials)
        other = 0 if verdict is Verdict.SUPPORTED else 1
        gone = [other if each is None else each for each in outcomes[:n]]
        if None not in outcomes[:n]:
            continue
        _, again = _decided(claim, gone, Invalid.EXCLUDE, stop=False)
        if again in (Verdict.SUPPORTED, Verdict.REFUTED):
            (same if again is verdict else turned).append(speaks(FLIPS, seen))
    how = "runs over real outcomes of the embedded model, up to 45% of them made invalid"
    return Measured(
        detection=rate_of(turned, f"{how}: the opposite verdict had they gone the other way"),
        false_alarms=rate_of(same, f"{how}: the same verdict had they gone the other way"),
    )


def repeats(data: Path) -> Measured:
    """Ask one question six times, and six questions once, at temperature 0."""
    draws = cold(data)
    again = [draws[at : at + _AGAIN] for at in range(0, len(draws), _AGAIN)]
    n = len(again)
    # The first draw of six questions each, then the second, and so on.
    once = [
        [again[(at + more) % n][turn] for more in range(_AGAIN)]
        for turn in range(_AGAIN)
        for at in range(0, n, 8)
    ]
    warm = [*map(_as_cold, drawn(data))]
    once += [warm[at : at + _AGAIN] for at in range(0, len(warm), _AGAIN)]
    return Measured(
        detection=rate_of(
            [speaks(REPEATS, _after(each)) for each in again],
            "a question of five files, put to the embedded model six times at temperature 0",
        ),
        false_alarms=rate_of(
            [speaks(REPEATS, _after(each)) for each in once], "six such questions, put to it once each"
        ),
    )


def shots(data: Path) -> Measured:
    """Show one to three cases in a prompt, or others of the same file that are not among the cases."""
    rng = random.Random(_SEED)
    leaks: list[bool] = []
    clean: list[bool] = []
    for name in FILES:
        for turn in range(40):
            rows = rng.sample(rows_of(data, name), 60)
            asked, others = rows[:50], rows[50:]
            for chosen, answers in ((rng.sample(asked, rng.randint(1, 3)), leaks), (others[:3], clean)):
                prompt = "\n\n".join(f"Q: {row['question']}\nA: {row['answer']}" for row in chosen)
                cases = _case_set([{"question": row["question"]} for row in asked])
                if turn % 2:
                    seen = seen_of(cases, rate >= 0.5, _names(prompt))
                else:
                    trials = [_asked(prompt, row["question"], at) for at, row in enumerate(asked[:20])]
                    seen = replace(_after(trials), cases=cases)
                answers.append(speaks(SHOTS, seen))
    how = "50 cases of five files, three examples in the test's texts or in its requests"
    return Measured(
        detection=rate_of(leaks, f"{how}, one to three of them cases"),
        false_alarms=rate_of(clean, f"{how}, none of them a case"),
    )


def duplicates(data: Path) -> Measured:
    """Plant copies that differ in spacing, case and punctuation, and in the answer."""
    rng = random.Random(_SEED)
    planted: list[bool] = []
    clean: list[bool] = []
    for name in FILES:
        for _ in range(40):
            rows = rng.sample(rows_of(data, name), 100)
            copies = [_copied(rng.choice(rows), rng) for _ in range(rng.randint(1, 5))]
            planted.append(speaks(DUPLICATES, seen_of(_case_set([*rows, *copies]), rate >= 0.5)))
            clean.append(speaks(DUPLICATES, seen_of(_case_set(rows), rate >= 0.5)))
    how = "100 cases of five files"
    return Measured(
        detection=rate_of(planted, f"{how} with one to five copies of some of them"),
        false_alarms=rate_of(clean, f"{how}, all texts different"),
    )


def constant(data: Path) -> Measured:
    """Claim rates about samples of files whose most frequent answer is known."""
    rng = random.Random(_SEED)
    wins: list[bool] = []
    loses: list[bool] = []
    for name in FILES:
        rows = rows_of(data, name)
        best = Counter(row["answer"] for row in rows).most_common(1)[0][1] / len(rows)
        for _ in range(40):
            claimed = max(0.02, best + rng.choice((-0.2, -0.1, 0.02, 0.1, 0.2)))
            sample = rng.sample(rows, 100)
            seen = seen_of(_case_set(sample), rate >= claimed, _reads, over=Over.POPULATION)
            (wins if best > claimed else loses).append(speaks(CONSTANT, seen))
    how = "claims about 100 cases sampled from five files"
    return Measured(
        detection=rate_of(wins, f"{how}, 0.1 or 0.2 below the most frequent answer's share of the file"),
        false_alarms=rate_of(loses, f"{how}, 0.02 to 0.2 above it"),
    )


MEASURES: dict[str, Callable[[Path], Measured]] = {
    "F01": truncation,
    "F02": flips,
    "F03": repeats,
    "F04": shots,
    "F05": duplicates,
    "F06": constant,
}


@cache
def drawn(data: Path) -> tuple[TrialRecord, ...]:
    """Return real draws of the embedded model, one for each of 12 questions a file."""
    questions = [row["question"] for name in FILES for row in rows_of(data, name)[:12]]
    return tuple(_draws(questions, max_tokens=8))


@cache
def cold(data: Path) -> tuple[TrialRecord, ...]:
    """Return draws at temperature 0, six for each of eight questions a file, one question after the other."""
    questions = [row["question"] for name in FILES for row in rows_of(data, name)[:8]]
    return tuple(_draws([each for each in questions for _ in range(_AGAIN)], temperature=0.0, max_tokens=12))


def outcome_of(trial: TrialRecord) -> int | None:
    """Return whether a reply says yes or (A); None for one that says nothing that can be read."""
    text = trial.calls[0].reply.text.strip().casefold()
    if text.startswith(("yes", "(a)", "a)", "the answer is (a)")):
        return 1
    return 0 if text.startswith(("no", "(b)", "b)", "the", "i")) else None


def _draws(questions: Sequence[str], **sent: Any) -> Iterator[TrialRecord]:
    async def says(model: Any, case: Any) -> bool:
        reply = await model(case.question, allow_cut=True, allow_empty=True, **sent)
        return bool(reply.text)

    # Each question is a case of its own, however often it is asked.
    rows = [{"at": at, "question": question} for at, question in enumerate(questions)]
    found = check_sync(
        estimate(rate, halfwidth=0.4),
        says,
        cases=rows,
        models=[MODEL],
        over="population",
        max_trials=len(rows),
        min_trials=len(rows),
        seed=_SEED,
    )
    yield from sorted(found.trials, key=lambda trial: int(trial.case_id))


def _after(trials: Sequence[TrialRecord]) -> Seen:
    result = HypothesisResult(
        node_id="t", belief="", claim="", scope="", outcome=Outcome.SUPPORTED, trials=tuple(trials)
    )
    return replace(seen_of(None, rate >= 0.5), result=result)


def _decided(
    claim: AnyClaim, outcomes: Sequence[int | None], invalid: Invalid, *, stop: bool = True
) -> tuple[Seen, Verdict]:
    """Weigh outcomes up to a verdict, or all of them for what they say in the end."""
    waits = {} if stop else {"min_trials": len(outcomes)}
    seen = seen_of(None, claim, invalid=invalid, max_trials=200, **waits)
    weigher = weigh(_Weighed(claim, seen, invalid))
    trials, verdict = [], None
    for planned, outcome in zip(seen.frame.trials(), outcomes, strict=False):
        kind = OutcomeKind.INVALID if outcome is None else OutcomeKind.ONE if outcome else OutcomeKind.ZERO
        values = {} if outcome is None else {"": float(outcome)}
        trial = TrialRecord(index=planned.index, case_id="", repeat=0, seed=0, kind=kind, values=values)
        trials.append(trial)
        verdict = weigher.add(trial, planned)
        if verdict is not None:
            break
    units = weigher.units
    n_against = units.n_zeros
    evidence = Evidence(
        n=weigher.n,
        n_for=units.n_valid - n_against,
        n_against=n_against,
        n_invalid=units.n_invalid,
        estimate=units.estimate,
        rule=weigher.kind,
    )
    found = verdict or Verdict.INCONCLUSIVE
    decision = Decision(verdict=found, stop=StopReason.DECIDED, certified="", evidence=evidence)
    result = HypothesisResult(
        node_id="t",
        belief="",
        claim=str(claim),
        scope="",
        outcome=Outcome.SUPPORTED,
        decision=decision,
        trials=tuple(trials),
    )
    return replace(seen, result=result), found


class _Weighed:
    """As much of a hypothesis as is weighed."""

    def __init__(self, claim: AnyClaim, seen: Seen, invalid: Invalid) -> None:
        self.claim, self.design, self.invalid = claim, seen.frame.design, invalid
        self.arms: tuple[str, ...] = ()
        self.reference = self.foresight = self.labelling = None
        self.make_rule = rule_for


def _as_cold(trial: TrialRecord) -> TrialRecord:
    call = trial.calls[0]
    request = replace(call.request, parameters={**call.request.parameters, "temperature": 0.0})
    return replace(trial, calls=(replace(call, request=request),))


def _case_set(rows: Sequence[dict[str, Any]]) -> CaseSet:
    return load([dict(row) for row in rows], base=Path())


def _copied(row: dict[str, str], rng: random.Random) -> dict[str, str]:
    text = row["question"]
    changed = rng.choice((text, text.upper(), text.replace("\n", " "), f" {text.rstrip('?.')}", f"{text}!"))
    return {"question": changed, "answer": row["answer"] if rng.random() < 0.5 else "other"}


def _names(prompt: str) -> Callable[[], str]:
    def body() -> str:
        return prompt

    return body


def _reads(model: Any, case: Any) -> bool:
    return bool(model(case.question) == case.answer)


def _asked(prompt: str, question: str, at: int) -> TrialRecord:
    drawn_once = _template()[0]
    call = drawn_once.calls[0]
    message = {"role": "user", "content": f"{prompt}\n\nQ: {question}\nA:"}
    request = replace(call.request, messages=(message,))
    return replace(drawn_once, index=at, case_id=str(at), calls=(replace(call, request=request),))


@cache
def _template() -> tuple[TrialRecord, ...]:
    return tuple(_draws(["Hello?"] * 3, max_tokens=4))
