"""Saying what changed between a request that is missing and the ones that were recorded."""

from __future__ import annotations

from pytest_velo.cache.differences import explain_miss
from pytest_velo.records import Request


def test_a_miss_names_the_parameter_that_differs() -> None:
    def ask(model, **parameters):
        return Request(api="a", endpoint="e", model=model, messages=(), parameters=parameters)

    assert (
        explain_miss(ask("m", temperature=1), [ask("other"), ask("m", temperature=0.7)])
        == "temperature 0.7 was recorded, 1 is asked for"
    )
