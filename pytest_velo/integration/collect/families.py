"""Families of hypotheses: which belong together, how many there are, and the verdicts at the end.

Registered under `velo_multiplicity = holm` and `ebh`. Members are counted while pytest makes items of test
functions. It does so for whole files, no matter what `-k`, `-m`, `--lf` or a node id selects later, so the
count, and with it every member's level, does not depend on the selection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_velo.claims import Claim, Direction, EachCase, Estimation, Ranking
from pytest_velo.designing.spec import Spec
from pytest_velo.errors import UsageError
from pytest_velo.integration.collect.marks import read_spec
from pytest_velo.integration.compat import marks_of_calls
from pytest_velo.integration.names import EXPECTED_ATTRIBUTE, FAMILIES_PLUGIN, MARK
from pytest_velo.integration.session import VeloSession
from pytest_velo.records import Family, HypothesisResult, Outcome
from pytest_velo.report.exports.spans import told
from pytest_velo.runner.holm import settle
from pytest_velo.settings import Multiplicity, Settings


class Families:
    """Counts families at collection, and settles them when the session ends."""

    def __init__(self, session: VeloSession) -> None:
        self._session = session
        # By family, then by function: a function that is collected twice counts once.
        self._members: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._expected: set[str] = set()
        self._levels: dict[str, tuple[float, float]] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> Generator[None, object, object]:
        """Count the hypotheses of one function, once all its parameters and models are known."""
        returned = yield
        definition, calls = metafunc.definition, marks_of_calls(metafunc)
        if _claims_something(definition, calls):
            try:
                self._count(definition, calls)
            except UsageError as error:
                raise pytest.Collector.CollectError(str(error.within(definition.nodeid))) from None
        return returned

    def _count(self, definition: Any, calls: Iterable[Sequence[pytest.Mark]]) -> None:
        found: defaultdict[str, int] = defaultdict(int)
        for marks in calls:
            member: Any = _Member(definition, marks)
            spec = read_spec(member, definition.function)
            if spec is not None and _is_member(spec):
                found[spec.get("family", definition.nodeid)] += 1
        for name, n in found.items():
            self._members[name][definition.nodeid] = n

    def of(self, item: Any, spec: Spec, *, alpha: float, beta: float) -> Family | None:
        """Return the family of an item, with the error rates its user chose; None for an estimate."""
        if not _is_member(spec):
            return None
        name = spec.get("family", f"{item.parent.nodeid}::{item.originalname}")
        procedure = self._session.settings.multiplicity
        size = sum(self._members[name].values())
        if procedure is Multiplicity.EBH:
            if size == 1 and not _has_e_value(spec):
                return None  # of one, the share is whether it is wrong, which its own test bounds
            _check_e_value(spec)
            self._check_levels(name, alpha, beta)
        return Family(name=name, size=size, alpha=alpha, beta=beta, procedure=procedure.value)

    def _check_levels(self, name: str, alpha: float, beta: float) -> None:
        """Refuse members with other levels: a share of wrong verdicts has one denominator."""
        first = self._levels.setdefault(name, (alpha, beta))
        if first != (alpha, beta):
            raise UsageError(
                f"under --velo-multiplicity=ebh all members of a family have one alpha and one beta, but"
                f" {name} has {first[0]:g} and {first[1]:g} as well as {alpha:g} and {beta:g}",
                fix="give them the same, or name families apart: family=...",
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember which refutations are not failures."""
        if hasattr(report, EXPECTED_ATTRIBUTE):
            self._expected.add(report.nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Let Holm's further steps decide what they can, before anything is written or shown.

        A late verdict can make a session fail but never pass: earlier failures, such as an undecided member
        under `--velo-strict`, have already been reported.
        """
        if self._session.worker is None:
            late = _settle_session(self._session)
            for result in late:
                told(replace(result, trials=()))  # its trials were told of when it ended
            failed = [result.node_id for result in late if _is_failure(result)]
            if session.exitstatus == pytest.ExitCode.OK and not self._expected.issuperset(failed):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return (yield)


class _Member:
    """A future item of a test function, with only its marks: `marks` are its own parameters'."""

    def __init__(self, definition: Any, marks: Sequence[pytest.Mark]) -> None:
        self.config = definition.config
        self._definition = definition
        self._marks = marks

    def iter_markers_with_node(self, name: str) -> Iterator[tuple[Any, pytest.Mark]]:
        """Yield the marks the item will have: its own, then those of its class and module."""
        own = (*self._definition.own_markers, *self._marks)
        yield from ((self, mark) for mark in own if mark.name == name)
        yield from self._definition.parent.iter_markers_with_node(name)

    def iter_markers(self, name: str) -> Iterator[pytest.Mark]:
        """Yield the same marks without their nodes."""
        return (mark for _, mark in self.iter_markers_with_node(name))


def _has_e_value(spec: Spec) -> bool:
    """Tell whether a claim ends with an e-value; others are latched, or calibrated to the end."""
    claim = spec.claim
    one_sided = type(claim) is Claim and claim.direction is not Direction.WITHIN
    return one_sided and not (spec.against_baseline or spec.get("once") or spec.ladder is not None)


def _check_e_value(spec: Spec) -> None:
    """Refuse claims without an e-value.

    Raises:
        UsageError: The claim is of such a kind.
    """
    if _has_e_value(spec):
        return
    raise UsageError(
        "--velo-multiplicity=ebh takes one-sided claims about rates, means and differences;"
        f" `{spec.claim}` is tested in another way",
        fix="--velo-multiplicity=holm takes every claim; or let it be a family of its own",
    )


def _is_member(spec: Spec) -> bool:
    """Tell whether a hypothesis can be wrong, and so belongs to a family; an estimate cannot.

    One whose attempts share its alpha is corrected by that, and by nothing else.
    """
    return not isinstance(spec.claim, Estimation | Ranking | EachCase) and not spec.counts_attempts


def family_of(item: Any, spec: Spec, settings: Settings) -> Family | None:
    """Return an item's family; None where every hypothesis is judged alone."""
    families: Families | None = item.config.pluginmanager.get_plugin(FAMILIES_PLUGIN)
    if families is None:
        return None
    alpha, beta = spec.levels(settings)
    return families.of(item, spec, alpha=alpha, beta=beta)


def _settle_session(session: VeloSession) -> list[HypothesisResult]:
    """Store the settled results in the session; return those that the step-down decided."""
    settled = settle(list(session.reported.values()))
    session.reported = {result.node_id: result for result in settled}
    return [result for result in settled if result.family is not None and result.family.by_steps]


def _is_failure(result: HypothesisResult) -> bool:
    return result.outcome is Outcome.REFUTED


def _claims_something(definition: Any, calls: Iterable[Sequence[pytest.Mark]]) -> bool:
    """Tell cheaply whether any item of a function may be a hypothesis."""
    if next(definition.iter_markers(MARK), None) is not None:
        return True
    return any(mark.name == MARK for marks in calls for mark in marks)
