"""The sampling frame of a hypothesis: what is sampled, in which order, and its design."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pytest_velo.case_sets import Planned
from pytest_velo.records import Family, Invalid, UnitKind
from pytest_velo.searching.search import Search
from pytest_velo.stats.engine.centred import Centring
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import USUAL


class Over(StrEnum):
    """What the claim is about."""

    CASES = "cases"
    POPULATION = "population"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """The kinds of listed cases that are learned while trials come.

    Attributes:
        of_cases: The kind of each case, by its id.
        shares: What share of the list each kind is; they add up to 1.
    """

    of_cases: Mapping[str, str]
    shares: Mapping[str, float]


Foresight = Mapping[str, float] | Kinds
"""What tells of a case before its trial: its centre, by its id, or its kind, which is learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariate:
    """A number of each listed case that is known before its trial.

    Attributes:
        name: Where it comes from: a field, a function, an earlier run, the trials before.
        foresight: For each case, by its id, how far the number lies from its mean over the list, in widths of
            its range; or the kinds of the cases, if it is learned.
        centring: What is known of the centres.
        explained: The squared correlation with the outcomes that is expected of it, in [0, 1].
        declared: Its author said so.
        digest: Of its name and its numbers.
    """

    name: str
    foresight: Foresight
    centring: Centring
    explained: float
    declared: bool
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """How a hypothesis is sampled, as far as this is known without its fixtures; made once, at collection.

    Attributes:
        design: What its rule is made from. The levels are its own or its share of its family's; the horizon
            is `max_trials`, or less if the cases run out.
        trials: Yields the trials of all arms in submission order, up to the last unit; the same trials
            whatever `max_trials` is.
        max_trials: The requested maximum of units.
        turns_per_unit: Maximum number of trials, or turns through all arms, whose mean is one unit.
        arms: The arms every case goes through; empty without arms.
        invalid: How invalid trials count.
        unit: What is counted.
        over: What the claim is about, by its keyword.
        scope: What the claim is about, in words.
        family: The hypotheses that share its error rates; None if it stands alone.
        futility: It is given up where the chance of a verdict is below this; 0 for never.
        attempts_alpha: P(any attempt at its belief wrongly supported), of which its design has this attempt's
            share; None if each attempt is judged alone.
        covariate: What is known of each case; None without one.
        labelled_every: One trial in so many is labelled, and its claim is about the labels; None if it is
            about what was judged.
        search: What chooses the cases while it goes on; None where they are given.
    """

    design: Design
    trials: Callable[[], Iterator[Planned]]
    max_trials: int
    turns_per_unit: int = 1
    arms: tuple[str, ...] = ()
    invalid: Invalid = Invalid.BOUND
    unit: UnitKind = UnitKind.TRIAL
    over: Over = Over.CASES
    scope: str = "this body as it stands"
    family: Family | None = None
    futility: float = USUAL
    attempts_alpha: float | None = None
    covariate: Covariate | None = None
    labelled_every: int | None = None
    search: Search | None = None

    @property
    def unit_size(self) -> int:
        """Maximum number of trials in a unit; 1 if every trial stands for itself."""
        return self.turns_per_unit * max(1, len(self.arms))
