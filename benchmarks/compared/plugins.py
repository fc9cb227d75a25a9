"""Other pytest plugins that repeat a test and decide, by their own code, where `rivals.py` finds them."""

from __future__ import annotations

from importlib.util import find_spec

from compared.kinds import ALPHA, OURS, Cell, Kind, Law
from compared.rates import bound
from pytest_velo import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.planning.operating import law_with_futility
from pytest_velo.stats.rules.rate import make_rate_rule

THRESHOLD, STEPS, MAX_TRIALS = 0.8, (-0.1, -0.05, 0.05, 0.1), 200
NEEDED = ("pytest_agentcheck", "pytest_repeated", "pytest_agent_eval")


def plugins() -> Kind | None:
    """Let each plugin decide on `rate >= 0.8` with 200 trials at most; None if any of them is missing."""
    if any(find_spec(name) is None for name in NEEDED):
        return None
    from rivals import law_of, rivals

    found = {rival.name: rival for rival in rivals(THRESHOLD)}
    laws = {name: law_of(rival) for name, rival in found.items()}
    at_edge = {name: law(THRESHOLD) for name, law in laws.items()}
    rule = make_rate_rule(rate >= THRESHOLD, Design(alpha=ALPHA, beta=ALPHA, max_units=MAX_TRIALS))
    truths = [THRESHOLD, *(THRESHOLD + step for step in STEPS)]
    ours = law_with_futility(rule, usual_futility(MAX_TRIALS))(truths)
    wrong = {
        name: max(law.green, law.red) if found[name].red_says else law.green for name, law in at_edge.items()
    }
    wrong[OURS] = max(ours[0].supported, ours[0].refuted)
    cells = []
    for truth, own in zip(truths[1:], ours[1:], strict=True):
        above = truth > THRESHOLD
        theirs = {name: law(truth) for name, law in laws.items()}
        cell = Cell(
            claim=f"rate >= {THRESHOLD:g}",
            truth=f"{truth:g}",
            least=bound(truth, THRESHOLD),
            laws={
                OURS: Law(trials=own.mean_n, right=own.supported if above else own.refuted),
                **{
                    name: Law(
                        trials=law.mean_n,
                        right=law.green if above else law.red if found[name].red_says else None,
                    )
                    for name, law in theirs.items()
                },
            },
            wrong=wrong,
        )
        cells.append(cell)
    return Kind(name="rate >= 0.8, plugins", least="log(1/alpha) / KL", runs=0, cells=cells)
