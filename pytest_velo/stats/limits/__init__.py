"""Confidence limits: sequential tests of a recorded path, inverted over their nulls. Loaded on use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.lazy import lazily

if TYPE_CHECKING:
    from pytest_velo.stats.limits.aimed import AimedLimit as AimedLimit
    from pytest_velo.stats.limits.aimed import rounded_out as rounded_out
    from pytest_velo.stats.limits.census import count_limit as count_limit
    from pytest_velo.stats.limits.centred import centred_limit as centred_limit
    from pytest_velo.stats.limits.discordant import discordant_limit as discordant_limit
    from pytest_velo.stats.limits.mean import constant as constant
    from pytest_velo.stats.limits.mean import mean_limit as mean_limit
    from pytest_velo.stats.limits.rate import rate_limits as rate_limits

_HOMES = {
    "AimedLimit": "aimed",
    "centred_limit": "centred",
    "constant": "mean",
    "count_limit": "census",
    "discordant_limit": "discordant",
    "mean_limit": "mean",
    "rate_limits": "rate",
    "rounded_out": "aimed",
}
__all__ = list(_HOMES)
__getattr__ = lazily(__name__, _HOMES)
