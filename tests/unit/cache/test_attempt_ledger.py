"""The ledger of attempts: what is one belief, what is one attempt; nothing is lost or counted twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from pytest_velo.cache.attempt_ledger import AttemptLedger, attempts_in, by_belief
from pytest_velo.cache.attempts import Entry, Tried
from pytest_velo.cache.attempts_file import attempts_beside, read_attempts, write_attempts
from pytest_velo.errors import StoreError
from pytest_velo.records import Belief


def tried(**fields: object) -> Tried:
    plain = {
        "test": "t",
        "sentence": "",
        "number": 1,
        "claim": "rate >= 0.5",
        "claim_hash": "c",
        "prompt": "p",
        "body": "b",
        "draws": "d",
        "model": "m",
        "at": "2026-11-30",
    }
    return msgspec.convert({"kind": "attempt", **plain, **fields}, Tried)


@pytest.fixture
def ledger(tmp_path: Path) -> AttemptLedger:
    return AttemptLedger(tmp_path / "draws.sqlite-attempts")


@pytest.mark.parametrize("field", ["claim_hash", "prompt", "body", "draws", "model", "rung"])
def test_whatever_differs_makes_another_attempt_and_the_same_again_makes_none(
    ledger: AttemptLedger, field: str
) -> None:
    numbers = [
        ledger.number(each).number for each in (tried(), tried(at="later"), tried(**{field: "x"}), tried())
    ]
    assert numbers == [1, 1, 2, 1]
    assert len(ledger.entries()) == 2


def test_a_belief_is_linked_by_its_test_or_its_sentence_over_any_number_of_renamings(
    ledger: AttemptLedger,
) -> None:
    names = [("a", "s"), ("b", "s"), ("b", "r"), ("c", "r"), ("other", "another"), ("nameless", "")]
    for place, (test, sentence) in enumerate(names):
        ledger.number(tried(test=test, sentence=sentence, draws=str(place), at=str(place)))
    found = ledger.history(Belief(test="c", sentence="edited"))
    assert [entry.number for entry in attempts_in(found)] == [1, 2, 3, 4]
    assert [len(belief) for belief in by_belief(ledger.entries())] == [4, 1, 1]
    assert ledger.history(Belief(test="new", sentence="")) == []


def test_two_histories_that_become_one_give_no_number_twice_from_then_on(ledger: AttemptLedger) -> None:
    for place in range(3):
        ledger.number(tried(test="a", draws=f"a{place}"))
    for place in range(2):
        ledger.number(tried(test="b", sentence="s", draws=f"b{place}"))
    assert ledger.number(tried(test="a", sentence="s", draws="x")).number == 6


@pytest.mark.parametrize("n_threads", [4])
def test_who_comes_at_the_same_time_is_numbered_one_after_the_other(tmp_path: Path, n_threads: int) -> None:
    path = tmp_path / "draws.sqlite-attempts"
    ledgers = [AttemptLedger(path) for _ in range(n_threads)]

    def number(place: int) -> int:
        return ledgers[place % n_threads].number(tried(draws=str(place))).number

    with ThreadPoolExecutor(n_threads) as pool:
        numbers = sorted(pool.map(number, range(20)))
    assert numbers == list(range(1, 21))


def test_the_likely_number_is_that_of_the_last_alike_else_the_next(ledger: AttemptLedger) -> None:
    ledger.number(tried())
    ledger.number(tried(prompt="q"))
    asked = {"claim": "rate >= 0.5", "body": "b", "model": "m", "seed": 0, "stream": ""}
    assert ledger.likely_number(Belief(test="t"), **asked) == 2
    assert ledger.likely_number(Belief(test="t"), **{**asked, "seed": 1}) == 3
    assert ledger.likely_number(Belief(test="u"), **asked) == 1


def test_what_is_exported_beside_a_cassette_is_taken_in_once_and_added_to(
    tmp_path: Path, ledger: AttemptLedger
) -> None:
    cassette = tmp_path / "x.jsonl.zst"
    mine: list[Entry] = [
        ledger.number(tried()),
        ledger.number(tried(draws="e", sentence="\x1b[31m\x00 </script>")),
    ]
    assert write_attempts(attempts_beside(cassette), mine[:1]) == 1
    assert write_attempts(attempts_beside(cassette), mine) == 2
    assert write_attempts(tmp_path / "none.attempts.json", []) == 0
    assert not (tmp_path / "none.attempts.json").exists()
    other = AttemptLedger(tmp_path / "other")
    for _ in range(2):
        other.take_in_beside(cassette)
    assert other.entries() == read_attempts(attempts_beside(cassette))
    assert other.number(tried(draws="f")).number == 3


@pytest.mark.parametrize("text", ["{", '{"kind": "new"}', "[]"])
def test_an_entry_that_cannot_be_read_names_its_place_and_a_fix(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.attempts.json"
    path.write_text(f"\n{text}\n", encoding="utf-8")
    with pytest.raises(StoreError) as error:
        read_attempts(path)
    assert error.value.where == f"{path}:2"
    assert error.value.fix


def test_a_file_of_a_newer_version_or_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "draws.sqlite-attempts"
    with_version = AttemptLedger(path)
    with_version._connection.pragma("user_version", 99)
    with_version.close()
    with pytest.raises(StoreError, match="newer"):
        AttemptLedger(path)


def test_the_attempts_of_a_cassette_are_beside_it() -> None:
    assert attempts_beside(Path("cassettes/bets.jsonl.zst")).name == "bets.attempts.json"
