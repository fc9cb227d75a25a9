"""The server inside this process that runs the embedded model: one per process, started on first use.

It is llama.cpp's own server (through `xllamacpp`). It also listens on a loopback port, guarded by a key made
for this process, and speaks the wire formats of OpenAI and Anthropic there.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pytest_velo.errors import UsageError
from pytest_velo.providers.weights import Weights, checksum_ok, find_weights, known_weights

MAX_SLOTS = 4
"""Maximum number of concurrent answers: more would only divide the single compute thread further."""
CONTEXT_TOKENS = 2048
"""Tokens of prompt and answer together, per slot."""


class _Engine(Protocol):
    """The part of `xllamacpp.Server` that is used."""

    listening_address: str

    def handle_chat_completions(self, prompt: dict[str, Any]) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A running server.

    Attributes:
        address: Its loopback address, `http://127.0.0.1:<port>`.
        api_key: The key for the loopback port; made for this process.
        slots: How many answers it works on at once.
        engine: The server object; its methods block.
    """

    address: str
    api_key: str = field(repr=False)
    slots: int
    engine: _Engine


_lock = threading.Lock()
_running: dict[tuple[int, str], Embedded] = {}


def check_installed(model: str) -> Path:
    """Return the weights file of `model`, after checking that its engine is installed too.

    Raises:
        UsageError: There is no such model, or its engine or its weights are missing.
    """
    weights = known_weights(model)
    where = f"model local/{model}"
    if importlib.util.find_spec("xllamacpp") is None:
        raise UsageError(
            "the embedded model's engine is not installed",
            where=where,
            fix="pip install 'pytest-velo[local]'",
        )
    path = find_weights(weights)
    if path is None:
        raise UsageError(
            "the embedded model's weights are not on this machine", where=where, fix=f"velo pull {model}"
        )
    return path


def embedded(model: str = "smollm2-135m", *, slots: int = MAX_SLOTS) -> Embedded:
    """Return this process's server for `model`, starting it on first use (about a second).

    Args:
        model: The model's name, as in `velo pull <name>`.
        slots: Concurrent answers, from 1 to 4; the first call decides for the process.

    Raises:
        UsageError: There is no such model, the engine or the weights are missing, or they are damaged.
    """
    # A server does not survive a fork: its threads stay in the parent. A child starts its own, and never
    # lets go of the parent's, whose destructor would wait for them: entries are not removed.
    key = (os.getpid(), model)
    with _lock:
        if key not in _running:
            _running[key] = _start(known_weights(model), check_installed(model), slots)
        return _running[key]


def _start(weights: Weights, path: Path, slots: int) -> Embedded:
    """Start the server with settings under which equal seeds give equal answers in every process."""
    import xllamacpp  # an extra

    if not checksum_ok(path, weights):
        raise UsageError(
            f"{path} is not the pinned file: its checksum is wrong",
            where=f"model local/{weights.name}",
            fix=f"velo pull {weights.name}",
        )
    n_slots, api_key = max(1, min(slots, MAX_SLOTS)), secrets.token_urlsafe(24)
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {weights.name}
    params.n_parallel, params.n_ctx = n_slots, n_slots * CONTEXT_TOKENS
    # One thread: on busy cores two threads wait for each other, and an answer takes fifteen times as long.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_gpu_layers = 0
    params.ui = params.warmup = False
    params.verbosity = -1
    params.api_keys = [api_key]
    server = xllamacpp.Server(params)
    return Embedded(address=server.listening_address, api_key=api_key, slots=n_slots, engine=server)
