"""What is read from a reply's log probabilities, and what is refused instead of guessed."""

from __future__ import annotations

import copy
from math import log

import pytest

from pytest_velo.bodies.outcomes import read_return
from pytest_velo.bodies.shape import BodyFacts
from pytest_velo.cache.codec import decode_reply, encode_reply
from pytest_velo.claims import mean, rate
from pytest_velo.errors import BodyError, InvalidTrial
from pytest_velo.logprobs import Probability, TokenLogprob, probability
from pytest_velo.records import Reply


def token(*listed: tuple[str, float], says: str | None = None, own: float | None = None) -> TokenLogprob:
    """A token whose alternatives have these probabilities; it is the first of them unless told."""
    top = {text: log(value) for text, value in listed}
    said = listed[0][0] if says is None else says
    return TokenLogprob(token=said, logprob=top[said] if own is None else own, top=top)


FULL = token(("A", 0.5), ("B", 0.25), (" A", 0.125), (" B", 0.0625))
FACTS = BodyFacts(
    name="test_x",
    location="test_x.py:3",
    has_source=True,
    is_async=True,
    is_generator=False,
    is_lambda=False,
    is_wrapped=False,
    has_assert=False,
    has_value_return=True,
)


def test_the_variants_are_added_up_and_nothing_is_renormalised() -> None:
    both = probability([FULL], ["A", "B"])
    assert both == pytest.approx(0.9375)
    assert both.missing == pytest.approx(0.0625)
    assert (both.hidden, both.upper) == (0.0, float(both))
    assert probability([FULL], ["A"]) == pytest.approx(0.625)


@pytest.mark.parametrize(
    ("variants", "expected"),
    [
        (["A"], 0.5 + 0.02),  # also after a space, as many tokenizers write a word
        ([" A"], 0.02),
        (["A", " A"], 0.52),
        (["A", "A"], 0.52),
        (["a"], 0.1),
        (["A", "a"], 0.62),
        (["A."], 0.05),
        (["\nA"], 0.03),
    ],
)
def test_a_variant_is_itself_or_itself_after_a_space_and_nothing_else(
    variants: list[str], expected: float
) -> None:
    listed = token(("A", 0.5), ("a", 0.1), ("A.", 0.05), ("\nA", 0.03), (" A", 0.02), ("B", 0.001))
    assert probability([listed], variants, max_hidden=0.03) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("variants", "hidden"),
    [
        (["A"], 0.0),  # both of its spellings are listed
        (["B"], 0.002),  # " B" is not, and can have no more than the least of those that are
        (["B", "C"], 3 * 0.002),
        (["B", "C", "D"], 5 * 0.002),
        ([" C"], 0.002),
    ],
)
def test_what_is_not_listed_counts_nothing_and_is_bounded_by_the_least_that_is(
    variants: list[str], hidden: float
) -> None:
    listed = token(("A", 0.7), ("B", 0.2), (" A", 0.002))
    read = probability([listed], variants, max_hidden=0.02)
    assert read.hidden == pytest.approx(hidden)
    assert read.missing == pytest.approx(0.098)
    assert read.upper == pytest.approx(float(read) + hidden)


def test_the_bound_is_at_most_what_is_missing() -> None:
    assert probability([token(("A", 0.6), ("B", 0.399))], ["C"]).hidden == pytest.approx(0.001)


def test_the_generated_token_counts_where_it_is_not_among_the_alternatives() -> None:
    said = token(("A", 0.9), ("B", 0.05), says="C", own=log(0.04))
    assert probability([said], ["C"], max_hidden=0.02) == pytest.approx(0.04)
    assert probability([said], ["C"], max_hidden=0.02).missing == pytest.approx(0.01)


def test_the_generated_token_among_the_alternatives_bounds_nothing() -> None:
    """Some servers put it there whatever its rank: what they leave out may be more probable than it."""
    with pytest.raises(InvalidTrial, match=r"between 0 and 0\.199"):
        probability([token(("A", 0.8), ("odd", 0.001), says="odd")], ["B"])
    assert probability([token(("A", 0.8), ("odd", 0.001), says="A")], ["B"]).hidden == pytest.approx(0.002)


@pytest.mark.parametrize("own", [-9999.0, -1e9, float("-inf")])
def test_a_placeholder_for_very_unlikely_is_no_measurement(own: float) -> None:
    """OpenAI writes -9999 for a token beyond those it knows: it is not listed, rather than impossible."""
    read = probability([token(("A", 0.7), ("B", 0.1), says="C", own=own)], ["C"], max_hidden=1)
    assert float(read) == 0.0
    assert read.hidden == pytest.approx(0.2)


def test_without_alternatives_only_the_generated_token_is_known() -> None:
    only = TokenLogprob(token="A", logprob=log(0.995))
    assert probability([only], ["A"]) == pytest.approx(0.995)
    assert probability([only], ["A"]).hidden == pytest.approx(0.005)
    with pytest.raises(InvalidTrial, match="logprobs=20"):
        probability([TokenLogprob(token="A", logprob=log(0.6))], ["A"])


def test_what_may_be_hidden_is_tolerated_as_far_as_the_caller_says() -> None:
    flat = token(("A", 0.3), ("B", 0.2), ("C", 0.045))
    with pytest.raises(InvalidTrial) as caught:
        probability([flat], ["B"])
    assert caught.value.reason == (
        "prob('B') is between 0.2 and 0.245: 1 of its 2 spellings are not among the 3 listed tokens "
        "(ask for more, logprobs=20, or allow it, max_hidden=0.05)"
    )
    assert probability([flat], ["B"], max_hidden=0.05).upper == pytest.approx(0.245)


def test_a_listed_token_that_a_spelling_begins_with_is_no_answer_and_no_zero() -> None:
    listed = token(("Ly", 0.6), ("Paris", 0.395), (" Paris", 0.001))
    with pytest.raises(InvalidTrial, match="where they may begin with 'Ly'"):
        probability([listed], ["Lyon"])
    assert probability([listed], ["Paris"]).hidden == 0.0
    many = token(("Ly", 0.6), *((f"t{n}", 0.01) for n in range(19)))
    with pytest.raises(InvalidTrial, match=r"listed tokens, where .* \(allow it, max_hidden=0\.62\)"):
        probability([many], ["Lyon"])  # a provider gives no more than twenty
    spaced = token(("7", 0.5), (" ", 0.4), ("8", 0.002))  # a tokenizer that writes " 7" as two
    with pytest.raises(InvalidTrial, match="begin with ' '"):
        probability([spaced], ["7"])


def test_a_text_that_the_reply_spells_in_several_tokens_has_no_probability() -> None:
    path = [token(("Ly", 0.6), ("Paris", 0.39)), token(("on", 0.9)), token((".", 1.0))]
    with pytest.raises(BodyError, match="several tokens") as caught:
        probability(path, ["Paris", "Lyon"])
    assert "one-token" in caught.value.fix
    with pytest.raises(InvalidTrial):  # the reply goes on in another way: "Lyme" tells nothing of "Lyon"
        probability([path[0], token(("me", 1.0))], ["Lyon"])


def test_one_token_after_a_space_may_be_several_without_it() -> None:
    """So the embedded model writes Napoleon: as one token inside a sentence, as four at its start."""
    path = [token(("N", 0.7), (" Napoleon", 0.2), ("He", 0.1)), token(("apoleon", 1.0))]
    with pytest.raises(BodyError, match="several tokens"):
        probability(path, ["Napoleon"])
    with pytest.raises(InvalidTrial, match=r"between 0\.2 and 0\.9"):
        probability(path[:1], ["Napoleon"])


def test_a_fluke_of_spelling_that_has_next_to_no_probability_is_no_error() -> None:
    path = [token(("Yes", 0.999), ("N", 0.0005), says="N"), token(("ope", 1.0))]
    assert probability(path, ["Nope"]).hidden <= 0.002


def test_two_words_are_no_token_unless_they_are_listed_as_one() -> None:
    with pytest.raises(BodyError, match="several tokens"):
        probability([token(("A", 0.999), ("B", 0.0001))], ["the answer"])
    assert probability([token(("the answer", 0.999), ("B", 0.0001))], ["the answer"]) == pytest.approx(0.999)


def test_a_position_is_that_of_a_token() -> None:
    second = token(("yes", 0.7), (" yes", 0.2), ("no", 0.1))
    assert probability([FULL, second], ["yes"], position=1) == pytest.approx(0.9)
    with pytest.raises(InvalidTrial, match="position 2, but the reply lists only 2"):
        probability([FULL, second], ["yes"], position=2)


@pytest.mark.parametrize("variants", [(), ("",), (" ",), ("A", ""), (5,), (["A"],), (None,)])
def test_what_is_no_variant_is_refused(variants: tuple[object, ...]) -> None:
    with pytest.raises(BodyError, match="takes the tokens to add up"):
        Reply(text="A", logprobs=(FULL,)).prob(*variants)  # type: ignore[arg-type]


@pytest.mark.parametrize("position", [-1, True, 0.0, "0", None])
def test_what_is_no_position_is_refused(position: object) -> None:
    with pytest.raises(BodyError, match="is not a token position"):
        probability([FULL], ["A"], position=position)  # type: ignore[arg-type]


@pytest.mark.parametrize("allowed", [-0.1, 1.1, True, "0.1", None, float("nan")])
def test_what_is_no_tolerance_is_refused(allowed: object) -> None:
    with pytest.raises(BodyError, match="is not a probability"):
        probability([FULL], ["A"], max_hidden=allowed)  # type: ignore[arg-type]


def test_numbers_that_add_up_to_more_than_one_are_no_probabilities() -> None:
    with pytest.raises(BodyError, match=r"add up to 1\.4"):
        probability([token(("A", 0.7), ("B", 0.7))], ["A"])


@pytest.mark.parametrize("logprob", [0.0, 1e-7, 3e-5])
def test_rounding_just_above_one_stays_an_outcome_of_a_mean(logprob: float) -> None:
    sure = TokenLogprob(token="A", logprob=logprob, top={"A": logprob, " A": -9.0})
    read = Reply(text="A", logprobs=(sure,)).prob("A")
    assert (float(read), read.missing, read.upper) == (1.0, 0.0, 1.0)
    outcome = read_return(read, FACTS, mean(0, 1))
    assert outcome == {"": 1.0}
    assert type(outcome[""]) is float


def test_a_rate_takes_a_comparison_and_not_the_probability() -> None:
    read = Reply(text="A", logprobs=(FULL,)).prob("A")
    assert read_return(read > 0.5, FACTS, rate) == {"": 1.0}
    with pytest.raises(BodyError, match="Probability") as caught:
        read_return(read, FACTS, rate)
    assert "mean(0, 10)" in caught.value.fix


def test_a_probability_is_a_number_that_says_more() -> None:
    read = probability([token(("A", 0.75), ("B", 0.008))], ["A"])
    assert str(read) == f"{0.75!r}" == f"{read}"
    assert f"{read:.0%}" == "75%"
    assert repr(read) == "Probability(0.75, missing=0.242, hidden=0.008)"
    assert type(1 - read) is float
    twin = copy.deepcopy(read)
    assert (twin, twin.missing, twin.hidden) == (read, read.missing, read.hidden)
    assert isinstance(twin, Probability)


def test_log_probabilities_that_were_not_asked_for() -> None:
    with pytest.raises(BodyError, match="the reply has none") as caught:
        Reply(text="A").prob("A")
    assert "logprobs=20" in caught.value.fix


def test_log_probabilities_that_the_provider_did_not_give() -> None:
    with pytest.raises(BodyError, match="but the provider returned none") as caught:
        Reply(text="A", not_honoured=("seed", "logprobs")).prob("A")
    assert "claim a rate" in caught.value.fix


def test_a_reply_that_begins_with_parts_of_a_character_tells_nothing() -> None:
    """llama.cpp lists nothing for a token that is a part of a character: one draw in a thousand."""
    with pytest.raises(InvalidTrial, match="a character of several tokens"):
        Reply(text="\ufffd").prob("A")


def test_an_empty_reply_has_no_token() -> None:
    with pytest.raises(InvalidTrial, match="the reply is empty"):
        Reply(text="").prob("A")


def test_tokens_of_the_reasoning_are_not_those_of_the_answer() -> None:
    thought, answer = token(("Hmm", 1.0)), token(("A", 0.9), (" A", 0.09))
    with pytest.raises(BodyError, match="the model's reasoning") as caught:
        Reply(text="A", reasoning="Hmm", logprobs=(thought, answer)).prob("A")
    assert "reasoning off" in caught.value.fix
    assert Reply(text="A", reasoning="Hmm", logprobs=(answer,)).prob("A") == pytest.approx(0.99)


def test_a_stored_reply_has_the_same_probability() -> None:
    reply = Reply(text="A", logprobs=(FULL, token((" tea", 1 / 3), (" \ud83c", 0.1))))
    for in_a_cassette in (False, True):
        body, kept = encode_reply(reply, for_cassette=in_a_cassette)
        read = decode_reply(body)
        assert repr(read.prob("A")) == repr(kept.prob("A")) == repr(reply.prob("A"))
        assert read.logprobs == kept.logprobs


@pytest.mark.parametrize(
    "token",
    [
        TokenLogprob(token="A", logprob=float("nan")),
        TokenLogprob(token="A", logprob=-0.1, top={"A": -0.1, "B": float("nan")}),
        TokenLogprob(token="A", logprob=float("inf")),
    ],
    ids=str,
)
def test_a_number_that_is_none_is_no_certainty(token):
    with pytest.raises(BodyError, match="not log probabilit"):
        probability([token], ["A"])
