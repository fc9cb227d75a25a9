"""Whether a design can come to a verdict: what cannot is refused before a call is made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.marks import read_spec
from pytest_velo.integration.collect.reach import check_drawn, check_reach, power_warning
from pytest_velo.integration.collect.stash import CASES, FRAME, SPEC
from pytest_velo.settings import Settings
from support.items import collected, hypothesis_item


def test_a_design_out_of_reach_is_refused(request: pytest.FixtureRequest) -> None:
    test = "def test_it(trial): return trial.rng.random() < 0.6"
    item, session = hypothesis_item(request, "rate >= 0.5, expect=0.6", test, max_trials=400)
    check_reach(item, session.settings)
    assert power_warning(item, session.settings) is None
    del item.stash[FRAME]
    warning = power_warning(item, replace(session.settings, max_trials=20))
    assert warning is not None
    assert warning.endswith("if the rate is 0.6 as expected, `rate >= 0.5` is supported in only 16% of runs")
    del item.stash[FRAME]
    rare = power_warning(item, replace(session.settings, max_trials=5))
    assert rare is not None
    assert "in only 8% of runs" in rare
    del item.stash[FRAME]
    with pytest.raises(UsageError) as caught:
        check_reach(item, replace(session.settings, max_trials=3))
    assert caught.value.what.startswith("`rate >= 0.5` can never be supported within 3 trials")
    assert caught.value.fix == "max_trials=5 or more, or an easier claim"  # it has no cases to run out of


def test_drawn_cases_are_stored_with_the_item(request: pytest.FixtureRequest) -> None:
    (item,) = collected(
        request,
        "from hypothesis.strategies import integers\n"
        "@pytest.mark.hypothesis(rate >= 0.5, cases=integers(0, 9), max_trials=20)\n"
        "def test_it(case): return case < 9\n",
    )
    item.stash[SPEC] = read_spec(item, item.function)
    check_drawn(item, Settings())
    assert all(0 <= case <= 9 for case in item.stash[CASES].items)
