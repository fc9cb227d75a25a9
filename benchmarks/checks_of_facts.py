"""What `checks.py` measures of the checks that compare what was recorded: F08, F13, F14 and F18.

Replies are real draws: those of the embedded model that the cassettes of `examples/` keep. Questions are
those of BIG-Bench Hard and of the persona file. What is wrong is planted in them, in half of the runs.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from checks import Measured, rate_of
from checks_of_replies import OTHERS, trial
from real_replies import rows_of

from pytest_velo.cache.cassette import load
from pytest_velo.checks.arms import confounded_arms
from pytest_velo.checks.endings import unknown_endings
from pytest_velo.checks.judges import resting_on
from pytest_velo.checks.snapshots import mixed_snapshots
from pytest_velo.records import Call, FinishReason, JsonObject, Reply, TrialRecord

EXAMPLES = Path(__file__).parents[1] / "examples"
RUNS = 200
TRIALS = 20  # of a run
ARMS = ("plain", "changed")
REAL = f"runs of {TRIALS} trials with real draws of the examples' cassettes"


@cache
def drawn() -> tuple[Call, ...]:
    """Return the calls of all committed cassettes."""
    calls = []
    for path in sorted(EXAMPLES.glob("*/cassettes/*.jsonl")):
        for request, draw in load(path).recorded():
            model = f"{request.endpoint}/{request.model}"
            calls.append(
                Call(
                    model=model,
                    request=request,
                    reply=draw.reply,
                    address=draw.address,
                    drawn_at=draw.drawn_at,
                )
            )
    return tuple(calls)


def run_of(rng: random.Random, change: Callable[[Call], Call] = lambda call: call) -> list[TrialRecord]:
    """Return trials of one call each; `change` is made to one to ten of them."""
    calls = rng.choices(drawn(), k=TRIALS)
    for place in rng.sample(range(TRIALS), rng.randint(1, 10)):
        calls[place] = change(calls[place])
    return [replace(trial(index), calls=(call,)) for index, call in enumerate(calls)]


def answered(call: Call, **changed: Any) -> Call:
    """Return a call with another reply."""
    return replace(call, reply=replace(call.reply, **changed))


def marked(call: Call) -> Call:
    """Return a call whose reply has a fingerprint."""
    return answered(call, fingerprint=call.reply.fingerprint or "of March")


def measure_snapshots(_: Path) -> Measured:
    """Measure F18: some replies told as those of another snapshot, or of another machine."""
    found, alarms = [], []
    for seed in range(RUNS):
        rng = random.Random(seed)
        field = rng.choice(("model_served", "fingerprint"))
        other: dict[str, Any] = {field: "of September"}
        run = run_of(rng, partial(answered, **other))
        if field == "fingerprint":  # those of the others are told, too
            run = [replace(each, calls=tuple(map(marked, each.calls))) for each in run]
        found.append(bool(mixed_snapshots(run)))
        alarms.append(bool(mixed_snapshots(run_of(rng))))
    return Measured(
        detection=rate_of(found, f"{REAL}, one to ten of them told as another snapshot's"),
        false_alarms=rate_of(alarms, f"{REAL} as they are"),
    )


def measure_endings(_: Path) -> Measured:
    """Measure F14: some replies ended by a word that no server is known to send."""
    found, alarms = [], []
    for seed in range(RUNS):
        rng = random.Random(seed)
        raw = {"choices": [{"finish_reason": rng.choice(("paused", "handed_over", "policy_7"))}]}
        unknown = partial(answered, finish_reason=FinishReason.OTHER, raw=raw)
        found.append(bool(unknown_endings(run_of(rng, unknown))))
        known = rng.choice([each for each in FinishReason if each is not FinishReason.OTHER])
        run = run_of(rng, partial(answered, finish_reason=known))
        alarms.append(bool(unknown_endings(run)))
    return Measured(
        detection=rate_of(found, f"{REAL}, one to ten of them ended by an unknown word"),
        false_alarms=rate_of(alarms, f"{REAL}, one to ten of them ended by a known word"),
    )


def measure_arms(data: Path) -> Measured:
    """Measure F13: two arms with a real question, which differ in one thing or in several."""
    questions = [row["question"] for name in OTHERS for row in rows_of(data / name)]
    changes: dict[str, Callable[[Call], Call]] = {
        "prompt": lambda call: _sent(call, messages=_said(call, "Think step by step.")),
        "system": lambda call: _sent(
            call, messages=({"role": "system", "content": "Be brief."}, *call.request.messages)
        ),
        "temperature": lambda call: _sent(call, parameters={"temperature": 0.0}),
        "model": lambda call: _sent(call, model="other"),
    }
    found: list[bool] = []
    alarms: list[bool] = []
    for seed in range(RUNS):
        rng = random.Random(seed)
        asked = rng.choice(questions)
        for spoke, n in ((found, rng.randint(2, 4)), (alarms, 1)):
            plain = trial(0, (asked, "yes")).calls[0]
            changed = plain
            for name in rng.sample(sorted(changes), n):
                changed = changes[name](changed)
            turn = [
                replace(trial(index), arm=arm, calls=(call,))
                for index, (arm, call) in enumerate(zip(ARMS, (plain, changed), strict=True))
            ]
            spoke.append(bool(confounded_arms(ARMS, [turn])))
    return Measured(
        detection=rate_of(found, "two arms with a question of three files, different in two to four things"),
        false_alarms=rate_of(alarms, "two arms with such a question, different in one thing"),
    )


def _sent(call: Call, **changed: Any) -> Call:
    return replace(call, request=replace(call.request, **changed))


def _said(call: Call, text: str) -> tuple[JsonObject, ...]:
    *before, last = call.request.messages
    return (*before, {**last, "content": f"{last['content']}\n{text}"})


def measure_judges(_: Path) -> Measured:
    """Measure F08: real replies graded by a judge that labels were held against, or not."""
    found, alarms = [], []
    for seed in range(RUNS):
        rng = random.Random(seed)
        run = [replace(each, calls=(*each.calls, _graded(each.calls[0], rng))) for each in run_of(rng)]
        found.append(bool(resting_on(run)))
        held = rng.choice(("elsewhere", "in the trial", "no judge"))
        if held == "in the trial":
            label = replace(run[0].calls[1].address, slot="c:0:0:0123456789abcdef")
            checked = replace(run[0].calls[1], address=label)
            run = [replace(run[0], calls=(*run[0].calls, checked)), *run[1:]]
        elif held == "no judge":
            run = [replace(each, calls=each.calls[:1]) for each in run]
        alarms.append(bool(resting_on(run, ["lab/judge"] if held == "elsewhere" else ())))
    return Measured(
        detection=rate_of(found, f"{REAL}, graded by a judge that nothing was held against"),
        false_alarms=rate_of(alarms, f"{REAL}, graded by a judge that was, or by none"),
    )


def _graded(call: Call, rng: random.Random) -> Call:
    said = Reply(text=f'{{"answer": "{rng.choice(("yes", "no"))}"}}')
    return replace(call, model="lab/judge", reply=said, speaker="judge")


MEASURES: dict[str, Callable[[Path], Measured]] = {
    "F08": measure_judges,
    "F13": measure_arms,
    "F14": measure_endings,
    "F18": measure_snapshots,
}
