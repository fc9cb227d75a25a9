"""What a body may look like: refused only where nothing in it could make a trial fail."""

# ruff: noqa: RET503 - a path without a return is what hazard 2 is about

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from pytest_velo.bodies.forbidden import forbidden_fixtures
from pytest_velo.bodies.shape import (
    BodyFacts,
    body_digest,
    check_facts,
    never_failed,
    read_body,
)
from pytest_velo.errors import UsageError

OURS = ("model", "judge", "case", "trial", "velo", "arm")
PROMPT = "The capital of France?"


def check_body(func: Callable[..., Any], fixture_names: tuple[str, ...]) -> UsageError | None:
    return check_facts(read_body(func, fixture_names))


def check(reply: Any) -> None:
    """Stand for a helper of the user's that may assert."""


def compare(reply: Any) -> bool:
    return bool(reply)


HELPERS = [check]


class Checker:
    def update(self, reply: Any) -> None: ...


class CannotFail:
    """Bodies in which nothing can make a trial come out 0."""

    async def only_a_docstring(self, model: Any) -> None:
        """Say something."""

    def only_pass(self, model: Any) -> None:
        pass

    async def drops_the_outcome(self, model: Any) -> None:
        reply = await model("x")
        reply.answers("y")

    async def drops_a_comparison(self, model: Any) -> None:
        reply = await model(PROMPT)
        reply == "y"  # noqa: B015

    async def drops_it_in_one_line(self, model: Any) -> None:
        (await model("x")).answers("y")

    async def follows_names(self, model: Any, judge: Any) -> None:
        first = await model(PROMPT)
        again = first
        judged = await judge.score("Rate it.", again)
        judged.value.strip().lower()

    async def follows_conversations(self, velo: Any) -> None:
        chat = velo.model("m").chat(system="s")
        for question in ["a", "b"]:
            if "x" in (reply := await chat(question.upper())):
                reply.answers("y")

    async def only_prints(self, model: Any, case: Any) -> None:
        text = case.question.strip()
        print(len(str(await model(text.format(x=1)))), f"{text}".upper(), ", ".join(["a"]))

    async def returns_nothing(self, model: Any) -> None:
        reply = await model("x")
        if reply.answers("y"):
            return
        return None  # noqa: RET501

    def notes(self, trial: Any) -> None:
        trial.note("seen")


class CanFail:
    """Bodies that a static search must leave alone."""

    async def asserts(self, model: Any) -> None:
        assert "y" in await model("x")

    async def returns(self, model: Any) -> Any:
        return (await model("x")).answers("y")

    def raises(self, trial: Any) -> None:
        if trial.index > 3:
            raise AssertionError

    async def calls_a_helper(self, model: Any) -> None:
        check(await model("x"))

    async def calls_an_imported_helper(self, model: Any) -> None:
        from numpy import testing

        testing.assert_allclose((await model("x")).usage.output_tokens, 3)

    async def expects_an_exception(self, model: Any) -> None:
        reply = await model("x")
        with pytest.raises(ValueError):
            int(reply.text)

    async def fails_by_call(self, model: Any) -> None:
        if "y" in await model("x"):
            pytest.fail("said it")

    async def calls_a_method_of_its_class(self, model: Any) -> None:
        self.verify(await model("x"))

    async def asserts_in_a_nested_function(self, model: Any) -> None:
        def look(reply: Any) -> None:
            assert reply

        look(await model("x"))

    async def calls_a_lambda(self, model: Any) -> None:
        look = lambda reply: check(reply)  # noqa: E731
        look(await model("x"))

    async def hands_a_helper_over(self, model: Any) -> None:
        list(map(check, [await model("x")]))

    async def reaches_a_helper_by_name(self, model: Any) -> None:
        getattr(Checker(), "update")(await model("x"))  # noqa: B009

    async def asks_a_fixture_of_the_users(self, model: Any, checker: Any) -> None:
        checker.update(await model("x"))

    async def asks_its_case(self, model: Any, case: Any) -> None:
        case.verify(await model("x"))

    async def hides_our_fixture(self, model: Any) -> None:
        model = HELPERS[0]
        model("x")

    async def hides_a_builtin(self, model: Any) -> None:
        print = check
        print(await model("x"))

    async def a_name_bound_twice(self, model: Any) -> None:
        reply = await model("x")
        reply = compare(reply)
        reply.verify()  # type: ignore[attr-defined]

    def verify(self, reply: Any) -> None: ...


def bodies(holder: type) -> list[Any]:
    return [
        pytest.param(func, id=name)
        for name, func in vars(holder).items()
        if callable(func) and name != "verify"
    ]


@pytest.mark.parametrize("func", bodies(CannotFail))
def test_hazard_06_a_body_that_cannot_fail_is_refused(func: Callable[..., Any]) -> None:
    error = check_body(func, OURS)
    assert error is not None
    assert "can never fail" in error.what
    assert "assert reply.answers" in error.fix
    assert "return" in error.fix
    assert error.where == ""  # the caller knows the node id


@pytest.mark.parametrize("func", bodies(CanFail))
def test_hazard_06_a_body_that_might_fail_is_left_alone(func: Callable[..., Any]) -> None:
    assert check_body(func, OURS) is None


def test_hazard_06_our_fixture_hidden_by_the_users_own_is_not_ours() -> None:
    assert check_body(CannotFail.drops_the_outcome, OURS) is not None
    assert check_body(CannotFail.drops_the_outcome, ("case", "trial")) is None


def test_hazard_06_a_body_under_a_decorator_is_left_alone() -> None:
    def judged(func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def wrapper(model: Any) -> None:
            assert func(model)

        return wrapper

    @judged
    def body(model: Any) -> None:
        model("x")

    assert check_body(body, OURS) is None
    assert read_body(body).is_wrapped


def test_hazard_06_a_loud_warning_when_no_trial_was_seen_to_fail() -> None:
    facts = read_body(CanFail.calls_a_helper, OURS)
    warning = never_failed(facts, 20, 20)
    assert warning is not None
    assert "never seen to fail: all 20 trials" in warning
    assert never_failed(facts, 20, 19) is None
    assert never_failed(facts, 0, 0) is None


def test_hazard_06_no_warning_where_an_assert_stands() -> None:
    assert never_failed(read_body(CanFail.asserts, OURS), 20, 20) is None
    assert never_failed(read_body(CanFail.raises, OURS), 20, 20) is None


def test_a_lambda_is_refused() -> None:
    error = check_body(lambda model: model("x"), OURS)
    assert error is not None
    assert "lambda" in error.what


def test_generators_are_refused() -> None:
    def plain(model: Any) -> Any:
        yield model("x")

    async def coroutine(model: Any) -> Any:
        yield await model("x")

    for func in (plain, coroutine):
        error = check_body(func, OURS)
        assert error is not None
        assert "yields" in error.what
        assert read_body(func).is_generator


def from_text(source: str) -> Callable[..., Any]:
    """Define a function whose source cannot be read."""
    names: dict[str, Any] = {}
    exec(source, names)
    func: Callable[..., Any] = names["body"]
    return func


def test_without_source_nothing_is_refused() -> None:
    func = from_text("def body(model): model('x')")
    assert not read_body(func).has_source
    assert check_body(func, OURS) is None


def test_a_callable_without_a_name_or_source_is_left_alone() -> None:
    assert check_body(functools.partial(check, None), OURS) is None


class Returns:
    def a_value(self) -> Any:
        return 1

    def a_value_in_a_branch(self, model: Any) -> Any:
        for _ in range(3):
            if model("x"):
                return True
        assert model

    def only_in_a_nested_function(self, model: Any) -> None:
        def look() -> int:
            return 3

        class Local:
            def method(self) -> int:
                return 4

        assert [look(), Local(), lambda: 5]

    def none_by_name(self, model: Any) -> None:
        if model:
            return None  # noqa: RET501
        assert model


@pytest.mark.parametrize(
    ("func", "returns"),
    [
        (Returns.a_value, True),
        (Returns.a_value_in_a_branch, True),
        (Returns.only_in_a_nested_function, False),
        (Returns.none_by_name, False),
    ],
)
def test_hazard_02_value_returns_of_the_body_itself_are_seen(func: Callable[..., Any], returns: bool) -> None:
    assert read_body(func).has_value_return is returns


def test_the_facts_of_a_body() -> None:
    facts = read_body(CanFail.calls_a_helper, OURS)
    assert facts == BodyFacts(
        name="calls_a_helper",
        location=facts.location,
        has_source=True,
        is_async=True,
        is_generator=False,
        is_lambda=False,
        is_wrapped=False,
        unknown_calls=("check",),
    )
    line = CanFail.calls_a_helper.__code__.co_firstlineno
    assert facts.location.endswith(f"test_checks_bodies.py:{line}")


@pytest.mark.parametrize(
    "name", ["capsys", "capfd", "capsysbinary", "capfdbinary", "recwarn", "caplog", "monkeypatch", "subtests"]
)
def test_hazard_03_fixtures_of_the_whole_process_are_named_with_the_reason(name: str) -> None:
    assert len(forbidden_fixtures()[name].split()) > 5
    assert "tmp_path" not in forbidden_fixtures()


class AtTheMargin:
    def has_a_text_that_begins_there(self, reply: str) -> None:
        prompt = """Say this:
hello"""
        assert reply == prompt


def test_a_method_is_read_although_a_text_in_it_begins_at_the_margin() -> None:
    facts = read_body(AtTheMargin.has_a_text_that_begins_there)
    assert facts.has_source
    assert facts.has_assert
    assert body_digest(AtTheMargin.has_a_text_that_begins_there)
