"""Seeds and declared limits hold for whatever they are given."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.sampling.pacing import Pacer
from pytest_velo.sampling.seeds import derive, slot_seed

parts = st.lists(st.one_of(st.text(), st.integers()), max_size=5)


@given(one=parts, other=parts)
def test_different_names_have_different_seeds(one: list[str | int], other: list[str | int]) -> None:
    assert (derive(*one) == derive(*other)) == (one == other)
    assert 0 <= derive(*one) < 2**63


@given(root=st.integers(), key=st.text(), slot=st.text(), stream=st.text())
def test_providers_get_positive_31_bit_seeds(root: int, key: str, slot: str, stream: str) -> None:
    assert 0 < slot_seed(root, key, slot, stream) < 2**31


@given(
    rpm=st.floats(1, 10_000),
    gaps_s=st.lists(st.one_of(st.just(0.0), st.floats(0, 30)), min_size=1, max_size=200),
)
def test_no_minute_holds_more_requests_than_declared_but_for_one_seconds_burst(
    rpm: float, gaps_s: list[float]
) -> None:
    pacer = Pacer(rpm=rpm, tpm=None, now=0.0)
    now, sent = 0.0, []
    for gap_s in gaps_s:
        now += gap_s
        now += pacer.delay_s(0, now)
        pacer.take(0, now)
        sent.append(now)
    for begin in sent:
        in_a_minute = sum(begin <= at < begin + 60.0 for at in sent)
        assert in_a_minute <= rpm + max(1.0, rpm / 60.0) + 1e-3


@given(amounts=st.lists(st.integers(1, 5_000), min_size=1, max_size=100))
def test_a_debt_of_tokens_is_paid_before_the_next_call(amounts: list[int]) -> None:
    pacer = Pacer(rpm=None, tpm=6_000, now=0.0)
    now = 0.0
    for amount in amounts:
        now += pacer.delay_s(amount, now)
        pacer.take(amount, now)
    assert sum(amounts[:-1]) <= 100.0 * now + 100.0 + 1e-3  # what was earned, and one second's burst
