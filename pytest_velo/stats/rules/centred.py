"""The rule for rates, means and differences over listed cases with a covariate.

Every case has a number that was known before the sampling, or before its pick (`engine.learning`), so its
mean over the list is known. The rule bets
on the outcome less what the number foresaw of it (`engine.centred`), which varies less.
"""

from __future__ import annotations

from pytest_velo.claims import Claim
from pytest_velo.errors import VeloError
from pytest_velo.stats.engine.design import NO_DIFFERENCE, Design
from pytest_velo.stats.engine.nulls import Nulls, nulls_of
from pytest_velo.stats.one_sided.centred import CentredTest, EitherCentred, Ends
from pytest_velo.stats.rules.composed import ComposedRule
from pytest_velo.verdicts import Verdict

BREAK_EVEN = 0.15
"""The squared correlation from which a covariate saves more than a calibrated threshold does.

For single 0/1 outcomes there is a rule that is calibrated to its horizon, and bets with a covariate are not.
Measured in ``benchmarks/covariates.py``, for claims with one end and with two.
"""


def is_centred(claim: Claim, design: Design) -> bool:
    """Tell whether the claim is tested with its covariate; known before anything is sampled.

    Where no calibrated rule competes, a covariate that says nothing costs nothing. Where one does, what is
    expected of the covariate decides, never what is seen of it: to choose the rule by its data would break
    both.
    """
    if design.centring is None or design.centring.says_nothing:
        return False
    return design.explained >= BREAK_EVEN or not has_calibrated_rule(claim, design)


def has_calibrated_rule(claim: Claim, design: Design) -> bool:
    """Tell whether the claim has a calibrated rule without its covariate."""
    if not design.calibrates or not claim.statistic.binary:
        return False
    nulls = nulls_of(claim, design.margin)
    at_zero = all(abs(null.threshold - NO_DIFFERENCE) < 1e-12 for null in (*nulls.support, *nulls.refute))
    return at_zero if claim.statistic.arms else True


def expected_saving(claim: Claim, design: Design) -> float:
    """Return the share of the units that the expected correlation saves, beside the best rule without it."""
    rival = 1.0 - BREAK_EVEN if has_calibrated_rule(claim, design) else 1.0
    return max(0.0, 1.0 - (1.0 - design.explained) / rival)


def make_centred_rule(claim: Claim, design: Design) -> CentredRule:
    """Build the rule for a claim whose design has a covariate.

    The horizon may be raised later: nothing is calibrated to it.

    Raises:
        UsageError: The margin reaches beyond the statistic's range.
    """
    return CentredRule(claim, nulls_of(claim, design.margin), design)


class CentredRule(ComposedRule):
    """A claim under test: before each unit is fed, `foresee` takes what was known of it."""

    def __init__(self, claim: Claim, nulls: Nulls, design: Design) -> None:
        assert design.centring is not None  # who made it looked
        support = [CentredTest(*null, design.alpha, design.centring) for null in nulls.support]
        one_sided = len(nulls.refute) == 1
        refute = (
            CentredTest(*nulls.refute[0], design.beta, design.centring)
            if one_sided
            else EitherCentred(nulls.refute, design.beta, design.centring)
        )
        super().__init__(
            claim,
            nulls,
            support=support,
            refute=refute,
            max_units=design.max_units,
            min_units=design.min_units,
        )
        self._centred = (*support, refute)
        self._foreseen = False

    def foresee(self, centre: float, ends: Ends | None = None) -> None:
        """Take in the centre of the next unit, and the range of it if that is its own."""
        for test in self._centred:
            test.foresee(centre, ends)
        self._foreseen = True

    def feed(self, low: float, high: float) -> Verdict | None:
        """Take in one unit, as every rule does, after its centre.

        Raises:
            VeloError: Its centre was not given; or as in `ComposedRule.feed`.
        """
        if not self._foreseen:
            raise VeloError(
                f"the rule for `{self.claim}` was fed a unit without its centre",
                fix="call foresee(centre) before each feed(low, high)",
            )
        self._foreseen = False
        return super().feed(low, high)
