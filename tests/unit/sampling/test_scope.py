"""The trial that is running: what the user sees of it, and what a model call needs to know."""

from __future__ import annotations

from contextvars import copy_context

import pytest

from pytest_velo.errors import BodyError
from pytest_velo.sampling.scope import TrialScope, current, enter
from pytest_velo.sampling.trial import Trial


def test_the_entered_scope_is_the_current_one() -> None:
    plain = {"case_digest": "", "stream": "", "may_pay": False, "drawer": None, "block": None}
    scope = TrialScope(trial=Trial(index=0, repeat=0, seed=7), case="tea", **plain)
    context = copy_context()
    context.run(enter, scope)
    assert context.run(current, "model(...)") is scope


def test_no_trial_is_running_outside_a_body() -> None:
    with pytest.raises(BodyError) as caught:
        current("model(...)")
    assert caught.value.what == "model(...) was used outside a running trial"
    assert caught.value.fix.startswith("use it inside a test marked hypothesis;")
