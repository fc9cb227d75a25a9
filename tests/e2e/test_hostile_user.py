"""What a hostile first user tries: each of these once gave a wrong count, a wrong verdict or a crash."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_velo.errors import StoreError


def test_values_of_parametrize_are_no_fixtures_and_trials_run_side_by_side(run):
    """`parametrize` values were taken for fixtures set up once: every trial waited for the one before."""
    run.file(
        """
@pytest.mark.parametrize("word", ["yes", "no"])
@pytest.mark.hypothesis(rate >= 0.5, models=[YES], max_trials=100, min_trials=20)
async def test_h(model, word):
    return bool(await model(word) == "yes")
"""
    )
    run().assert_outcomes(passed=2)
    for result in run.record.results:
        assert result.n_in_flight_max > 1
        assert not [notice for notice in result.notices if "one trial at a time" in notice]


def test_a_fixture_with_parameters_is_still_set_up_once(run):
    run.file(
        """
@pytest.fixture(params=["yes", "no"])
def word(request):
    return [request.param]

@pytest.mark.hypothesis(rate >= 0.5, models=[YES], max_trials=100, min_trials=20)
async def test_h(model, word):
    return bool(await model(word[0]) == "yes")
"""
    )
    run().assert_outcomes(passed=2)
    assert [result.n_in_flight_max for result in run.record.results] == [1, 1]


def test_an_invalid_trial_stays_invalid_when_the_body_catches_the_signal(run):
    run.file(
        """
@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
def test_h(model, velo):
    try:
        velo.invalid("nothing to see")
    except Exception:
        return True
"""
    )
    run()
    (result,) = run.record.results
    assert (result.outcome.value, result.decision.evidence.n_for) == ("inconclusive", 0)


def test_a_body_that_catches_everything_pays_nothing_and_refutes_nothing(run, lab):
    """Plain `pytest`: the refusal to pay was caught by the body and counted against the claim."""
    run.file(
        """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"])
async def test_h(model):
    try:
        return (await model("q")).answers("yes")
    except Exception:
        return False
"""
    )
    run().assert_outcomes(skipped=1)
    assert not lab.calls
    lab.close()
    run("-m", "velo", "--velo-mode=replay").stdout.fnmatch_lines(["*CacheMissError*"])


def test_hostile_words_in_an_error_reach_no_terminal(run):
    run.file(
        r"""
EVIL = scripted("evil", ["\x1b[2J\u202e\n::error::boo"])

@pytest.mark.hypothesis(rate >= 0.5, models=[EVIL])
async def test_h(model):
    raise ValueError((await model("q")).text)
"""
    )
    shown = run().stdout.str()
    assert "ValueError" in shown
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown
    assert "\n::error" not in shown


def test_a_timeout_is_an_error_in_the_summary_and_the_record_too(run):
    run.file(
        """
import asyncio, os, signal

@pytest.mark.timeout(600, method="signal")
@pytest.mark.hypothesis(rate >= 0.5, models=[YES], max_trials=9)
async def test_h(model, trial):
    if trial.index == 0:
        os.kill(os.getpid(), signal.SIGALRM)  # the 10 minutes are over
    await asyncio.Event().wait()
    assert await model("q")
"""
    )
    run("-p", "timeout").stdout.fnmatch_lines(["*! error*test_h*", "*1 error*"])
    assert run.outcomes == ["error"]


@pytest.mark.processes
@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_every_call_the_server_saw_is_in_the_summary(run, lab, options):
    """Calls under way when their verdict came were paid, and stood in no report."""
    lab.share = 0.5
    run.file(
        """
@pytest.mark.parametrize("k", range(3))
@pytest.mark.hypothesis(rate >= 0.3, models=["lab/tiny"])
async def test_h(model, k):
    return (await model(f"q{k}", max_tokens=5)).answers("yes")
"""
    )
    shown = run.apart("-p", "no:randomly", "-m", "velo", *options).stdout.str()
    told = sum(result.n_calls - result.n_cached for result in run.record.results)
    ahead = re.search(r"ahead +(\d+) more call", shown)
    assert told + (int(ahead[1]) if ahead else 0) == len(lab.calls)


@pytest.mark.processes
@pytest.mark.parametrize("name", ["trials.jsonl", "results.jsonl", "run.json", "latest"])
@pytest.mark.parametrize("options", [(), ("-n", "1")])
def test_a_record_that_cannot_be_written_hides_no_verdict(run, monkeypatch, name, options):
    """A full disk ended the session in a traceback of ours, without the summary."""
    run.file(
        """
@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_h(model):
    return (await model("q")).answers("yes")
"""
    )

    from pytest_velo.report import record as jsonl

    def full(write):
        def refuse(path: Path, chunks: object) -> None:
            if path.name == name:
                raise StoreError("it cannot be written (no space left)")
            write(path, chunks)

        return refuse

    for writer in ("_write_atomically", "_append"):
        monkeypatch.setattr(jsonl, writer, full(getattr(jsonl, writer)))
    result = run(*options)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*supported*test_h*", "*error*no space left*"])
    assert name != "run.json" or "run record: " not in result.stdout.str()
    assert result.ret == pytest.ExitCode.OK


@pytest.mark.parametrize("ci", ["", "true"])
def test_an_error_with_control_characters_is_named_in_the_short_summary(run, monkeypatch, ci):
    monkeypatch.setenv("CI", ci)
    run.file(
        """
@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_h(model):
    reply = await model("q")
    raise RuntimeError("\\x1b[31m" + reply.text)
"""
    )
    result = run()
    result.assert_outcomes(errors=1)
    assert result.outlines[-2] == r"ERROR test_it.py::test_h - RuntimeError: \x1b[31myes"
    assert "raise RuntimeError(" in result.stdout.str()


def test_static_and_class_methods_are_bodies_too(run):
    run.file(
        """
class TestIt:
    word = "yes"

    @staticmethod
    @pytest.mark.hypothesis(rate >= 0.5, models=[YES])
    def test_static(model):
        return model("q").answers("yes")

    @pytest.mark.hypothesis(rate >= 0.5, models=[YES])
    async def test_method(self, model):
        return (await model("q")).answers(self.word)
"""
    )
    run().assert_outcomes(passed=2)


def test_a_hypothesis_that_is_run_again_counts_once(run):
    """pytest-rerunfailures: the first of two runs stood in the counts as an error of its own."""
    run.file(
        """
TRIES = []

@pytest.mark.hypothesis(rate >= 0.5, models=[YES], max_trials=20)
def test_h(model):
    TRIES.append(1)
    if len(TRIES) == 1:
        raise ValueError("the first time")
    return model("q").answers("yes")
"""
    )
    result = run("--reruns", "1")
    assert result.parseoutcomes() == {"passed": 1, "rerun": 1}
    assert run.outcomes == ["supported"]


@pytest.mark.processes
@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "one worker"])
def test_in_ci_the_short_summary_is_short(run, options):
    """Where `CI` is set pytest cuts nothing: every transcript stood in the log twice."""
    run.file(
        """
@pytest.mark.hypothesis(rate >= 0.5, models=[NO])
async def test_h(model):
    assert await model("q") == "yes"
"""
    )
    shown = run.apart("-p", "no:randomly", *options, CI="true").stdout.str()
    assert shown.count("trial 0") == 1
    assert (
        "REFUTED test_it.py::test_h - refuted: rate < 0.5 (a true claim is refuted at most 5% of the time)\n"
        in shown
    )
