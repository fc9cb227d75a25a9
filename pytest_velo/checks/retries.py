"""Resample until valid: a body asks again until a reply suits it, and only the last one counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass

from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.pages import address_of
from pytest_velo.found import Level
from pytest_velo.records import Call, TrialRecord

_MOST_TEXTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """What was asked again.

    Attributes:
        n_trials: Trials with a model call.
        trials: Those that asked something again.
        n_left: Replies that were followed by another to the same request.
        most: The most draws of one request in a trial.
    """

    n_trials: int
    trials: tuple[int, ...]
    n_left: int
    most: int


def asked_again(trials: Iterable[TrialRecord]) -> Retries | None:
    """Return what was asked again where that depends on the replies; None otherwise.

    A number of draws that is the same in all trials, for a vote or the best of several, is a design. So is
    one that differs, if no trial has a single draw, as in a vote until two agree, or if replies like those
    after which the body went on were also ones that it stopped at: then the replies do not decide it.
    """
    again: list[int] = []
    n_draws: Counter[int] = Counter()
    left: set[int] = set()
    last: dict[int, set[int]] = {}  # by the number of draws, since at the largest one a body gives up
    n_left = 0
    for trial in trials:
        if not trial.calls:
            continue
        most = 1
        if len(trial.calls) == 1:
            _add(last.setdefault(1, set()), trial.calls[0].reply.text)
        else:
            for draws in _same_requests(trial.calls):
                for call in draws[:-1]:
                    _add(left, call.reply.text)
                _add(last.setdefault(len(draws), set()), draws[-1].reply.text)
                n_left += len(draws) - 1
                most = max(most, len(draws))
        n_draws[most] += 1
        if most > 1:
            again.append(trial.index)
    if len(n_draws) < 2 or 1 not in n_draws:
        return None
    top = max(n_draws)
    if any(texts & left for n, texts in last.items() if n < top):
        return None
    return Retries(n_trials=n_draws.total(), trials=tuple(again), n_left=n_left, most=top)


def _same_requests(calls: Iterable[Call]) -> list[list[Call]]:
    """Return the calls of one trial that sent the same messages to the same model, in their order.

    Parameters may differ, and names of slots: the second try often has another temperature.
    """
    groups: dict[Hashable, list[Call]] = {}
    for call in calls:
        messages = call.request.messages
        content = messages[-1].get("content") if messages else None
        key = (call.model, call.speaker, len(messages), content if isinstance(content, str) else "")
        alike = groups.setdefault(key, [])
        if not alike or alike[0].request.messages == messages:
            alike.append(call)
        else:
            groups[key, call.address.key, call.address.slot] = [call]
    return [*groups.values()]


def _add(texts: set[int], text: str) -> None:
    if len(texts) < _MOST_TEXTS:
        texts.add(hash(text.strip()))


def _look(seen: Seen) -> Iterator[Remark]:
    retries = asked_again(seen.trials)
    if retries is not None:
        n = len(retries.trials)
        yield Remark(
            message=f"{n} of {retries.n_trials} trials asked the same again, up to {retries.most} times in"
            f" all, until a reply suited the body: {retries.n_left} replies count for nothing",
            fix="call velo.invalid(why) where a reply cannot be read, or draw equally often in every trial",
            trials=retries.trials,
        )


CHECK = Check(
    code="F09",
    name="resample until valid",
    sees="The body asks again until a reply suits it, and only the last one counts.",
    look=_look,
    level=Level.WARNING,
    page=address_of("F09", "resample until valid"),
)
