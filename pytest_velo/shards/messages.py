"""What controller and worker say to each other; each message is one frame of JSON.

A field `body` holds the JSON of `plain`, as text.
"""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, kw_only=True, tag=True, tag_field="says"):
    """One message."""


class Hello(Message):
    """To a worker, first: the pytest session it is to have.

    Attributes:
        args: The command line.
        folder: Where it was given.
        inside: The same, relative to the root folder.
        environment: The variables that set options; never a key.
    """

    args: tuple[str, ...]
    folder: str
    inside: str
    environment: dict[str, str]


class Begin(Message):
    """To a worker: a hypothesis of which trials will follow.

    Attributes:
        run: Names the run.
        node_id: The test.
        set_digest, body_digest: What its cases and its body must be.
    """

    run: int
    node_id: str
    set_digest: str
    body_digest: str


class Shard(Message):
    """To a worker: trials of one run, each with its seed."""

    run: int
    body: str


class End(Message):
    """To a worker: a run is over; trials still under way are not needed, and its item is torn down."""

    run: int


class Answer(Message):
    """To a worker: the draw that a call asked for, or why there is none."""

    call: int
    body: str
    failed: bool = False


class Attempt(Message):
    """To a worker: make one attempt of a call; `n` is how many draws it asks for at once."""

    attempt: int
    call: int
    seed: int | None
    n: int | None


class Welcome(Message):
    """From a worker, first: what it has collected, and where it is."""

    host: str
    prints: dict[str, str]


class Broken(Message):
    """From a worker: it cannot serve."""

    why: str


class Refused(Message):
    """From a worker: a run cannot be served there."""

    run: int
    body: str


class Ask(Message):
    """From a worker: a call of a trial needs a draw.

    Attributes:
        call: Names the call.
        run: The trial's run.
        target: The model's id.
        key: The request's key.
        slot: Case, repeat, ordinal and label.
        body: The request.
    """

    call: int
    run: int
    target: str
    key: str
    slot: tuple[str, int, int, str]
    body: str


class Drop(Message):
    """From a worker: nothing waits for a call's draw any more."""

    call: int


class Made(Message):
    """From a worker: what an attempt brought."""

    attempt: int
    body: str
    failed: bool = False


class Ended(Message):
    """From a worker: what a trial came to, and what its body said meanwhile."""

    run: int
    index: int
    body: str


ToWorker = Hello | Begin | Shard | End | Answer | Attempt
FromWorker = Welcome | Broken | Refused | Ask | Drop | Made | Ended

_encoder = msgspec.json.Encoder()
_to_worker: msgspec.json.Decoder[ToWorker] = msgspec.json.Decoder(ToWorker)
_from_worker: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker)


def encode(message: Message) -> bytes:
    """Return a message's JSON."""
    return _encoder.encode(message)


def to_worker(frame: bytes) -> ToWorker:
    """Return a message to a worker."""
    return _to_worker.decode(frame)


def from_worker(frame: bytes) -> FromWorker:
    """Return a message from a worker."""
    return _from_worker.decode(frame)
