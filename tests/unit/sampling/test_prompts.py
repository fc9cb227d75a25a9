"""What a body may give as a prompt, as the neutral messages that every wire can carry."""

from __future__ import annotations

import pytest

from pytest_velo.errors import BodyError
from pytest_velo.records import Reply
from pytest_velo.sampling.prompts import messages_of


def test_messages_of_a_reply_and_of_a_broken_message() -> None:
    assert messages_of(Reply(text="Paris"), "Be brief.")[1] == {"role": "user", "content": "Paris"}
    with pytest.raises(BodyError) as caught:
        messages_of([{"role": "user", "content": 5}], None)
    assert caught.value.what == "a message's content must be a text or a list of parts, got 5"
    assert (
        caught.value.fix
        == '{"role": "user", "content": "…"}, or [{"type": "text", "text": "…"}] as its content'
    )
