"""Retries of a provider: transient trouble is retried; what cannot be the prompt's fault is an outage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from pytest_velo.errors import AccessError, OutageError, RequestError, TransientError, UnansweredError
from pytest_velo.providers.base import Provider
from pytest_velo.records import Reply, Request
from pytest_velo.sampling.concurrency import LONGEST_PAUSE_S
from pytest_velo.sampling.pacing import Clock
from pytest_velo.sampling.seeds import rng


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long trouble is tolerated. Times are in seconds.

    Attributes:
        first_delay_s, longest_delay_s: Backoff doubles from one to the other, each with jitter.
        longest_wait_s: A Retry-After beyond this is an outage at once.
        outage_after_s: 429s, 529s and connection errors are an outage once the endpoint has answered nothing
            for this long.
        unreached_after_s: The same for connections to an endpoint that has never answered.
        outage_attempts: They are also an outage after this many attempts of one call, whatever else is
            answered.
        unanswered_attempts: After this many 5xx, time-outs and garbage, a prompt stays unanswered.
        breaker: After this many different prompts unanswered in a row (or four times as many calls of fewer
            prompts), the server is down, and the prompt is not to blame.
    """

    first_delay_s: float = 0.5
    longest_delay_s: float = 30.0
    longest_wait_s: float = LONGEST_PAUSE_S
    outage_after_s: float = 120.0
    unreached_after_s: float = 15.0
    outage_attempts: int = 12
    unanswered_attempts: int = 4
    breaker: int = 5


class Retrying:
    """A provider whose attempts are repeated; one for all calls to an endpoint.

    After an outage each call makes only one attempt until the endpoint answers again, so that a dead server
    costs a session minutes once, not per hypothesis.

    Args:
        inner: Makes one attempt.
        where: The endpoint, for messages.
        clock: Where time comes from.
        n_kept: Returns how many draws are stored, for messages.
        policy: How long trouble is tolerated.
    """

    def __init__(
        self,
        inner: Provider,
        *,
        where: str,
        clock: Clock,
        n_kept: Callable[[], int] = lambda: 0,
        policy: RetryPolicy | None = None,
    ) -> None:
        self._inner = inner
        self._where = where
        self._clock = clock
        self._n_kept = n_kept
        self._policy = policy or RetryPolicy()
        self._answered_at: float | None = None
        self._unanswered: list[str] = []  # prompts, in a row
        self._out = False
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
                self._answered()
                raise
            else:
                self._answered()
                return reply
            self._judge(trouble, request)
            self.n_retries += 1
            await self._clock.sleep(self._delay_s(trouble, seed))

    async def aclose(self) -> None:
        """Close the provider."""
        await self._inner.aclose()

    def _answered(self) -> None:
        self._answered_at = self._clock.now()
        self._unanswered.clear()
        self._out = False

    def _judge(self, trouble: _Trouble, request: Request) -> None:
        """Return when another attempt is due; raise if there is none."""
        error, policy = trouble.error, self._policy
        if error.retry_after_s is not None and error.retry_after_s > policy.longest_wait_s:
            raise self._outage(f"the provider asks to wait {error.retry_after_s:.0f} s ({error.what})", error)
        match error.kind:
            case "rate_limit" | "overloaded" | "connection":
                silent_s = self._clock.now() - max(trouble.since, self._answered_at or 0.0)
                never = self._answered_at is None and error.kind == "connection"
                limit_s = policy.unreached_after_s if never else policy.outage_after_s
                if self._out or silent_s >= limit_s or trouble.n_infra >= policy.outage_attempts:
                    raise self._outage(f"no answer after {trouble.n} attempts ({error.what})", error)
            case "server" | "timeout" | "garbage":
                if self._out or trouble.n_content >= policy.unanswered_attempts:
                    self._give_up(trouble, request)
            case _:
                assert_never(error.kind)

    def _give_up(self, trouble: _Trouble, request: Request) -> None:
        """Blame the prompt, or the server if too many calls in a row went unanswered."""
        self._unanswered.append(repr(request.messages))
        n_calls, n_prompts = len(self._unanswered), len(set(self._unanswered))
        if self._out or n_prompts >= self._policy.breaker or n_calls >= 4 * self._policy.breaker:
            raise self._outage(
                f"{n_calls} calls in a row went unanswered, the last with: {trouble.error.what}",
                trouble.error,
            )
        raise UnansweredError(
            f"no reply to this prompt in {trouble.n} attempts, the last with: {trouble.error.what}",
            where=self._where,
        ) from trouble.error

    def _outage(self, what: str, cause: TransientError) -> OutageError:
        self._out = True
        n_kept = self._n_kept()
        kept = f"; {n_kept} draws are kept" if n_kept else ""
        error = OutageError(
            f"{what}{kept}",
            where=self._where,
            fix="run again later: draws made so far are read from the cache, at no cost",
        )
        error.__cause__ = cause
        return error

    def _delay_s(self, trouble: _Trouble, seed: int | None) -> float:
        """Return the backoff: 50 to 100 % of the doubled delay, the same for the same draw."""
        policy = self._policy
        longest = min(policy.longest_delay_s, policy.first_delay_s * 2.0 ** (trouble.n - 1))
        backoff_s = longest * (0.5 + 0.5 * rng("backoff", seed or 0, trouble.n).random())
        return max(backoff_s, trouble.error.retry_after_s or 0.0)


class _Trouble:
    """What one call has encountered so far."""

    __slots__ = ("error", "n_content", "n_infra", "since")

    error: TransientError

    def __init__(self) -> None:
        self.since = 0.0
        self.n_infra = 0
        self.n_content = 0

    @property
    def n(self) -> int:
        """Attempts that failed."""
        return self.n_infra + self.n_content

    def note(self, error: TransientError, now: float) -> None:
        """Count a failed attempt."""
        if not self.n:
            self.since = now
        self.error = error
        if error.kind in ("rate_limit", "overloaded", "connection"):
            self.n_infra += 1
        else:
            self.n_content += 1
