"""Why a connection failed, in words: no name of an exception reaches a user."""

from __future__ import annotations

import errno
import socket
import ssl
from itertools import pairwise

import httpx2
import pytest

from pytest_velo.providers.connections import NoAnswer, unconnected, untrusted

URL = "https://user:secret@llm.example:8443/v1"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxies of the machine that runs the tests are not the tests'."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def refused() -> OSError:
    return ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed")


def caused(*errors: BaseException) -> BaseException:
    """Return the first error, each caused by the next one."""
    for outer, inner in pairwise(errors):
        outer.__cause__ = inner
    return errors[0]


NOT_FOUND = "the name of the host llm.example was not found (no network, or a wrong base_url?)"
REFUSED = "nothing answers at llm.example:8443 (the connection was refused)"
NO_HTTP = "what came from llm.example:8443 is not HTTP"
CLOSED = "llm.example:8443 closed the connection before its answer was complete"


@pytest.mark.parametrize(
    ("error", "said", "is_unreached"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), NOT_FOUND, True),
        (caused(httpx2.ConnectError("x"), socket.gaierror(-3, "Temporary failure")), NOT_FOUND, True),
        (refused(), REFUSED, True),
        (ExceptionGroup("each address", [refused(), refused()]), REFUSED, True),
        (OSError(f"Multiple exceptions: [Errno {errno.EADDRNOTAVAIL}] x, {refused()}"), REFUSED, True),
        (OSError(errno.ENETUNREACH, "x"), "there is no way to the host llm.example (no network?)", True),
        (httpx2.ConnectTimeout("x"), "no connection to llm.example:8443 was made in time", False),
        (httpx2.PoolTimeout("x"), "no connection to llm.example:8443 became free in time", False),
        (httpx2.ProxyError("x"), "the proxy made no connection to llm.example:8443", False),
        (httpx2.ConnectError("x"), "no connection to llm.example:8443 could be made", False),
        (httpx2.RemoteProtocolError("peer closed"), CLOSED, False),
        (httpx2.RemoteProtocolError("illegal status line"), NO_HTTP, False),
        (httpx2.WriteError("x"), CLOSED, False),
        (BrokenPipeError(errno.EPIPE, "x"), CLOSED, False),
        (ConnectionResetError(errno.ECONNRESET, "x"), CLOSED, False),
    ],
)  # fmt: skip
def test_what_happened_is_said_in_words(error: BaseException, said: str, is_unreached: bool) -> None:
    found = unconnected(error, URL)
    assert (found.what, found.is_unreached) == (said, is_unreached)
    assert "secret" not in f"{found}"


def test_a_proxy_may_be_what_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy.example:3128")
    found = unconnected(socket.gaierror(-2, "x"), URL)
    assert "the name of the host llm.example (or its proxy) was not found" in found.what
    assert "HTTPS_PROXY" in found.fix
    assert "secret" not in f"{found}"


@pytest.mark.parametrize(
    ("url", "variables"),
    [
        ("http://127.0.0.1:8000/v1", {"HTTP_PROXY": "http://proxy.example", "NO_PROXY": "127.0.0.1"}),
        ("http://llm.example/v1", {"HTTPS_PROXY": "http://proxy.example"}),
    ],
)
def test_a_proxy_that_has_no_part_in_it_is_not_blamed(
    url: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = unconnected(refused(), url)
    assert "proxy" not in found.what
    assert "PROXY" not in found.fix


def test_an_address_that_nobody_knows_is_not_made_up() -> None:
    assert unconnected(refused(), "").what == "nothing answers at the server (the connection was refused)"


def certificate(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_code, error.verify_message = code, message
    return error


@pytest.mark.parametrize(
    ("code", "message", "fix"),
    [
        (18, "self-signed certificate", "SSL_CERT_FILE"),
        (62, "Hostname mismatch", "base_url"),
        (10, "certificate has expired", "clock"),
    ],
)
def test_the_fix_for_a_certificate_is_for_what_is_wrong_with_it(code: int, message: str, fix: str) -> None:
    found = untrusted(caused(httpx2.ConnectError("x"), certificate(code, message)), URL)
    assert isinstance(found, NoAnswer)
    assert message in found.what
    assert fix in found.fix


@pytest.mark.parametrize(
    "kind", [ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLEOFError, ssl.SSLZeroReturnError]
)
def test_a_handshake_that_was_not_finished_may_pass(kind: type[ssl.SSLError]) -> None:
    assert untrusted(caused(TimeoutError(), kind(2, "The operation did not complete")), URL) is None
