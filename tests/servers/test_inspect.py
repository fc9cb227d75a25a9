"""Logs of Inspect, read back and bundled by Inspect itself (`pip install 'pytest-velo[inspect]'`)."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.records import FinishReason, HypothesisResult, Outcome, OutcomeKind, ToolCall, Usage
from pytest_velo.report.exports.writing import write
from pytest_velo.report.load import load
from pytest_velo.settings import ReportKind, ReportTarget
from support.reports import call, paired, recorded, refuted, trial, undecided

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.servers


@pytest.fixture(autouse=True)
def _inspect() -> None:
    if find_spec("inspect_ai") is None:
        pytest.skip("pip install 'pytest-velo[inspect]'")


def read(path: Path) -> Any:
    from inspect_ai.log import read_eval_log

    return read_eval_log(str(path))


def written(folder: Path, *results: HypothesisResult, to: str = "log.eval") -> list[Any]:
    """Write the record of a run, then its logs; returns what Inspect reads."""
    run = recorded(folder / "cache", *results)
    found = write(run, ReportTarget(kind=ReportKind.INSPECT, path=folder / to))
    return [read(file) for file in found.files]


def one_by_one(path: Path) -> Any:
    from inspect_ai.log import read_eval_log_samples

    return read_eval_log_samples(str(path), all_samples_required=False)


def metrics(log: Any) -> dict[str, float]:
    return {name: metric.value for score in log.results.scores for name, metric in score.metrics.items()}


def test_a_real_run_of_the_quickstart_is_read_back_with_the_same_counts(tmp_path: Path) -> None:
    """The quickstart, on the draws recorded with it; `inspect view bundle` takes its logs."""
    shutil.copytree(ROOT / "examples" / "quickstart", tmp_path / "quickstart")
    report = f"--velo-report=inspect:{tmp_path / 'logs'}"
    command = [sys.executable, "-m", "pytest", "quickstart", report, "--velo-mode=replay", "-W", "error"]
    command += ["-p", "no:randomly", "-p", "no:asyncio"]  # the latter warns at its start
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    run = load(cache_dir=tmp_path / ".pytest_velo")
    files = [*(tmp_path / "logs").glob("*.eval")]
    logs = {log.eval.metadata["velo"]["rerun"]: log for log in map(read, files)}
    assert len(logs) == len(run.results) > 0
    assert {file: len([*one_by_one(file)]) for file in files} == {
        file: len(read(file).samples) for file in files
    }
    for result in run.results:
        log, evidence = logs[result.rerun], result.decision.evidence
        assert log.status == "success"
        assert log.results.total_samples == len(log.samples) == len(result.trials) == evidence.n
        ones = sum(sample.scores["outcome"].value for sample in log.samples if not sample.error)
        assert ones == evidence.n_ones
        assert len([sample for sample in log.samples if sample.error]) == evidence.n_invalid
        told = metrics(log)
        assert (told["rate"], told["n"]) == (evidence.estimate, evidence.n)
        assert (told["interval_low"], told["interval_high"]) == (
            evidence.interval.low,
            evidence.interval.high,
        )
        texts = [recorded.calls[-1].reply.text for recorded in result.trials]
        assert sorted(sample.output.completion for sample in log.samples) == sorted(texts)
        assert log.eval.model == "local/smollm2-135m"
    bundle = [sys.executable, "-m", "inspect_ai", "view", "bundle"]
    bundled = subprocess.run(
        [*bundle, "--log-dir", str(tmp_path / "logs"), "--output-dir", str(tmp_path / "view")],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert bundled.returncode == 0, bundled.stdout + bundled.stderr
    assert (tmp_path / "view" / "index.html").is_file()
    assert len([*(tmp_path / "view" / "logs").glob("*.eval")]) == len(logs)


def test_what_the_documents_do_with_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "how-to" / "reports.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(from inspect_ai.*?)^```", page, re.MULTILINE | re.DOTALL)
    empty = trial(1, 0, kind=OutcomeKind.INVALID, values={}, detail="empty")
    written(tmp_path, refuted(trials=(trial(0, 1), empty)), to="out.eval")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/how-to/reports.md", "exec"), names)
    assert names["invalid"] == ["invalid trial: empty"]
    assert "outcome {'rate': 0.33" in capsys.readouterr().out


def test_reasoning_tool_calls_tokens_and_endings_are_read_back(tmp_path: Path) -> None:
    wanted = ToolCall(id="t1", name="weather", arguments={"city": "Lyon"})
    bad = ToolCall(id="t2", name="weather", arguments=None, arguments_text="{")
    first = call("Weather?", "Let me look.")
    first = replace(
        first,
        reply=replace(
            first.reply,
            reasoning="It may rain.",
            tool_calls=(wanted, bad),
            finish_reason=FinishReason.TOOL_CALLS,
            usage=Usage(input_tokens=10, output_tokens=4, reasoning_tokens=3),
            cost_usd=0.25,
        ),
    )
    asking = {"role": "assistant", "content": "Let me look.", "tool_calls": [dict(wanted.request)]}
    result = {"role": "tool", "tool_call_id": "t1", "content": "Rain."}
    second = call("", "It rains.")
    messages = ({"role": "user", "content": "Weather?"}, asking, result)
    second = replace(
        second,
        request=replace(second.request, messages=messages),
        reply=replace(second.reply, finish_reason=FinishReason.LENGTH),
    )
    (log,) = written(
        tmp_path, refuted(trials=(trial(0, 1, calls=(first, second), detail="it said so", target="Rain"),))
    )
    (sample,) = log.samples
    assert [message.role for message in sample.messages] == ["user", "assistant", "tool", "assistant"]
    assert sample.messages[1].content[0].reasoning == "It may rain."
    assert sample.messages[1].text == "Let me look."
    called, broken = sample.messages[1].tool_calls
    assert (called.function, called.arguments, called.parse_error) == ("weather", {"city": "Lyon"}, None)
    assert "{" in broken.parse_error
    assert sample.messages[2].function == "weather"
    assert (sample.output.completion, sample.output.stop_reason) == ("It rains.", "max_tokens")
    assert sample.output.usage is None  # the second server told the output alone
    assert sample.model_usage == {}
    assert [event.output.stop_reason for event in sample.events] == ["tool_calls", "max_tokens"]
    assert sample.events[0].output.usage.total_cost == 0.25
    assert (sample.target, sample.scores["outcome"].explanation) == ("Rain", "it said so")
    (alone,) = written(tmp_path / "alone", refuted(trials=(trial(0, 1, calls=(first,)),)))
    usage = alone.samples[0].output.usage
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (10, 4, 3)
    assert alone.stats.model_usage["lab/tiny"].total_cost == 0.25


def test_invalid_trials_pairs_and_errors_are_read_back(tmp_path: Path) -> None:
    empty = trial(2, 0, case_id="q1", repeat=0, arm="a", kind=OutcomeKind.INVALID, values={}, detail="empty")
    pairs = paired()
    pairs = replace(pairs, node_id="t.py::test_pairs", trials=(*pairs.trials[:2], empty, pairs.trials[3]))
    broken = refuted(
        node_id="t.py::test_broken", trials=(), decision=None, outcome=Outcome.ERROR, problem="no key"
    )
    first, second, third = written(tmp_path, pairs, broken, undecided())
    assert (first.status, second.status, third.status) == ("success", "error", "success")
    assert second.error.message == "no key"
    good, bad = first.samples
    assert good.error is None
    assert "arm a" in bad.error.message
    assert [*bad.scores] == ["b"]
    assert (first.results.total_samples, first.results.completed_samples) == (2, 1)
    assert {file.name for file in tmp_path.glob("*.eval")} == {
        "log-t.py-test_pairs.eval",
        "log-t.py-test_broken.eval",
        "log-test_a.py-test_c.eval",
    }


@pytest.mark.parametrize("text", ["\ud800 half", "\x00\x1b[31m", "::error::", "é 漢字 🎉", "x" * 200_000])
def test_any_text_of_a_model_is_written(tmp_path: Path, text: str) -> None:
    (log,) = written(tmp_path, refuted(trials=(trial(0, 1, calls=(call("Hi?", text),), detail=text),)))
    (sample,) = log.samples
    expected = text.encode("utf-8", "backslashreplace").decode()  # half a character is shown as its escape
    assert sample.messages[1].text == expected


def test_a_folder_has_the_names_that_inspect_lists(tmp_path: Path) -> None:
    from inspect_ai.log import list_eval_logs

    written(tmp_path, refuted(), undecided(), to="logs")
    listed = list_eval_logs(str(tmp_path / "logs"))
    assert sorted(info.task for info in listed) == ["test-b", "test-c"]
    written(tmp_path, refuted(), to="as.json")
    assert read(tmp_path / "as.json").eval.task == "test_b"


def test_data_frames_of_inspect_have_every_trial(tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="pip install pandas pyarrow")
    from inspect_ai.analysis import samples_df

    written(tmp_path, refuted(), to="logs")
    frame = samples_df(str(tmp_path / "logs"))
    assert len(frame) == 9
    assert frame["score_outcome"].astype(float).sum() == 3
