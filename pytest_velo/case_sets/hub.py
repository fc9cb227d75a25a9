"""Data sets of the Hugging Face Hub, or in its formats, by the library `datasets`.

The address is `hf://org/name[@revision][/config][?split=…]`; `hf:///a/folder` names one on this machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pytest_velo.case_sets.formats import Row
from pytest_velo.errors import UsageError, nearest
from pytest_velo.media import audio, image

SCHEME = "hf://"
_EXAMPLE = "hf://openai/gsm8k/main?split=test"
_OPTIONS = ("split", "config")
_COMMIT = re.compile(r"@([0-9a-f]{40})/")
_MEDIA: Mapping[str, Callable[[Any], Any]] = {"Image": image, "Audio": audio}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A data set: its name or folder, and which part of it."""

    name: str
    config: str | None = None
    split: str | None = None
    revision: str | None = None


def read_address(text: str) -> Address:
    """Read the address of a data set.

    Raises:
        UsageError: It is none.
    """
    path, _, query = text.removeprefix(SCHEME).partition("?")
    options: dict[str, str] = {}
    for item in query.split("&") if query else ():  # `+` joins splits, so no form decoding
        name, equals, value = item.partition("=")
        if name not in _OPTIONS or not equals or not value:
            raise _no_address(text, f"`{item}` is no option", nearest(name, _OPTIONS))
        options[name] = unquote(value)
    if path.startswith("/"):
        return Address(name=path, **options)
    path, at, rest = path.removeprefix("datasets/").partition("@")
    revision, _, behind = rest.partition("/")
    if at and not revision:
        raise _no_address(text, "there is no revision behind the @", _EXAMPLE)
    names = [unquote(name) for name in [*path.split("/"), *(behind.split("/") if behind else ())]]
    if not all(names) or len(names) > 3 or (len(names) == 3 and "config" in options):
        raise _no_address(text, "it is not org/name/config", _EXAMPLE)
    if len(names) == 3:
        options["config"] = names.pop()
    return Address(name="/".join(names), revision=unquote(revision) or None, **options)


def open_hub(text: str) -> tuple[Iterator[Row], str]:
    """Return the rows of a data set, and what was read: its address with the commit, and the split.

    Images and sounds in it are parts of a prompt.

    Raises:
        UsageError: The address is none, the library is missing, or the data set cannot be loaded.
    """
    address = read_address(text)
    try:
        import datasets  # an extra
    except ImportError:
        raise UsageError(
            "a data set of the Hub needs the package datasets",
            where=text,
            fix='pip install "pytest-velo[datasets]"',
        ) from None
    try:
        with _quietly(datasets):
            found = datasets.load_dataset(
                address.name, address.config, split=address.split, revision=address.revision
            )
    except Exception as error:  # of the library, the Hub, and every format
        said = next(iter(str(error).splitlines()), "")
        raise UsageError(
            f"the data set cannot be loaded: {type(error).__name__}: {said}",
            where=text,
            fix=f"check its name, config, split and revision, and the network; e.g. {_EXAMPLE}",
        ) from error
    rows = _one_split(found, text)
    commit = _commit(rows) if address.revision is None else None
    origin = f"{text.partition('?')[0]}{f' at {commit}' if commit else ''}, split {rows.split}"
    return _rows(rows, origin), origin


def _rows(rows: Any, origin: str) -> Iterator[Row]:
    makers = {}
    for column, feature in rows.features.items():
        if (kind := type(feature).__name__) in _MEDIA:
            makers[column] = _MEDIA[kind]
            rows = rows.cast_column(column, type(feature)(decode=False))
    for number, row in enumerate(rows, 1):
        yield f"{origin}, row {number}", {**row, **{name: _part(row[name], makers[name]) for name in makers}}


@contextmanager
def _quietly(datasets: Any) -> Iterator[None]:
    """Keep the library from drawing its bars into pytest's output."""
    if datasets.are_progress_bars_disabled():
        yield
        return
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.enable_progress_bars()


def _one_split(found: Any, text: str) -> Any:
    """Return the rows of a data set that was not asked for one split, if it has only one."""
    if not isinstance(found, Mapping):
        return found
    if len(found) != 1:
        raise UsageError(
            f"the data set has several splits: {', '.join(found)}",
            where=text,
            fix=f"name one: {text}{'&' if '?' in text else '?'}split={next(iter(found), 'test')}",
        )
    return next(iter(found.values()))


def _commit(rows: Any) -> str | None:
    """Return the commit of the Hub that was read; None for a folder on this machine."""
    found = (_COMMIT.search(url) for url in rows.info.download_checksums or ())
    return next((commit[1] for commit in found if commit), None)


def _part(value: Any, make: Callable[[Any], Any]) -> Any:
    """Return an image or a sound as a part of a prompt; None stays."""
    if not isinstance(value, Mapping):
        return value
    return make(value["bytes"] if value.get("bytes") is not None else value["path"])


def _no_address(text: str, why: str, fix: str) -> UsageError:
    return UsageError(f"cases={text!r} names no data set: {why}", fix=fix)
