"""Running the trials of an earlier run again: the same cases in the same order, on the stored draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from pytest_velo.case_sets import CaseSet, Planned, chosen_order
from pytest_velo.claims import EachCase, Ranking
from pytest_velo.errors import CacheMissError, UsageError
from pytest_velo.providers.registry import Target
from pytest_velo.records import Address, Request, Slot, TrialRecord
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.sampling.drawing import Drawer, Drawing
from pytest_velo.sampling.draws import Recorded
from pytest_velo.sampling.seeds import derive
from pytest_velo.scorers.grading import rubric_of
from pytest_velo.settings import Api


class RecordedDraws:
    """Gets draws from what is stored; only a judge may make new calls.

    `may_judge` enables judge calls that cost money; free ones are always allowed.
    """

    def __init__(self, drawer: Drawer, kept: Recorded, *, seed: int, may_judge: bool) -> None:
        self._drawer = drawer
        self._kept = kept
        self._seed = seed
        self._may_judge = may_judge

    async def draw(
        self, target: Target, request: Request, *, key: str, slot: Slot, stream: str, may_pay: bool
    ) -> Drawing:
        """Return the draw of `request` for `slot`.

        Raises:
            CacheMissError: It is not stored, and it is not a judge's call that may be made.
        """
        computed = target.endpoint.api is Api.SCRIPTED
        address = Address(key=key, seed=self._seed, stream=stream, slot=str(slot))
        if not computed and self._kept.get(address) is None:
            self._permit(target, request, address)
        return await self._drawer.draw(
            target, request, key=key, slot=slot, stream=stream, may_pay=self._may_judge
        )

    def _permit(self, target: Target, request: Request, address: Address) -> None:
        """Raise unless a call that is not stored may be made."""
        where = f"model {target.id}, slot {address.slot}"
        if rubric_of(request) is None:
            raise CacheMissError(
                "what the model is asked has no stored draw, so this would not be a rescoring"
                f" ({self._kept.nearest_request(request, address)})",
                where=where,
                fix="run pytest instead, which draws what is missing",
            )
        if not (self._may_judge or target.endpoint.free):
            raise CacheMissError(
                "the judge was never asked this, and its answer would cost money"
                f" ({self._kept.nearest_request(request, address)})",
                where=where,
                fix="velo rescore --allow-judge-calls asks it, within the budget",
            )


def planned_as(
    hypothesis: Hypothesis, trials: Sequence[TrialRecord], cases: CaseSet | None, *, movable: bool
) -> tuple[Planned, ...]:
    """Plan the trials of a record again.

    If cases were edited (say, an expected answer), their order and digests differ; then each trial takes the
    case with the same id, and the digest its draws are stored under.

    Args:
        hypothesis: As it is now.
        trials: The recorded ones, in order, without gaps.
        cases: The current cases.
        movable: Trials may find their case by its id; False if the order itself has a meaning.

    Raises:
        UsageError: The design or the cases changed, so that these trials do not belong to it.
    """
    if isinstance(hypothesis.claim, EachCase):
        raise UsageError(
            "a search chose its cases by the outcomes: others would need trials that were not drawn",
            where=hypothesis.node_id,
            fix="run it again; what is drawn already is free",
        )
    if isinstance(hypothesis.claim, Ranking):
        raise UsageError(
            "a ranking chose whom to ask by the outcomes: others would need trials that were not drawn",
            where=hypothesis.node_id,
            fix="run the test again: what was drawn is in the cache and costs nothing",
        )
    plan = list(islice(hypothesis.frame.trials(), len(trials)))
    if len(plan) < len(trials):
        raise _changed(
            f"{len(trials)} trials are recorded, but the test now has at most {len(plan)}", hypothesis
        )
    if all(map(_is_same, plan, trials)):
        return tuple(plan)
    if not movable or cases is None or cases.groups is not None or not cases_changed(hypothesis, trials):
        raise _changed("its trials are no longer those of the record", hypothesis)
    positions = {name: position for position, name in enumerate(cases.ids)}
    return tuple(
        _moved(planned, trial, cases, positions, hypothesis)
        for planned, trial in zip(plan, trials, strict=True)
    )


def cases_changed(hypothesis: Hypothesis, trials: Sequence[TrialRecord]) -> bool:
    """Tell whether the set of cases differs from that of the recorded trials (at least one).

    The seeds of the first run were derived from its digest, which the record does not hold.
    """
    turn = trials[0].index // max(1, len(hypothesis.frame.arms))
    name = hypothesis.set_digest or hypothesis.node_id
    usual = derive(hypothesis.seed, name, turn)
    # A confirmation and a replication have seeds of their own stream.
    return trials[0].seed not in (usual, derive(hypothesis.seed, name, turn, hypothesis.stream))


def _is_same(planned: Planned, trial: TrialRecord) -> bool:
    mine = (planned.index, planned.case_id, planned.repeat, planned.arm)
    theirs = (trial.index, trial.case_id, trial.repeat, trial.arm)
    stored = _stored_digest(trial)
    return mine == theirs and stored in (None, planned.case_digest)


def _moved(
    planned: Planned,
    trial: TrialRecord,
    cases: CaseSet,
    positions: Mapping[str, int],
    hypothesis: Hypothesis,
) -> Planned:
    position = positions.get(trial.case_id)
    if position is None:
        raise _changed(f"the recorded case {trial.case_id!r} no longer exists", hypothesis)
    if (planned.index, planned.arm) != (trial.index, trial.arm):
        raise _changed("its arms are no longer those of the record", hypothesis)
    (chosen,) = chosen_order(cases, [(position, trial.repeat)])
    return replace(
        chosen,
        index=planned.index,
        turn=planned.turn,
        unit=planned.unit,
        unit_size=planned.unit_size,
        arm=planned.arm,
        case_digest=_stored_digest(trial) or chosen.case_digest,
    )


def _stored_digest(trial: TrialRecord) -> str | None:
    """Return the case's digest from the slots of the trial's draws; None without draws."""
    return trial.calls[0].address.slot.partition(":")[0] if trial.calls else None


def _changed(what: str, hypothesis: Hypothesis) -> UsageError:
    return UsageError(
        f"the design changed: {what}",
        where=hypothesis.node_id,
        fix="run pytest instead: cached draws are still free",
    )
