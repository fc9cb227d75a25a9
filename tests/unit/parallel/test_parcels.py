"""What goes to a worker process, and what is said of what cannot go."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import cloudpickle
import pytest

from pytest_velo.cache.stored_reply import reader
from pytest_velo.errors import ScorerError
from pytest_velo.parallel.parcels import Parcel
from pytest_velo.records import FinishReason, Reply, ToolCall, Usage
from pytest_velo.sampling.trial import Trial

LOCK = threading.Lock()


def locked(text: str) -> bool:
    with LOCK:
        return bool(text)


def helped(text: str) -> bool:
    return locked(text)


def parcel(function: Callable[..., Any]) -> Parcel:
    return Parcel(function, f"the scorer `{function.__name__}`")


@pytest.mark.parametrize("function", [locked, helped])
def test_a_global_that_cannot_be_sent_is_named(function: Callable[..., Any]) -> None:
    with pytest.raises(ScorerError) as raised:
        _ = parcel(function).content
    assert raised.value.what.startswith(f"`LOCK` (a lock), which the scorer `{function.__name__}` uses")
    assert "functools.cache" in raised.value.fix


def test_a_variable_around_a_function_is_named() -> None:
    handle = threading.Lock()

    def around() -> bool:
        return handle.locked()

    with pytest.raises(ScorerError, match="`handle`"):
        _ = parcel(around).content


def test_an_argument_that_cannot_be_sent_is_named() -> None:
    with pytest.raises(ScorerError, match=r"argument 2 \(a lock\)"):
        parcel(len).call(("a", LOCK), {})
    with pytest.raises(ScorerError, match=r"by \(a lock\)"):
        parcel(len).call(("a",), {"by": LOCK})


def test_what_belongs_to_the_trial_stays_with_it() -> None:
    with pytest.raises(ScorerError, match="the trial") as raised:
        parcel(len).call((Trial(index=0, repeat=0, seed=1),), {})
    assert "in the body" in raised.value.fix


def test_a_reply_goes_there_whole() -> None:
    reply = Reply(
        text="It is 7.",
        reasoning="6 + 1",
        finish_reason=FinishReason.STOP,
        tool_calls=(ToolCall(id="1", name="add", arguments={"a": 6, "b": 1}),),
        usage=Usage(input_tokens=3, output_tokens=4),
    )
    (again,), _ = cloudpickle.loads(parcel(len).call((reply,), {}))
    assert again == reply
    assert again.answers("7")


def test_a_stored_reply_goes_there_with_what_it_has_not_read_yet() -> None:
    reply = reader()(b'{"text": "It is 7.", "raw": {"id": "a"}}')
    (again,), _ = cloudpickle.loads(parcel(len).call((reply,), {}))
    assert (again.text, again.raw, again == reply) == ("It is 7.", {"id": "a"}, True)


@pytest.fixture
def test_file(tmp_path, monkeypatch) -> Callable[[str], ModuleType]:
    """Load a module as importlib mode does: under a name by which nobody else finds it."""

    def load(source: str) -> ModuleType:
        file = tmp_path / "test_somewhere.py"
        file.write_text(source, encoding="utf-8")
        module = ModuleType("somewhere.test_somewhere")
        module.__file__ = str(file)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(source, str(file), "exec"), module.__dict__)
        return module

    return load


def test_what_a_fresh_process_does_not_find_goes_by_value(test_file, monkeypatch) -> None:
    module = test_file(
        "import functools\n"
        "@functools.cache\n"
        "def double(x): return 2 * x\n"
        "class Pair:\n"
        "    def __init__(self, x): self.x = x\n"
        "def score(pair): return double(pair.x)\n"
        "def fails(): raise ValueError\n"
    )
    function, call = parcel(module.score).content, parcel(module.score).call((module.Pair(3),), {})
    failing = parcel(module.fails).content
    assert cloudpickle.list_registry_pickle_by_value() == set(), "cloudpickle is left as it was"
    monkeypatch.delitem(sys.modules, module.__name__)
    args, _ = cloudpickle.loads(call)
    assert cloudpickle.loads(function)(*args) == 6
    # A failed assert of a test file must be known as one.
    assert cloudpickle.loads(failing).__code__.co_filename == module.__file__


def test_what_is_installed_goes_by_name() -> None:
    assert len(parcel(functools.reduce).content) < 100
    assert len(parcel(cloudpickle.dumps).content) < 100
