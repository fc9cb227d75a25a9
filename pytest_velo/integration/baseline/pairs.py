"""Which trials have a partner in a baseline, and what a run stores as a baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pytest_velo.baselines.entry import CASE_LENGTH, Sampled, StoredTurn
from pytest_velo.bodies.instruments import instruments_of
from pytest_velo.case_sets import CaseSet, Planned, chosen_order
from pytest_velo.claims import Change, Statistic
from pytest_velo.records import TrialRecord
from pytest_velo.report.chosen import IN_BASELINE
from pytest_velo.runner.frame import Frame
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.run import Run


def pairs_of(
    stored: Sampled, frame: Frame, cases: CaseSet | None
) -> tuple[tuple[Planned, ...], tuple[float | None, ...]]:
    """Return the trials that have a partner in the baseline, in its order, and the partners' outcomes.

    If the cases changed, a trial's partner has the same case and repeat; the frame is then of single trials.
    Only whole units are returned. Outcomes are in the statistic's own units, None for an invalid trial.
    """
    outcomes = tuple(turn.outcome for turn in stored.turns)
    if cases is None or stored.set_digest == cases.digest:
        planned = [trial for trial, _ in zip(frame.trials(), stored.turns, strict=False)]
        whole = _whole_units(planned)
        return whole, outcomes[: len(whole)]
    known = {digest[:CASE_LENGTH]: position for position, digest in enumerate(cases.digests)}
    common = [turn for turn in stored.turns if turn.case in known][: frame.max_trials]
    trials = chosen_order(cases, ((known[turn.case], turn.repeat) for turn in common))
    return tuple(trials), tuple(turn.outcome for turn in common)


def sampled_of(run: Run, plan: Iterator[Planned], hypothesis: Hypothesis) -> Sampled:
    """Return what a run of at least one trial sampled, as a baseline stores it."""
    instruments = instruments_of(run.trials[0])
    served = {call.reply.model_served for trial in run.trials for call in trial.calls}
    turns = zip(plan, _outcomes_of(run), strict=False)
    return Sampled(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=hypothesis.seed,
        set_digest=hypothesis.set_digest,
        turns=tuple(
            StoredTurn(planned.case_digest[:CASE_LENGTH], planned.repeat, outcome)
            for planned, outcome in turns
        ),
        body=hypothesis.body_digest,
        prompt=instruments.prompt,
        judge=instruments.judge,
        models_served=tuple(sorted(model for model in served if model)),
    )


def beside_stored(
    trials: Sequence[TrialRecord], reference: Sequence[float | None]
) -> tuple[TrialRecord, ...]:
    """Return trials, each with a note of the baseline's outcome in its place."""

    def note(then: float | None) -> str:
        return IN_BASELINE + ("invalid" if then is None else f"{then:g}")

    paired = zip(trials, reference, strict=False)  # an error's trial may lie beyond the baseline's end
    noted = tuple(replace(trial, notes=(*trial.notes, note(then))) for trial, then in paired)
    return (*noted, *trials[len(noted) :])


def _outcomes_of(run: Run) -> Iterator[float | None]:
    """Yield the outcome of each trial in the statistic's own units, None for an invalid one."""
    name = _measured(run.hypothesis.claim.statistics[0]).name or ""
    for trial in run.trials:
        yield trial.values.get(name)


def _measured(statistic: Statistic) -> Statistic:
    return statistic.of if isinstance(statistic, Change) else statistic


def _whole_units(planned: Sequence[Planned]) -> tuple[Planned, ...]:
    """Leave out a last unit that lacks trials."""
    last = planned[-1].unit if planned else 0
    n_last = sum(trial.unit == last for trial in planned)
    complete = not planned or n_last == planned[-1].unit_size
    return tuple(planned if complete else planned[:-n_last])
