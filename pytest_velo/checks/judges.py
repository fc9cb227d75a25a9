"""A judge that was never checked: a claim rests on it, and no labels of people were held against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from pytest_velo.checks.check import Check, Remark, Seen
from pytest_velo.checks.labels import fields_of
from pytest_velo.checks.pages import address_of
from pytest_velo.records import TrialRecord
from pytest_velo.scorers.labels import LABEL, is_slot_of_label
from pytest_velo.settings import STUB

_STUB = f"{STUB}/"


def resting_on(trials: Iterable[TrialRecord], held: Collection[str] = ()) -> dict[str, int]:
    """Return how many outcomes rest on each judge that no labels were held against, by its id.

    A judge is held against labels where `judge.validate` asks it, and where a test asks nobody else, about
    cases that have a label.

    Args:
        trials: The trials of a run.
        held: Judges of which it is known already.
    """
    rested: Counter[str] = Counter()
    known = set(held)
    for trial in trials:
        judged = {call.model for call in trial.calls if call.speaker == "judge" and call.model not in known}
        judged = {judge for judge in judged if not judge.startswith(_STUB)}  # nobody holds it for a judge
        if not judged:
            continue
        labels_alone = LABEL in fields_of(trial.case) and all(call.speaker == "judge" for call in trial.calls)
        if labels_alone:
            known |= judged
        known |= {
            call.model
            for call in trial.calls
            if call.speaker == "judge" and is_slot_of_label(call.address.slot)
        }
        rested.update(judged)
    return {judge: n for judge, n in rested.items() if judge not in known}


def _look(seen: Seen) -> Iterator[Remark]:
    if seen.frame.labelled_every is not None:  # labels of people decide; the judge only saves some of them
        return
    for judge, n in resting_on(seen.trials, seen.judges_held).items():
        yield Remark(
            message=f"{n} of {len(seen.trials)} outcomes rest on the judge {judge}, and no test here holds it"
            " against labels of people",
            fix='label some replies, and hold it against them: judge.validate("labels.csv", "the question")',
        )


CHECK = Check(
    code="F08",
    name="judge never checked",
    sees="Outcomes rest on a judge that no labels of people were held against.",
    look=_look,
    page=address_of("F08", "judge never checked"),
)
