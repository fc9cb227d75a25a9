"""Retries of a provider: transient trouble is retried; what cannot be the prompt's fault is an outage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from pytest_velo.errors import (
    AccessError,
    OutageError,
    RequestError,
    TransientError,
    TransientKind,
    UnansweredError,
)
from pytest_velo.providers.base import Provider
from pytest_velo.providers.waits import in_how_long
from pytest_velo.records import Reply, Request
from pytest_velo.sampling.concurrency import LONGEST_PAUSE_S
from pytest_velo.sampling.pacing import Clock
from pytest_velo.sampling.seeds import rng

# No prompt is to blame for them.
_ENDPOINTS_OWN = ("rate_limit", "overloaded", "loading", "unreached", "connection")
_LATER = "run again later: draws made so far are read from the cache, at no cost"
_TOO_SLOW = "raise the endpoint's timeout_s= if its replies take longer, check base_url, or run again later"
_WRONG_PLACE = "check base_url (is an API there, and is it http or https?), or run again later"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long trouble is tolerated. Times are in seconds.

    Attributes:
        first_delay_s, longest_delay_s: Backoff doubles from one to the other, each with jitter.
        loading_delay_s: The longest backoff while a server loads its model.
        longest_wait_s: A Retry-After beyond this is an outage at once.
        outage_after_s: 429s, 529s and connection errors are an outage once the endpoint has answered nothing
            for this long.
        unreached_after_s: The same for connections to an endpoint that has never answered.
        nobody_after_s: The same where there is no such host, or nothing listens there: that is a machine
            without a network or a wrong address, and rarely passes while someone waits.
        outage_attempts: They are also an outage after this many attempts of one call, whatever else is
            answered.
        unanswered_attempts: After this many 5xx, time-outs and garbage, a prompt stays unanswered.
        breaker: After this many different prompts unanswered in a row (or twice as many calls of fewer
            prompts), the server is down, and the prompt is not to blame.
        never_answered: The same, in calls of any prompts, for a model that has never answered.
        garbage_in_a_row: After this many bodies in a row that are no replies, of all calls to a model, the
            server does not speak our language; half as many where it has never answered.
    """

    first_delay_s: float = 0.5
    longest_delay_s: float = 30.0
    loading_delay_s: float = 5.0
    longest_wait_s: float = LONGEST_PAUSE_S
    outage_after_s: float = 120.0
    unreached_after_s: float = 15.0
    nobody_after_s: float = 2.0
    outage_attempts: int = 12
    unanswered_attempts: int = 4
    breaker: int = 5
    never_answered: int = 3
    garbage_in_a_row: int = 8


@dataclass(slots=True)
class _ModelState:
    """What one model at the endpoint has answered so far.

    A prompt is blamed only where the same model answers others: another model behind the same address tells
    nothing.
    """

    has_answered: bool = False
    unanswered: list[str] = field(default_factory=list)  # prompts, in a row
    n_garbage: int = 0  # attempts, in a row
    is_out: bool = False

    def answered(self) -> None:
        self.has_answered = True
        self.unanswered.clear()
        self.n_garbage = 0
        self.is_out = False


class Retrying:
    """A provider whose attempts are repeated; one for all calls to an endpoint.

    After an outage each call makes only one attempt until the endpoint answers again, so that a dead server
    costs a session minutes once, not per hypothesis.

    Args:
        inner: Makes one attempt.
        where: The endpoint, for messages.
        clock: Where time comes from.
        n_kept: Returns how many draws are stored, for messages.
        loading_s: How long a server may load its model, in seconds.
        policy: How long trouble is tolerated.
    """

    def __init__(
        self,
        inner: Provider,
        *,
        where: str,
        clock: Clock,
        n_kept: Callable[[], int] = lambda: 0,
        loading_s: float = 120.0,
        policy: RetryPolicy | None = None,
    ) -> None:
        self._inner = inner
        self._where = where
        self._clock = clock
        self._n_kept = n_kept
        self._loading_s = loading_s
        self._policy = policy or RetryPolicy()
        self._answered_at: float | None = None
        self._models: defaultdict[str, _ModelState] = defaultdict(_ModelState)
        self._is_out = False
        self.n_retries = 0

    async def complete(self, request: Request, seed: int | None) -> Reply:
        """Return the reply of the first successful attempt.

        Raises:
            OutageError: The endpoint does not answer for reasons that cannot depend on the prompt.
            UnansweredError: This prompt got nothing but 5xx, time-outs or garbage.
            AccessError: As the provider raised it.
            RequestError: As the provider raised it.
        """
        trouble = _Trouble()
        while True:
            try:
                reply = await self._inner.complete(request, seed)
            except TransientError as error:
                trouble.note(error, self._clock.now())
            except (AccessError, RequestError):
                self._answered(request)
                raise
            else:
                self._answered(request)
                return reply
            self._judge(trouble, request)
            self.n_retries += 1
            await self._clock.sleep(self._delay_s(trouble, seed))

    async def aclose(self) -> None:
        """Close the provider."""
        await self._inner.aclose()

    def _answered(self, request: Request) -> None:
        self._answered_at = self._clock.now()
        self._is_out = False
        self._models[request.model].answered()

    def _judge(self, trouble: _Trouble, request: Request) -> None:
        """Return when another attempt is due; raise if there is none."""
        error, policy = trouble.error, self._policy
        wait_s = error.retry_after_s or 0.0
        if wait_s > policy.longest_wait_s and error.kind != "loading":  # which has a limit of its own
            asked = f"{wait_s:.0f} s (it may answer {in_how_long(wait_s)})"
            raise self._outage(f"the provider asks to wait {asked}: {error.what}", error)
        silent_s = self._clock.now() - max(trouble.since, self._answered_at or 0.0)
        match error.kind:
            case "rate_limit" | "overloaded" | "unreached" | "connection":
                limit_s = self._patience_s(error.kind)
                if self._is_out or silent_s >= limit_s or trouble.n_own >= policy.outage_attempts:
                    attempts = "1 attempt" if trouble.n == 1 else f"{trouble.n} attempts"
                    raise self._outage(f"no answer after {attempts}: {error.what}", error)
            case "loading":
                if self._is_out or silent_s >= self._loading_s:
                    what = f"still getting ready after {self._loading_s:g} s ({error.what})"
                    raise self._outage(
                        what, error, fix="wait for the server, or raise the endpoint's timeout_s="
                    )
            case "garbage":
                self._judge_garbage(trouble, request)
                self._judge_unanswered(trouble, request)
            case "server" | "timeout":
                self._judge_unanswered(trouble, request)
            case _:
                assert_never(error.kind)

    def _patience_s(self, kind: TransientKind) -> float:
        """Return for how many seconds the endpoint may answer nothing."""
        if self._answered_at is None and kind in ("unreached", "connection"):
            policy = self._policy
            return policy.nobody_after_s if kind == "unreached" else policy.unreached_after_s
        return self._policy.outage_after_s

    def _judge_garbage(self, trouble: _Trouble, request: Request) -> None:
        """End it if nothing legible comes any more: that is an address or a proxy, not a prompt."""
        model = self._models[request.model]
        model.n_garbage += 1
        most = self._policy.garbage_in_a_row
        if model.n_garbage >= (most if model.has_answered else most // 2):
            model.is_out = True
            raise self._outage(
                f"{model.n_garbage} answers in a row were no replies, the last: {trouble.error.what}",
                trouble.error,
            )

    def _judge_unanswered(self, trouble: _Trouble, request: Request) -> None:
        """Blame the prompt, or the server if too many calls in a row went unanswered."""
        policy, model = self._policy, self._models[request.model]
        is_out = model.is_out or self._is_out
        if not is_out and trouble.n_content < policy.unanswered_attempts:
            return
        model.unanswered.append(repr(request.messages or request.parameters))
        n_calls, n_prompts = len(model.unanswered), len(set(model.unanswered))
        never = not model.has_answered and n_calls >= policy.never_answered
        if is_out or never or n_prompts >= policy.breaker or n_calls >= 2 * policy.breaker:
            model.is_out = True
            raise self._outage(
                f"{'1 call' if n_calls == 1 else f'{n_calls} calls in a row'} went unanswered,"
                f" {'' if n_calls == 1 else 'the last '}with: {trouble.error.what}",
                trouble.error,
                fix=_TOO_SLOW if trouble.error.kind == "timeout" and not model.has_answered else "",
            )
        raise UnansweredError(
            f"no reply to this prompt in {trouble.n} attempts, the last with: {trouble.error.what}",
            where=self._where,
        ) from trouble.error

    def _outage(self, what: str, cause: TransientError, fix: str = "") -> OutageError:
        if cause.kind in _ENDPOINTS_OWN:
            self._is_out = True
        n_kept = self._n_kept()
        kept = f"; {n_kept} draws are kept" if n_kept else ""
        never = self._answered_at is None and cause.kind == "connection"
        error = OutageError(
            f"{what}{kept}",
            where=self._where,
            fix=fix or cause.fix or (_WRONG_PLACE if never else _LATER),
        )
        error.__cause__ = cause
        return error

    def _delay_s(self, trouble: _Trouble, seed: int | None) -> float:
        """Return the backoff: 50 to 100 % of the doubled delay, the same for the same draw."""
        policy, error = self._policy, trouble.error
        most_s = policy.loading_delay_s if error.kind == "loading" else policy.longest_delay_s
        longest = min(most_s, policy.first_delay_s * 2.0 ** min(trouble.n - 1, 30))
        backoff_s = longest * (0.5 + 0.5 * rng("backoff", seed or 0, trouble.n).random())
        return max(backoff_s, min(error.retry_after_s or 0.0, policy.longest_wait_s))


class _Trouble:
    """What one call has encountered so far."""

    __slots__ = ("error", "n_content", "n_own", "since")

    error: TransientError

    def __init__(self) -> None:
        self.since = 0.0
        self.n_own = 0  # of the endpoint, whatever the prompt
        self.n_content = 0

    @property
    def n(self) -> int:
        """Attempts that failed."""
        return self.n_own + self.n_content

    def note(self, error: TransientError, now: float) -> None:
        """Count a failed attempt."""
        if not self.n:
            self.since = now
        self.error = error
        if error.kind in _ENDPOINTS_OWN:
            self.n_own += 1
        else:
            self.n_content += 1
