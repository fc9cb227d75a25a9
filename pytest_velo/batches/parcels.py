"""From wanted draws to batches of requests, each as a live call would send it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pytest_velo.batches.entry import Wanted, custom_id
from pytest_velo.batches.service import Line, Service
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.providers.transport import encoded
from pytest_velo.providers.wire import sendable
from pytest_velo.records import Address
from pytest_velo.settings import Endpoint

_ID_BYTES = 200  # around a body in its line


@dataclass(slots=True, kw_only=True)
class Parcel:
    """The draws of one batch: of one model, sent with the same headers.

    Attributes:
        seeded: The seeds of live calls are sent.
        wanted: The draws, in order.
        n_bytes: About how large the batch is.
    """

    endpoint: Endpoint
    model: str
    headers: dict[str, str]
    seeded: bool
    wanted: list[Wanted] = field(default_factory=list)
    n_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A draw that cannot be sent, and why."""

    wanted: Wanted
    error: VeloError


def parcels(
    wanted: Iterable[Wanted],
    service_of: Callable[[Endpoint], Service],
    takes_no_seed: Callable[[str, str], bool],
    refused: list[Refused],
) -> Iterator[Parcel]:
    """Put draws into as few batches as the providers' limits allow; each draw once, in order.

    `refused` gets what cannot be sent.
    """
    filling: dict[tuple[str, str, tuple[tuple[str, str], ...]], Parcel] = {}
    known: set[Address] = set()
    for each in wanted:
        if each.address in known:
            continue
        known.add(each.address)
        endpoint, model = each.target.endpoint, each.target.model
        try:
            service = service_of(endpoint)
            seeded = not takes_no_seed(endpoint.name, model)
            body = body_of(each, service, seeded=seeded)
            n_bytes = _ID_BYTES + len(encoded(body))
            headers = dict(service.wire.headers(body))
        except VeloError as error:
            refused.append(Refused(wanted=each, error=error))
            continue
        kind = (endpoint.name, model, tuple(headers.items()))
        parcel = filling.get(kind)
        if parcel is not None and _is_full(parcel, service, n_bytes):
            yield filling.pop(kind)
            parcel = None
        if parcel is None:
            parcel = filling[kind] = Parcel(endpoint=endpoint, model=model, headers=headers, seeded=seeded)
        parcel.wanted.append(each)
        parcel.n_bytes += n_bytes
    yield from filling.values()


def _is_full(parcel: Parcel, service: Service, n_bytes: int) -> bool:
    return len(parcel.wanted) >= service.most_lines or parcel.n_bytes + n_bytes > service.most_bytes


def body_of(wanted: Wanted, service: Service, *, seeded: bool) -> dict[str, object]:
    """Return the body that a live call of the draw has.

    Raises:
        UsageError: It cannot be sent.
    """
    if wanted.request.path:
        raise UsageError(
            "a call of an SDK's own client is not put into a batch",
            where=f"model {wanted.target.id}",
            fix="use the fixture `model`, or leave --velo-batch out: its calls are made live",
        )
    return sendable(service.wire.to_wire, wanted.request, wanted.seed if seeded else None)


def lines(parcel: Parcel, name: str, service: Service, chosen: frozenset[str]) -> Iterator[bytes]:
    """Give the lines of a batch's file: those of the chosen ids."""
    for each in parcel.wanted:
        own_id = custom_id(name, each.address)
        if own_id in chosen:
            body = body_of(each, service, seeded=parcel.seeded)
            yield service.written(Line(custom_id=own_id, body=body, text=encoded(body)))
