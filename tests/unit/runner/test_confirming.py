"""What makes a confirmation, in words."""

from __future__ import annotations

import pytest

from pytest_velo.records import Confirmation, HypothesisResult, Outcome
from pytest_velo.runner.confirming import confirmation_fact, ordinal, stubs_of

RESULT = HypothesisResult(
    node_id="t.py::test_a", belief="b", claim="rate >= 0.3", scope="s", outcome=Outcome.SUPPORTED
)
FOUND = Confirmation(hash="3f2a91" + "0" * 58, frozen_at="2026-11-30T02:10:00+00:00")


@pytest.mark.parametrize(
    ("n", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (22, "22nd"), (113, "113th")]
)
def test_positions_are_written_as_people_do(n, text):
    assert ordinal(n) == text


def test_a_first_confirmation_says_when_and_what_was_frozen():
    told = confirmation_fact(FOUND, RESULT)
    assert told == "confirmed: frozen 2026-11-30 02:10, claim 3f2a91, fresh draws"


def test_many_earlier_ones_are_counted_and_the_last_are_told():
    earlier = ("refuted",) * 4 + ("not finished", "inconclusive")
    found = Confirmation(hash=FOUND.hash, frozen_at=FOUND.frozen_at, number=7, earlier=earlier)
    told = confirmation_fact(found, RESULT)
    assert "the 7th confirmation of this test: 3 more" in told
    assert told.endswith("the 4th was refuted, the 5th was not finished, the 6th was inconclusive")


def test_what_the_look_log_doubts_is_no_confirmation():
    found = Confirmation(hash=FOUND.hash, frozen_at=FOUND.frozen_at, doubt="the prompt changed")
    told = confirmation_fact(found, RESULT)
    assert told.startswith("not a confirmation: the prompt changed")
    assert "confirmed:" not in told


def test_a_result_without_the_field_has_no_stubs():
    assert stubs_of(RESULT) == ()
