"""Whatever a provider lists, a probability stays between what is certain and what is possible."""

from __future__ import annotations

from math import exp, fsum, log

from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.logprobs import TokenLogprob, probability, spellings

TEXTS = [f"{space}{letter}" for space in ("", " ") for letter in "ABCD"]


@st.composite
def distributions(draw: st.DrawFn) -> dict[str, float]:
    """A model's whole distribution over the spellings of four letters and `other`, adding up to 1."""
    weights = draw(st.lists(st.floats(1e-6, 1.0), min_size=len(TEXTS) + 1, max_size=len(TEXTS) + 1))
    total = fsum(weights)
    return {text: weight / total for text, weight in zip([*TEXTS, "other"], weights, strict=True)}


@st.composite
def tokens(draw: st.DrawFn) -> tuple[dict[str, float], TokenLogprob]:
    """A distribution, and what a provider tells of it: the most probable tokens, and the one it drew."""
    whole = draw(distributions())
    ranked = sorted(whole, key=lambda text: -whole[text])
    shown = ranked[: draw(st.integers(0, len(ranked)))]
    drawn = draw(st.sampled_from(ranked))
    if draw(st.booleans()) and drawn not in shown:  # some servers show the drawn token in place of the last
        shown = [*shown[:-1], drawn]
    top = {text: log(whole[text]) for text in shown}
    return whole, TokenLogprob(token=drawn, logprob=log(whole[drawn]), top=top)


VARIANTS = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4)


@given(tokens(), VARIANTS)
def test_the_truth_is_between_the_number_and_its_upper_end(told, variants) -> None:
    whole, token = told
    read = probability([token], variants, max_hidden=1)
    truth = fsum(whole[way] for way in {way for variant in variants for way in spellings(variant)})
    assert read - 1e-9 <= truth <= read.upper + 1e-9


@given(tokens(), VARIANTS)
def test_nothing_is_renormalised(told, variants) -> None:
    _, token = told
    read = probability([token], variants, max_hidden=1)
    listed = {text: exp(value) for text, value in {token.token: token.logprob, **token.top}.items()}
    assert 0 <= read <= 1
    assert 0 <= read.missing <= 1
    assert read + read.missing <= 1
    assert abs(read.missing - (1 - fsum(listed.values()))) < 1e-9
    assert read <= fsum(listed.values()) + 1e-12


@given(tokens(), VARIANTS, VARIANTS)
def test_more_variants_are_at_least_as_probable(told, some, more) -> None:
    _, token = told
    fewer, all_of_them = (probability([token], each, max_hidden=1) for each in (some, [*some, *more]))
    assert fewer <= all_of_them + 1e-12
    assert fewer.missing == all_of_them.missing


@given(distributions(), VARIANTS)
def test_a_whole_distribution_hides_nothing(whole, variants) -> None:
    top = {text: log(value) for text, value in whole.items()}
    read = probability([TokenLogprob(token="other", logprob=top["other"], top=top)], variants)
    assert (read.hidden, read.missing < 1e-9) == (0.0, True)
