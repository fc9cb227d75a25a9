"""What a hypothesis would be sampled with that is made up, as far as its keywords and its source say."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from pytest_velo.bodies.stubs import stubs_in
from pytest_velo.case_sets import case_stub
from pytest_velo.designing.models import judge_id, model_ids
from pytest_velo.designing.spec import Spec
from pytest_velo.providers.stubbed import stub_of
from pytest_velo.records import Stubbed
from pytest_velo.settings import Settings


def declared_stubs(
    spec: Spec, settings: Settings, uses: Collection[str], chosen: str | None, body: Callable[..., Any]
) -> tuple[Stubbed, ...]:
    """Return the stubs that a body can use, before it runs; what its fixtures return is not known yet.

    Args:
        spec: What is claimed.
        settings: The session's.
        uses: The parameters that the body takes from us.
        chosen: The model that it is sampled for, if there are several; None otherwise.
        body: The test's function.
    """
    found: list[Stubbed] = []
    if "model" in uses or "velo" in uses:
        ids = [chosen] if chosen else [*model_ids(spec, settings)][:1]
        found += [stub.standing_in_for("model") for each in ids if (stub := stub_of(each)) is not None]
    if "judge" in uses or "velo" in uses:
        stub = stub_of(judge_id(spec, settings) or "")
        found += [] if stub is None else [stub.standing_in_for("judge")]
    cases = case_stub(spec.get("cases"))
    found += [] if cases is None else [cases.standing_in_for("cases")]
    return (*found, *stubs_in(body))
