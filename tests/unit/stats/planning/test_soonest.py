"""How soon a rule comes to each verdict at best, by the rule itself."""

from __future__ import annotations

from pytest_velo.claims import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.planning.soonest import soonest_verdicts


def test_soonest_verdicts_depend_on_the_length() -> None:
    # with fewer, nothing supports it
    assert 0.9**28 >= 0.05
    assert 0.9**29 < 0.05

    def design(n):
        return Design(alpha=0.05, beta=0.05, max_units=n)

    assert [soonest_verdicts(rate >= 0.9, design(n)) for n in (28, 29, 200)] == [(None, 2), (29, 2), (37, 2)]
