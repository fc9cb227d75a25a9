"""Pruning beside the properties: what stays, what is shrunk, what others do meanwhile."""

import json
from datetime import UTC, datetime

import apsw
import pytest

from pytest_velo.cache.looks import LastSeen, Look
from pytest_velo.cache.pruning import STEP, Housekeeping
from pytest_velo.cache.runs import recorded_addresses, remove_runs, run_folders, runs_before
from pytest_velo.cache.store import Store
from pytest_velo.errors import StoreError
from pytest_velo.records import Address, Draw, Reply, Request

OLD, NEW = "2026-01-01T00:00:00.000000+00:00", "2026-11-01T00:00:00.000000+00:00"
LOOK = Look(
    draws="d", claim="c", scorer="s", rule="ville", n=3, max_trials=9, seed=0, verdict="v", looked_at=OLD
)


def at(slot, key="k"):
    return Address(key=key, seed=0, stream="", slot=str(slot))


def draws(n, day=OLD, key="k", first=0, text="x" * 200):
    sent = Request(api="a", endpoint="e", model="m", messages=({"role": "user", "content": key},))
    for slot in range(first, first + n):
        yield sent, Draw(address=at(slot, key), reply=Reply(text=text, cost_usd=0.5), drawn_at=day)


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "cache" / "draws.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def house(store):
    opened = Housekeeping.existing(store.path)
    yield opened
    opened.close()


def test_several_steps_remove_all_that_is_old_and_shrink_the_file(store, house):
    store.put_many(draws(2 * STEP + 100))
    store.put_many(draws(10, NEW, key="new"))
    pruned = house.prune(before=NEW)
    assert (pruned.removed.n_draws, pruned.removed.n_requests) == (2 * STEP + 100, 1)
    assert pruned.removed.cost_usd == (2 * STEP + 100) * 0.5
    assert (pruned.removed.oldest, pruned.removed.newest) == (OLD, OLD)
    store.close()
    house.close()
    assert store.path.stat().st_size == pruned.n_bytes_after < pruned.n_bytes_before / 10


def test_a_size_is_reached_and_hardly_undercut(store, house):
    store.put_many(draws(3_000))
    before = house.prune(max_bytes=10**9)
    assert before.removed.n_draws == 0
    limit = before.n_bytes_before // 2
    pruned = house.prune(max_bytes=limit)
    assert limit - 16_384 < pruned.n_bytes_after <= limit
    assert 1_300 < pruned.removed.n_draws < 1_900


def test_a_dry_run_is_near_what_a_size_takes(store, house):
    store.put_many(draws(3_000))
    limit = house.prune(max_bytes=10**9).n_bytes_before // 2
    dry = house.prune(max_bytes=limit, dry_run=True)
    real = house.prune(max_bytes=limit)
    assert dry.removed.n_draws == pytest.approx(real.removed.n_draws, rel=0.15)
    assert dry.n_bytes_after == pytest.approx(limit, rel=0.05)


def test_books_stay(store, house):
    store.log_look(LOOK)
    store.note_seen("t", LastSeen(calls_per_trial=1.0))
    store.reserve("session", 0.5, 1.0)
    store.put_many(draws(5))
    house.prune(max_bytes=0)
    assert list(store.recorded()) == []
    assert store.looks_at("d") == (LOOK,)
    assert store.last_seen("t") == LastSeen(calls_per_trial=1.0)
    assert store.spent("session") == 0.5


def test_a_request_goes_with_its_last_draw(store, house):
    store.put_many(draws(2))
    store.put_many(draws(1, NEW, first=2))
    assert house.prune(before=NEW).removed.n_requests == 0
    assert store.request("k") is not None
    assert house.prune(max_bytes=0).removed.n_requests == 1
    assert store.request("k") is None


def execute(store, statement, values=()):
    """Change the file past the store."""
    raw = apsw.Connection(str(store.path))
    raw.execute(statement, values)
    raw.close()


def test_a_draw_made_anew_after_the_list_was_made_stays(store, house, monkeypatch):
    store.put_many(draws(3))
    listed = Housekeeping._next_step

    def meanwhile(self, *arguments):
        step = listed(self, *arguments)
        execute(store, "UPDATE draw SET drawn_at = ? WHERE slot = '1'", (NEW,))
        return step

    monkeypatch.setattr(Housekeeping, "_next_step", meanwhile)
    assert house.prune(before=NEW).removed.n_draws == 2
    assert store.get(at(1)).drawn_at == NEW


def test_a_pruned_draw_can_be_stored_again(store, house):
    store.put_many(draws(3))
    house.prune(max_bytes=0)
    assert store.put_many(draws(3, NEW)) == 3
    assert store.get(at(0)).drawn_at == NEW
    assert [sent.messages[0]["content"] for sent, _ in store.recorded()] == ["k"] * 3


def test_a_file_that_cannot_be_cut_in_steps_is_written_anew(store, house):
    store.put_many(draws(500))
    house.close()
    store.close()
    raw = apsw.Connection(str(store.path))
    raw.pragma("journal_mode", "DELETE")
    raw.pragma("auto_vacuum", 0)
    raw.execute("VACUUM")
    assert raw.pragma("auto_vacuum") == 0
    raw.close()
    again = Housekeeping.existing(store.path)
    pruned = again.prune(max_bytes=0)
    again.close()
    assert store.path.stat().st_size == pruned.n_bytes_after < pruned.n_bytes_before / 2


def test_a_reader_in_the_middle_keeps_what_it_sees(store, house):
    store.put_many(draws(500))
    reading = store.recorded()
    next(reading)
    assert house.prune(max_bytes=0).removed.n_draws == 500
    assert len(list(reading)) == 499


def test_what_is_no_number_or_day_in_a_tampered_file_is_no_crash(store, house):
    store.put_many(draws(3))
    execute(store, "UPDATE draw SET cost_usd = 'much', drawn_at = x'0041' WHERE slot = '1'")
    assert house.stats(()).draws.n_draws == 3
    assert house.prune(max_bytes=0).removed.n_draws == 3


def test_text_that_is_no_utf_8_is_damage(store, house):
    store.put_many(draws(3))
    execute(store, "UPDATE draw SET drawn_at = CAST(x'ff' AS TEXT)")
    for look in (lambda: store.get(at(1)), lambda: house.stats(()), lambda: house.prune(max_bytes=0)):
        with pytest.raises(StoreError, match="damaged"):
            look()


def test_looking_at_no_store_makes_none(tmp_path):
    with pytest.raises(StoreError, match="there is no store"):
        Housekeeping.existing(tmp_path / "draws.sqlite")
    assert list(tmp_path.iterdir()) == []


# Run records


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    for name in ("2026-01-01T00-00-00Z", "2026-01-01T00-00-00Z-2", "2026-11-01T00-00-00Z", "mine"):
        (folder / name).mkdir(parents=True)
        trial = {"calls": [{"address": {"key": "k", "seed": 0, "stream": "", "slot": name}}]}
        (folder / name / "trials.jsonl").write_text(json.dumps(trial) + "\n\n")
        (folder / name / "run.json").write_text("{}")
    (folder / "latest").write_text("2026-01-01T00-00-00Z-2\n")
    (folder / "2026-01-02T00-00-00Z").symlink_to(tmp_path)
    return folder


def names(folders):
    return [folder.name for folder in folders]


def test_old_runs_are_those_whose_name_says_so_but_the_latest(runs):
    assert names(runs_before(runs, datetime(2026, 6, 1, tzinfo=UTC))) == ["2026-01-01T00-00-00Z"]
    assert names(runs_before(runs, datetime(2027, 6, 1, tzinfo=UTC))) == [
        "2026-01-01T00-00-00Z",
        "2026-11-01T00-00-00Z",
    ]
    assert runs_before(runs / "nowhere", datetime(2027, 6, 1, tzinfo=UTC)) == []


def test_runs_are_removed_whole_and_no_link_is_followed(runs, tmp_path):
    remove_runs(runs_before(runs, datetime(2027, 6, 1, tzinfo=UTC)))
    assert names(run_folders(runs)) == ["2026-01-01T00-00-00Z-2", "mine"]
    assert (runs / "2026-01-02T00-00-00Z").is_symlink()


def test_addresses_of_all_runs_and_of_workers_under_way(runs):
    worker = runs / "mine" / "trials-gw0.jsonl"
    worker.write_text((runs / "mine" / "trials.jsonl").read_text().replace("mine", "worker"))
    slots = {address.slot for address in recorded_addresses(run_folders(runs))}
    assert slots == {*names(run_folders(runs)), "worker"}


def test_a_damaged_record_is_named_and_nothing_is_removed(runs, store, house):
    store.put_many(draws(3))
    (runs / "mine" / "trials.jsonl").write_text('{"calls": []}\n{"calls": 3}\n')
    with pytest.raises(StoreError, match="not a trial") as caught:
        house.prune(max_bytes=0, keep=recorded_addresses(run_folders(runs)))
    assert caught.value.where.endswith("trials.jsonl:2")
    assert "remove the run's folder" in caught.value.fix
    assert len(list(store.recorded())) == 3
    assert house.prune(max_bytes=0).removed.n_draws == 3  # the connection is of use still
