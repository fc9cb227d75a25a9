"""Logs as other tools write them, for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows of outcomes as `.jsonl`."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows_of(
    rates: Sequence[float], rng: Random, *, epochs: int = 1, errors: float = 0.0
) -> list[dict[str, Any]]:
    """Return rows of samples that come out right at these rates, each at its own."""
    rows: list[dict[str, Any]] = []
    for place, rate in enumerate(rates):
        for epoch in range(1, epochs + 1):
            row: dict[str, Any] = {"id": f"q{place}", "epoch": epoch}
            right = rng.random() < rate
            row |= {"error": "429: too many requests"} if rng.random() < errors else {"correct": right}
            rows.append(row)
    return rows


def lm_eval_line(
    doc_id: int, filter_name: str = "none", metrics: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a line of `samples_*.jsonl`, as the harness's evaluation tracker writes it."""
    metrics = {"acc": 1.0} if metrics is None else metrics
    return {
        "doc_id": doc_id,
        "doc": {"question": f"Is {doc_id} even?", "answer": "yes", "subject": f"s{doc_id % 2}"},
        "target": "yes",
        "arguments": {"gen_args_0": {"arg_0": f"Is {doc_id} even?", "arg_1": {"until": ["\n"]}}},
        "resps": [["yes"]],
        "filtered_resps": ["yes"],
        "filter": filter_name,
        "metrics": list(metrics),
        "doc_hash": "d" * 8,
        "prompt_hash": "p" * 8,
        "target_hash": "t" * 8,
        **metrics,
    }


def promptfoo_result(
    test: int,
    provider: str = "openai:gpt-5-mini",
    *,
    success: bool = True,
    score: float | None = None,
    reason: int | None = None,
    error: str | None = None,
    prompt: int = 0,
    variables: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a result of promptfoo; `reason` is its failureReason: 0 none, 1 an assertion, 2 an error."""
    variables = {"question": f"Is {test} even?"} if variables is None else variables
    result: dict[str, Any] = {
        "id": f"{provider}-{test}-{prompt}",
        "promptIdx": prompt,
        "testIdx": test,
        "promptId": "a" * 8,
        "provider": {"id": provider, "label": ""},
        "prompt": {"raw": f"Answer: Is {test} even?", "label": "Answer: {{question}}"},
        "vars": dict(variables),
        "testCase": {"vars": dict(variables), "assert": [{"type": "contains", "value": "yes"}]},
        "response": {"output": "yes"},
        "success": success,
        "score": (1.0 if success else 0.0) if score is None else score,
        "namedScores": {"tone": 0.5},
        "latencyMs": 10,
        "cost": 0,
        "failureReason": (0 if success else 1) if reason is None else reason,
        "gradingResult": {"pass": success, "score": 1 if success else 0, "reason": "…"},
    }
    if error is not None:
        result["error"] = error
    return result


def promptfoo_file(path: Path, results: Sequence[Mapping[str, Any]]) -> Path:
    """Write a file as `promptfoo eval -o results.json` does."""
    data = {
        "evalId": "eval-abc-2025-01-01T00:00:00",
        "results": {"version": 3, "timestamp": "2025-01-01", "prompts": [], "results": results, "stats": {}},
        "config": {},
        "shareableUrl": None,
    }
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def deepeval_case(
    name: str, metrics: Mapping[str, float | str | None], *, success: bool = True
) -> dict[str, Any]:
    """Return a test case of a deepeval run; a text in place of a score is the metric's error."""
    return {
        "name": name,
        "input": f"the input of {name}",
        "actualOutput": "yes",
        "expectedOutput": "yes",
        "success": success,
        "metricsData": [
            {
                "name": metric,
                "threshold": 0.5,
                "success": isinstance(score, float) and score >= 0.5,
                "score": score if isinstance(score, float) else None,
                "reason": "…",
                "strictMode": False,
                "evaluationModel": "gpt-5-mini",
                "error": score if isinstance(score, str) else None,
            }
            for metric, score in metrics.items()
        ],
        "runDuration": 0.1,
        "order": 0,
    }
