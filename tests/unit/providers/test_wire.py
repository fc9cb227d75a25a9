"""What the wire mappings share: reading neutral messages and the JSON that models write."""

from __future__ import annotations

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.providers.wire import (
    arguments_text,
    called,
    content_parts,
    count,
    data_url,
    given,
    is_strict,
    json_object,
    json_value,
    n_alternatives,
    own_parameters,
    parsed_answer,
    plain_text,
    text_or_none,
    whole,
)
from pytest_velo.records import Request, ToolCall


def test_given_returns_a_parameter_or_none() -> None:
    asked = Request(api="a", endpoint="e", model="m", messages=(), parameters={"temperature": 0})
    assert given(asked, "temperature") == 0
    assert given(asked, "top_p") is None


def test_parameters_we_do_not_know_are_passed_on() -> None:
    sent = {"temperature": 0, "logit_bias": {"50256": -100}}
    assert own_parameters(Request(api="a", endpoint="e", model="m", messages=(), parameters=sent)) == {
        "logit_bias": {"50256": -100}
    }


def test_whole_takes_whole_numbers_only() -> None:
    assert whole(3) == 3
    assert whole(3.0) == 3
    assert whole(3.5) is None
    assert whole("3") is None
    assert whole(True) is None


def test_count_takes_nothing_negative() -> None:
    assert count(12) == 12
    assert count(12.0) == 12
    assert count("12") is None
    assert count(-1) is None


def test_text_or_none() -> None:
    assert text_or_none("m-1") == "m-1"
    assert text_or_none(5) is None


def test_alternatives_are_a_number() -> None:
    def ask(**parameters):
        return Request(api="a", endpoint="e", model="m", messages=(), parameters=parameters)

    assert n_alternatives(ask(logprobs=5)) == 5
    assert n_alternatives(ask()) is None
    with pytest.raises(UsageError) as caught:
        n_alternatives(ask(logprobs=True))
    assert caught.value.where == "model m"
    assert caught.value.what == "`logprobs` must be a whole number from 0 to 20, got True"
    assert caught.value.fix == "logprobs=5"


def test_a_text_is_one_part() -> None:
    assert content_parts({"role": "user", "content": "Hi"}) == ({"type": "text", "text": "Hi"},)
    assert content_parts({"role": "user", "content": None}) == ()


def test_plain_text_leaves_images_out() -> None:
    image = {"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo="}
    assert (
        plain_text({"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]})
        == "What is it?"
    )


def test_data_url_of_an_image() -> None:
    assert (
        data_url({"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo="})
        == "data:image/png;base64,iVBORw0KGgo="
    )


def test_arguments_text_is_json_or_what_was_sent() -> None:
    assert (
        arguments_text({"id": "c1", "name": "weather", "arguments": {"city": "Lyon"}}) == '{"city": "Lyon"}'
    )
    assert (
        arguments_text({"id": "c1", "name": "weather", "arguments": None, "arguments_text": '{"city"'})
        == '{"city"'
    )


def test_called_makes_an_id_optional() -> None:
    assert called(None, "find", {"city": "Lyon"}) == ToolCall(
        id="", name="find", arguments={"city": "Lyon"}, arguments_text='{"city": "Lyon"}'
    )


def test_json_object_is_none_for_anything_else() -> None:
    assert json_object('{"city": "Lyon"}') == {"city": "Lyon"}
    assert json_object("[1]") is None
    assert json_object("{") is None


def test_json_value_is_none_for_what_json_is_not() -> None:
    assert json_value("[1, 2]") == [1, 2]
    assert json_value("Lyon") is None
    assert json_value("[" * 100_000) is None
    assert json_value("NaN") is None
    assert json_value("[1e999]") is None


def test_an_answer_is_parsed_if_a_schema_was_sent() -> None:
    plain = Request(api="a", endpoint="e", model="m", messages=())
    typed = Request(api="a", endpoint="e", model="m", messages=(), parameters={"schema": {}})
    assert parsed_answer("[1]", typed) == [1]
    assert parsed_answer("[1", typed) is None
    assert parsed_answer("[1]", plain) is None


def test_a_schema_is_strict_if_it_is_closed() -> None:
    open_object = {"type": "object", "properties": {"a": {}}, "required": ["a"]}
    assert not is_strict(open_object)
    assert is_strict(open_object | {"additionalProperties": False})
