"""The number of each case that `covariate=` in a mark names, read before anything is sampled."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from pytest_velo.canonical import digest
from pytest_velo.case_sets import Case, CaseSet
from pytest_velo.covariates import CovariateSource, EarlierRun, Learned, is_number
from pytest_velo.designing.attempts import stream_of
from pytest_velo.designing.earlier_runs import EarlierRuns, outcomes_by_case
from pytest_velo.designing.models import model_ids
from pytest_velo.designing.spec import Spec
from pytest_velo.errors import UsageError, nearest
from pytest_velo.records import HypothesisResult, TrialRecord
from pytest_velo.runner.frame import Covariate, Kinds
from pytest_velo.settings import Settings
from pytest_velo.stats.engine.centred import Centring, learned_centring

USUAL_CORRELATION = 0.5
"""Assumed of a covariate whose author declares nothing, and which tells nothing itself."""

LEARNED_CORRELATION = 0.7
"""Assumed of a case's own rate with its outcomes: half of the variance is between the cases."""

USUAL_LENGTH = 0.5
"""The share of its units after which a run is taken to end, where it is settled whether to learn.

What is learned late does not help a run that ends early: ``benchmarks/blocks.py``.
"""

_NAMED = 3


def covariate_of(
    spec: Spec, cases: CaseSet | None, settings: Settings, over: str, model: str | None, n_units: int
) -> Covariate | None:
    """Return the covariate that a spec names, with the centre of each case; None if it names none.

    `model` is the one that is judged, if it is known; else all that the spec names are. `n_units` is how many
    units there may be.

    Raises:
        UsageError: A case has no number; or it comes from the very draws that are judged.
    """
    given = spec.get("covariate")
    if given is None:
        return None
    assert cases is not None  # the check of the keywords looked
    source = given if isinstance(given, CovariateSource) else CovariateSource(source=given)
    if over != "cases" or cases.endless or cases.groups is not None:
        raise UsageError(
            "covariate= needs a list of cases that the claim is about: its mean over a population, or over"
            " groups, is not known",
            fix='over="cases", without group=',
        )
    if isinstance(source.source, Learned):
        return _learned(source.source, source.correlation, cases, n_units)
    named = _Found(source, spec, cases, settings, model)
    values = named.values()
    low, high = min(values), max(values)
    width = high - low if high > low else 1.0
    scaled = [(value - low) / width for value in values]
    mean = math.fsum(scaled) / len(scaled)
    # The mean is that of the numbers as they are stored here, so that the centres sum to 0 to the last digit.
    centres = [value - mean for value in scaled]
    expected = named.expected(values)
    return Covariate(
        name=named.name,
        foresight=dict(zip(cases.ids, centres, strict=True)),
        centring=Centring(
            min(0.0, *centres), max(0.0, *centres), math.fsum(centre**2 for centre in centres) / len(centres)
        ),
        explained=expected**2,
        declared=source.correlation is not None,
        digest=digest([named.name, *(f"{value:.12g}" for value in values)]),
    )


def _learned(given: Learned, correlation: float | None, cases: CaseSet, n_units: int) -> Covariate:
    """Return the kinds of a list's cases, which are learned while the trials come."""
    kinds = [*cases.ids] if given.by is None else _kinds(given.by, cases)
    shares = {kind: n / len(kinds) for kind, n in Counter(kinds).items()}
    name = "learned by case" if given.by is None else f"learned by {given.by}"
    squared = (LEARNED_CORRELATION if correlation is None else correlation) ** 2
    centring = learned_centring(shares.values(), squared)
    assert centring.learning is not None  # it is made so
    return Covariate(
        name=name,
        foresight=Kinds(of_cases=dict(zip(cases.ids, kinds, strict=True)), shares=shares),
        centring=centring,
        explained=centring.learning.explained(n_units * USUAL_LENGTH),
        declared=correlation is not None,
        digest=digest([name, *kinds]),
    )


def _kinds(field: str, cases: CaseSet) -> list[str]:
    """Return the kind of each case, which a field names.

    Raises:
        UsageError: A case has none.
    """
    found = [_field(item, field) for item in cases.items]
    for name, kind in zip(cases.ids, found, strict=True):
        if not isinstance(kind, str | int | float):
            near = _misspelt(field, cases) if kind is None else ""
            why = f"nothing is in its field {field!r}" if kind is None else f"its field {field!r} is {kind!r}"
            raise UsageError(
                f"case {name!r} has no kind: {why}",
                fix=near or "give each case the field, a text or a number; or learned() for the case itself",
            )
    return [str(kind) for kind in found]


def _misspelt(field: str, cases: CaseSet) -> str:
    """Return what to write for a field that the first case does not have; empty if it has it."""
    fields = next(
        (tuple(map(str, item.keys())) for item in cases.items if isinstance(item, Case | Mapping)), None
    )
    if fields is None:
        return f'the cases have no fields: give each as {{"question": ..., "{field}": ...}}'
    return "" if field in fields else nearest(field, fields)


class _Found:
    """The numbers of a list's cases, from one source."""

    def __init__(
        self, source: CovariateSource, spec: Spec, cases: CaseSet, settings: Settings, model: str | None
    ) -> None:
        self._source = source
        self._spec = spec
        self._cases = cases
        self._settings = settings
        self._model = model
        statistic = spec.claim.statistics[0]
        self._runs = EarlierRuns(cases, statistic, settings.cache_dir, self._has_other_draws)
        self._outcomes: Mapping[str, Sequence[float]] = {}
        kind = source.source
        assert not isinstance(kind, Learned)  # it has no numbers
        self._kind = kind
        self.name = (
            kind
            if isinstance(kind, str)
            else f"recorded in {kind.run}"
            if isinstance(kind, EarlierRun)
            else str(getattr(kind, "__name__", "<lambda>")).replace("<lambda>", "a function of the case")
        )

    def values(self) -> list[float]:
        """Return the number of each case, in order."""
        kind = self._kind
        if isinstance(kind, EarlierRun):
            self._outcomes = self._recorded(kind)
            found = [
                fmean(drawn) if (drawn := self._outcomes.get(name)) else None for name in self._cases.ids
            ]
        elif isinstance(kind, str):
            found = [_field(item, kind) for item in self._cases.items]
        else:
            found = [self._called(kind, item, name) for item, name in self._named()]
        return self._complete(found)

    def expected(self, values: Sequence[float]) -> float:
        """Return the correlation with the outcomes that is expected, before any is seen.

        What is declared comes first. Several recorded draws of each case tell how much of their spread lies
        between the cases, which is what another run has in common with them. Else the usual one is assumed.
        """
        if self._source.correlation is not None:
            return self._source.correlation
        return _reliability(list(self._outcomes.values())) if self._outcomes else USUAL_CORRELATION

    def _named(self) -> Iterable[tuple[Any, str]]:
        return zip(self._cases.items, self._cases.ids, strict=True)

    def _complete(self, found: Sequence[Any]) -> list[float]:
        """Return the numbers, with the declared one where a case has none."""
        if self._source.missing is not None and all(value is None for value in found):
            raise UsageError(
                f"the covariate {self.name!r} has no number for any of the {len(found)} cases",
                fix=self._remedy(self._cases.ids),
            )
        values, lacking = [], []
        for name, value in zip(self._cases.ids, found, strict=True):
            number = float(value) if isinstance(value, bool) else value
            if number is None and self._source.missing is not None:
                number = self._source.missing
            if number is None:
                lacking.append(name)
            elif not is_number(number):
                raise UsageError(
                    f"the covariate {self.name!r} of case {name!r} is no number: {value!r}",
                    fix="give every case a finite number",
                )
            else:
                values.append(float(number))
        if lacking:
            more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
            which = ", ".join(repr(name) for name in lacking[:_NAMED]) + more
            raise UsageError(
                f"the covariate {self.name!r} has no number for case {which}", fix=self._remedy(lacking)
            )
        return values

    def _remedy(self, lacking: Sequence[str]) -> str:
        some = len(lacking) < len(self._cases) or self._source.missing is None
        stand_in = ", or say what stands for it: covariate(..., missing=0.5)" if some else ""
        if isinstance(self._source.source, EarlierRun):
            return self._runs.named(before="say what stands for it: covariate(..., missing=0.5); or ")
        if isinstance(self._source.source, str):
            is_typo = len(lacking) == len(self._cases)
            near = _misspelt(self._source.source, self._cases) if is_typo else ""
            return near or f"give each case the field{stand_in}"
        return f"return a number for each case{stand_in}"

    def _called(self, function: Callable[[Any], Any], item: Any, name: str) -> Any:
        try:
            return function(item)
        except Exception as error:
            raise UsageError(
                f"the covariate {self.name!r} failed on case {name!r}: {type(error).__name__}: {error}",
                fix="let the function return a number for each case",
            ) from error

    def _recorded(self, earlier: EarlierRun) -> dict[str, list[float]]:
        """Return what came out of each case in an earlier run."""
        statistic = self._spec.claim.statistics[0]
        result, trials = self._runs.meant(earlier)
        if not self._has_other_draws(result, trials):
            raise UsageError(
                f"the covariate is recorded from the very draws that are judged: {earlier.run} has the same"
                f" model, stream and seed ({self._settings.seed})",
                fix='draw anew: stream="judged" in the mark, or another --velo-seed',
            )
        return outcomes_by_case(trials, statistic)

    def _has_other_draws(self, result: HypothesisResult, trials: Sequence[TrialRecord]) -> bool:
        """Tell whether recorded draws are others than those that are judged.

        A case's first draw would be foreseen by itself: the picks would average what was drawn, not what the
        model does.
        """
        judged = {self._model} if self._model is not None else {*model_ids(self._spec, self._settings)}
        judged |= {*self._spec.arms}
        theirs = {result.model, *(trial.arm for trial in trials if trial.arm)} - {None}
        if judged and theirs and not judged & theirs:
            return True
        ours = (self._settings.seed, stream_of(self._spec, self._settings))
        drawn = {(call.address.seed, call.address.stream) for trial in trials for call in trial.calls}
        return not (ours in drawn or (not drawn and result.seed == self._settings.seed))


def _field(item: Any, name: str) -> Any:
    if isinstance(item, Case):
        return Case.get(item, name)
    return item.get(name) if isinstance(item, Mapping) else None


def _reliability(drawn: Sequence[Sequence[float]]) -> float:
    """Return how well the means of recorded draws should correlate with one more draw of each case.

    The spread of the means has a part between the cases and one within them; only the first is shared by new
    draws. It takes two draws of a case to tell them apart.
    """
    several = [draws for draws in drawn if len(draws) > 1]
    if len(several) < 2:
        return USUAL_CORRELATION
    within = fmean(_variance(draws) * len(draws) / (len(draws) - 1) for draws in several)
    means = [fmean(draws) for draws in several]
    of_means = _variance(means)
    between = max(0.0, of_means - within * fmean(1.0 / len(draws) for draws in several))
    of_one = between + within
    return min(1.0, between / math.sqrt(of_means * of_one)) if of_means and of_one else 0.0


def _variance(values: Sequence[float]) -> float:
    mean = fmean(values)
    return fmean((value - mean) ** 2 for value in values)
