"""Addresses of data sets of the Hub; that they are read is seen in tests/servers/test_datasets.py."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_velo import cases
from pytest_velo.case_sets import load
from pytest_velo.case_sets.hub import Address, read_address
from pytest_velo.errors import UsageError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hf://squad", Address(name="squad")),
        ("hf://openai/gsm8k", Address(name="openai/gsm8k")),
        ("hf://openai/gsm8k/main?split=test", Address(name="openai/gsm8k", config="main", split="test")),
        ("hf://openai/gsm8k?config=main", Address(name="openai/gsm8k", config="main")),
        (
            "hf://datasets/openai/gsm8k@v1.0/main",
            Address(name="openai/gsm8k", config="main", revision="v1.0"),
        ),
        ("hf://a/b@refs%2Fpr%2F3?split=test", Address(name="a/b", split="test", revision="refs/pr/3")),
        ("hf://a/b?split=train+test[:10%]", Address(name="a/b", split="train+test[:10%]")),
        ("hf:///data/sums?split=train", Address(name="/data/sums", split="train")),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert read_address(text) == address


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hf://", "org/name/config"),
        ("hf://a/b/c/d.parquet", "org/name/config"),
        ("hf://a//c", "org/name/config"),
        ("hf://a/b/c?config=d", "org/name/config"),
        ("hf://a/b@?split=test", "no revision"),
        ("hf://a/b?spilt=test", "`spilt=test` is no option"),
        ("hf://a/b?split=", "`split=` is no option"),
        ("hf://a/b?test", "`test` is no option"),
    ],
)
def test_what_is_no_address(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(text, base=Path())
    assert text in caught.value.what
    assert why in caught.value.what
    assert caught.value.fix


@pytest.mark.skipif(find_spec("datasets") is not None, reason="the package is installed")
def test_without_the_library_the_extra_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        load(cases("hf://openai/gsm8k/main?split=test", n=5), base=Path())
    assert caught.value.where == "hf://openai/gsm8k/main?split=test"
    assert caught.value.fix == 'pip install "pytest-velo[datasets]"'
