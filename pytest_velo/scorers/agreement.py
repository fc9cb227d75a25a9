"""How far a judge agrees with people: counts, exact intervals, and the texts it differs on.

Pure functions of pairs of labels and verdicts. A verdict that could not be read is no verdict: it is counted
apart, and is in no rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_velo.errors import UsageError
from pytest_velo.stats.intervals import clopper_pearson
from pytest_velo.verdicts import Interval

_SHOWN = 10
_WORDS = {True: "yes", False: "no", None: "invalid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One labelled text with the judge's verdict.

    Attributes:
        id: Names it.
        question: What the judge was asked.
        text: What was judged.
        label: What people say: True for yes.
        verdict: What the judge says; None if it gave no verdict that could be read.
        invalid: Why it gave none; else empty.
    """

    id: str
    question: str = ""
    text: str = ""
    label: bool
    verdict: bool | None
    invalid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of n, with Clopper and Pearson's exact interval, which holds for an n that was fixed before.

    Attributes:
        k: How many, from 0 to n.
        n: Of how many.
        rate: k / n, in [0, 1]; None if n is 0.
        interval: At the level that was asked for; None if n is 0.
    """

    k: int
    n: int
    rate: float | None
    interval: Interval | None

    def __str__(self) -> str:
        if self.rate is None or self.interval is None:
            return "none to count"
        return f"{self.k} of {self.n}: {self.rate:.1%} [{self.interval.low:.1%}, {self.interval.high:.1%}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far a judge agrees with people. `print` shows all of it, with the first texts it differs on.

    Attributes:
        judged: Each labelled text with its verdict, in the order of the labels.
        level: Of the intervals, in (0, 1).
        judge: The judge's model id; empty if not known.

    >>> agreement = Agreement.of([True, True, False, None], labels=[True, False, False, True])
    >>> agreement.rate, agreement.n, agreement.n_invalid
    (0.6666666666666666, 3, 1)
    >>> [judged.id for judged in agreement.disagreements]
    ['1']
    """

    judged: tuple[Judged, ...]
    level: float = 0.95
    judge: str = ""

    @staticmethod
    def of(
        verdicts: Iterable[Any], *, labels: Iterable[Any], texts: Iterable[Any] = (), level: float = 0.95
    ) -> Agreement:
        """Return the agreement of verdicts that are known already with labels, e.g. columns of a frame.

        Args:
            verdicts: True, 1 or `yes`; False, 0 or `no`; None, NaN or `NA` where there is none.
            labels: Likewise, all known.
            texts: What was judged, to be read where they differ; may be left out.
            level: Of the intervals, in (0, 1).

        Raises:
            UsageError: There are not as many of both, or one is neither yes nor no.
        """
        said, known = [*map(_read, verdicts)], [*map(_read, labels)]
        judged_texts = [*map(str, texts)] or [""] * len(known)
        if not len(said) == len(known) == len(judged_texts):
            n = f"{len(said)} verdicts, {len(known)} labels and {len(judged_texts)} texts"
            raise UsageError(f"these are {n}", fix="give one of each for each text")
        if not 0 < level < 1:
            raise UsageError(f"level= must be between 0 and 1, got {level!r}", fix="level=0.95")
        judged = []
        for place, (verdict, label, text) in enumerate(zip(said, known, judged_texts, strict=True)):
            if label is None:
                raise UsageError(f"label {place} is missing", fix="leave unlabelled texts out of both")
            judged.append(
                Judged(
                    id=str(place),
                    text=text,
                    label=label,
                    verdict=verdict,
                    invalid="" if verdict is not None else "no verdict",
                )
            )
        return Agreement(judged=tuple(judged), level=level)

    @property
    def n(self) -> int:
        """Verdicts that could be read."""
        return len(self.judged) - self.n_invalid

    @property
    def n_invalid(self) -> int:
        """Verdicts that could not."""
        return sum(judged.verdict is None for judged in self.judged)

    @property
    def agreed(self) -> Share:
        """How many verdicts are the label, of those that could be read."""
        return self._share(judged for judged in self.judged)

    @property
    def rate(self) -> float | None:
        """The share of verdicts that are the label, of those that could be read; None if none could."""
        return self.agreed.rate

    @property
    def interval(self) -> Interval | None:
        """The exact interval of `rate`."""
        return self.agreed.interval

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The least and the most that `rate` may be, whatever the invalid verdicts would have been."""
        if not self.judged:
            return None
        n_agreed, n_all = self.agreed.k, len(self.judged)
        return n_agreed / n_all, (n_agreed + self.n_invalid) / n_all

    @property
    def sensitivity(self) -> Share:
        """How often the judge says yes where people do."""
        return self._share(judged for judged in self.judged if judged.label)

    @property
    def specificity(self) -> Share:
        """How often the judge says no where people do."""
        return self._share(judged for judged in self.judged if not judged.label)

    @property
    def matrix(self) -> dict[str, dict[str, int]]:
        """Counts by the label and then by the verdict: `matrix["yes"]["no"]`, `matrix["no"]["invalid"]`."""
        counts = {label: dict.fromkeys(_WORDS.values(), 0) for label in ("yes", "no")}
        for judged in self.judged:
            counts[_WORDS[judged.label]][_WORDS[judged.verdict]] += 1
        return counts

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa of the verdicts that could be read, in [-1, 1]; None where it is not defined."""
        yes, no = self.sensitivity, self.specificity
        if yes.rate is None or no.rate is None:
            return None
        return _kappa(yes.n / (yes.n + no.n), yes.rate, no.rate)

    @property
    def kappa_interval(self) -> Interval | None:
        """An interval of kappa where as many labels are yes as here; it holds at its level or a higher one.

        At a given share of yes, kappa grows with sensitivity and with specificity. Their exact intervals,
        each with half of the error, therefore bound it.
        """
        yes, no = self.sensitivity, self.specificity
        if yes.n == 0 or no.n == 0:
            return None
        each = 1 - (1 - self.level) / 2
        of_yes, of_no = clopper_pearson(yes.k, yes.n, each), clopper_pearson(no.k, no.n, each)
        share = yes.n / (yes.n + no.n)
        low, high = _kappa(share, of_yes.low, of_no.low), _kappa(share, of_yes.high, of_no.high)
        return Interval(low=low, high=high, level=self.level)

    @property
    def disagreements(self) -> tuple[Judged, ...]:
        """The texts on which the judge and people differ; invalid verdicts are not among them."""
        return tuple(
            judged for judged in self.judged if judged.verdict is not None and judged.verdict != judged.label
        )

    @property
    def invalid(self) -> tuple[Judged, ...]:
        """The texts on which the judge gave no verdict that could be read."""
        return tuple(judged for judged in self.judged if judged.verdict is None)

    def _share(self, judged: Iterable[Judged]) -> Share:
        valid = [one for one in judged if one.verdict is not None]
        k, n = sum(one.verdict == one.label for one in valid), len(valid)
        if n == 0:
            return Share(k=0, n=0, rate=None, interval=None)
        return Share(k=k, n=n, rate=k / n, interval=clopper_pearson(k, n, self.level))

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        named = f"the judge {self.judge}" if self.judge else "the judge"
        yield f"{named} agrees with people on {self.agreed} at {100 * self.level:g}%"
        if self.n_invalid and self.bounds is not None:
            low, high = self.bounds
            yield f"  {self.n_invalid} more gave no verdict: {low:.1%} to {high:.1%}, whatever it would be"
        matrix = self.matrix
        yield f"  {'':12}{'judge: yes':>12}{'no':>8}{'invalid':>10}"
        for label, counts in matrix.items():
            yield f"  {'people: ' + label:12}{counts['yes']:>12}{counts['no']:>8}{counts['invalid']:>10}"
        yield f"  says yes where people do  {self.sensitivity}"
        yield f"  says no where people do   {self.specificity}"
        if self.kappa is not None and self.kappa_interval is not None:
            ends = self.kappa_interval
            yield f"  Cohen's kappa             {self.kappa:.2f} [{ends.low:.2f}, {ends.high:.2f}]"
        yield from _listed("disagreements", self.disagreements)
        yield from _listed("without a verdict", self.invalid)


def answer_in(value: Any) -> bool | None:
    """Return whether a value says yes or no: a truth value, 1 or 0, or such a word; None for anything else.

    >>> answer_in(True), answer_in(" No "), answer_in(1.0), answer_in("maybe"), answer_in(2)
    (True, False, True, None, None)
    """
    if isinstance(value, str):
        return _ANSWERS.get(value.strip().lower())
    try:
        return bool(value) if value in (0, 1) else None
    except (TypeError, ValueError):  # pandas' NA, an array
        return None


_ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def _read(value: Any) -> bool | None:
    """Return a verdict or a label; None for a value that stands for none."""
    if value is None or type(value).__name__ == "NAType" or value != value:
        return None
    answer = answer_in(value)
    if answer is None:
        raise UsageError(f"{value!r} is neither yes nor no"[:200], fix="True or False, 1 or 0; None for none")
    return answer


def _kappa(share: float, sensitivity: float, specificity: float) -> float:
    """Return Cohen's kappa where a share in (0, 1) of the labels is yes.

    Source: Cohen (1960), Educational and Psychological Measurement 20:37.
    """
    said_yes = share * sensitivity + (1 - share) * (1 - specificity)
    agreed = share * sensitivity + (1 - share) * specificity
    by_chance = share * said_yes + (1 - share) * (1 - said_yes)
    return (agreed - by_chance) / (1 - by_chance)


def _listed(title: str, judged: Sequence[Judged]) -> Iterator[str]:
    if not judged:
        return
    yield f"{title}:"
    for one in judged[:_SHOWN]:
        said = (
            f"judge: {_WORDS[one.verdict]}"
            if one.verdict is not None
            else ", ".join(one.invalid.splitlines())
        )
        yield f"  {one.id!a:>4} people: {_WORDS[one.label]}, {said}: {one.text[:100]!r}"
    if len(judged) > _SHOWN:
        yield f"  and {len(judged) - _SHOWN} more"
