"""What a batch API's client raises where no answer came, in words."""

from __future__ import annotations

import errno
import ssl

import httpx2
import openai
import pytest

from pytest_velo.batches.talking import as_ours
from pytest_velo.errors import OutageError, TransientError, VeloError
from pytest_velo.providers.endpoints import parse_endpoint
from pytest_velo.providers.secrets import Secrets

ENDPOINT = parse_endpoint("lab: api=openai-chat base_url=http://llm.example:8000/v1 price=free")


def told(cause: BaseException) -> VeloError:
    error = openai.APIConnectionError(request=httpx2.Request("POST", "http://llm.example:8000/v1/files"))
    error.__cause__ = cause
    return as_ours(error, ENDPOINT, Secrets(ENDPOINT, None), "the upload", ENDPOINT.base_url)


@pytest.mark.parametrize(
    ("cause", "kind", "said"),
    [
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "x"),
            "unreached",
            "the upload: no answer: nothing answers at llm.example:8000 (the connection was refused)",
        ),
        (
            httpx2.ReadError(""),
            "connection",
            "the upload: no answer: llm.example:8000 closed the connection before its answer was complete",
        ),
        (TimeoutError(), "timeout", "the upload: no answer in time"),
    ],
)
def test_what_may_pass_says_what_happened(cause: BaseException, kind: str, said: str) -> None:
    error = told(cause)
    assert isinstance(error, TransientError)
    assert (error.kind, error.what, error.where) == (kind, said, "endpoint lab, batch API")


def test_a_certificate_that_is_not_trusted_lasts() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "x")
    untrusted.verify_code, untrusted.verify_message = 18, "self-signed certificate"
    error = told(untrusted)
    assert isinstance(error, OutageError)
    assert error.what.startswith("the upload: the server's certificate is not trusted (self-signed")
