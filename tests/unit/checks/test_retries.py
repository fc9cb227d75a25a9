"""Asking again until a reply suits: told from draws whose number is a design."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pytest_velo.checks.retries import asked_again
from pytest_velo.records import TrialRecord
from support.asked import call, trial, trials


def until(stops: object, most: int = 5, n: int = 60) -> Iterator[TrialRecord]:
    """Yield trials that ask until `stops` says so of a reply, or `most` times."""
    rng = random.Random(3)
    for index in range(n):
        calls = []
        while len(calls) < most:
            text = rng.choice(["yes", "no", "Well, it depends", "As a model, I"])
            calls.append(call("Is it?", text, slot=f"c:0:{len(calls)}"))
            if stops(text, rng, calls):  # type: ignore[operator]
                break
        yield trial(*calls, index=index)


def test_asking_until_a_reply_parses_is_found() -> None:
    retries = asked_again(until(lambda text, rng, calls: text in ("yes", "no")))
    assert retries is not None
    assert retries.most > 2
    assert retries.n_trials == 60
    assert retries.n_left >= len(retries.trials) > 10


def test_so_is_one_more_try_with_another_temperature() -> None:
    def one(index: int) -> TrialRecord:
        first = call(f"Case {index}", "?" if index == 3 else "yes")
        second = call(f"Case {index}", "no", slot="c:0:0:again")
        return trial(*([first, second] if index == 3 else [first]), index=index)

    retries = asked_again(map(one, range(10)))
    assert retries is not None
    assert retries.trials == (3,)


def test_a_vote_of_as_many_in_each_trial_is_a_design() -> None:
    assert asked_again(until(lambda text, rng, calls: len(calls) == 3)) is None


def test_so_is_a_number_that_does_not_depend_on_the_replies() -> None:
    assert asked_again(until(lambda text, rng, calls: rng.random() < 0.5)) is None


def test_and_a_vote_that_ends_with_two_of_a_kind() -> None:
    def agreed(text: str, rng: random.Random, calls: list[object]) -> bool:
        said = [each.reply.text for each in calls]  # type: ignore[attr-defined]
        return said.count(text) == 2

    assert asked_again(until(agreed)) is None
    all_differ = [trial(*(call("?", f"{n}{k}") for k in range(2 + n % 2)), index=n) for n in range(20)]
    assert asked_again(all_differ) is None


def test_a_conversation_sends_more_each_time() -> None:
    def talk(index: int) -> TrialRecord:
        turns = ["Hello"] * (1 + index % 3)
        said = [call(" ".join(turns[: n + 1]), f"reply {n}") for n in range(len(turns))]
        return trial(*said, index=index)

    assert asked_again(map(talk, range(12))) is None
    assert asked_again(trials([call("Hello", "Hi")] * 5)) is None
    assert asked_again([]) is None
