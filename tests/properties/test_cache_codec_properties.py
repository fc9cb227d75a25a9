"""What holds of canonical JSON and of stored replies for every value."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given

from pytest_velo.cache.codec import decode_reply, encode_reply
from pytest_velo.canonical import canonical
from pytest_velo.records import FinishReason, Reply, TokenLogprob, ToolCall, Usage

TEXT = st.text(st.characters(codec="utf-8"))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=3)
COUNTS = st.none() | st.integers(0, 2**40)
TOOL_CALLS = st.builds(ToolCall, id=TEXT, name=TEXT, arguments=st.none() | OBJECTS, arguments_text=TEXT)
LOGPROBS = st.builds(TokenLogprob, token=TEXT, logprob=FLOATS, top=st.dictionaries(TEXT, FLOATS, max_size=3))
REPLIES = st.builds(
    Reply,
    text=TEXT,
    reasoning=st.none() | TEXT,
    finish_reason=st.sampled_from(FinishReason),
    refused=st.booleans(),
    parsed=JSON,
    tool_calls=st.lists(TOOL_CALLS, max_size=2).map(tuple),
    logprobs=st.lists(LOGPROBS, max_size=2).map(tuple),
    usage=st.builds(Usage, input_tokens=COUNTS, output_tokens=COUNTS),
    cost_usd=st.none() | st.floats(0, 100),
    latency_s=st.none() | st.floats(0, 100),
    model_served=st.none() | TEXT,
    fingerprint=st.none() | TEXT,
    not_honoured=st.lists(TEXT, max_size=2).map(tuple),
    blocks=st.lists(OBJECTS, max_size=2).map(tuple),
    extras=OBJECTS,
    prefill=TEXT,
    raw=OBJECTS,
)


def typed(value):
    """A value with its types, for a comparison in which 1, 1.0 and True differ."""
    if isinstance(value, list):
        return [typed(part) for part in value]
    if isinstance(value, dict):
        return {name: typed(part) for name, part in sorted(value.items())}
    return type(value).__name__, repr(value)


@given(JSON)
def test_canonical_json_reads_back_as_the_same_value(value):
    assert typed(json.loads(canonical(value))) == typed(value)


@given(JSON, JSON)
def test_different_values_have_different_canonical_forms(one, two):
    assert (canonical(one) == canonical(two)) == (typed(one) == typed(two))


@given(OBJECTS, st.randoms())
def test_the_order_of_keys_does_not_matter(value, source):
    names = list(value)
    source.shuffle(names)
    assert canonical({name: value[name] for name in names}) == canonical(value)


def fields_of(reply):
    return {name: getattr(reply, name) for name in Reply.__slots__}


@pytest.mark.slow
@given(REPLIES)
def test_a_stored_reply_reads_back_whole_and_marked_cached(reply):
    body, same = encode_reply(reply)
    assert same is reply
    assert fields_of(decode_reply(body)) == fields_of(reply) | {"cached": True}


@given(st.text(st.characters() | st.characters(categories=["Cs"])))
def test_any_text_can_be_stored_and_is_the_same_live_and_read(text):
    body, live = encode_reply(Reply(text=text))
    assert decode_reply(body).text == live.text
    assert live.text.encode().decode() == live.text
    if not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        assert live.text == text
