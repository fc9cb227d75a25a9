"""Which models a body's calls asked: a result is labelled with one of them."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_velo.records import TrialRecord

_SHOWN = 3


def never_asked(trials: Sequence[TrialRecord], model: str | None) -> tuple[str, ...]:
    """Return a notice if clients made calls, and no call asked the model that the hypothesis names.

    Args:
        trials: The trials of a run.
        model: The hypothesis's model; None if it names none, or several as its arms.
    """
    calls = [call for trial in trials for call in trial.calls]
    asked = dict.fromkeys(call.model for call in calls)
    by_clients = any(call.request.path for call in calls)
    if model is None or not by_clients or model in asked or " and " in model:
        return ()
    more = f" and {len(asked) - _SHOWN} more" if len(asked) > _SHOWN else ""
    return (
        f"no call asked {model}, which this hypothesis names: the program asked"
        f" {', '.join([*asked][:_SHOWN])}{more}; name that in models=, or have the program take the name",
    )
