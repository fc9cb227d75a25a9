"""The names by which a body takes something from us."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_velo.providers.sdks import Sdk

PER_TRIAL = ("case", "arm", "trial")
"""Their values differ from trial to trial."""
CLIENTS: Mapping[str, Sdk] = {"openai_client": "openai", "anthropic_client": "anthropic"}
"""Clients of the SDKs, and the SDK of each."""
PARAMETERS = ("velo", "model", "strategy", "judge", *CLIENTS, *PER_TRIAL)
"""All of them. `integration/names` lists them once more, since every pytest start imports it."""
