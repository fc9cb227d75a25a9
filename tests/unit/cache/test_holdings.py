"""What the store holds, counted."""

from __future__ import annotations

import apsw

from pytest_velo.cache.holdings import Draws, number, overview


def test_overview_counts_draws_and_their_cost() -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE draw(drawn_at, cost_usd)")
    connection.execute("INSERT INTO draw VALUES('2026-11-01', 0.5), ('2026-11-02', NULL)")
    assert overview(connection, "draw") == Draws(
        n_draws=2, n_requests=0, oldest="2026-11-01", newest="2026-11-02", cost_usd=0.5, n_unpriced=1
    )
    assert overview(connection, "draw WHERE cost_usd > 1").oldest is None


def test_number_of_a_query() -> None:
    assert number(apsw.Connection(":memory:"), "SELECT count(*) FROM json_each(?)", ("[5, 6, 7]",)) == 3
