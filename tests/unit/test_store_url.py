"""The URL of a shared store: libpq's, with a schema, and never with a password where it is shown."""

from __future__ import annotations

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.integration.config.settings import READERS, read_settings
from pytest_velo.report.header import header_lines
from pytest_velo.settings import Settings, StoreUrl

SECRET = "canary-3d7a"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"postgresql://ana:{SECRET}@db:5433/draws", "postgresql://ana@db:5433/draws"),
        (f"postgres://ana:{SECRET}@h1,h2:5433/draws", "postgresql://ana@h1,h2:5433/draws"),
        (f"postgresql://db/draws?user=ana&password={SECRET}", "postgresql://db/draws?user=ana"),
        (
            f"postgresql:///draws?host=/run/pg&sslpassword={SECRET}&schema=nlp",
            "postgresql:///draws?host=/run/pg&schema=nlp",
        ),
        (f"postgresql://?service=lab&sslkey={SECRET}", "postgresql://?service=lab"),
        (f"postgresql://ana:{SECRET}%40%2F@db/draws", "postgresql://ana@db/draws"),
    ],
)
def test_it_is_shown_without_its_secrets(text: str, shown: str) -> None:
    url = StoreUrl(text)
    assert str(url) == shown
    header = "".join(line.text for line in header_lines(Settings(store=url)))
    assert f"store {shown}" in header
    for told in (repr(url), repr(Settings(store=url)), header):
        assert SECRET not in told


@pytest.mark.parametrize(
    "text",
    [
        f"mysql://ana:{SECRET}@db/draws",
        f"ana:{SECRET}@db/draws",
        f"postgresql:ana:{SECRET}@db",
        f"postgresql://ana:{SECRET}@{SECRET}@db/draws",
        f"postgresql://ana:{SECRET}/{SECRET}@db/draws",
        f"postgresql://ana:{SECRET}#@db/draws",
        f"postgresql://ana:{SECRET}@db/draws?schema=a-b",
        f"postgresql://ana:{SECRET}@[db/draws",
    ],
)
def test_what_is_none_is_a_mistake_that_does_not_show_it(
    text: str, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VELO_STORE", text)
    with pytest.raises(UsageError) as refused:
        read_settings(pytestconfig)
    assert refused.value.where == "VELO_STORE"
    assert "postgresql://" in refused.value.fix
    assert SECRET not in str(refused.value)


def test_what_libpq_cannot_read_is_a_mistake_that_does_not_show_it() -> None:
    shared = pytest.importorskip("pytest_velo.cache.shared.line", exc_type=UsageError)
    for end in ("@db?colour=blue", "%zz@db"):
        with pytest.raises(UsageError) as refused:
            shared.check(StoreUrl(f"postgresql://ana:{SECRET}{end}"))
        assert SECRET not in str(refused.value)


def test_libpq_gets_all_but_the_schema() -> None:
    url = StoreUrl(
        f"postgresql://ana:{SECRET}@db/draws?sslmode=verify-full&schema=nlp&application_name=a+b%20c"
    )
    assert url.schema == "nlp"
    assert url.for_libpq == (
        f"postgresql://ana:{SECRET}@db/draws?sslmode=verify-full&application_name=a%2Bb%20c"
    )
    assert StoreUrl("postgresql://db").schema == "velo"


@pytest.mark.parametrize("text", ["none", "NONE", ""])
def test_none_turns_a_store_of_the_ini_file_off(text: str) -> None:
    assert READERS["store"](text) is None


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "soon"])
def test_patience_is_a_number_of_seconds(text: str) -> None:
    with pytest.raises(ValueError):
        READERS["store_patience"](text)
    assert READERS["store_patience"]("0.5") == 0.5
