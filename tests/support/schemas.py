"""Records held against the published schema, in which every field has to be named."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from pytest_velo.report.schema import Part, schema

_NODE_ID = re.compile(r'\{"node_id":"(?:[^"\\]|\\.)*"')


@cache
def strict(part: Part, of: str = "") -> Draft202012Validator:
    """Return a validator that takes no field without a name, of a whole part or of a definition in it."""
    read = schema(part)
    Draft202012Validator.check_schema(read)
    closed = _closed(read)
    if of:
        closed = {"$ref": f"#/$defs/{of}", "$defs": closed["$defs"]}
    return Draft202012Validator(closed)


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(part) for part in node]
    if not isinstance(node, dict):
        return node
    inner = {name: _closed(part) for name, part in node.items()}
    if isinstance(node.get("properties"), dict) and node.get("type") == "object":
        inner.setdefault("additionalProperties", False)
    return inner


def faults(folder: Path, most: int | None = None) -> list[str]:
    """Return what is not as the schema says in the record in a run's folder; of each test, `most` trials."""
    found: list[str] = []
    document = folder / "run.json"
    if document.is_file():
        found += _faults(strict("run"), json.loads(document.read_text(encoding="utf-8")))
    results = folder / "results.jsonl"
    if results.is_file():
        head, *lines = _whole_lines(results)
        found += _faults(strict("run"), json.loads(head))
        found += [fault for line in lines for fault in _faults(strict("run", "line"), json.loads(line))]
    seen: Counter[str] = Counter()
    for file in sorted(folder.glob("trials*.jsonl")):
        for line in _whole_lines(file):
            begun = _NODE_ID.match(line)
            name = "" if begun is None else begun[0]
            seen[name] += 1
            if most is None or seen[name] <= most:
                found += _faults(strict("trial"), json.loads(line))
    return found


def _whole_lines(file: Path) -> list[str]:
    """Return the lines of a file; a process that was killed may have left half of one at its end."""
    return [
        line for line in file.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")
    ]


def _faults(validator: Draft202012Validator, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]
