"""Why a connection brought no answer, in words: what happened, at which host, and what mends it.

The libraries that connect wrap one error in another and name it as programmers do. What happened is in the
innermost one, and in its number.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL)
_NUMBER = re.compile(r"\[Errno (\d+)\]")
_UNFINISHED_TLS = (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
_NO_HTTP = ("BadStatusLine", "BadHttpMessage", "LineTooLong", "InvalidHeader", "HttpProcessingError")
_DROPPED = (ConnectionError, httpx2.NetworkError, httpx2.RemoteProtocolError)
_DROPPED_NAMES = (
    "ServerDisconnectedError",
    "ClientPayloadError",
    "ContentLengthError",
    "BrokenResourceError",
)
_OTHER_NAME = (62, 64)  # of OpenSSL: the certificate is for another name, or another address
_EXPIRED = 10
_PLAIN = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """Why there was no answer over a connection.

    Attributes:
        what: What happened, and where; a clause.
        fix: What the reader can do; empty if it may pass by itself.
        is_unreached: There was no server at that address, so nothing was sent.
    """

    what: str
    fix: str = ""
    is_unreached: bool = False


def links_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came from; httpcore hides the cause and leaves the context."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):  # an attempt at each address of a host
            error = error.exceptions[0]
        else:
            error = error.__cause__ or error.__context__


def untrusted(error: BaseException, url: str) -> NoAnswer | None:
    """Return why a connection is not encrypted as it should be; None if that is not what is wrong.

    Args:
        error: What the HTTP library raised.
        url: Where it was to connect.
    """
    for link in reversed(list(links_of(error))):  # aiohttp's own are SSLErrors without a reason
        if isinstance(link, ssl.SSLCertVerificationError):
            return _uncertified(link, _host(url, with_port=True))
        if isinstance(link, ssl.SSLError) and not isinstance(link, _UNFINISHED_TLS):
            return _unencrypted(link, _host(url, with_port=True))
    return None


def unconnected(error: BaseException, url: str) -> NoAnswer:
    """Return why a connection brought no answer.

    Args:
        error: What the HTTP library raised.
        url: Where it was to connect; empty if nobody knows.
    """
    chain = list(links_of(error))
    host, place = _host(url, with_port=False), _host(url, with_port=True)
    numbers = {number for link in chain if isinstance(link, OSError) for number in _numbers(link)}
    if any(isinstance(link, socket.gaierror) for link in chain):
        return NoAnswer(
            what=f"the name of the host {host} was not found (no network, or a wrong base_url?)",
            fix=_with_proxies("check the network and base_url, and run again", url),
            is_unreached=True,
        )
    if errno.ECONNREFUSED in numbers:
        return NoAnswer(
            what=f"nothing answers at {place} (the connection was refused)",
            fix=_with_proxies("start the server there, or check base_url, and run again", url),
            is_unreached=True,
        )
    if not numbers.isdisjoint(_NO_WAY):
        return NoAnswer(
            what=f"there is no way to the host {host} (no network?)",
            fix=_with_proxies("check the network and base_url, and run again", url),
            is_unreached=True,
        )
    return _broken(chain, place, url)


def _broken(chain: list[BaseException], place: str, url: str) -> NoAnswer:
    """Return what went wrong with a connection to a host that is there, as far as anyone can tell."""
    names = {type(link).__name__ for link in chain}
    if _has(chain, httpx2.PoolTimeout):
        return NoAnswer(what=f"no connection to {place} became free in time")
    if _has(chain, httpx2.ConnectTimeout):
        fix = "check the network and base_url (a firewall may drop what is sent there), and run again"
        return NoAnswer(what=f"no connection to {place} was made in time", fix=_with_proxies(fix, url))
    if _has(chain, httpx2.ProxyError):
        fix = "check the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names"
        return NoAnswer(what=f"the proxy made no connection to {place}", fix=fix)
    # h11 tells what is no HTTP by its words alone: "illegal status line".
    if names.intersection(_NO_HTTP) or any(str(link).startswith("illegal") for link in chain):
        return NoAnswer(what=f"what came from {place} is not HTTP", fix="check base_url: is it an API's?")
    if _has(chain, httpx2.ConnectError):
        fix = "check the network and base_url, and run again"
        return NoAnswer(what=f"no connection to {place} could be made", fix=_with_proxies(fix, url))
    if _has(chain, *_DROPPED) or names.intersection(_DROPPED_NAMES):
        return NoAnswer(what=f"{place} closed the connection before its answer was complete")
    return NoAnswer(what=f"the connection to {place} failed ({type(chain[-1]).__name__})")


def _uncertified(error: ssl.SSLCertVerificationError, place: str) -> NoAnswer:
    """Return why a server's certificate is not trusted."""
    fix = "set SSL_CERT_FILE to a file with the certificate of the authority that signed it"
    if error.verify_code in _OTHER_NAME:
        fix = "check base_url: the server's certificate is for another name"
    elif error.verify_code == _EXPIRED:
        fix = "check this machine's clock; if it is right, the server needs a new certificate"
    what = f"the server's certificate is not trusted ({error.verify_message}; {place})"
    return NoAnswer(what=what, fix=fix)


def _unencrypted(error: ssl.SSLError, place: str) -> NoAnswer:
    """Return why no encrypted connection can be made."""
    reason = error.reason or ""
    said = "it speaks no https" if reason in _PLAIN else reason.replace("_", " ").lower()
    what = f"no encrypted connection can be made to {place}" + (f" ({said})" if said else "")
    return NoAnswer(what=what, fix="check base_url: does the server speak https there?")


def _numbers(error: OSError) -> list[int | None]:
    """Return the number of an error, and those of the attempts at each address that its text lists."""
    return [error.errno, *map(int, _NUMBER.findall(str(error)))]


def _has(chain: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(link, kinds) for link in chain)


def _host(url: str, *, with_port: bool) -> str:
    """Return the host of an address, without credentials, and the proxy that may stand before it."""
    place = urlsplit(url).netloc.rpartition("@")[2]
    name = place if with_port else urlsplit(url).hostname or place
    return (name or "the server") + (" (or its proxy)" if _proxies(url) else "")


def _proxies(url: str) -> list[str]:
    """Return the variables that set a proxy for an address; any of them if the address is not known."""
    known, parts = getproxies(), urlsplit(url)
    if parts.hostname and proxy_bypass(parts.hostname):
        return []
    schemes = (parts.scheme, "all") if parts.scheme else ("https", "http", "all")
    return [f"{scheme.upper()}_PROXY" for scheme in schemes if scheme in known]


def _with_proxies(fix: str, url: str) -> str:
    """Name what sets the proxy, where there is one: it may be what cannot be reached."""
    named = ", ".join(_proxies(url))
    return f"{fix}; is the proxy right ({named})?" if named else fix
