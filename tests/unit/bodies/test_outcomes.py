"""What a finished body gave: an outcome, or a misunderstanding that must not become one."""

from __future__ import annotations

from pytest_velo import mean, rate
from pytest_velo.bodies.outcomes import read_outcomes, read_return
from pytest_velo.bodies.shape import read_body


def test_returned_values_are_read() -> None:
    facts = read_body(len)
    assert read_return(True, facts, rate) == {"": 1.0}
    assert read_return(7, facts, mean(0, 10)) == {"": 7.0}
    assert read_return({"kind": True, "words": 12}, facts, rate("kind")) == {"kind": 1.0, "words": 12.0}


def test_several_outcomes_are_read_by_name() -> None:
    claimed = [mean(0, 1, "kind"), rate("correct")]
    read = read_outcomes({"kind": 0.4, "correct": True}, read_body(len), claimed)
    assert read["kind"] == 0.4
    assert read["correct"] == 1.0
