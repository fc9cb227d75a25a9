"""Exact crossing probabilities on 0/1 outcomes, and thresholds calibrated with them.

Most of what the rules do needs neither this package nor numpy, so its functions are loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.lazy import lazily

if TYPE_CHECKING:
    from pytest_velo.stats.exact.chances import chances_of as chances_of
    from pytest_velo.stats.exact.fixed_width import fixed_width_design as fixed_width_design
    from pytest_velo.stats.exact.fixed_width import last_look as last_look
    from pytest_velo.stats.exact.law import as_it_looks as as_it_looks
    from pytest_velo.stats.exact.law import race as race
    from pytest_velo.stats.exact.repeated import Seen as Seen
    from pytest_velo.stats.exact.repeated import go_on_alike as go_on_alike
    from pytest_velo.stats.exact.repeated import it_is_time as it_is_time
    from pytest_velo.stats.exact.repeated import repeated_limits as repeated_limits
    from pytest_velo.stats.exact.thresholds import anytime_p as anytime_p
    from pytest_velo.stats.exact.thresholds import anytime_p_values as anytime_p_values
    from pytest_velo.stats.exact.thresholds import calibrated_log_threshold as calibrated_log_threshold
    from pytest_velo.stats.exact.thresholds import history_error as history_error

_HOMES = {
    "Seen": "repeated",
    "anytime_p": "thresholds",
    "anytime_p_values": "thresholds",
    "as_it_looks": "law",
    "calibrated_log_threshold": "thresholds",
    "chances_of": "chances",
    "fixed_width_design": "fixed_width",
    "go_on_alike": "repeated",
    "history_error": "thresholds",
    "it_is_time": "repeated",
    "last_look": "fixed_width",
    "race": "law",
    "repeated_limits": "repeated",
}
__all__ = list(_HOMES)
__getattr__ = lazily(__name__, _HOMES)
