"""What is stored on a test item between collection and its report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_velo.bodies.shape import BodyFacts
    from pytest_velo.case_sets import CaseSet
    from pytest_velo.designing.checking import Checking
    from pytest_velo.designing.spec import Spec
    from pytest_velo.elicit.ladders import Step
    from pytest_velo.integration.session import VeloSession
    from pytest_velo.records import HypothesisResult
    from pytest_velo.report.estimates import Estimate
    from pytest_velo.runner.frame import Frame

SPEC: pytest.StashKey[Spec] = pytest.StashKey()
"""What its marks say; an item that has it is a hypothesis."""
FUNCTION: pytest.StashKey[Any] = pytest.StashKey()
"""Its function as collected; other plugins wrap `item.function`."""
FACTS: pytest.StashKey[BodyFacts] = pytest.StashKey()
CASES: pytest.StashKey[CaseSet] = pytest.StashKey()
FRAME: pytest.StashKey[Frame] = pytest.StashKey()
STEP: pytest.StashKey[Step] = pytest.StashKey()
"""The rung of its ladder that is sampled; the first one before that begins."""
CHECKING: pytest.StashKey[Checking] = pytest.StashKey()
RESULT: pytest.StashKey[HypothesisResult] = pytest.StashKey()
UNSAMPLED: pytest.StashKey[str] = pytest.StashKey()
"""Why we skipped it."""
ESTIMATE: pytest.StashKey[Estimate] = pytest.StashKey()
GATHERING: pytest.StashKey[Callable[[pytest.Function, VeloSession], str]] = pytest.StashKey()
"""In the stash of a session that only looks for missing draws: notes what an item needs, and says it."""
