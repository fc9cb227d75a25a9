"""Test runs of deepeval: the JSON of a run (`testCases`), or of an `EvaluationResult` (`test_results`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_velo.errors import UsageError
from pytest_velo.logs.log import Kind, Log, Sample, as_number, as_text

PASSED = "success"
_LISTS = ("testCases", "conversationalTestCases", "testResults", "test_results", "test_cases")


def results_in(data: Any) -> list[Any] | None:
    """Return the test cases in a file's JSON; None if it is not deepeval's."""
    if isinstance(data, Mapping):
        found = [data[name] for name in _LISTS if isinstance(data.get(name), list)]
        cases = [case for each in found for case in each]
        if cases and any(_metrics(case) is not None for case in cases):
            return cases
    return None


def read(path: Path, digest: str, data: Any) -> tuple[Log, ...]:
    """Read one file.

    Raises:
        UsageError: It is not deepeval's.
    """
    cases = results_in(data)
    if cases is None:
        raise UsageError(
            "there are no deepeval test cases with metrics in it (`testCases` or `test_results`)",
            where=str(path),
            fix="DEEPEVAL_RESULTS_FOLDER=results deepeval test run ... writes such files",
        )
    model = data.get("evaluationModel")
    return (
        Log(
            name=path.stem,
            path=path,
            kind=Kind.DEEPEVAL,
            digest=digest,
            samples=tuple(_samples(cases, path)),
            passed=PASSED,
            task=as_text(data.get("testFile") or data.get("test_file") or ""),
            model=as_text(model) if isinstance(model, str) else "",
        ),
    )


def _metrics(case: Any) -> list[Any] | None:
    found = _either(case, "metricsData", "metrics_data") if isinstance(case, Mapping) else None
    return found if isinstance(found, list) else None


def _either(case: Mapping[str, Any], *names: str) -> Any:
    """Return the field under the first name it has: files have both manners of spelling."""
    return next((case[name] for name in names if case.get(name) is not None), None)


def _samples(cases: list[Any], path: Path) -> Iterator[Sample]:
    for place, case in enumerate(cases):
        where = f"{path.name}: test case {place}"
        if not isinstance(case, Mapping) or "name" not in case:
            raise UsageError("the test case has no `name`", where=where, fix="is it deepeval's own file?")
        scores, faults = _scores(_metrics(case) or [])
        passed = as_number(case.get("success"))
        if faults and passed is not None:  # it did not pass because a metric broke
            faults[PASSED] = next(iter(faults.values()))
        elif passed is not None:
            scores[PASSED] = passed
        metadata = _either(case, "metadata", "additionalMetadata", "additional_metadata")
        yield Sample(
            id=as_text(case["name"]),
            scores=scores,
            invalid="" if scores or faults else "no metric was evaluated",
            faults=faults,
            fields={
                **(metadata if isinstance(metadata, Mapping) else {}),
                "input": _either(case, "input", "turns"),
                "target": _either(case, "expectedOutput", "expected_output"),
                "output": _either(case, "actualOutput", "actual_output"),
            },
            where=where,
        )


def _scores(metrics: list[Any]) -> tuple[dict[str, float], dict[str, str]]:
    scores: dict[str, float] = {}
    faults: dict[str, str] = {}
    for metric in metrics:
        if not isinstance(metric, Mapping) or "name" not in metric:
            continue
        name = as_text(metric["name"])
        number = as_number(metric.get("score"))
        if metric.get("error") or number is None:
            text = as_text(metric.get("error") or "it has no score").strip()
            faults[name] = f"error of {name}: {text.splitlines()[0][:200] if text else 'no message'}"
        else:
            scores[name] = number
    return scores, faults
