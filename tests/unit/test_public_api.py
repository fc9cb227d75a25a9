"""What users have stays: names, signatures, keywords, options, commands, hooks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.public_api import public_api

BEFORE = json.loads((Path(__file__).parents[1] / "reference" / "public_api.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("part", sorted(BEFORE))
def test_what_users_have_is_as_it_was(part: str) -> None:
    assert json.loads(json.dumps(public_api()[part])) == BEFORE[part]


def test_nothing_of_the_public_api_is_left_out() -> None:
    assert set(public_api()) == set(BEFORE)
