"""Looks, reservations, and what a trial took."""

import apsw
import pytest

from pytest_velo.cache.ledger import LastSeen, Look
from pytest_velo.cache.store import Store
from pytest_velo.errors import StoreError


def look(draws, n):
    return Look(
        draws=draws,
        claim="c",
        scorer="s",
        rule="calibrated",
        n=n,
        max_trials=200,
        seed=0,
        verdict="supported",
        looked_at="2026-11-01T00:00:00Z",
    )


def test_looks_come_back_in_order_for_their_draws_only(store):
    for draws, n in (("a", 20), ("b", 30), ("a", 10)):
        store.log_look(look(draws, n))
    assert store.looks_at("a") == (look("a", 20), look("a", 10))
    assert store.looks_at("c") == ()


def test_looks_outlive_the_connection(store):
    store.log_look(look("a", 20))
    store.close()
    again = Store.open(store.path)
    assert again.looks_at("a") == (look("a", 20),)
    again.close()


def test_what_a_trial_took_is_the_last_that_was_noted(store):
    assert store.last_seen("t.py::test") is None
    store.note_seen("t.py::test", LastSeen(calls_per_trial=1.0, usd_per_trial=0.5))
    store.note_seen("t.py::test", LastSeen(calls_per_trial=2.5))
    assert store.last_seen("t.py::test") == LastSeen(calls_per_trial=2.5, usd_per_trial=None)


def test_reservations_stop_at_the_cap_and_settling_frees_the_rest(store):
    assert store.reserve("s", 0.6, 1.0)
    assert not store.reserve("s", 0.6, 1.0)
    store.settle("s", 0.6, 0.1)
    assert store.spent("s") == pytest.approx(0.1)
    assert store.reserve("s", 0.9, 1.0)
    assert not store.reserve("s", 0.001, 1.0)


def test_sessions_have_budgets_of_their_own(store):
    assert store.reserve("one", 1.0, 1.0)
    assert store.reserve("two", 1.0, 1.0)
    assert store.spent("three") == 0.0


def test_a_tenth_ten_times_is_one(store):
    assert all(store.reserve("s", 0.1, 1.0) for _ in range(10))
    assert not store.reserve("s", 0.1, 1.0)


@pytest.mark.parametrize("body", [b'{"calls', b"[]", "text"])
def test_a_book_that_something_else_wrote_into_says_so(store, tmp_path, body):
    other = apsw.Connection(str(tmp_path / "draws.sqlite"))
    other.execute("INSERT INTO last_seen VALUES('t', ?)", (body,))
    other.execute("INSERT INTO look(draws, body) VALUES('d', ?)", (body,))
    other.close()
    for read in (lambda: store.last_seen("t"), lambda: store.looks_at("d")):
        with pytest.raises(StoreError, match="cannot be read") as caught:
            read()
        assert caught.value.where
        assert caught.value.fix
