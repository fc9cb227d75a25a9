"""What each tool's logs say: samples, scores, what is invalid, and what is not read as an outcome."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.logs.detect import read_logs
from pytest_velo.logs.log import Kind, Log
from pytest_velo.logs.scores import is_binary, names_of, score_of
from support.logs import (
    deepeval_case,
    lm_eval_line,
    promptfoo_file,
    promptfoo_result,
    write_rows,
)

DATA = Path(__file__).parent / "data"


def read_one(path: Path, **options: Any) -> Log:
    [log] = read_logs(path, **options)
    return log


# lm-evaluation-harness


def test_a_document_of_the_harness_is_a_sample_and_its_metrics_are_scores(tmp_path: Path) -> None:
    path = tmp_path / "samples_gsm8k_2025-01-02T03-04-05.678901.jsonl"
    write_rows(path, [lm_eval_line(0), lm_eval_line(1, metrics={"acc": 0.0})])

    log = read_one(path)

    assert (log.kind, log.task, names_of(log)) == (Kind.LM_EVAL, "gsm8k", ("acc",))
    assert [(sample.id, sample.scores) for sample in log.samples] == [
        ("0", {"acc": 1.0}),
        ("1", {"acc": 0.0}),
    ]
    assert log.samples[0].fields["subject"] == "s0"
    assert log.samples[0].fields["output"] == "yes"
    assert log.samples[1].where == f"{path.name}:2"


def test_two_filters_of_the_harness_are_two_scores_of_one_sample(tmp_path: Path) -> None:
    lines = [
        lm_eval_line(doc, name, {"exact_match": float(name == "flexible-extract")})
        for doc in range(2)
        for name in ("strict-match", "flexible-extract")
    ]
    log = read_one(write_rows(tmp_path / "samples_a.jsonl", lines))

    assert [sample.id for sample in log.samples] == ["0", "1"]
    assert log.samples[0].scores == {"exact_match,strict-match": 0.0, "exact_match,flexible-extract": 1.0}
    with pytest.raises(UsageError, match="2 scores") as error:
        score_of(log, None)
    assert "--score=exact_match,strict-match" in error.value.fix


def test_a_metric_without_a_number_is_a_fault_and_one_of_a_corpus_is_no_score(tmp_path: Path) -> None:
    lines = [
        lm_eval_line(0, metrics={"acc": None, "word_perplexity": [-3.2, 7]}),
        lm_eval_line(1, metrics={"acc": 1.0, "word_perplexity": [-1.0, 3]}),
    ]
    log = read_one(write_rows(tmp_path / "samples_a.jsonl", lines))

    assert names_of(log) == ("acc",)
    assert "no number" in log.samples[0].faults["acc"]


def test_a_document_that_comes_twice_under_one_filter_is_refused_with_both_places(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "samples_a.jsonl", [lm_eval_line(3), lm_eval_line(4), lm_eval_line(3)])
    with pytest.raises(UsageError) as error:
        read_logs(path)
    assert error.value.where == "samples_a.jsonl:3"
    assert "samples_a.jsonl:1" in error.value.what


def test_a_folder_of_the_harness_is_one_log_of_its_tasks(tmp_path: Path) -> None:
    for task in ("anatomy", "law"):
        name = f"samples_mmlu_{task}_2025-01-02T03-04-05.678901.jsonl"
        write_rows(tmp_path / name, [lm_eval_line(0), lm_eval_line(1)])

    log = read_one(tmp_path)

    assert [sample.id for sample in log.samples] == [
        f"mmlu_{task}/{doc}" for task in ("anatomy", "law") for doc in range(2)
    ]
    assert {sample.fields["task"] for sample in log.samples} == {"mmlu_anatomy", "mmlu_law"}
    assert (log.name, log.task) == (tmp_path.name, "mmlu_anatomy, mmlu_law")
    write_rows(tmp_path / "samples_mmlu_law_2025-02-02T03-04-05.678901.jsonl", [lm_eval_line(0)])
    with pytest.raises(UsageError, match="mmlu_law has two files"):
        read_logs(tmp_path)


# promptfoo


def test_a_failed_assertion_of_promptfoo_is_an_outcome_and_an_error_is_not(tmp_path: Path) -> None:
    results = [
        promptfoo_result(0),
        promptfoo_result(1, success=False, error="Expected output to contain yes"),
        promptfoo_result(2, success=False, reason=2, error="API error: 429 Too Many Requests\nmore"),
    ]
    log = read_one(promptfoo_file(tmp_path / "r.json", results))

    assert [sample.scores["success"] for sample in log.samples[:2]] == [1.0, 0.0]
    assert [sample.invalid for sample in log.samples] == [
        "",
        "",
        "error in the log: API error: 429 Too Many Requests",
    ]
    assert score_of(log, None) == "success"
    assert score_of(log, None, graded=True) == "score"
    assert "tone" in names_of(log)


def test_a_result_of_older_promptfoo_broke_if_it_has_an_error_and_no_grading(tmp_path: Path) -> None:
    results = [
        promptfoo_result(0, success=False, error="timeout"),
        promptfoo_result(1, success=False, error="no"),
    ]
    for result in results:
        del result["failureReason"]
    results[0]["gradingResult"] = None
    log = read_one(promptfoo_file(tmp_path / "r.json", results))

    assert [bool(sample.invalid) for sample in log.samples] == [True, False]


def test_providers_and_prompts_of_one_file_are_arms_of_the_same_samples(tmp_path: Path) -> None:
    by_provider = [promptfoo_result(test, provider) for test in range(2) for provider in ("a", "b")]
    by_prompt = [promptfoo_result(test, prompt=prompt) for test in range(2) for prompt in range(2)]
    by_both = [promptfoo_result(0, provider, prompt=prompt) for provider in ("a", "b") for prompt in range(2)]

    logs = read_logs(promptfoo_file(tmp_path / "r.json", by_provider))
    assert [(log.name, log.model, [sample.id for sample in log.samples]) for log in logs] == [
        ("r:a", "a", ["0", "1"]),
        ("r:b", "b", ["0", "1"]),
    ]
    assert [log.name for log in read_logs(promptfoo_file(tmp_path / "r.json", by_prompt))] == [
        "r:prompt 0",
        "r:prompt 1",
    ]
    assert len({log.name for log in read_logs(promptfoo_file(tmp_path / "r.json", by_both))}) == 4


def test_repeated_tests_of_promptfoo_are_draws_of_one_sample(tmp_path: Path) -> None:
    same = {"question": "Is 7 even?"}
    results = [promptfoo_result(test, variables=same) for test in (0, 1)] + [promptfoo_result(2)]
    log = read_one(promptfoo_file(tmp_path / "r.json", results))

    assert [(sample.id, sample.epoch) for sample in log.samples] == [("0", 1), ("0", 2), ("2", 1)]


def test_lines_of_promptfoo_are_its_results_and_no_rows(tmp_path: Path) -> None:
    """In rows, `error` says that there is no outcome; promptfoo has one for every failed assertion."""
    results = [
        promptfoo_result(0),
        promptfoo_result(1, success=False, error="Expected output to contain yes"),
    ]
    [log] = read_logs(write_rows(tmp_path / "r.jsonl", results))

    assert (log.kind, [sample.id for sample in log.samples]) == (Kind.PROMPTFOO, ["0", "1"])
    assert [(sample.scores["success"], sample.invalid) for sample in log.samples] == [(1.0, ""), (0.0, "")]


# deepeval


def deepeval_file(path: Path, cases: list[dict[str, Any]], name: str = "testCases") -> Path:
    path.write_text(json.dumps({"testFile": "test_bot.py", name: cases}), encoding="utf-8")
    return path


def test_a_broken_metric_of_deepeval_is_no_failure_of_the_model(tmp_path: Path) -> None:
    cases = [
        deepeval_case("test_case_0", {"Answer Relevancy": 0.8}),
        deepeval_case("test_case_1", {"Answer Relevancy": "429 from the judge"}, success=False),
    ]
    log = read_one(deepeval_file(tmp_path / "run.json", cases))

    assert (log.kind, log.task, score_of(log, None)) == (Kind.DEEPEVAL, "test_bot.py", "success")
    assert log.samples[0].scores == {"Answer Relevancy": 0.8, "success": 1.0}
    assert log.samples[1].scores == {}
    assert "429 from the judge" in log.samples[1].faults["success"]


def test_an_evaluation_result_of_deepeval_has_the_other_spelling(tmp_path: Path) -> None:
    case = deepeval_case("a", {"m": 0.25}, success=False)
    case |= {"metrics_data": case.pop("metricsData"), "actual_output": case.pop("actualOutput")}
    log = read_one(deepeval_file(tmp_path / "run.json", [case], "test_results"))

    assert log.samples[0].scores == {"m": 0.25, "success": 0.0}
    assert log.samples[0].fields["output"] == "yes"


# rows


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".csv", "id,correct\nq1,true\nq2,0\nq3,\n"),
        (".tsv", "id\tcorrect\nq1\tTRUE\nq2\tfalse\nq3\tN/A\n"),
        (".json", '[{"id": "q1", "correct": 1}, {"id": "q2", "correct": false}, {"id": "q3"}]'),
        (
            ".jsonl",
            '{"id": "q1", "correct": 1.0}\n{"id": "q2", "correct": 0}\n{"id": "q3", "correct": null}\n',
        ),
    ],
)
def test_rows_of_every_format_say_the_same(tmp_path: Path, suffix: str, text: str) -> None:
    path = tmp_path / f"log{suffix}"
    path.write_text(text, encoding="utf-8")

    log = read_one(path)

    assert [sample.scores.get("correct") for sample in log.samples] == [1.0, 0.0, None]
    assert log.samples[2].faults == {"correct": "correct is empty in the log"}
    assert (log.kind, score_of(log, None), is_binary(log, "correct")) == (Kind.ROWS, "correct", True)


def test_a_row_with_an_error_is_invalid_whatever_its_score(tmp_path: Path) -> None:
    rows = [{"id": 1, "score": 0, "error": "HTTP 500"}, {"id": 2, "score": 0.25, "error": ""}]
    log = read_one(write_rows(tmp_path / "log.jsonl", rows))

    assert [sample.invalid for sample in log.samples] == ["error in the log: HTTP 500", ""]


def test_a_value_that_is_no_outcome_is_a_fault_and_never_a_0(tmp_path: Path) -> None:
    rows = [{"id": n, "correct": value} for n, value in enumerate([True, False, "timeout", "nan", [1]])]
    log = read_one(write_rows(tmp_path / "log.jsonl", rows))

    assert [sample.scores.get("correct") for sample in log.samples] == [1.0, 0.0, None, None, None]
    assert "'timeout'" in log.samples[2].faults["correct"]


def test_epochs_are_ranked_by_their_value(tmp_path: Path) -> None:
    rows = [{"id": "q", "epoch": epoch, "correct": True} for epoch in (10, 9, 2)]
    log = read_one(write_rows(tmp_path / "log.jsonl", rows))

    assert [sample.epoch for sample in log.samples] == [3, 2, 1]


def test_the_id_may_be_another_field_and_rows_without_one_are_only_numbered(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "log.jsonl", [{"question": "a", "ok": True}, {"question": "b", "ok": False}])

    assert read_one(path).numbered
    assert [sample.id for sample in read_one(path, id_field="question").samples] == ["a", "b"]
    with pytest.raises(UsageError) as error:
        read_logs(path, id_field="qestion")
    assert "did you mean 'question'" in error.value.fix


def test_parquet_is_read_like_other_rows(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"id": ["a", "b"], "correct": [True, None]}), tmp_path / "log.parquet")

    log = read_one(tmp_path / "log.parquet")

    assert [sample.scores for sample in log.samples] == [{"correct": 1.0}, {}]


# what is no log


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.xlsx", b"PK\x03\x04", "no kind of log"),
        ("log", b"{}", "no kind of log"),
        ("a.json", b"\x00\xff\xfe", "cannot be read"),
        ("a.json", b"[" * 100_000, "cannot be read"),
        ("a.jsonl", b"not json\n", "not JSON"),
        ("a.jsonl", b"3\n", "must be an object"),
        ("a.jsonl", b"", "no rows"),
        ("a.csv", b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_what_is_no_log_is_refused_by_name(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=told) as error:
        read_logs(tmp_path / name)
    assert name in error.value.where
    assert error.value.fix


def test_a_log_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    write_rows(tmp_path / "old.jsonl", [])
    with pytest.raises(UsageError, match="no such log") as error:
        read_logs(tmp_path / "odl.jsonl")
    assert "old.jsonl" in error.value.fix
    with pytest.raises(UsageError, match="folder"):
        read_logs(tmp_path)


def test_a_forced_format_that_does_not_fit_says_what_was_looked_for(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", [{"id": 1, "ok": True}])
    other = tmp_path / "x.json"
    other.write_text("{}", encoding="utf-8")

    with pytest.raises(UsageError, match="no doc_id"):
        read_logs(path, kind=Kind.LM_EVAL)
    with pytest.raises(UsageError, match=r"results\.results"):
        read_logs(other, kind=Kind.PROMPTFOO)
    with pytest.raises(UsageError, match="no deepeval test cases"):
        read_logs(other, kind=Kind.DEEPEVAL)


@pytest.mark.parametrize("name", ["tiny.eval", "tiny.json"])
def test_a_log_of_inspect_is_told_by_its_content_and_names_the_extra(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "inspect_ai.log", None)  # as if it were not installed
    with pytest.raises(UsageError, match="inspect_ai") as error:
        read_logs(DATA / name)
    assert "pytest-velo[inspect]" in error.value.fix
