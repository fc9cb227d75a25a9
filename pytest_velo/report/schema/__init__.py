"""The format of a run's record as JSON Schema (2020-12): `run-3.schema.json` and `trial-3.schema.json`.

They are files of the package, for every language that has a validator. What they do not name may be added by
a later release without a new version; a reader ignores it.

>>> schema("run")["properties"]["version"]["const"] == VERSION
True
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Literal

from pytest_velo.report.document import VERSION

Part = Literal["run", "trial"]
"""`run` is `run.json`, `trial` a line of `trials.jsonl`."""


def schema(part: Part) -> dict[str, Any]:
    """Return the JSON Schema of a part of a record, in the version that this package writes."""
    file = files(__name__) / f"{part}-{VERSION}.schema.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
