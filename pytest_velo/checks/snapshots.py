"""A hypothesis must not silently mix two snapshots of a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.pages import address_of
from pytest_velo.records import TrialRecord


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
                served.setdefault(call.model, set()).add(name)
            if call.reply.fingerprint is not None:
                fingerprints.setdefault((call.model, name or call.model), set()).add(call.reply.fingerprint)
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


def _notice(head: str, names: set[str]) -> str:
    listed = " and ".join(sorted(names))
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
