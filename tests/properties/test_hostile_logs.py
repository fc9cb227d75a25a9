"""Logs with anything in them are read, or end in our error; what is read is paired without another one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.errors import UsageError
from pytest_velo.logs.arms import read_arms
from pytest_velo.logs.grid import make_grid
from pytest_velo.logs.scores import is_binary, names_of, outcome_of
from support.hostile import fuzzing
from support.logs import deepeval_case, lm_eval_line, promptfoo_result

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
RESULTS: dict[str, list[dict[str, Any]]] = {
    "promptfoo": [promptfoo_result(n, provider) for n in range(2) for provider in ("a", "b")],
    "deepeval": [deepeval_case(f"c{n}", {"m": 0.5, "k": "broke"}) for n in range(3)],
    "lm-eval": [lm_eval_line(n, name) for n in range(2) for name in ("x", "y")],
    "rows": [{"id": n, "epoch": 1, "correct": True, "error": None} for n in range(3)],
}


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """Return the value with one part of it replaced, or dropped, at any depth."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(value)))
        rest = {key: part for key, part in value.items() if key != name}
        return rest if draw(st.booleans()) else {**rest, name: draw(damaged(value[name]))}
    if isinstance(value, list) and value and draw(st.booleans()):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], draw(damaged(value[place])), *value[place + 1 :]]
    return draw(JSON)


def write(folder: Path, kind: str, results: Any) -> Path:
    if kind == "promptfoo":
        data: Any = {"results": {"version": 3, "results": results}}
    else:
        data = {"testCases": results} if kind == "deepeval" else results
    path = folder / ("log.json" if kind in ("promptfoo", "deepeval") else "log.jsonl")
    if path.suffix == ".json":
        path.write_text(json.dumps(data), encoding="utf-8")
    else:
        lines = results if isinstance(results, list) else [results]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", sorted(RESULTS))
@given(data=st.data())
@fuzzing
def test_whatever_a_log_holds_it_is_read_or_refused(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    path = write(tmp_path, kind, data.draw(damaged(RESULTS[kind])))
    try:
        logs = read_arms([path])
        make_grid(logs)
    except UsageError:
        return
    for log in logs.values():
        for name in names_of(log):
            is_binary(log, name)
            for sample in log.samples:
                found = outcome_of(sample, {"": name})
                assert bool(found.invalid) != bool(found.values)
