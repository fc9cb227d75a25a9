"""Static checks of a body at collection: can it fail at all, and how does it say what came out?"""

from __future__ import annotations

from pytest_velo.bodies.forbidden import forbidden_fixtures
from pytest_velo.bodies.shape import body_digest, check_facts, never_failed, read_body


def test_a_body_is_read() -> None:
    def test_capital(model):
        return model("The capital of France?").answers("Paris")

    facts = read_body(test_capital, ["model"])
    assert facts.has_value_return
    assert not facts.has_assert
    assert facts.unknown_calls == ()
    assert facts.can_fail


def test_the_digest_of_a_body_ignores_docstrings_quotes_and_comments() -> None:
    def test_a(model):
        return model("Hi") == "Hello"

    # the same
    def test_b(model):
        "Models greet."
        return model("Hi") == "Hello"

    def test_c(model):
        return model("Hi") == "Hi"

    assert body_digest(test_a) == body_digest(test_b)
    assert body_digest(test_a) != body_digest(test_c)


def test_a_body_that_forgets_its_assert_is_found() -> None:
    def test_forgets(model):
        model("The capital of France?").answers("Paris")

    assert (
        check_facts(read_body(test_forgets, ["model"])).what
        == "test_forgets can never fail: it has no assert and returns no outcome"
    )


def test_fixtures_of_the_whole_run_are_forbidden() -> None:
    assert forbidden_fixtures()["caplog"] == "it records the log of all concurrent trials, not of one"
    assert "tmp_path" not in forbidden_fixtures()


def test_a_body_never_seen_to_fail_is_remarked() -> None:
    def test_helped(model):
        verify(model("The capital of France?"))  # noqa: F821 (read, never run)

    facts = read_body(test_helped, ["model"])
    assert never_failed(facts, n_trials=20, n_none=20).split(":")[0] == "never seen to fail"
    assert never_failed(facts, n_trials=20, n_none=19) is None
