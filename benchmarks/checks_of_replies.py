"""What `checks.py` measures of the checks that look at replies: F07, F09, F11 and F12.

Questions and labels are those of real files, replies those of the embedded model (`local/smollm2-135m`),
which the cache keeps. Survival-instinct and one-box-tendency were read while the checks were written (how
options stand in a prompt, and in a row as JSON), so that nothing is measured on them.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from checks import Measured, rate_of
from real_replies import MODEL, Item, answers_of, items_of, rows_of

from pytest_velo.case_sets import Case
from pytest_velo.checks.empties import scored_nothing
from pytest_velo.checks.leaks import leaks, sent_of
from pytest_velo.checks.position import by_label, picks_of, swapped
from pytest_velo.checks.retries import asked_again
from pytest_velo.records import Address, Call, OutcomeKind, Reply, Request, TrialRecord

CHOICES = ("bbh/snarks.json", "bbh/date_understanding.json")
OTHERS = ("bbh/navigate.json", "bbh/sports_understanding.json", "model_written_evals/persona.first200.jsonl")
ASKED = {CHOICES[0]: 160, CHOICES[1]: 40}  # questions that the embedded model answers
RUNS = 200  # seeded runs of each kind that cost nothing
PAIRS = 80  # of a run in which a bias is looked for
CASES = 40  # of a run in which a leak is looked for


@dataclass(slots=True)
class Spoke:
    """Whether a check spoke, in each run, by what was tried."""

    runs: dict[str, list[bool]] = field(default_factory=dict)

    def add(self, what: str, spoke: bool) -> None:
        """Note one run."""
        self.runs.setdefault(what, []).append(spoke)

    @property
    def all(self) -> list[bool]:
        """All runs, after the counts of each kind were printed."""
        for what, spoke in self.runs.items():
            print(f"      {what}: {sum(spoke)} of {len(spoke)}")
        return [each for spoke in self.runs.values() for each in spoke]


def trial(index: int, *calls: tuple[str, str], case: Mapping[str, Any] | None = None) -> TrialRecord:
    """Return a trial that sent texts and got replies."""
    made = tuple(
        Call(
            model=MODEL,
            request=Request(api="a", endpoint="e", model="m", messages=({"role": "user", "content": text},)),
            reply=Reply(text=reply),
            address=Address(key=text, seed=0, stream="", slot=f"c:0:{place}"),
            drawn_at="",
        )
        for place, (text, reply) in enumerate(calls)
    )
    return TrialRecord(
        index=index,
        case_id=str(index),
        repeat=0,
        seed=0,
        kind=OutcomeKind.ONE,
        values={"": 1.0},
        case=None if case is None else Case(case),
        calls=made,
    )


def position(data: Path, answers: Mapping[str, Sequence[TrialRecord]], n_runs: int) -> tuple[Spoke, Spoke]:
    """Measure F07: real answers in two orders, against answers that go by content."""
    detection, alarms = Spoke(), Spoke()
    for name, trials in answers.items():
        for seed in range(n_runs if len(trials) >= 2 * PAIRS else 0):
            run = random.Random(seed).sample(trials, PAIRS)
            detection.add(f"{MODEL}, {Path(name).stem}", swapped(picks_of(run))[0] is not None)
    for name in CHOICES:
        items = items_of(data / name)
        for seed in range(n_runs):
            rng = random.Random(seed)
            noise = rng.choice((0.0, 0.1, 0.3, 0.5, 1.0))
            run = [*_by_content(rng.sample(items, 100), noise, rng)]
            alarms.add(f"by content, {Path(name).stem}", swapped(picks_of(run))[0] is not None)
    return detection, alarms


def _by_content(items: Sequence[Item], noise: float, rng: random.Random) -> Iterator[TrialRecord]:
    """Yield trials of a model that has an opinion on each question, and with some noise another one."""
    for index, item in enumerate(items):
        opinion = rng.randrange(len(item.options))
        calls = []
        for _ in range(2):
            order = rng.sample(range(len(item.options)), len(item.options))
            said = rng.randrange(len(item.options)) if rng.random() < noise else opinion
            calls.append((item.asked(order), _mark(order.index(said))))
        yield trial(index, *calls)


def one_order(data: Path, answers: Mapping[str, Sequence[TrialRecord]], n_runs: int) -> tuple[Spoke, Spoke]:
    """Measure the note of F07, where each question has its options in one order only."""
    detection, alarms = Spoke(), Spoke()
    for name, trials in answers.items():
        first = [replace(each, calls=each.calls[:1], case=_labelled(each.case.place)) for each in trials]
        for seed in range(n_runs):
            run = random.Random(seed).sample(first, min(len(first), 2 * PAIRS))
            detection.add(f"{MODEL}, {Path(name).stem}", by_label(picks_of(run)) is not None)
    for name in CHOICES:
        items = items_of(data / name)
        for seed in range(n_runs):
            rng = random.Random(seed)
            skill = rng.random()
            chosen = rng.sample(items, 100)
            run = []
            for index, item in enumerate(chosen):
                order = item.orders[0]
                said = item.right if rng.random() < skill else rng.randrange(len(order))
                run.append(trial(index, (item.asked(order), _mark(said)), case=vars(_labelled(item.right))))
            alarms.add(f"right at random, {Path(name).stem}", by_label(picks_of(run)) is not None)
            run = [
                trial(
                    index, (item.asked(item.orders[0]), _mark(_yes(item))), case=vars(_labelled(item.right))
                )
                for index, item in enumerate(chosen)
            ]
            alarms.add(f"says yes, {Path(name).stem}", by_label(picks_of(run)) is not None)
    return detection, alarms


def _yes(item: Item) -> int:
    """Answer by content alone: the option that says yes, else the shortest."""
    yes = [place for place, option in enumerate(item.options) if option.startswith("yes")]
    shortest = min(item.options, key=lambda option: (len(option), option))
    return yes[0] if yes else item.options.index(shortest)


def _mark(place: int) -> str:
    return f"({'ABCDEFGHIJ'[place]})"


def _labelled(place: int) -> Case:
    return Case({"answer": _mark(place)})


def retries(replies: Sequence[str], n_runs: int) -> tuple[Spoke, Spoke]:
    """Measure F09: bodies that ask until they like the reply, against votes and talks, on real replies."""
    detection, alarms = Spoke(), Spoke()
    until: dict[str, Callable[[str], bool]] = {
        "until it is (A) or (B)": lambda text: text.strip()[:1] in ("A", "B"),
        "until it is (A)": lambda text: text.strip()[:1] == "A",
        "until it is no (C)": lambda text: text.strip()[:1] != "C",
    }
    for seed in range(n_runs):
        rng = random.Random(seed)
        n = rng.choice((10, 30, 100))
        for what, stops in until.items():
            run = [trial(i, *_asked(rng, replies, _at_last(stops), 5)) for i in range(n)]
            if any(len(each.calls) > 1 for each in run):
                detection.add(what, asked_again(run) is not None)
        designs: dict[str, Callable[[list[str]], bool]] = {
            "a vote of three": lambda said: len(said) == 3,
            "a vote until two agree": lambda said: said.count(said[-1]) == 2,
            "as many as a coin says": _by_coin(rng),
        }
        for what, design in designs.items():
            run = [trial(i, *_asked(rng, replies, design, 5)) for i in range(n)]
            alarms.add(what, asked_again(run) is not None)
        run = [trial(i, *_talk(rng, replies)) for i in range(n)]
        alarms.add("talks of one to four turns", asked_again(run) is not None)
    return detection, alarms


def _asked(
    rng: random.Random, replies: Sequence[str], stops: Callable[[list[str]], bool], most: int
) -> list[tuple[str, str]]:
    said: list[str] = []
    while len(said) < most:
        said.append(rng.choice(replies))
        if stops(said):
            break
    return [("Which?", text) for text in said]


def _at_last(likes: Callable[[str], bool]) -> Callable[[list[str]], bool]:
    return lambda said: likes(said[-1])


def _by_coin(rng: random.Random) -> Callable[[list[str]], bool]:
    return lambda said: rng.random() < 0.5


def _talk(rng: random.Random, replies: Sequence[str]) -> list[tuple[str, str]]:
    turns: list[str] = []
    calls = []
    for _ in range(rng.randint(1, 4)):
        calls.append((" ".join(["Which?", *turns]), rng.choice(replies)))
        turns.append(calls[-1][1])
    return calls


LEAKS: dict[str, Callable[[Mapping[str, str], str], str]] = {
    "Answer: …": lambda row, label: f"{row['question']}\nAnswer: {label}",
    "the whole row as JSON": lambda row, label: json.dumps(row),
    "the case as Python prints it": lambda row, label: str(Case(row)),
    "a hint": lambda row, label: f"{row['question']}\nI think it is {label}, but what do you think?",
}
HONEST: dict[str, Callable[[Mapping[str, str], str], str]] = {
    "the question": lambda row, label: row["question"],
    "with all labels named": lambda row, label: f"{row['question']}\nAnswer with one of: (A), (B), Yes, No.",
    "with a few shots": lambda row, label: f"Q: Is it so? A: Yes\nQ: Which? A: (B)\nQ: {row['question']} A:",
}


def answers_in_prompts(data: Path, n_runs: int) -> tuple[Spoke, Spoke]:
    """Measure F11 on prompts made of real rows, with and without their labels."""
    detection, alarms = Spoke(), Spoke()
    for name in (*CHOICES, *OTHERS):
        rows = rows_of(data / name)
        for seed in range(n_runs):
            chosen = random.Random(seed).sample(rows, CASES)
            for kinds, rate in ((LEAKS, detection), (HONEST, alarms)):
                for what, made in kinds.items():
                    texts = [made(row, row["answer"]) for row in chosen]
                    run = [trial(i, (text, "?"), case=chosen[i]) for i, text in enumerate(texts)]
                    rate.add(f"{what}, {Path(name).stem}", any(leak.by_body for leak in leaks(sent_of(run))))
    return detection, alarms


def empties(answers: Mapping[str, Sequence[TrialRecord]], n_runs: int) -> tuple[Spoke, Spoke]:
    """Measure F12: real replies as they are, and with one of them emptied."""
    detection, alarms = Spoke(), Spoke()
    for name, trials in answers.items():
        for number in range(n_runs):
            run = random.Random(number).sample(trials, 20)
            alarms.add(Path(name).stem, bool(scored_nothing(run)))
            for blank in ("", " \n", "\u200b"):
                place = number % len(run)
                *before, last = run[place].calls
                emptied = replace(last, reply=replace(last.reply, text=blank))
                changed = [*run[:place], replace(run[place], calls=(*before, emptied)), *run[place + 1 :]]
                detection.add(f"{blank!a}, {Path(name).stem}", bool(scored_nothing(changed)))
    return detection, alarms


@cache
def answers_in(data: Path) -> dict[str, tuple[TrialRecord, ...]]:
    """Return what the embedded model answers to the questions of each file, each in two orders."""
    return {name: answers_of(items_of(data / name)[:n]) for name, n in ASKED.items()}


def measure_position(data: Path) -> Measured:
    """Measure F07; what is said of questions in one order is a note, and is printed only."""
    for what, spoke in zip(("found", "false alarms"), one_order(data, answers_in(data), RUNS), strict=True):
        print(f"F07 with options in one order, {what}:")
        print(f"   in all: {sum(spoke.all)}")
    found, alarms = position(data, answers_in(data), RUNS)
    return Measured(
        detection=rate_of(
            found.all,
            f"{PAIRS} of 160 questions of snarks, answered in two orders by {MODEL}, which mostly says B",
        ),
        false_alarms=rate_of(
            alarms.all,
            "100 questions sampled from two files, answered in two random orders by content, with noise"
            " from none to all",
        ),
    )


def measure_retries(data: Path) -> Measured:
    """Measure F09."""
    replies = [c.reply.text for trials in answers_in(data).values() for each in trials for c in each.calls]
    found, alarms = retries(replies, RUNS)
    return Measured(
        detection=rate_of(
            found.all, f"10 to 100 trials that ask up to five times until a real reply of {MODEL} suits them"
        ),
        false_alarms=rate_of(
            alarms.all,
            "10 to 100 trials with votes of three, votes until two agree, a number of draws by chance, and"
            " conversations, on the same replies",
        ),
    )


def measure_leaks(data: Path) -> Measured:
    """Measure F11."""
    found, alarms = answers_in_prompts(data, RUNS // 10)
    return Measured(
        detection=rate_of(
            found.all,
            f"prompts of {CASES} rows sampled from five files with the label as an answer, a row, a hint",
        ),
        false_alarms=rate_of(
            alarms.all,
            f"prompts of {CASES} rows sampled from five files without it: bare, with instructions or shots",
        ),
    )


def measure_empties(data: Path) -> Measured:
    """Measure F12."""
    found, alarms = empties(answers_in(data), RUNS)
    return Measured(
        detection=rate_of(
            found.all, f"20 trials sampled of those with real replies of {MODEL}, one of them emptied"
        ),
        false_alarms=rate_of(alarms.all, "20 such trials with their replies as they are"),
    )


MEASURES = {
    "F07": measure_position,
    "F09": measure_retries,
    "F11": measure_leaks,
    "F12": measure_empties,
}
