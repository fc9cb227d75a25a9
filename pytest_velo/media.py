"""Images and sounds in prompts: named by their content, so that no key, cassette or record holds them."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pytest_velo.errors import BodyError, UsageError, tell

Kind = Literal["image", "audio"]

_DATA_URL = re.compile(
    r"data:(?P<type>[\w.+-]+/[\w.+-]+)(?:;[\w.+-]+=[^;,]*)*;base64,(?P<data>.*)", re.DOTALL
)
_EXAMPLES = {"image": 'image("chart.png")', "audio": 'audio("question.wav")'}
_KEPT = 16  # files whose content stays at hand between calls


class Media(Mapping[str, Any]):
    """An image or a sound with its content: a part of a message.

    As a mapping it is what identifies it: `type`, `media_type`, `sha256`, `n_bytes`, and `detail` if given.

    Attributes:
        content: The bytes themselves, which no key, cassette or record has.
    """

    __slots__ = ("_fields", "content")

    def __init__(self, kind: Kind, content: bytes, media_type: str, detail: str | None = None) -> None:
        self.content = content
        self._fields: dict[str, Any] = {
            "type": kind,
            "media_type": media_type,
            "sha256": sha256(content).hexdigest(),
            "n_bytes": len(content),
            **({} if detail is None else {"detail": detail}),
        }

    @property
    def whole(self) -> dict[str, Any]:
        """The part with its content, as base64 in `data`, for a provider to send."""
        named = {name: value for name, value in self._fields.items() if name not in ("sha256", "n_bytes")}
        return {**named, "data": base64.b64encode(self.content).decode("ascii")}

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return shown(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """An image or a sound in a file, which each model call reads anew if it has changed."""

    kind: Kind
    path: str
    media_type: str | None = None
    detail: str | None = None

    def read(self, folder: Path) -> Media:
        """Return it with its content; a relative path is one from `folder`.

        Raises:
            BodyError: There is no such file, or its kind cannot be told.
        """
        path = folder / self.path
        where = f"{self.kind}({self.path!r})"
        try:
            state = path.stat()
            return _read(self, path, state.st_mtime_ns, state.st_size)
        except OSError as error:
            what = f"the file cannot be read: {error.strerror or error}"
            fix = f"a relative path is one from the test file's folder, {folder}"
            raise tell(BodyError(what, where=where, fix=fix)) from None
        except UsageError as error:
            raise tell(BodyError(error.what, where=where, fix=error.fix)) from None


@lru_cache(maxsize=_KEPT)
def _read(file: MediaFile, path: Path, _mtime_ns: int, _size: int) -> Media:
    content = path.read_bytes()
    return _with_type(file.kind, content, file.media_type or _type_of(content, file.path), file.detail)


def image(
    source: str | os.PathLike[str] | bytes, *, media_type: str | None = None, detail: str | None = None
) -> Media | MediaFile:
    """Return an image for a prompt: `model([image("chart.png"), "What does it show?"])`.

    Its SHA-256 and its type identify a request and are shown in transcripts; nothing keeps a copy of it.

    Args:
        source: A path (a relative one is from the test file's folder; it is read when a model is called), a
            data URL, or bytes.
        media_type: Its MIME type; by default told by its first bytes, else by the file's name.
        detail: How closely the model should look, in OpenAI's terms (`"low"`, `"high"`).

    Raises:
        UsageError: It is none of these, or its type cannot be told.

    Examples:
        >>> image("data:image/gif;base64,R0lGODlhAQABAAAAADs=")
        <image gif 14 B sha256:1f19970f056c>
    """
    return _media("image", source, media_type, detail)


def audio(source: str | os.PathLike[str] | bytes, *, media_type: str | None = None) -> Media | MediaFile:
    """Return a sound for a prompt: `model([audio("question.wav"), "What does she ask?"])`.

    Arguments and errors as in `image`.

    Examples:
        >>> audio("question.wav").media_type is None  # told by its first bytes, when it is read
        True
    """
    return _media("audio", source, media_type, None)


def shown(part: Mapping[str, Any]) -> str:
    """Return a part that is no text as a reader sees it, e.g. `<image png 12 kB sha256:0a1b2c3d4e5f>`."""
    kind = str(part.get("type", "part"))
    media_type = part.get("media_type")
    words = [kind]
    if isinstance(media_type, str):
        words.append(media_type.removeprefix(f"{kind}/"))
    if isinstance(n_bytes := part.get("n_bytes"), int):
        words.append(_size(n_bytes))
    if isinstance(digest := part.get("sha256"), str):
        words.append(f"sha256:{digest[:12]}")
    return f"<{' '.join(words)}>"


def identified(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the digest and the size of a part that holds its content as base64, or names them already."""
    data = part.get("data")
    if not isinstance(data, str):
        return {name: part[name] for name in ("sha256", "n_bytes") if name in part}
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return {"sha256": sha256(data.encode("utf-8", "surrogatepass")).hexdigest()}
    return {"sha256": sha256(content).hexdigest(), "n_bytes": len(content)}


def _size(n_bytes: int) -> str:
    if n_bytes < 1_000:
        return f"{n_bytes} B"
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1e3:.0f} kB"
    return f"{n_bytes / 1e6:.1f} MB"


def _media(kind: Kind, source: Any, media_type: str | None, detail: str | None) -> Media | MediaFile:
    if isinstance(source, bytes | bytearray | memoryview):
        content = bytes(source)
        return _told(kind, content, media_type or _type_of(content), detail)
    if not isinstance(source, str | os.PathLike):
        raise _unusable(kind, f"got a {type(source).__name__}")
    path = os.fspath(source)
    if not isinstance(path, str) or not path:
        raise _unusable(kind, f"got {path!r}")
    if path.startswith("data:"):
        found = _DATA_URL.fullmatch(path)
        try:
            decoded = base64.b64decode(found["data"], validate=True) if found else None
        except (binascii.Error, ValueError):
            decoded = None
        if found is None or decoded is None:
            raise _unusable(kind, "got a data URL that is not base64")
        return _told(kind, decoded, media_type or found["type"], detail)
    if re.match(r"\w+://", path):
        raise _unusable(kind, f"got the address {path!r}, whose content may change")
    return MediaFile(kind=kind, path=path, media_type=media_type, detail=detail)


def _unusable(kind: Kind, got: str) -> UsageError:
    return tell(
        UsageError(
            f"{kind}(...) takes a path, a data URL or bytes, {got}",
            fix=f"{_EXAMPLES[kind]}; what an API fetches itself goes in the API's own shape of a part",
        )
    )


def _told(kind: Kind, content: bytes, media_type: str | None, detail: str | None) -> Media:
    try:
        return _with_type(kind, content, media_type, detail)
    except UsageError as error:
        raise tell(error) from None


def _with_type(kind: Kind, content: bytes, media_type: str | None, detail: str | None) -> Media:
    what = (
        "it is empty"
        if not content
        else f"its content does not tell which kind of {kind} it is"
        if media_type is None
        else f"it is {media_type}, and no {kind}"
        if not media_type.startswith(f"{kind}/")
        else ""
    )
    if what:
        fix = f'give a file with a {kind} in it, or its type: media_type="{kind}/…"'
        raise UsageError(what, where=f"{kind}(...)", fix=fix)
    return Media(kind, content, str(media_type), detail)


_SIGNATURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "audio/wav"),
    (re.compile(rb"ID3|\xff[\xe2-\xfb]"), "audio/mpeg"),
    (re.compile(rb"fLaC"), "audio/flac"),
    (re.compile(rb"OggS"), "audio/ogg"),
)


def _type_of(content: bytes, name: str = "") -> str | None:
    """Return a content's type by its first bytes, else by its name, which is wrong at times."""
    by_bytes = (media_type for signature, media_type in _SIGNATURES if signature.match(content))
    return next(by_bytes, None) or mimetypes.guess_type(name)[0]
