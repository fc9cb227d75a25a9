"""What is kept with a test item on its way from collection to its report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_velo.case_sets import CaseSet
    from pytest_velo.checks.bodies import BodyFacts
    from pytest_velo.integration.collect.marks import Spec
    from pytest_velo.records import HypothesisResult
    from pytest_velo.report.estimates import Estimate
    from pytest_velo.runner.frame import Frame

SPEC: pytest.StashKey[Spec] = pytest.StashKey()
"""What its marks say: an item that has it is a hypothesis."""
FUNCTION: pytest.StashKey[Any] = pytest.StashKey()
"""Its function as it was collected; other plugins wrap `item.function`."""
FACTS: pytest.StashKey[BodyFacts] = pytest.StashKey()
CASES: pytest.StashKey[CaseSet] = pytest.StashKey()
FRAME: pytest.StashKey[Frame] = pytest.StashKey()
RESULT: pytest.StashKey[HypothesisResult] = pytest.StashKey()
UNSAMPLED: pytest.StashKey[str] = pytest.StashKey()
"""Why it was skipped by us."""
ESTIMATE: pytest.StashKey[Estimate] = pytest.StashKey()
