"""What a worker process does with what it is handed; called here, in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cloudpickle
import pytest

from pytest_velo import InvalidTrial, ask_sync
from pytest_velo.errors import BodyError, tell
from pytest_velo.parallel import here
from pytest_velo.parallel.worker import Answer, Came, Unwatched, packed, perform, unpacked


@pytest.fixture(autouse=True)
def _a_worker(monkeypatch) -> None:
    monkeypatch.setattr(here, "name", "")


def performed(function: Callable[..., Any], *args: Any) -> Answer:
    cloudpickle.register_pickle_by_value(__import__("sys").modules[__name__])
    try:
        content, call = cloudpickle.dumps(function), cloudpickle.dumps((args, {}))
    finally:
        cloudpickle.unregister_pickle_by_value(__import__("sys").modules[__name__])
    return perform(f"the scorer `{function.__name__}`", str(content), content, call, Unwatched)


class Odd(Exception):
    """Cannot be made again from its `args`."""

    def __init__(self, code: int, *, where: str) -> None:
        super().__init__(f"{code} at {where}")
        self.code = code
        self.lock = __import__("threading").Lock()


@pytest.mark.parametrize(
    "error", [ValueError("no"), AssertionError("no"), KeyboardInterrupt(), SystemExit(3), InvalidTrial("no")]
)
def test_what_a_function_raises_comes_back_as_it_is(error: BaseException) -> None:
    def raises() -> None:
        raise error

    answer = performed(raises)
    assert answer.came is Came.RAISED
    came = unpacked(answer.content)
    assert type(came) is type(error)
    assert came.args == error.args
    assert came.__traceback__ is not None
    assert came.__traceback__.tb_frame.f_code.co_name == "raises", "its own frames, and none of ours"


def test_an_exception_that_pickle_cannot_make_again_keeps_its_kind_and_values() -> None:
    came = unpacked(packed(Odd(7, where="home")))
    assert isinstance(came, Odd)
    assert (str(came), came.code) == ("7 at home", 7)


def test_pytests_own_exceptions_come_back_as_pytests() -> None:
    came = unpacked(packed(pytest.skip.Exception("no idea")))
    assert type(came) is pytest.skip.Exception
    assert str(came) == "no idea"


def test_a_cause_comes_along() -> None:
    def raises() -> None:
        raise ValueError("late") from KeyError("early")

    assert repr(unpacked(performed(raises).content).__cause__) == "KeyError('early')"


def test_what_a_trial_must_hear_of_is_told_whatever_the_function_makes_of_it() -> None:
    def hides() -> bool:
        try:
            raise tell(BodyError("no such token"))
        except BodyError:
            return False

    answer = performed(hides)
    assert answer.came is Came.RETURNED
    assert [str(unpacked(told)) for told in answer.told] == ["no such token"]


def test_what_cannot_be_sent_back_is_named() -> None:
    answer = performed(lambda: (x for x in "ab"))
    assert answer.came is Came.UNSENDABLE
    assert answer.content.startswith(b"generator\n")


def test_what_cannot_be_read_says_why() -> None:
    answer = perform("it", "a digest", b"cnowhere\nnothing\n.", cloudpickle.dumps(((), {})), Unwatched)
    assert answer.came is Came.UNREADABLE
    assert b"nowhere" in answer.content


def test_a_function_is_kept_under_its_digest() -> None:
    call = cloudpickle.dumps(((), {}))
    assert perform("it", "never sent", None, call, Unwatched).came is Came.UNKNOWN
    perform("it", "sent", cloudpickle.dumps(list), call, Unwatched)
    assert cloudpickle.loads(perform("it", "sent", None, call, Unwatched).content) == []


def test_a_scorer_asks_no_model_in_its_process() -> None:
    def asks() -> Any:
        return ask_sync("scripted/nobody", "hello")

    came = unpacked(performed(asks).content)
    assert isinstance(came, BodyError)
    assert came.what.startswith("the scorer `asks` began a model call")
    assert "in the body" in came.fix
