"""What was written before the rooms were moved is read, and comes out the same when it is made again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.baselines.file import BaselineFile
from pytest_velo.cache import cassette
from pytest_velo.cli.main import main
from pytest_velo.report.load import load

BEFORE = Path(__file__).parents[1] / "reference" / "before"
RUN = "2026-11-29T09-16-38Z"
EXAMPLES = Path(__file__).parents[2] / "examples"
OUTCOMES = {
    "test_rate": "supported",
    "test_refuted": "refuted",
    "test_difference": "supported",
    "test_mean": "inconclusive",
    "test_joint": "supported",
    "test_estimate": "measured",
    "test_groups": "supported",
    "test_census": "supported",
    "test_baseline": "supported",
}


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The tests of then, run today beside the record of then."""
    folder = tmp_path_factory.mktemp("before")
    shutil.copy(BEFORE / "before.py", folder / "test_before.py")
    shutil.copy(BEFORE / "velo-baseline.json", folder)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    shutil.copytree(BEFORE / "runs", folder / ".pytest_velo" / "runs")
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("CI", raising=False)
        patched.chdir(folder)
        code = pytest.main(["-q", "-p", "no:randomly", "-p", "no:cacheprovider", f"--rootdir={folder}"])
        assert code == pytest.ExitCode.TESTS_FAILED  # one of them is refuted
        yield folder


def written(folder: Path, name: str) -> Any:
    """Return the document of a run as it stands on disk."""
    return json.loads((folder / "runs" / name / "run.json").read_text(encoding="utf-8"))


def latest(folder: Path) -> str:
    return load(cache_dir=folder / ".pytest_velo").folder.name


def test_a_record_of_then_is_read(again: Path) -> None:
    run = load(RUN, cache_dir=again / ".pytest_velo")
    told = {result.node_id.split("::")[1]: result.outcome.value for result in run.results}
    assert told == OUTCOMES
    assert sum(len(result.trials) for result in run.results) == 281
    assert all(trial.calls for result in run.results for trial in result.trials)


def test_the_same_tests_come_to_the_same_results(again: Path) -> None:
    now, then = (written(again / ".pytest_velo", name)["results"] for name in (latest(again), RUN))

    def by_test(results: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {result["node_id"]: result for result in results if result["node_id"] != STOPS_ANEW}

    assert as_then(by_test(now), by_test(then)) == as_then(by_test(then), by_test(then))


# What later versions say in another way, on purpose: savings in trials instead of pairs, what is needed of
# claims too, whole pairs.
SAID_ANEW = {"n_saved", "n_needed", "telling", "n_against", "n_for"}
STOPS_ANEW = "test_before.py::test_estimate"
"""Estimates look seldom since then, and end at another trial."""


def as_then(now: Any, then: Any) -> Any:
    """Return what is written now as far as it was written then; later versions write more."""
    if not (isinstance(now, dict) and isinstance(then, dict)):
        return now
    return {name: as_then(now.get(name), value) for name, value in then.items() if name not in SAID_ANEW}


def test_trials_are_written_as_they_were(again: Path) -> None:
    def trials(name: str) -> list[dict[str, Any]]:
        path = again / ".pytest_velo" / "runs" / name / "trials.jsonl"
        found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for trial in found:
            trial.pop("case", None)  # later versions write it, too
            for call in trial["calls"]:
                for circumstance in ("drawn_at", "latency_s", "cached"):
                    call.pop(circumstance, None)
        return sorted(found, key=lambda trial: json.dumps(trial, sort_keys=True))

    now, then = trials(latest(again)), trials(RUN)
    rest = [[trial for trial in run if trial["node_id"] != STOPS_ANEW] for run in (now, then)]
    assert rest[0] == rest[1]
    estimates = [[trial for trial in run if trial["node_id"] == STOPS_ANEW] for run in (now, then)]
    of_both = min(map(len, estimates))
    first = [[trial for trial in run if trial["index"] < of_both] for run in estimates]
    assert first[0] == first[1]
    assert of_both > 30


def test_a_run_of_then_is_compared_with_one_of_today(again: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["compare", RUN, "latest", "--fail-on-worse"], standalone_mode=False)
    printed = capsys.readouterr().out
    assert "11 comparisons" in printed
    assert "worse" not in printed


def test_a_baseline_of_then_is_read_and_written_as_it_was(tmp_path: Path) -> None:
    path = BEFORE / "velo-baseline.json"
    (entry,) = BaselineFile.load(path).entries.values()
    assert entry.hypothesis == "test_before.py::test_baseline"
    assert (entry.statistic, entry.current.n) == ("rate", 60)
    BaselineFile.update(tmp_path / path.name, [entry])
    assert (tmp_path / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.jsonl")), ids=lambda path: path.stem)
def test_the_committed_cassettes_are_read(path: Path) -> None:
    assert len(cassette.load(path)) == len(path.read_text(encoding="utf-8").splitlines()) > 0
