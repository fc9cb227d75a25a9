"""The user's function that attacks, with what it takes by the names of its parameters."""

from __future__ import annotations

import inspect
from typing import Any

from pytest_velo.designing.supplies import Velo
from pytest_velo.runner.hypothesis import Attack
from pytest_velo.sampling.trial import Trial
from pytest_velo.searching.hunt import Tried
from pytest_velo.searching.search import ATTACK_TAKES, Search


def attack_of(search: Search | None, velo: Velo) -> Attack | None:
    """Return the attack of a search; None if a source gives its cases, or there is no search.

    Raises:
        UsageError: It takes `model`, and none is set.
    """
    function = None if search is None else search.attack
    if function is None:
        return None
    taken = [name for name in inspect.signature(function).parameters if name in ATTACK_TAKES]
    fixed: dict[str, Any] = {"velo": velo}
    if "model" in taken:
        fixed["model"] = velo.model()

    def attack(history: tuple[Tried, ...], trial: Trial) -> Any:
        given = {**fixed, "history": history}
        if "rng" in taken:
            given["rng"] = trial.rng
        return function(**{name: given[name] for name in taken})

    return attack
