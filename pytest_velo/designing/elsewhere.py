"""Names that are no keywords of a mark, but are given somewhere else."""

from __future__ import annotations

from collections.abc import Mapping

_FOR_A_RUN = (
    *("mode", "seed", "multiplicity", "concurrency", "scheduler", "budget", "profile", "strict", "show"),
    *("cache_dir", "baseline", "update", "store", "store_patience", "cassette", "report", "jobs", "github"),
    *("batch", "batch_every", "workers"),
)
_OF_A_CALL = (
    *("system", "temperature", "top_p", "max_tokens", "effort", "stop", "prefill", "tools", "schema"),
    *("logprobs", "slot"),
)
_ARGUMENTS: Mapping[str, str] = {
    "halfwidth": "it is an argument of the claim: estimate(rate, halfwidth=...)",
    **{name: f"it is an argument of the claim: ranking({name}=...)" for name in ("top", "best", "lowest")},
    **{
        name: f'it is an argument of covariate=: covariate("difficulty", {name}=...)'
        for name in ("correlation", "missing")
    },
    "every": 'it is an argument of truth=: labels("labels.csv", every=...)',
    "confirm": "it is an argument of cases=: search(..., confirm=...)",
}


def elsewhere(name: str) -> str:
    """Return where a name is given that is no keyword of a mark; empty if nowhere."""
    if name in _FOR_A_RUN:
        option = f"--velo-{name.replace('_', '-')}"
        return f"it is set for a whole run: {option}, velo_{name} in the ini file, or VELO_{name.upper()}"
    if name in _OF_A_CALL:
        return f'it is a keyword of a call: model("…", {name}=...)'
    return _ARGUMENTS.get(name, "")
