"""The statistics that claims are about: a rate, a mean, a difference of arms, a change since a baseline."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_velo.claims.claim import Claim, Statistic
from pytest_velo.claims.scale import Scale
from pytest_velo.claims.stored import Baseline
from pytest_velo.errors import UsageError
from pytest_velo.vocabulary import called


@dataclass(frozen=True, slots=True, repr=False)
class Rate(Statistic):
    """The statistic `rate`, the share of trials whose outcome is 1.

    >>> from pytest_velo.claims import rate
    >>> rate >= 0.3, rate("asr") <= 0.05, rate.within(0.4, 0.6)
    (rate >= 0.3, rate("asr") <= 0.05, rate.within(0.4, 0.6))
    """

    @called('rate("asr") <= 0.05, or rate >= 0.5 for the only outcome', name="rate")
    def __call__(self, name: str) -> Rate:
        """Return the rate of one named outcome of bodies that return a dict.

        Raises:
            UsageError: The name is not a string, or is empty.
        """
        return Rate(outcome_name(name, 'rate("asr") <= 0.05'))

    @property
    def change(self) -> Change:
        """The distance from the stored baseline."""
        return Change(name=self.name, of=self)

    def __str__(self) -> str:
        return "rate" if self.name is None else f'rate("{self.name}")'


@dataclass(frozen=True, slots=True, repr=False)
class Mean(Statistic):
    """The mean of a score in a known range; made by `mean(low, high)`.

    >>> from pytest_velo.claims import mean
    >>> mean(0, 10) >= 7, mean(0, 1, "helpful") <= 0.5
    (mean(0, 10) >= 7, mean(0, 1, "helpful") <= 0.5)
    """

    low: float = 0.0
    high: float = 1.0

    @property
    def scale(self) -> Scale:
        """The range of the scores."""
        return Scale(self.low, self.high)

    @property
    def binary(self) -> bool:
        """Scores are not 0 or 1."""
        return False

    @property
    def change(self) -> Change:
        """The distance from the stored baseline."""
        return Change(name=self.name, of=self)

    def __str__(self) -> str:
        name = "" if self.name is None else f', "{self.name}"'
        return f"mean({self.low:g}, {self.high:g}{name})"


@dataclass(frozen=True, slots=True, repr=False)
class Difference(Statistic):
    """The mean of `first - second` over cases that both arms answer; made by `difference(first, second)`.

    >>> from pytest_velo.claims import difference
    >>> difference("hinted", "plain") >= 0.1
    difference("hinted", "plain") >= 0.1
    """

    first: str = ""
    second: str = ""
    of: Rate | Mean = Rate()

    @property
    def scale(self) -> Scale:
        """Plus or minus the width of the outcomes' range."""
        span = self.of.scale.span
        return Scale(-span, span)

    @property
    def outcomes(self) -> Scale:
        """The range of one arm's outcome."""
        return self.of.scale

    @property
    def arms(self) -> tuple[str, ...]:
        """First minus second."""
        return self.first, self.second

    @property
    def binary(self) -> bool:
        """One arm's outcome is 0 or 1."""
        return self.of.binary

    @called('difference("a", "b").within(0.1), or .within(-0.1, 0.2)')
    def within(self, low: float | Baseline, high: float | Baseline | None = None) -> Claim:
        """Claim that it lies within `low..high`, or within plus or minus `low` if only that is given.

        Raises:
            UsageError: An end is not a number inside the range, or the range between them is empty.
        """
        if high is not None or isinstance(low, Baseline):
            return Statistic.within(self, low, low if high is None else high)
        if isinstance(low, bool) or not isinstance(low, int | float):
            return Statistic.within(self, low, low)  # which says what is wrong with it
        return Statistic.within(self, -abs(low), abs(low))

    def __str__(self) -> str:
        of = "" if self.of == Rate() else f", of={self.of}"
        return f'difference("{self.first}", "{self.second}"{of})'


@dataclass(frozen=True, slots=True, repr=False)
class Change(Difference):
    """How far a rate or mean is from its stored baseline, case by case: now minus then.

    >>> from pytest_velo.claims import baseline, mean, rate
    >>> rate >= baseline - 0.05, mean(0, 10).within(baseline - 0.5, baseline + 0.5)
    (rate >= baseline - 0.05, mean(0, 10).within(baseline - 0.5, baseline + 0.5))
    """

    first: str = "now"
    second: str = "baseline"

    def compared(self, sign: str, value: float) -> str:
        """Return an inequality about it, written with the baseline."""
        return f"{self.of} {sign} {Baseline(value)}"

    def between(self, low: float, high: float) -> str:
        """Return the claim that it lies between two values, written with the baseline."""
        return f"{self.of}.within({Baseline(low)}, {Baseline(high)})"

    def __str__(self) -> str:
        return f"{self.of} - baseline"


def outcome_name(name: object, example: str) -> str:
    """Check an outcome's name and return it; the error's fix shows the claim `example`.

    Raises:
        UsageError: It is not a string, or is empty.

    >>> outcome_name("asr", 'rate("asr") <= 0.05')
    'asr'
    >>> outcome_name(0.05, 'rate("asr") <= 0.05')
    Traceback (most recent call last):
        ...
    pytest_velo.errors.UsageError: an outcome's name must be a string, got 0.05
      fix: rate("asr") <= 0.05
    """
    if not isinstance(name, str) or not name:
        raise UsageError(f"an outcome's name must be a string, got {name!r}", fix=example)
    return name
