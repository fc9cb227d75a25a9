"""A hypothesis must not silently mix two snapshots of a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.pages import address_of
from pytest_velo.records import TrialRecord

_MOST_KEPT = 100  # a server may make up a fingerprint for each reply
_MOST_SAID = 5


def mixed_snapshots(trials: Iterable[TrialRecord]) -> tuple[str, ...]:
    """Return a notice for every model that answered with more than one snapshot.

    Models are grouped by the requested name, so an attacker and a target may differ. A value the provider
    does not report (None) is not a difference.
    """
    served: dict[str, set[str]] = {}
    fingerprints: dict[tuple[str, str], set[str]] = {}
    for trial in trials:
        for call in trial.calls:
            name = call.reply.model_served
            if name is not None:
                _add(served.setdefault(call.model, set()), name)
            if call.reply.fingerprint is not None:
                marks = fingerprints.setdefault((call.model, name or call.model), set())
                _add(marks, call.reply.fingerprint)
    return (
        *(
            _notice(f"{model} was answered by", names)
            for model, names in sorted(served.items())
            if len(names) > 1
        ),
        *(
            _notice(f"{name} answered {model} with the fingerprints", marks)
            for (model, name), marks in sorted(fingerprints.items())
            if len(marks) > 1
        ),
    )


def _add(names: set[str], name: str) -> None:
    if len(names) < _MOST_KEPT:
        names.add(name)


def _notice(head: str, names: set[str]) -> str:
    shown = sorted(names)[:_MOST_SAID]
    left = len(names) - len(shown)
    more = [f"{left} others" if len(names) < _MOST_KEPT else "many others"] if left else []
    listed = " and ".join([*shown, *more])
    return f"{head} {listed}: the trials mix snapshots of the model"


def _look(seen: Seen) -> Iterator[Remark]:
    for said in mixed_snapshots(seen.trials):
        yield Remark(message=said, fix="pin one, or draw again with --velo-mode=refresh")


CHECK = Check(
    code="F18",
    name="mixed snapshots",
    sees="The trials of one hypothesis were answered by several snapshots of its model.",
    look=_look,
    page=address_of("F18", "mixed snapshots"),
)
