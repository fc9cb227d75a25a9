"""Position bias: told from answers that go by content, whatever that is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from pytest_velo.checks.position import CHECK, by_label, picks_of, swapped
from pytest_velo.records import TrialRecord
from support.asked import call, trial

Answers = Callable[[Sequence[str], random.Random], int]
"""From options to the place that is picked."""


def asked(answers: Answers, n: int = 40, options: Sequence[str] = ("tea", "milk")) -> Iterator[TrialRecord]:
    """Yield trials that ask `n` questions, each in two orders, one after the other."""
    rng = random.Random(7)
    for index in range(2 * n):
        order = list(options) if index % 2 else list(options)[::-1]
        lines = [f"({'ABCD'[place]}) {option}" for place, option in enumerate(order)]
        prompt = "\n".join([f"Question {index // 2}", *lines])
        yield trial(call(prompt, f"({'ABCD'[answers(order, rng)]})"), index=index, case_id=index // 2)


def test_answers_that_go_to_a_place_are_found() -> None:
    preferred, n_pairs = swapped(picks_of(asked(lambda order, rng: 0)))
    assert preferred is not None
    assert (preferred.mark, preferred.n_for, preferred.n_against, n_pairs) == ("A", 40, 0, 40)


def test_so_are_those_that_mostly_do() -> None:
    def mostly_last(order: Sequence[str], rng: random.Random) -> int:
        return 3 if rng.random() < 0.7 else rng.randrange(4)

    preferred, _ = swapped(picks_of(asked(mostly_last, 60, ("tea", "milk", "beer", "wine"))))
    assert preferred is not None
    assert preferred.mark == "D"


def test_answers_that_go_by_content_are_none() -> None:
    always_tea = swapped(picks_of(asked(lambda order, rng: order.index("tea"), 200)))
    assert always_tea == (None, 200)
    mostly_tea = swapped(
        picks_of(asked(lambda order, rng: order.index("tea" if rng.random() < 0.8 else "milk"), 200))
    )
    assert mostly_tea == (None, 200)


def test_no_answer_is_an_answer_too() -> None:
    def unread(one: TrialRecord) -> TrialRecord:
        prompt = one.calls[0].request.messages[0]["content"]
        return trial(call(prompt, "?"), index=one.index, case_id=one.case_id)

    by_place = [unread(one) if one.index % 2 else one for one in asked(lambda order, rng: 0)]
    preferred, n_pairs = swapped(picks_of(by_place))  # milk is picked at A, and nothing where it is at B
    assert preferred is not None
    assert n_pairs == 40
    rng = random.Random(1)
    at_random = [
        unread(one) if rng.random() < 0.5 else one for one in asked(lambda order, rng: order.index("tea"))
    ]
    assert swapped(picks_of(at_random)) == (None, 40)


def test_questions_in_one_order_are_no_pairs_and_one_look_at_the_right_answers() -> None:
    def one_order(answers: Callable[[int], int]) -> list[TrialRecord]:
        found = []
        for index in range(60):
            right = index % 2
            prompt = f"Question {index}\n(A) tea\n(B) milk"
            answer = f"({'AB'[answers(right)]})"
            found.append(trial(call(prompt, answer), index=index, target=f"({'AB'[right]})"))
        return found

    picks = [*picks_of(one_order(lambda right: 0))]
    assert swapped(picks) == (None, 0)
    preferred = by_label(picks)
    assert preferred is not None
    assert preferred.mark == "A"
    assert by_label(picks_of(one_order(lambda right: right))) is None


def test_a_case_that_is_drawn_again_and_again_is_one_case() -> None:
    def drawn(index: int) -> TrialRecord:
        right = index % 2
        prompt = f"Question {right}\n(A) tea\n(B) milk"
        return trial(call(prompt, "(A)"), index=index, case_id=right, target=f"({'AB'[right]})")

    assert by_label(picks_of(map(drawn, range(200)))) is None


def test_hypotheses_without_options_cost_little() -> None:
    n = 0

    def endless() -> Iterator[TrialRecord]:
        nonlocal n
        while True:
            n += 1
            yield trial(call(f"Hello {n}", "Hi"), index=n)

    assert [*picks_of(endless())] == []
    assert n < 1_000


def test_the_check_has_a_code_and_a_page() -> None:
    assert (CHECK.code, CHECK.page.rpartition("/")[2]) == ("F07", "F07-position-bias.md")
