"""When a hypothesis is given up: as the option or the mark says, and at no cost in error."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pytest_velo.cli.main import main
from pytest_velo.verdicts import StopReason, Verdict
from support.importing import imported_anew

COIN = """
@pytest.mark.hypothesis(rate >= 0.5, max_trials=200, {})
def test_h(trial):
    return trial.rng.random() < 0.5
"""


@pytest.mark.parametrize(
    ("mark", "options", "gives_up"),
    [
        ("", (), True),
        ("", ("--velo-futility=off",), False),
        ("futility='off'", (), False),
        ("futility=0.05", ("--velo-futility=off",), True),  # the mark wins
    ],
    ids=["usual", "off", "off in the mark", "the mark wins"],
)
def test_a_run_is_given_up_as_it_was_told(run, mark, options, gives_up) -> None:
    run.file(COIN.format(mark))
    run("--velo-seed=2", *options)
    [result] = run.record.results
    assert result.decision.verdict is Verdict.INCONCLUSIVE
    if gives_up:
        assert result.decision.stop is StopReason.FUTILITY
        assert result.decision.evidence.n < 200
    else:
        assert result.decision.stop is StopReason.MAX_TRIALS
        assert result.decision.evidence.n == 200


def test_going_on_after_it_gave_up_is_the_same_hypothesis(run) -> None:
    """Its trials are the first of the longer run, and no look costs anything."""
    run.file(COIN.format(""))
    run("--velo-seed=2")
    [first] = run.record.results
    told = run("--velo-seed=2", "--velo-futility=off").stdout.str()
    [second] = run.record.results
    n = first.decision.evidence.n
    assert [trial.kind for trial in second.trials[:n]] == [trial.kind for trial in first.trials]
    assert (second.claim_hash, second.attempt.number) == (first.claim_hash, 1)
    assert "exploratory" not in told


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("expect=0.55", "at 0.55, a verdict with a chance of 24.6% instead of 25.7%"),
        ("", "where it costs most, a verdict with a chance of"),
        ("futility='off'", None),
    ],
    ids=["expected", "at its worst", "never"],
)
def test_a_plan_says_what_giving_up_costs(run, monkeypatch, mark, said) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    run.file(COIN.format(mark))
    with imported_anew(run.path):
        done = CliRunner().invoke(main, ["plan", "-p", "no:randomly"])
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    assert ("giving up below a 5% chance of a verdict" in told) == (said is not None)
    assert said is None or said in told
