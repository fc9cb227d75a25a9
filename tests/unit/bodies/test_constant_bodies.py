"""Bodies that return the same value in every trial."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_velo.bodies.shape import check_facts, never_failed, read_body

OURS = ("model", "velo", "case")


class Constant:
    def true(self, model: Any) -> Any:
        model("q")
        return True

    def in_a_block(self, model: Any) -> Any:
        with open("x"):
            return 1

    def on_both_sides(self, model: Any) -> Any:
        if model("q"):
            return False
        else:  # noqa: RET505
            return False

    def whatever_is_raised(self, model: Any) -> Any:
        try:
            model("q")
            return True
        except ValueError:
            return True

    def of_names(self, model: Any) -> Any:
        return {"a": True, "b": 0.5}


class Varies:
    def differs(self, model: Any) -> Any:
        if model("q"):
            return True
        return 0

    def asserts_before(self, model: Any) -> Any:
        assert model("q")
        return True

    def calls_a_helper(self, model: Any) -> Any:
        check(model("q"))  # type: ignore[name-defined]  # noqa: F821
        return True

    def may_fall_off_its_end(self, model: Any) -> Any:  # noqa: RET503
        if model("q"):
            return True

    def differs_when_it_catches(self, model: Any) -> Any:
        try:
            return True
        except ValueError:
            return False

    def is_no_outcome(self, model: Any) -> Any:
        return "yes"

    def raises(self, model: Any) -> Any:
        if not model("q"):
            raise AssertionError
        return True

    def is_computed(self, model: Any) -> Any:
        return model("q") == "yes"


def bodies(kind: type) -> Any:
    functions = [value for name, value in vars(kind).items() if not name.startswith("_")]
    return pytest.mark.parametrize("body", functions, ids=lambda body: body.__name__)


@bodies(Constant)
def test_a_body_that_returns_a_constant_is_refused(body: Any) -> None:
    error = check_facts(read_body(body, OURS))
    assert error is not None
    assert "in every trial" in error.what
    assert "reply" in error.fix


@bodies(Varies)
def test_a_body_whose_outcome_may_vary_is_not(body: Any) -> None:
    assert check_facts(read_body(body, OURS)) is None


def test_a_constant_behind_a_helper_is_remarked_if_no_trial_failed() -> None:
    told = never_failed(read_body(Varies.calls_a_helper, OURS), n_trials=9, n_none=0)
    assert told is not None
    assert "all 9 trials returned True" in told
