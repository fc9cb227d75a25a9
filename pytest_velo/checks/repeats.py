"""F03: one request asked again and again at temperature 0, which gives one reply again and again."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.pages import address_of
from pytest_velo.found import Level
from pytest_velo.records import OutcomeKind, TrialRecord

_MOST_REQUESTS = 50_000
"""Requests that are remembered; trials of later ones are not looked at."""
_FEWEST = 5
_ALIKE = 0.9


def _look(seen: Seen) -> Iterator[Remark]:
    replies: dict[tuple[str, str], set[int]] = {}
    n_trials, again = 0, []
    for trial in seen.trials:
        if trial.kind is OutcomeKind.INVALID or not trial.calls or not _is_cold(trial):
            continue
        key = (trial.calls[0].address.key, trial.arm)
        known = replies.get(key)
        if known is None and len(replies) >= _MOST_REQUESTS:
            continue
        n_trials += 1
        said = crc32("\0".join(call.reply.text for call in trial.calls).encode(errors="replace"))
        if known is None:
            replies[key] = {said}
        elif said in known:
            again.append(trial.index)
        else:
            known.add(said)
    n_repeats = n_trials - len(replies)
    if n_repeats >= _FEWEST and len(again) >= _ALIKE * n_repeats:
        yield Remark(
            message=f"{len(again):,} of {n_trials:,} trials at temperature 0 sent a request again and got the"
            f" same reply again: {_replies(n_trials - len(again))} behind them",
            fix='ask each case once (over="population"), or draw at the temperature that is claimed about',
            trials=again,
        )


def _replies(n: int) -> str:
    return "one reply is" if n == 1 else f"{n:,} different replies are"


def _is_cold(trial: TrialRecord) -> bool:
    """Tell whether all requests of a trial are at temperature 0."""
    given = [call.request.parameters.get("temperature") for call in trial.calls]
    return all(each == 0 and not isinstance(each, bool) and each is not None for each in given)


CHECK = Check(
    code="F03",
    name="identical replies",
    sees="A request was sent again and again at temperature 0, and the reply was the same.",
    look=_look,
    level=Level.WARNING,
    page=address_of("F03", "identical replies"),
)
