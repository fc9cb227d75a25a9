"""Half a surrogate pair in a reply: what is kept is still a reply in every other respect."""

from __future__ import annotations

import msgspec

from pytest_velo.cache.codec import decode_reply, encode_reply
from pytest_velo.records import FinishReason, Reply, TokenLogprob, ToolCall, Usage

CUT = "cut \ud83d"
MENDED = "cut \ufffd"


def test_a_mended_reply_is_what_will_be_read_back() -> None:
    reply = Reply(
        text=CUT,
        reasoning=CUT,
        finish_reason=FinishReason.LENGTH,
        tool_calls=(ToolCall(id="1", name="f", arguments={"a": [CUT]}, arguments_text=CUT),),
        logprobs=(TokenLogprob(token=CUT, logprob=-1.0, top={CUT: -1.0}),),
        usage=Usage(output_tokens=3),
        raw={"choices": [{"text": CUT}]},
    )
    body, kept = encode_reply(reply)
    read = decode_reply(body)
    assert kept.text == read.text == kept.reasoning == MENDED
    assert kept.finish_reason is read.finish_reason is FinishReason.LENGTH
    for name in ("tool_calls", "logprobs", "usage", "raw"):
        assert msgspec.to_builtins(getattr(kept, name)) == msgspec.to_builtins(getattr(read, name))
