"""What `velo plan` knows of a hypothesis before anything is drawn."""

from __future__ import annotations

from pytest_velo.report.plan_record import plan_document
from support.reports import plan


def test_plan_document_holds_price_and_parts() -> None:
    [told] = plan_document([plan()])["hypotheses"]
    assert told["price"]["usd"] == 0.002
    assert told["parts"][0]["n_support"] == 9
