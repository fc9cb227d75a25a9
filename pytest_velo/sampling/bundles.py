"""Several draws of one request in one call, if the endpoint has `n`: the prompt is billed once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pytest_velo.cache.keys import request_key
from pytest_velo.errors import BudgetError, RequestError, UnansweredError
from pytest_velo.providers.base import Provider
from pytest_velo.records import Reply, Request, Usage
from pytest_velo.sampling.flights import Travelling, current_flight


class Split(Protocol):
    """Splits the reply to a call for several draws."""

    def __call__(self, reply: Reply, request: Request, /) -> tuple[Reply, ...] | None:
        """Return the replies that can be read, in order; None if the reply is about the prompt alone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """One waiting draw; its future gets the reply, or None if it has to be made alone."""

    request: Request
    flight: Travelling | None
    reply: asyncio.Future[Reply | None]


class Bundled:
    """A provider that makes simultaneous identical requests in one call.

    Draws are bundled if they are requested in the same iteration of the event loop, so that none waits for
    another. One choice must not affect the others: a call that stays unanswered, which a single long choice
    can cause, is repeated choice by choice. A model whose server does not accept `n`, or answers with fewer
    choices, is called for one draw at a time from then on.

    A bundle is sent no seed, which its draws record as not honoured. Its cost and the tokens of the prompt
    are recorded with its first draw; no server tells how many tokens each choice took.

    Args:
        inner: Makes the calls, priced and within the budget.
        n: Maximum number of draws in one call, >= 2.
        split: Splits replies.
    """

    def __init__(self, inner: Provider, n: int, split: Split) -> None:
        self._inner = inner
        self._n = n
        self._split = split
        self._waiting: dict[str, list[_Member]] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._one_by_one: set[str] = set()

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the reply to `request`, made alone or together with others."""
        if request.path or request.model in self._one_by_one or "n" in request.parameters:
            return await self._inner.complete(request, seed)
        loop = asyncio.get_running_loop()
        member = _Member(request=request, flight=current_flight.get(), reply=loop.create_future())
        key = request_key(request)
        if key not in self._waiting:
            self._waiting[key] = []
            loop.call_soon(self._depart, key)
        self._waiting[key].append(member)
        reply = await member.reply
        return await self._inner.complete(request, seed) if reply is None else reply

    async def aclose(self) -> None:
        """Close the provider."""
        await self._inner.aclose()

    def _depart(self, key: str) -> None:
        members = [member for member in self._waiting.pop(key) if not member.reply.done()]
        for place in range(0, len(members), self._n):
            bundle = _Bundle(members[place : place + self._n])
            if len(bundle.members) == 1:
                bundle.make_alone()
                continue
            task = asyncio.get_running_loop().create_task(self._fly(bundle))
            bundle.follow(task)
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _fly(self, bundle: _Bundle) -> None:
        current_flight.set(bundle)
        first = bundle.members[0].request
        n = len(bundle.members)
        try:
            whole = await self._inner.complete(replace(first, parameters={**first.parameters, "n": n}), None)
        except (UnansweredError, BudgetError):  # the rest of the budget may suffice for single draws
            bundle.make_alone()
        except RequestError:
            self._one_by_one.add(first.model)  # if n was not the reason, each draw will fail by itself
            bundle.make_alone()
        except Exception as error:
            bundle.fail(error)
        else:
            choices = self._split(whole, first)
            if choices is not None and len(choices) < n:
                self._one_by_one.add(first.model)
            bundle.share([whole] * n if choices is None else choices, whole)


class _Bundle:
    """The draws of one call: what happens to the call happens to the flights of all of them."""

    def __init__(self, members: Sequence[_Member]) -> None:
        self.members = members

    def departed(self) -> None:
        """Note for all flights that the attempt is sent."""
        for flight in self._flights():
            flight.departed()

    def failed(self) -> None:
        """Note for all flights that the attempt brought no reply."""
        for flight in self._flights():
            flight.failed()

    def follow(self, task: asyncio.Task[None]) -> None:
        """Cancel `task` once every draw was given up: then nothing needs the call."""

        def given_up(_: asyncio.Future[Reply | None]) -> None:
            if all(member.reply.cancelled() for member in self.members):
                task.cancel()

        def ended(_: asyncio.Task[None]) -> None:
            for member in self.members:
                member.reply.cancel()  # has no effect if it is done

        for member in self.members:
            member.reply.add_done_callback(given_up)
        task.add_done_callback(ended)

    def make_alone(self) -> None:
        """Let every draw be made by its own call."""
        for member in self.members:
            if not member.reply.done():
                member.reply.set_result(None)

    def fail(self, error: Exception) -> None:
        """End every draw with `error`."""
        for member in self.members:
            if not member.reply.done():
                member.reply.set_exception(error)

    def share(self, choices: Sequence[Reply], whole: Reply) -> None:
        """Give every draw its choice; draws without one are made alone.

        A draw that was given up while the call waited gets none: the bill would go with it.
        """
        wanted = [member for member in self.members if not member.reply.done()]
        replies = [_share(choice, whole, is_first=place == 0) for place, choice in enumerate(choices)]
        for member, reply in zip(wanted, replies, strict=False):
            member.reply.set_result(reply)
        for member in wanted[len(replies) :]:
            if member.flight is not None:
                member.flight.failed()  # no longer under way, and dropped if nothing waits for it
            if not member.reply.done():
                member.reply.set_result(None)

    def _flights(self) -> list[Travelling]:
        return [member.flight for member in self.members if member.flight is not None]


def _share(choice: Reply, whole: Reply, *, is_first: bool) -> Reply:
    """Return a choice with its part of the bill: the first has all of it, unless it is unknown."""
    known = whole.cost_usd is not None
    prompt = Usage(input_tokens=whole.usage.input_tokens, cached_input_tokens=whole.usage.cached_input_tokens)
    return replace(
        choice,
        usage=prompt if is_first else Usage(input_tokens=None if prompt.input_tokens is None else 0),
        cost_usd=whole.cost_usd if is_first or not known else 0.0,
        not_honoured=tuple(dict.fromkeys(("seed", *choice.not_honoured))),
    )
