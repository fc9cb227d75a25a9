"""All errors of the package: each says where it happened, what is wrong and how to fix it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Literal, TypeVar

Raised = TypeVar("Raised", bound=Exception)

TransientKind = Literal[
    "rate_limit", "overloaded", "loading", "unreached", "connection", "timeout", "server", "garbage"
]


class VeloError(Exception):
    """Base of all errors of this package.

    Args:
        what: What is wrong, in one sentence.
        where: The test, option, file or call it concerns; empty if the text says it already.
        fix: What the reader can do about it; empty if there is nothing to do.

    Attributes:
        status: The HTTP status that a server gave for it; None without one.

    >>> print(UsageError("the mark has no claim", where="test_a.py::test_b", fix="rate >= 0.5"))
    test_a.py::test_b: the mark has no claim
      fix: rate >= 0.5
    """

    status: int | None = None

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  fix: {self.fix}" if self.fix else head

    def at(self, where: str) -> VeloError:
        """Set `where` if it is empty; return self."""
        self.where = self.where or where
        return self

    def within(self, place: str) -> VeloError:
        """Put the place inside a larger one; return self.

        >>> print(UsageError("the line is not JSON", where="rows.jsonl:3").within("test_it.py::test_h"))
        test_it.py::test_h: rows.jsonl:3: the line is not JSON
        """
        self.where = f"{place}: {self.where}" if self.where else place
        return self


class UsageError(VeloError):
    """A user's mistake, found before any call is made.

    Examples:
        >>> error = UsageError("alpha must be between 0 and 1, got 5", fix="alpha=0.05")
        >>> error.what, error.fix
        ('alpha must be between 0 and 1, got 5', 'alpha=0.05')
    """


class StoppedError(VeloError):
    """Sampling stopped before or during a call: there is no outcome."""


class BodyError(VeloError):
    """A test body misbehaved: an error of the test, never an outcome."""


class ScorerError(BodyError):
    """A scorer could not be run to its end: its process died, took too long, or could not be given a call."""


class AccessError(VeloError):
    """A provider refuses access: key missing or wrong, no permission, quota used up."""


class RequestError(VeloError):
    """A provider says that the request itself is malformed; repeating it cannot help."""


class TransientError(VeloError):
    """One attempt failed for a reason that may pass; the retrying wrapper handles it.

    Attributes:
        kind: `rate_limit` (429), `overloaded` (529), `loading` (the server is getting ready), `unreached`
            (there is no such host, or nothing listens there), `connection` (no or dropped connection),
            `timeout`, `server` (5xx), `garbage` (a 2xx whose body is not a reply).
        retry_after_s: The wait the server asks for, in seconds; None if it does not say.
        status: The HTTP status; None without a response.
    """

    def __init__(
        self,
        what: str,
        *,
        kind: TransientKind,
        retry_after_s: float | None = None,
        status: int | None = None,
        where: str = "",
        fix: str = "",
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.kind: TransientKind = kind
        self.retry_after_s = retry_after_s
        self.status = status


class OutageError(VeloError):
    """Infrastructure trouble that does not depend on a prompt's content and outlasted the retries.

    It ends the hypothesis without an outcome; it is never a failed trial.
    """


class LostCallError(VeloError):
    """The process that made a call was lost: it may have been answered, and billed.

    Attributes:
        was_sent: The process had been told to make it.
    """

    def __init__(self, what: str, *, was_sent: bool, where: str = "", fix: str = "") -> None:
        super().__init__(what, where=where, fix=fix)
        self.was_sent = was_sent


class UnansweredError(VeloError):
    """A prompt got only 5xx or time-outs, which may depend on the prompt: an invalid trial."""


class CacheMissError(VeloError):
    """Replay needs a draw that is neither in the cache nor in a cassette."""


class BudgetError(VeloError):
    """The next call could exceed the budget; sampling stops and open hypotheses stay undecided."""


class NotDrawnError(VeloError):
    """A draw is needed but not stored, and the session only estimates, so none is made.

    Attributes:
        worst_usd: The most its call could cost, in dollars; None if its price is unknown.
    """

    def __init__(self, what: str, *, worst_usd: float | None = None, where: str = "", fix: str = "") -> None:
        super().__init__(what, where=where, fix=fix)
        self.worst_usd = worst_usd


class WouldPayError(NotDrawnError):
    """A draw would cost money, and paid calls are not enabled."""


class StoreError(VeloError):
    """The cache or a cassette cannot be read or written."""


class InvalidTrial(Exception):
    """Raised inside a body: this trial says nothing about the claim (`velo.invalid("why")`).

    Examples:
        >>> raise InvalidTrial("the reply was cut off")
        Traceback (most recent call last):
            ...
        pytest_velo.errors.InvalidTrial: the reply was cut off
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.said = ""  # the reply that cannot be used, if that is the reason


class ToolError(Exception):
    """Raised inside a tool: its text goes to the model as the tool's result.

    Any other exception is the body's own.

    Examples:
        >>> raise ToolError("there is no city of that name")
        Traceback (most recent call last):
            ...
        pytest_velo.errors.ToolError: there is no city of that name
    """


_listener: ContextVar[Callable[[Exception], None] | None] = ContextVar("pytest_velo_listener", default=None)


def listen(hear: Callable[[Exception], None]) -> None:
    """Let `hear` be told of the errors that bodies cause in this context."""
    _listener.set(hear)


def tell(error: Raised) -> Raised:
    """Tell the running trial of an error that a body caused, and return it, to be raised.

    A body that catches everything would otherwise turn it into an outcome.

    >>> from contextvars import copy_context
    >>> heard = []
    >>> context = copy_context()
    >>> context.run(listen, heard.append)
    >>> context.run(tell, InvalidTrial("no such token"))
    InvalidTrial('no such token')
    >>> heard
    [InvalidTrial('no such token')]
    """
    hear = _listener.get()
    if hear is not None:
        hear(error)
    return error


def named(error: VeloError, speaker: str) -> VeloError:
    """Say in an error's place which part the model plays that could not be asked; return the error.

    >>> print(named(named(OutageError("no answer", where="lab, model tiny"), "judge"), "judge"))
    lab, model tiny (judge): no answer
    """
    if not error.where.endswith((f"({speaker})", speaker)):
        error.where = f"{error.where} ({speaker})" if error.where else speaker
    return error


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the known name that was probably meant.

    Args:
        name: What the user typed.
        known: The valid names.

    Returns:
        `"did you mean 'x'?"`, or the sorted list of known names if none is close; it may be empty.

    >>> nearest("max_trails", ["max_trials", "alpha"])
    "did you mean 'max_trials'?"
    >>> nearest("zzz", ["b", "a"])
    'known: a, b'
    >>> nearest("zzz", [])
    'there is none yet'
    """
    from difflib import get_close_matches  # weight: needed only after a typo

    names = sorted(map(str, known))  # a member of an enum would be quoted as one
    if not names:
        return "there is none yet"
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"
