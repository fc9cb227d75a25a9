"""Declared limits of an endpoint, requests and tokens a minute, as token buckets on an injected clock."""

from __future__ import annotations

from pytest_velo.sampling.pacing import Pacer


def test_pacer_spreads_requests() -> None:
    pacer = Pacer(rpm=60, tpm=None, now=0.0)
    pacer.take(0, now=0.0)
    assert pacer.delay_s(0, now=0.25) == 0.75
