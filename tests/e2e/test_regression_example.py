"""The regression example as its README tells it, in a copy of its folder, and as CI would run it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.providers.embedded import check_installed
from support.runs import decided

pytestmark = pytest.mark.processes

EXAMPLE = Path(__file__).parents[2] / "examples" / "regression"
PLAIN = ("-p", "no:randomly")


@pytest.fixture(scope="module")
def home() -> str:
    """The home folder with the weights, before a test moves it."""
    try:
        check_installed("smollm2-135m")
    except UsageError as error:
        pytest.skip(f"{error.what}: {error.fix}")
    return str(Path.home())


@pytest.fixture
def story(run):
    """A copy of the example as it is committed; its draws come from the cassette."""
    ignored = shutil.ignore_patterns(".pytest_velo", "__pycache__", ".pytest_cache")
    shutil.copytree(EXAMPLE, run.path, dirs_exist_ok=True, ignore=ignored)
    return run


def words(result: pytest.RunResult) -> str:
    """Everything that was printed, on one line."""
    return re.sub(r"\s+", " ", result.stdout.str())


def change_the_prompt(story) -> None:
    (story.path / "prompt.txt").write_text("Write a friendly letter to a customer.\n", encoding="utf-8")


def test_the_story(story, home):
    committed = (story.path / "velo-baseline.json").read_bytes()
    (story.path / "velo-baseline.json").unlink()
    kept = (story.path / "prompt.txt").read_text(encoding="utf-8")
    assert story.apart(*PLAIN, "--velo-mode=replay", "--velo-update").ret == 0  # the draws of the cassette
    made = json.loads((story.path / "velo-baseline.json").read_bytes())["entries"][0]
    assert made == {
        **json.loads(committed)["entries"][0],
        "current": {
            **json.loads(committed)["entries"][0]["current"],
            "made_at": made["current"]["made_at"],
        },
    }

    unchanged = story.apart(*PLAIN, "--velo-mode=replay")
    assert unchanged.ret == 0
    assert "0 model calls: every draw came from the cache" in words(unchanged)
    first = story.record.results[0]
    assert (first.outcome, first.decision.evidence.n) == ("supported", 23)

    change_the_prompt(story)
    changed = story.apart(*PLAIN, HOME=home)
    assert changed.ret == pytest.ExitCode.TESTS_FAILED
    refuted = story.record.results[0]
    assert refuted.outcome == "refuted"
    assert refuted.decision.evidence.interval.high <= -0.15
    assert "refuted: rate < baseline - 0.15 (a true claim is refuted at most 5% of the time)" in words(
        changed
    )
    assert re.search(
        r"change from the baseline -[01]\.\d\d \(now 0\.\d\d, .*?interval \[-1\.00, -0\.", words(changed)
    )

    (story.path / "prompt.txt").write_text(kept, encoding="utf-8")
    again = story.apart(*PLAIN, "--velo-mode=replay")
    assert again.ret == 0
    assert decided(story.record.results[0]) == decided(first)


def test_ci_replays_the_verdict_and_accepts_no_new_baseline(story):
    unchanged = story.apart(*PLAIN, "--velo-mode=replay", CI="true")
    assert unchanged.ret == 0
    assert story.record.results[0].outcome == "supported"
    update = story.apart(*PLAIN, "--velo-mode=replay", "--velo-update", CI="true")
    assert update.ret == pytest.ExitCode.USAGE_ERROR
    assert "baselines are not updated in CI" in update.stderr.str()


def test_ci_without_the_model_calls_a_changed_prompt_an_error_not_a_refutation(story):
    change_the_prompt(story)
    result = story.apart(*PLAIN, "--velo-mode=replay", CI="true")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert story.record.results[0].outcome == "error"


def test_ci_with_the_model_refutes_a_changed_prompt(story, home):
    change_the_prompt(story)
    result = story.apart(*PLAIN, CI="true", HOME=home)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert story.record.results[0].outcome == "refuted"
    assert story.record.results[0].n_calls < 30
