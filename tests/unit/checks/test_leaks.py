"""The label in the prompt: told from instructions and options that hold every label."""

from __future__ import annotations

import pytest

from pytest_velo.checks.leaks import count, leaks, sent_of
from pytest_velo.records import TrialRecord
from support.asked import call, trial

N = 40


def asked(prompt: str, labels: tuple[str, ...] = ("yes", "no"), **fields: str) -> list[TrialRecord]:
    """Return trials with labels in turn; `{label}` and `{n}` stand in the prompt and in fields."""
    found = []
    for n in range(N):
        label = labels[n % len(labels)].format(n=n)
        given = {name: text.format(label=label, n=n) for name, text in fields.items()}
        found.append(trial(call(prompt.format(label=label, n=n, **given)), index=n, answer=label, **given))
    return found


@pytest.mark.parametrize(
    ("prompt", "labels"),
    [
        ("Is {n} odd? Answer yes or no. Answer: {label}", ("yes", "no")),
        ("{{'question': 'Is {n} odd?', 'answer': '{label}'}}", ("yes", "no")),
        ("Which? {n}\n(A) tea\n(B) milk\nThe answer is {label}.", ("(A)", "(B)")),
        ("How many are {n} and {n}? (hint: {label})", ("about {n}", "exactly {n}")),
    ],
)
def test_a_label_that_the_body_sends_is_found(prompt: str, labels: tuple[str, ...]) -> None:
    (leak,) = leaks(sent_of(asked(prompt, labels)))
    assert leak.by_body
    assert len(leak.cases) == leak.n == N


@pytest.mark.parametrize(
    ("prompt", "labels"),
    [
        ("Is {n} odd? Answer yes or no.", ("yes", "no")),
        ("Which? {n}\n(A) tea\n(B) milk\nAnswer:", ("(A)", "(B)")),
        ("Which? {n}\n(A) tea\n(B) milk\n(C) beer", ("tea", "milk", "beer")),
        ("Is {n} odd?", ("yes", "no")),
        ("Is {n} odd? E.g. Is 3 odd? Answer: yes", ("yes", "no")),
    ],
)
def test_a_label_that_all_prompts_hold_is_none(prompt: str, labels: tuple[str, ...]) -> None:
    assert [*leaks(sent_of(asked(prompt, labels)))] == []


def test_a_text_that_holds_its_own_answer_is_told_apart() -> None:
    (leak,) = leaks(sent_of(asked("{text} Where?", ("Bonn {n}", "Lyon {n}"), text="She went to {label}.")))
    assert not leak.by_body


def test_a_few_cases_are_no_leak_and_cases_without_labels_none_either() -> None:
    few = asked("{text} Where?", ("Bonn {n}", "Lyon {n}"), text="She went on.")
    few[:4] = asked("{text} Where?", ("Bonn {n}", "Lyon {n}"), text="She went to {label}.")[:4]
    assert [*leaks(sent_of(few))] == []
    assert [*leaks(sent_of([trial(call("Hello"), index=n) for n in range(N)]))] == []


def test_what_a_judge_is_shown_is_not_what_the_model_is_sent() -> None:
    judged = [
        trial(call(f"Is {n} odd?"), call(f"the answer is {label}", speaker="judge"), index=n, answer=label)
        for n, label in enumerate(["yes", "no"] * 20)
    ]
    assert [*leaks(sent_of(judged))] == []


def test_the_arm_that_leaks_is_named() -> None:
    def arm(name: str, prompt: str) -> list[TrialRecord]:
        return [
            trial(call(prompt.format(label=label)), index=n, arm=name, case_id=n, answer=label)
            for n, label in enumerate(["yes", "no"] * 20)
        ]

    found = [*leaks(sent_of([*arm("plain", "Odd?"), *arm("hinted", "Odd? I think {label}.")]))]
    assert [leak.arm for leak in found] == ["hinted"]


def test_a_label_counts_as_a_word_of_its_own() -> None:
    assert count("no", "No, not now, no.") == 2
    assert count("(B)", "The answer is (B).") == 1
    assert count("12", "120 or 12.5") == 1
