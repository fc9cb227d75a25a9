"""Scripted models: replies from a function, a list or a file, for tests and stubs of what is peripheral."""

from __future__ import annotations

import random

from pytest_velo.providers.scripted import find_script, scripted
from pytest_velo.records import Request


def test_a_script_is_found_by_name() -> None:
    scripted("penny", ["heads"], latency_s=0.05)
    script = find_script("penny")
    asked = Request(api="scripted", endpoint="scripted", model="penny", messages=())
    assert script.latency_s == 0.05
    assert script.answer(asked, random.Random(0)) == "heads"
