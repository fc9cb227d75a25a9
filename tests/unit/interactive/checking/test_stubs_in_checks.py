"""Stubs and assumptions in calls of `check`."""

from __future__ import annotations

import pytest

from pytest_velo import UsageError, check_sync, rate, stub


def test_a_finding_says_what_was_stubbed_and_becomes_no_test():
    def is_good(model, judge):
        return judge("Is it good?", model("Say something."))

    finding = check_sync(rate >= 0.5, is_good, models=[stub("x", "no key")], judge=stub(True, "no rubric"))
    assert finding.verdict == "supported"
    assert repr(finding).startswith("supported (model and judge stubbed): ")
    assert "supported (model and judge stubbed)" in finding._repr_html_()
    assert [each.what for each in finding.result.stubs] == ["model", "judge"]
    with pytest.raises(UsageError, match="a stub cannot be written"):
        finding.to_test()


def test_assumptions_are_for_tests():
    def late(trial):
        return trial.index > 1

    with pytest.raises(UsageError, match="assumes= is for tests"):
        check_sync(rate >= 0.5, late, assumes=["test_x"])
