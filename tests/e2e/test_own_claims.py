"""Claims of one's own: a plugin brings a class of claims and the rule that settles them."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pytest_velo.cli.main import main
from support.runs import decided

PLUGIN = '''
from dataclasses import dataclass

import pytest

from pytest_velo import rate
from pytest_velo.claims import Claim, Direction
from pytest_velo.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak(Claim):
    """So many ones in a row, somewhere within max_trials."""

    length: int

    def __str__(self):
        return f"streak of {self.length}"


def streak(length):
    return Streak(statistic=rate, direction=Direction.AT_LEAST, low=0.5, length=length)


class StreakRule:
    kind = "streak"
    log_e_support = log_e_refute = 0.0

    def __init__(self, claim, **design):
        self.claim, self.design = claim, design
        self.n = self.run = 0

    def feed(self, low, high):
        self.n += 1
        self.run = self.run + 1 if low == 1 else 0
        if self.run >= self.claim.length:
            return Verdict.SUPPORTED
        return Verdict.REFUTED if self.n == self.design["max_units"] else None

    def evidence_bounds(self):
        return 1.0, 1.0, None

    def min_more(self):
        return self.claim.length - self.run

    expected_more = min_more

    def predictive_probability(self):
        return 1.0

    def certified(self, verdict):
        return f"{verdict}: {self.claim}"


def pytest_velo_claims():
    return {Streak: StreakRule}
'''
TEST = """
from conftest import streak

@pytest.mark.hypothesis(streak({length}), max_trials=40)
def test_streak(trial):
    "There is a streak."
    return trial.index % 8 > 0
"""


@pytest.fixture
def plugin(run):
    """The plugin, as the conftest of the tests."""
    (run.path / "conftest.py").write_text(PLUGIN, encoding="utf-8")
    run.ini("addopts = --import-mode=importlib\npythonpath = .")


def test_a_rule_of_ones_own_supports_and_refutes(run, plugin):
    run.file(TEST.format(length=7))
    result = run()
    assert result.ret == 0
    (recorded,) = run.record.results
    assert (recorded.outcome, recorded.claim) == ("supported", "streak of 7")
    assert recorded.decision.certified == "supported: streak of 7"
    assert (recorded.decision.evidence.n, recorded.decision.evidence.rule) == (8, "streak")
    assert recorded.decision.evidence.interval is None
    run.file(TEST.format(length=8))
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["refuted: refuted: streak of 8*", "*claim      streak of 8*", "*40 of at most 40*"]
    )
    assert run.outcomes == ["refuted"]


@pytest.mark.processes
def test_it_is_the_same_under_two_workers(run, plugin):
    run.file(TEST.format(length=7))
    run()
    (alone,) = run.record.results
    run("-n", "2")
    (shared,) = run.record.results
    assert decided(shared) == decided(alone)


def test_our_claims_keep_their_rules_beside_it(run, plugin):
    run.file(
        TEST.format(length=7)
        + "\n@pytest.mark.hypothesis(rate >= 0.5)\ndef test_ours(trial):\n    return trial.index >= 0\n"
    )
    run()
    assert {result.decision.evidence.rule for result in run.record.results} == {"streak", "calibrated"}


def test_a_plugin_may_settle_our_claims_by_another_rule(run, plugin):
    """The one that registered last goes first."""
    conftest = (run.path / "conftest.py").read_text(encoding="utf-8")
    (run.path / "conftest.py").write_text(
        conftest.replace("class StreakRule:", "class StreakRule:\n    length = 3")
        .replace("self.claim.length", "getattr(self.claim, 'length', 3)")
        .replace("{Streak: StreakRule}", "{Claim: StreakRule}"),
        encoding="utf-8",
    )
    run.file("@pytest.mark.hypothesis(rate >= 0.5)\ndef test_ours(trial):\n    return trial.index >= 0\n")
    run()
    (recorded,) = run.record.results
    assert (recorded.decision.evidence.rule, recorded.decision.evidence.n) == ("streak", 3)


def test_a_claim_with_a_rule_of_its_own_is_joined_with_none(run, plugin):
    run.file(TEST.format(length=7).replace("streak(7)", '(streak(7) & (rate("a") <= 0.1))'))
    result = run()
    assert result.ret != 0
    assert "names no outcome" in result.stdout.str() or "name no outcome" in result.stdout.str()
    conftest = (run.path / "conftest.py").read_text(encoding="utf-8")
    (run.path / "conftest.py").write_text(
        conftest.replace("statistic=rate,", 'statistic=rate("s"),'), encoding="utf-8"
    )
    result = run()
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR)
    text = result.stdout.str() + result.stderr.str()
    assert "joins a claim that has its own rule" in text
    assert "write one test for each" in text
    assert run.n_runs == 0


def test_two_runs_of_it_are_not_compared(run, plugin):
    """What it is about only its plugin knows."""
    run.file(TEST.format(length=7))
    run()
    run()
    told = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["compare", "previous", "latest"])
    assert told.exit_code == 0
    assert "not compared: the record does not tell what `streak of 7` is about" in told.stdout
    assert "nothing was compared" in told.stdout
