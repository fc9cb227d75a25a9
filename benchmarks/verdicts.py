"""How often a verdict is wrong, and what it takes: every kind of claim beside a fixed n and the usual rules.

    python benchmarks/verdicts.py                     # everything; some minutes
    python benchmarks/verdicts.py rates plugins       # some kinds

First, of rates, exactly (dynamic programming over trials and ones): P(wrong) where the true rate is the
threshold, and P(right), P(wrong) and mean trials around it, with 200 trials at most.

Then every kind that `claims.py` has, where its claim is true or false by a hair: the larger one of P(wrong
supported) and P(wrong refuted), in the worst cell where that is exact, and over all runs where it is
simulated, which then scatters by about 0.6 points; of an interval, P(it misses the truth); of a ranking,
P(the best model is lost). With the trials that `claims.py` prints. The rules of other plugins are told where
these are installed (`rivals.py` says how).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from compared.catalogue import SCHEDULERS, asked_of, made, parser_of, print_overview, print_schedulers
from compared.habits import Ends, Verdicts, observed, peeked
from compared.kinds import ALPHA, OURS, Kind
from measuring import machine, print_table

from pytest_velo import rate
from pytest_velo.stats.engine.design import Design
from pytest_velo.stats.engine.futility import usual_futility
from pytest_velo.stats.planning.operating import law_with_futility
from pytest_velo.stats.rules.rate import make_rate_rule

THRESHOLDS = (0.3, 0.5, 0.8)
EFFECTS = (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2)

Way = Callable[[float, float], Verdicts]
"""The law of a way of deciding, by the threshold and the true rate."""


def main() -> None:
    """Compute and print."""
    parser = parser_of(__doc__)
    parser.add_argument("--max-trials", type=int, default=200, help="of the sequential ways (default 200)")
    parser.add_argument("--fixed-n", type=int, default=50, help="of what is observed (default 50)")
    options = parser.parse_args()
    asked = asked_of(parser, options)
    ways: dict[str, Way] = {
        OURS: partial(ours, max_trials=options.max_trials),
        f"observed ≥ t at n={options.fixed_n}": lambda t, truth: observed(
            truth, Ends(t, None), options.fixed_n
        ),
        "Wilson at every look": lambda t, truth: peeked(truth, Ends(t, None), options.max_trials),
    }
    print(machine("numpy", "scipy"))
    if "rates" in asked:
        _print_errors(ways)
        _print_effects(ways, options.max_trials)
    found = list(made(asked, options.runs))
    if found:
        title = (
            "P(wrong) where it is largest, at geometric mean of mean trials over what they are measured by"
        )
        print_overview(title, found, _wrong_at_ratio)
    for kind in found:
        if kind.name.endswith("plugins"):
            _print_plugins(kind)
    if SCHEDULERS in asked:
        print_schedulers(options.sessions)


def ours(threshold: float, truth: float, max_trials: int) -> Verdicts:
    """Return the law of a shipped run of `rate >= threshold`, which also gives up (`--velo-futility`)."""
    rule = make_rate_rule(rate >= threshold, Design(alpha=ALPHA, beta=ALPHA, max_units=max_trials))
    [law] = law_with_futility(rule, usual_futility(max_trials))([truth])
    return Verdicts(law.supported, law.refuted, law.mean_n)


def _print_errors(ways: dict[str, Way]) -> None:
    """At the threshold itself either verdict is at its most wrong: both probabilities are errors."""
    rows = []
    for name, way in ways.items():
        laws = [way(threshold, threshold) for threshold in THRESHOLDS]
        cells = [f"{law.supported:.1%} / {law.refuted:.1%}" for law in laws]
        worst = max(max(law.supported, law.refuted) for law in laws)
        rows.append([name, *cells, f"{worst:.1%}"])
    columns = ["way", *(f"true rate = t = {threshold:g}" for threshold in THRESHOLDS), "worst"]
    print_table("P(wrong supported) / P(wrong refuted) of `rate >= t`, at alpha = beta = 5%", columns, rows)


def _print_effects(ways: dict[str, Way], max_trials: int) -> None:
    rows = []
    for threshold in THRESHOLDS:
        for effect in EFFECTS:
            truth = round(threshold + effect, 9)
            if not 0 < truth < 1:
                continue
            cells = [f"{threshold:g}", f"{truth:g}"]
            for way in ways.values():
                law = way(threshold, truth)
                right, wrong = law[:2][:: 1 if effect > 0 else -1]
                cells.append(f"{right:.0%} / {wrong:.1%} / {law.trials:.0f}")
            rows.append(cells)
    title = f"P(right verdict) / P(wrong verdict) / mean trials; sequential ways up to {max_trials} trials"
    print_table(title, ["t", "true rate", *ways], rows)


def _wrong_at_ratio(kind: Kind, way: str) -> str:
    wrong, ratio = kind.wrong(way), kind.ratio(way)
    if wrong is None or ratio is None:
        return ""
    return f"{wrong:.1%} at {ratio:.2f}"


def _print_plugins(kind: Kind) -> None:
    """Print what each plugin does, where its red says something; the rest of the runs is undecided or red."""
    rows = []
    for way in kind.ways:
        right = (cell.laws[way].right for cell in kind.cells)
        rows.append(
            [
                way,
                f"{kind.wrong(way) or 0.0:.1%}",
                f"{kind.ratio(way) or 0.0:.2f}",
                *("" if each is None else f"{each:.0%}" for each in right),
            ]
        )
    columns = ["plugin", "wrong at 0.8", "trials", *(f"right at {cell.truth}" for cell in kind.cells)]
    print_table(f"{kind.name}: P(wrong), trials over {kind.least}, P(right)", columns, rows)


if __name__ == "__main__":
    main()
