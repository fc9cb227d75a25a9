"""Pruning never removes what is kept, takes the oldest first, and no more than the sizes ask for."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_velo.cache.pruning import Housekeeping
from pytest_velo.cache.store import Store
from pytest_velo.records import Address, Draw, Reply, Request

DAYS = [f"2026-11-{day:02d}T00:00:00.000000+00:00" for day in range(1, 29)]
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Of each draw: the request, the day, the length of the reply, whether it is kept.
rows = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from(DAYS),
        st.integers(0, 3_000),
        st.booleans(),
        st.none() | st.just(0.25),
    ),
    max_size=60,
)
limits = st.none() | st.sampled_from(DAYS)
sizes = st.none() | st.integers(0, 150_000)


def stored(rows):
    """Return the draws of the rows, one at each address."""
    for n, (request, day, length, _, cost) in enumerate(rows):
        sent = Request(api="a", endpoint="e", model=f"m{request}", messages=())
        address = Address(key=f"k{request}", seed=0, stream="", slot=str(n))
        yield sent, Draw(address=address, reply=Reply(text="x" * length, cost_usd=cost), drawn_at=day)


def filled(folder, rows):
    path = Path(folder) / "draws.sqlite"
    store = Store.open(path)
    store.put_many(stored(rows))
    store.close()
    return path


def left_in(path):
    store = Store.open(path)
    try:
        left = {draw.address: (sent, draw.drawn_at) for sent, draw in store.recorded()}
        assert {address for address in left if store.get(address) is None} == set()
        return left
    finally:
        store.close()


@QUICK
@given(rows, limits, sizes)
def test_what_is_left_is_what_should_be(rows, before, max_bytes):
    draws = [draw for _, draw in stored(rows)]
    keep = {draw.address for draw, row in zip(draws, rows, strict=True) if row[3]}
    with tempfile.TemporaryDirectory() as folder:
        path = filled(folder, rows)
        house = Housekeeping.existing(path)
        pruned = house.prune(before=before, max_bytes=max_bytes, keep=keep)
        house.close()
        left = left_in(path)
        size = path.stat().st_size

    gone = [draw for draw in draws if draw.address not in left]
    assert keep <= set(left)
    assert len(gone) == pruned.removed.n_draws
    assert pruned.n_bytes_after == size <= pruned.n_bytes_before
    free = [draw for draw in draws if draw.address not in keep]
    if before is not None:
        assert all(draw.drawn_at >= before for draw in free if draw.address in left)
    if max_bytes is None:
        assert all(before is not None and draw.drawn_at < before for draw in gone)
    elif size > max_bytes:
        assert len(gone) == len(free)  # all that may go is gone
    # The oldest first: nothing that went is younger than anything that stayed and could have gone.
    stayed = [draw.drawn_at for draw in free if draw.address in left]
    assert max((draw.drawn_at for draw in gone), default="") <= min(stayed, default="z")


@QUICK
@given(rows, limits, sizes)
def test_a_dry_run_removes_nothing_and_says_what_age_alone_removes(rows, before, max_bytes):
    with tempfile.TemporaryDirectory() as folder:
        path = filled(folder, rows)
        house = Housekeeping.existing(path)
        dry = house.prune(before=before, max_bytes=max_bytes, dry_run=True)
        assert house.prune(before=before, max_bytes=max_bytes, dry_run=True) == dry
        assert house.stats(()).draws.n_draws == len(rows)
        real = house.prune(before=before)
        house.close()
    if max_bytes is None:
        assert dry.removed == real.removed
    else:
        assert dry.removed.n_draws >= real.removed.n_draws


@QUICK
@given(rows)
def test_stats_count_what_is_there(rows):
    draws = [draw for _, draw in stored(rows)]
    keep = [draw.address for draw, row in zip(draws, rows, strict=True) if row[3]]
    with tempfile.TemporaryDirectory() as folder:
        house = Housekeeping.existing(filled(folder, rows))
        stats = house.stats(keep)
        house.close()
    costs = [row[4] for row in rows]
    assert stats.draws.n_draws == sum(model.n_draws for model in stats.models) == len(rows)
    assert stats.draws.n_requests == len({row[0] for row in rows})
    assert {model.model: model.n_draws for model in stats.models} == {
        f"m{request}": [row[0] for row in rows].count(request) for request in {row[0] for row in rows}
    }
    assert stats.draws.cost_usd == sum(cost or 0.0 for cost in costs)
    assert stats.draws.n_unpriced == costs.count(None)
    assert stats.draws.oldest == min((row[1] for row in rows), default=None)
    assert stats.draws.newest == max((row[1] for row in rows), default=None)
    assert stats.n_unrecorded == len(rows) - len(keep)
