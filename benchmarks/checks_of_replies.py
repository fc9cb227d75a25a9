"""Detection and false alarms of the checks that look at replies: F07, F09, F11 and F12.

Questions and labels are those of real files, replies those of the embedded model (`local/smollm2-135m`),
which the cache keeps. The files in `TUNED_ON` were read while the checks were written, so that nothing is
measured on them.

    python benchmarks/checks_of_replies.py ../shared/data
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from measuring import machine, print_table
from real_replies import MODEL, Item, answers_of, items_of, rows_of

from pytest_velo.case_sets import Case
from pytest_velo.checks.empties import scored_nothing
from pytest_velo.checks.leaks import leaks, sent_of
from pytest_velo.checks.position import by_label, picks_of, swapped
from pytest_velo.checks.retries import asked_again
from pytest_velo.records import Address, Call, OutcomeKind, Reply, Request, TrialRecord
from pytest_velo.stats.intervals import clopper_pearson

CHOICES = ("bbh/snarks.json", "bbh/date_understanding.json")
OTHERS = ("bbh/navigate.json", "bbh/sports_understanding.json", "model_written_evals/persona.first200.jsonl")
TUNED_ON = "survival-instinct and one-box-tendency: how options are read, in a prompt and in a row as JSON"
ASKED = {CHOICES[0]: 160, CHOICES[1]: 160}  # questions that the embedded model answers
PAIRS = 40  # of a run in which a bias is looked for
CASES = 40  # of a run in which a leak is looked for


T = TypeVar("T")


def batched(things: Sequence[T], size: int) -> Iterator[tuple[T, ...]]:
    """Yield tuples of `size` things, and one of those that are left."""
    each = iter(things)
    while batch := tuple(islice(each, size)):
        yield batch


@dataclass(slots=True)
class Rate:
    """How often a check fired, in all and by what was tried."""

    found: int = 0
    n: int = 0
    parts: dict[str, list[int]] = field(default_factory=dict)

    def add(self, what: str, fired: bool) -> None:
        """Count one run."""
        self.found += fired
        self.n += 1
        part = self.parts.setdefault(what, [0, 0])
        part[0] += fired
        part[1] += 1

    def to_json(self) -> dict[str, Any]:
        """Return the rate with its exact 95% interval."""
        ends = clopper_pearson(self.found, self.n, 0.95)
        return {"found": self.found, "n": self.n, "low": ends.low, "high": ends.high, "parts": self.parts}


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


def position(data: Path, answers: Mapping[str, Sequence[TrialRecord]], n_runs: int) -> tuple[Rate, Rate]:
    """Measure F07: real answers in two orders, against answers that go by content."""
    detection, alarms = Rate(), Rate()
    for name, trials in answers.items():
        for run in batched(trials, PAIRS):
            if len(run) == PAIRS:
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


def one_order(data: Path, answers: Mapping[str, Sequence[TrialRecord]], n_runs: int) -> tuple[Rate, Rate]:
    """Measure the note of F07, where each question has its options in one order only."""
    detection, alarms = Rate(), Rate()
    for name, trials in answers.items():
        first = [replace(each, calls=each.calls[:1], case=_labelled(each.case.place)) for each in trials]
        for run in batched(first, 2 * PAIRS):
            if len(run) == 2 * PAIRS:
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
    return yes[0] if yes else min(range(len(item.options)), key=lambda each: len(item.options[each]))


def _mark(place: int) -> str:
    return f"({'ABCDEFGHIJ'[place]})"


def _labelled(place: int) -> Case:
    return Case({"answer": _mark(place)})


def retries(replies: Sequence[str], n_runs: int) -> tuple[Rate, Rate]:
    """Measure F09: bodies that ask until they like the reply, against votes and talks, on real replies."""
    detection, alarms = Rate(), Rate()
    until: dict[str, Callable[[str], bool]] = {
        "until it is (A) or (B)": lambda text: text.strip()[:1] in ("A", "B"),
        "until it is (A)": lambda text: text.strip()[:1] == "A",
        "until it is no (C)": lambda text: text.strip()[:1] != "C",
    }
    for seed in range(n_runs):
        rng = random.Random(seed)
        n = rng.choice((10, 30, 100))
        for what, stops in until.items():
            run = [trial(i, *_asked(rng, replies, lambda said, s=stops: s(said[-1]), 5)) for i in range(n)]
            if any(len(each.calls) > 1 for each in run):
                detection.add(what, asked_again(run) is not None)
        designs: dict[str, Callable[[list[str]], bool]] = {
            "a vote of three": lambda said: len(said) == 3,
            "a vote until two agree": lambda said: said.count(said[-1]) == 2,
            "as many as a coin says": lambda said, coin=rng: coin.random() < 0.5,
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


def answers_in_prompts(data: Path, n_runs: int) -> tuple[Rate, Rate]:
    """Measure F11 on prompts made of real rows, with and without their labels."""
    detection, alarms = Rate(), Rate()
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


def empties(answers: Mapping[str, Sequence[TrialRecord]]) -> tuple[Rate, Rate]:
    """Measure F12: real replies as they are, and with one of them emptied."""
    detection, alarms = Rate(), Rate()
    for name, trials in answers.items():
        for number, run in enumerate(batched(trials, 20)):
            alarms.add(Path(name).stem, bool(scored_nothing(run)))
            for blank in ("", " \n", "\u200b"):
                place = number % len(run)
                *before, last = run[place].calls
                emptied = replace(last, reply=replace(last.reply, text=blank))
                changed = [*run[:place], replace(run[place], calls=(*before, emptied)), *run[place + 1 :]]
                detection.add(f"{blank!a}, {Path(name).stem}", bool(scored_nothing(changed)))
    return detection, alarms


def measured(data: Path, n_runs: int) -> dict[str, tuple[Rate, Rate]]:
    """Return detection and false alarms by code; `F07 (one order)` is that check's note."""
    answers = {name: answers_of(items_of(data / name)[:n]) for name, n in ASKED.items()}
    replies = [call.reply.text for trials in answers.values() for each in trials for call in each.calls]
    return {
        "F07": position(data, answers, n_runs),
        "F07 (one order)": one_order(data, answers, n_runs),
        "F09": retries(replies, n_runs),
        "F11": answers_in_prompts(data, max(1, n_runs // 20)),
        "F12": empties(answers),
    }


def main() -> None:
    """Measure, print, and write the rates beside the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder shared/data")
    parser.add_argument("--runs", type=int, default=200, help="seeded runs of each kind (default 200)")
    parser.add_argument("--write", type=Path, help="rates.json, whose entries of these checks are replaced")
    options = parser.parse_args()
    print(machine())
    print(f"tuned: {TUNED_ON}")
    found = measured(options.data, options.runs)
    rows = []
    for code, rates in found.items():
        for what, rate in zip(("detection", "false alarms"), rates, strict=True):
            ends = clopper_pearson(rate.found, rate.n, 0.95)
            rows.append([code, what, f"{rate.found} of {rate.n}", f"{ends.low:.2%} to {ends.high:.2%}"])
            rows += [["", f"  {part}", f"{k} of {n}", ""] for part, (k, n) in rate.parts.items()]
    print_table(["check", "", "fired", "95%"], rows)
    if options.write:
        written = json.loads(options.write.read_text(encoding="utf-8"))
        for code, (detection, alarms) in found.items():
            if " " not in code:
                written["checks"][code] = {"detection": detection.to_json(), "false_alarms": alarms.to_json()}
        options.write.write_text(json.dumps(written, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
