"""Images and sounds: what identifies them, what each wire is sent, and what is shown of them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from pytest_velo import audio, image
from pytest_velo.cache.codec import decode_request
from pytest_velo.cache.keys import request_body, request_key
from pytest_velo.canonical import canonical
from pytest_velo.errors import BodyError, UsageError
from pytest_velo.media import Media, MediaFile, identified, shown
from pytest_velo.providers import anthropic_messages, local, openai_chat, openai_responses
from pytest_velo.records import Reply, Request
from pytest_velo.sampling.pricing import worst_case
from pytest_velo.sampling.prompts import messages_of
from pytest_velo.settings import Endpoint, Price

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50
WAV = b"RIFF\0\0\0\0WAVEfmt " + bytes(900)
DIGEST = hashlib.sha256(PNG).hexdigest()
ENCODED = base64.b64encode(PNG).decode()


def asked(*parts: Any, api: str = "openai-chat", folder: Path = Path()) -> Request:
    return Request(api=api, endpoint="lab", model="m", messages=messages_of([*parts], None, folder))


# --- What identifies them ------------------------------


def test_the_key_holds_the_digest_and_the_type_and_not_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    body = request_body(asked(image("a.png"), "What is it?", folder=tmp_path))

    assert len(body) < 500
    stored = decode_request(body)
    assert stored.messages[0] == {
        "role": "user",
        "content": [
            {"type": "image", "media_type": "image/png", "sha256": DIGEST, "n_bytes": len(PNG)},
            {"type": "text", "text": "What is it?"},
        ],
    }


def test_equal_contents_have_equal_keys_wherever_they_come_from(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "b.jpg").write_bytes(PNG)  # its name is wrong
    sources = ["a.png", tmp_path / "a.png", "b.jpg", PNG, bytearray(PNG), f"data:image/png;base64,{ENCODED}"]
    assert len({request_key(asked(image(source), folder=tmp_path)) for source in sources}) == 1
    others = [image(PNG, detail="low"), image(PNG, media_type="image/x-own"), image(PNG + b"1")]
    assert len({request_key(asked(each)) for each in [image(PNG), *others]}) == 4


def test_a_file_is_read_at_each_call(tmp_path: Path) -> None:
    part = image("a.png")
    (tmp_path / "a.png").write_bytes(PNG)
    first = request_key(asked(part, folder=tmp_path))
    (tmp_path / "a.png").write_bytes(PNG + b"more")
    assert request_key(asked(part, folder=tmp_path)) != first


def test_a_part_in_todays_shapes_keeps_its_key() -> None:
    """Of version 0.1."""
    raw = {"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo="}
    own = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    keys = [request_key(asked({"role": "user", "content": [part]})) for part in (raw, own)]
    assert keys == [KEY_OF_RAW, KEY_OF_OWN]


KEY_OF_RAW = "7231a47cc531315612cebb6f3fc016462e6648a540ae763d0dee9e3d6190eb2f"
KEY_OF_OWN = "527ec825c41640a0d990207064fb045582ab2e3cda26ccf0bf506ec5250382ac"


def test_cases_may_hold_them() -> None:
    assert canonical({"picture": image("a.png")}) == canonical({"picture": image("a.png")})
    assert canonical(image(PNG)) != canonical(image(PNG + b"1"))


# --- What each wire is sent ------------------------------


def parts_sent(api: Any, *parts: Any) -> Any:
    body = api.to_wire(asked(*parts, api="x"), None)
    (message,) = body.get("messages") or body["input"]
    return message["content"]


def test_chat_completions_are_sent_data_urls_and_sounds() -> None:
    assert parts_sent(openai_chat, "See", image(PNG, detail="low"), audio(WAV)) == [
        {"type": "text", "text": "See"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{ENCODED}", "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": base64.b64encode(WAV).decode(), "format": "wav"}},
    ]


@pytest.mark.parametrize(
    ("media_type", "name"), [("audio/mpeg", "mp3"), ("audio/x-wav", "wav"), ("audio/flac", "flac")]
)
def test_a_sounds_format_has_the_apis_name(media_type: str, name: str) -> None:
    (part,) = parts_sent(openai_chat, audio(b"abc", media_type=media_type))
    assert part["input_audio"]["format"] == name


def test_the_responses_api_is_sent_data_urls() -> None:
    (part,) = parts_sent(openai_responses, image(PNG))
    assert part == {
        "type": "input_image",
        "image_url": f"data:image/png;base64,{ENCODED}",
        "detail": "auto",
    }


def test_anthropic_is_sent_base64() -> None:
    (part,) = parts_sent(anthropic_messages, image(PNG))
    assert part == {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ENCODED}}


@pytest.mark.parametrize("api", [openai_responses, anthropic_messages, local])
def test_a_sound_without_a_place_is_an_error_before_the_call(api: Any) -> None:
    with pytest.raises(UsageError) as caught:
        parts_sent(api, audio(WAV))
    assert "audio" in caught.value.what or "text only" in caught.value.what
    assert "model m" in caught.value.where or "local/m" in caught.value.where
    assert caught.value.fix


def test_the_embedded_model_reads_text_only() -> None:
    with pytest.raises(UsageError) as caught:
        parts_sent(local, image(PNG))
    assert "text only" in caught.value.what


def test_a_detail_is_dropped_by_no_wire() -> None:
    """Anthropic's API has none, and says so."""
    (part,) = parts_sent(anthropic_messages, image(PNG, detail="low"))
    assert part["detail"] == "low"


@pytest.mark.parametrize(
    "prompt",
    [
        image(PNG),
        [image(PNG)],
        [{"role": "user", "content": image(PNG)}],
        [{"role": "user", "content": [image(PNG)]}],
    ],
    ids=str,
)
def test_ways_to_write_a_prompt(prompt: Any) -> None:
    (message,) = messages_of(prompt, None)
    assert message["role"] == "user"
    assert list(message["content"]) == [image(PNG)]


def test_a_list_of_texts_alone_is_still_no_prompt() -> None:
    with pytest.raises(BodyError):
        messages_of(["a", "b"], None)  # type: ignore[arg-type]


def test_a_script_sees_the_bytes() -> None:
    part = asked(image(PNG)).messages[0]["content"][0]
    assert isinstance(part, Media)
    assert part.content == PNG


# --- What is refused ------------------------------


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: image(b""), "empty"),
        (lambda: image(b"abc"), "which kind of image"),
        (lambda: image(WAV), "audio/wav, and no image"),
        (lambda: audio(PNG), "image/png, and no audio"),
        (lambda: image(PNG, media_type="png"), "png, and no image"),
        (lambda: image(3), "got a int"),  # type: ignore[arg-type]
        (lambda: image(""), "got ''"),
        (lambda: image("data:image/png,abc"), "not base64"),
        (lambda: image("data:image/png;base64,a b"), "not base64"),
        (lambda: image("https://example.com/a.png"), "the address"),
    ],
)
def test_what_is_no_image_is_said(make: Any, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert what in caught.value.what
    assert caught.value.fix


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("none.png", "No such file"),
        ("empty.png", "empty"),
        ("text.txt", "text/plain, and no image"),
        (".", ""),
    ],
)
def test_a_file_that_is_no_image_is_said_at_the_call(tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.txt").write_bytes(b"Hello")
    with pytest.raises(BodyError) as caught:
        asked(image(name), folder=tmp_path)
    assert what in caught.value.what
    assert name in caught.value.where
    assert caught.value.fix


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_in_bytes_is_no_path() -> None:
    class Odd:
        def __fspath__(self) -> bytes:
            return b"a.png"

    with pytest.raises(UsageError):
        image(Odd())  # type: ignore[arg-type]


# --- What is shown ------------------------------


def test_what_is_shown_of_them() -> None:
    assert repr(image(PNG)) == f"<image png 13 kB sha256:{DIGEST[:12]}>"
    assert repr(image(PNG + bytes(10**7))).startswith("<image png 10.0 MB sha256:")
    assert shown({"type": "image", "media_type": "image/png"}) == "<image png>"  # of an older record
    assert shown({"type": "document"}) == "<document>"
    assert repr(image("a.png")) == "MediaFile(kind='image', path='a.png', media_type=None, detail=None)"


def test_data_in_a_raw_part_is_identified_by_its_content() -> None:
    assert identified({"type": "image", "data": ENCODED}) == {"sha256": DIGEST, "n_bytes": len(PNG)}
    assert list(identified({"data": "no base64!"})) == ["sha256"]
    assert identified({"type": "text"}) == {}


def test_a_sound_has_a_bound_on_its_price() -> None:
    endpoint = Endpoint(name="lab", api="openai-chat", price=Price(input_usd=1, output_usd=0))
    short, long = (worst_case(endpoint, asked(audio(WAV + bytes(n)))) for n in (0, 10**6))
    assert short is not None
    assert long is not None
    assert 0.03 < long - short < 0.05  # dollars: a token for each 25 bytes


def test_a_record_has_no_bytes_of_them() -> None:
    from pytest_velo.records import Address, Call, OutcomeKind, TrialRecord
    from pytest_velo.report.transcript import trial_from_json, trial_to_json

    address = Address(key="k", seed=0, stream="", slot="s")
    raw = {"role": "user", "content": [{"type": "image", "media_type": "image/png", "data": ENCODED}]}
    request = asked({"role": "user", "content": [image(PNG)]}, raw)
    call = Call(model="m", request=request, reply=Reply(text="A."), address=address, drawn_at="2026-11-23")
    trial = TrialRecord(
        index=0, case_id="", repeat=0, seed=0, kind=OutcomeKind.ONE, values={"": 1.0}, calls=(call,)
    )

    written = json.loads(json.dumps(trial_to_json("t", trial)))

    part = {"type": "image", "media_type": "image/png", "sha256": DIGEST, "n_bytes": len(PNG)}
    assert [message["content"] for message in written["calls"][0]["messages"]] == [[part], [part]]
    assert trial_from_json(written).calls[0].request.messages[0]["content"] == [part]


def test_a_path_is_a_file_to_be_read() -> None:
    assert isinstance(image(Path("a.png")), MediaFile)
