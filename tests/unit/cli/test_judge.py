"""`velo judge`: what it prints, how it ends, and what it records."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pytest_velo import load
from pytest_velo.cli.main import main
from pytest_velo.records import Outcome
from support.logs import promptfoo_file, promptfoo_result, write_rows

CLAIM = 'difference("new", "old") >= 0.05'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two logs of 100 samples: `new` is right in 80 of them, `old` in 50."""
    monkeypatch.chdir(tmp_path)
    for name in ("CI", "VELO_STRICT"):
        monkeypatch.delenv(name, raising=False)
    for name, right in (("new", 80), ("old", 50)):
        rows = [{"id": f"q{n}", "input": f"Is {n}?", "correct": n < right} for n in range(100)]
        write_rows(tmp_path / f"{name}.jsonl", rows)
    return tmp_path


def judge(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["judge", *arguments, "--cache-dir", "store"])


def test_a_supported_difference_says_what_was_judged_and_what_flipped(folder: Path) -> None:
    said = judge("new.jsonl", "old.jsonl", "-c", CLAIM, "--show", "2")

    assert said.exit_code == 0
    words = " ".join(said.stdout.split())
    assert 'supported: difference("new", "old") > 0.05' in words
    assert "100 pairs: new better in 30, old better in 0, alike in 70; 0 invalid" in words
    assert "new.jsonl (rows; 100 samples; sha256 " in words
    assert "about what these samples were drawn from" in words
    assert "new 1 where the other is 0 in 30 pairs: " in words
    assert "28 more" in words
    assert "1 supported" in words


def test_the_record_is_one_like_any_other(folder: Path) -> None:
    said = judge("new.jsonl", "old.jsonl", "-c", CLAIM)

    run = load(cache_dir="store")
    assert run.document.run_id in said.stdout
    [result] = run.results
    assert (result.claim, result.outcome, len(result.trials)) == (CLAIM, Outcome.SUPPORTED, 200)
    assert {trial.arm for trial in result.trials} == {"new", "old"}
    assert result.trials[0].location.startswith(("new.jsonl:", "old.jsonl:"))
    assert sum("sha256" in fact for fact in result.facts) == 2
    refused = CliRunner().invoke(main, ["rescore", "--cache-dir", "store"])
    assert refused.exit_code == 1
    assert "velo judge" in refused.stderr


def test_two_judgings_are_compared_sample_by_sample(folder: Path) -> None:
    judge("old.jsonl", "-c", "rate >= 0.4")
    write_rows(folder / "old.jsonl", [{"id": f"q{n}", "correct": n < 90} for n in range(100)])
    judge("old.jsonl", "-c", "rate >= 0.4")

    said = CliRunner().invoke(main, ["compare", "previous", "--cache-dir", "store"])

    assert "rate: 0.50 -> 0.90 over 100 pairs" in said.stdout
    assert "better: it rose" in said.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["new.jsonl", "-c", "rate >= 0.6"], 0),
        (["new.jsonl", "-c", "rate <= 0.6"], 1),
        (["new.jsonl", "old.jsonl", "-c", "rate >= 0.6"], 1),  # every log is judged
        (["new.jsonl", "-c", "rate >= 0.79"], 0),  # undecided
        (["new.jsonl", "-c", "rate >= 0.79", "--strict"], 1),
        (["new.jsonl", "-c", "rate >= 0.6", "-c", "rate >= 0.79", "--strict"], 1),
        (["new.jsonl", "-c", "rate >= nan"], 4),
        (["nwe.jsonl", "-c", "rate >= 0.6"], 4),
        (["new.jsonl", "-c", "rate >= 0.6", "--alpha", "2"], 4),
        ([], 4),
        (["new.jsonl", "--arm", "old"], 2),
        (["new.jsonl"], 0),
    ],
)
def test_it_ends_as_pytest_does(folder: Path, arguments: list[str], code: int) -> None:
    assert judge(*arguments).exit_code == code


def test_in_ci_an_undecided_claim_is_a_failure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert judge("new.jsonl", "-c", "rate >= 0.79").exit_code == 1
    assert judge("new.jsonl", "-c", "rate >= 0.79", "--no-strict").exit_code == 0


def test_without_a_claim_every_score_and_the_difference_are_estimated(folder: Path) -> None:
    said = judge("--arm", "b=new.jsonl", "--arm", "a=old.jsonl")

    words = " ".join(said.stdout.split())
    assert "b: rate 0.80, 95% interval [0.6" in words
    assert "a: rate 0.50, 95% interval [0.3" in words
    assert 'difference("b", "a") 0.30, 95% interval [0.1' in words
    assert "each interval misses at most 5% of the time" in words
    assert [result.outcome for result in load(cache_dir="store").results] == [Outcome.MEASURED] * 3


def test_a_score_without_a_known_range_is_skipped_and_said(folder: Path) -> None:
    results = [promptfoo_result(n, success=n % 2 == 0, score=5.0 * n) for n in range(20)]
    promptfoo_file(folder / "r.json", results)

    said = judge("r.json")

    words = " ".join(said.stdout.split())
    assert 'r: rate("success") 0.50' in words
    assert "score of r: its scores are not in 0 to 1" in words
    assert said.exit_code == 0


def test_a_second_seed_is_a_second_look_where_the_order_matters(folder: Path) -> None:
    assert "exploratory" not in judge("new.jsonl", "old.jsonl", "-c", CLAIM).stdout
    again = judge("new.jsonl", "old.jsonl", "-c", CLAIM, "--seed", "7")
    assert "looked at under other seeds before" in " ".join(again.stdout.split())


def test_hostile_text_of_a_log_stays_text(folder: Path) -> None:
    rows = [
        {"id": f"q\x1b[31m{n}", "input": "\x1b]0;x\x07::error::", "correct": n % 2 == 0} for n in range(30)
    ]
    write_rows(folder / "bad.jsonl", rows)
    said = judge("bad.jsonl", "-c", "rate >= 0.6")
    assert "\x1b" not in said.stdout
    assert "\x07" not in said.stdout
