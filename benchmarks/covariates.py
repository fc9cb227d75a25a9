"""Trials that a covariate saves, against its squared correlation with the outcomes.

    python benchmarks/covariates.py                  # simulated lists, for scores, pairs and 0/1 outcomes
    python benchmarks/covariates.py --real FOLDER    # one recorded model's outcomes as another's covariate
    python benchmarks/covariates.py --capitals       # what the embedded model said earlier: 40 capitals
    python benchmarks/covariates.py --asked FILE     # the same of real questions of yes or no

`FOLDER` has files `*.json`, each a list of 0/1 outcomes of one model on the same cases, in the same order.
`FILE` is one of BIG-Bench Hard, such as `sports_understanding.json`. The model answers each question several
times. How often it was right (said yes) in the first half is the covariate; outcomes are picked from its
other answers, so that none is its own covariate.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pytest_velo import check_sync, estimate, rate
from pytest_velo.stats.engine.arrays import Floats
from pytest_velo.stats.engine.centred import Centring
from pytest_velo.stats.engine.mixture import Side, bets
from pytest_velo.stats.exact.thresholds import calibrated_log_threshold
from pytest_velo.stats.limits.centred import centred_log_evidence
from pytest_velo.stats.limits.mean import log_evidence

ALPHA, HORIZON, N_CASES, N_RUNS = 0.05, 1_000, 200, 400
DISTANCE = 0.1
N_DRAWS = 8  # of each real question
RANGES = ((0.6, 0.8), (0.5, 0.9), (0.6, 0.95))
SQUARED = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 0.9)

Outcomes = Callable[[np.random.Generator, Floats], Floats]


def first_crossings(evidence: Floats, bar: float) -> Floats:
    """Return the units at which each run is decided; the horizon where it is not."""
    crossed = evidence >= bar
    return np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1.0, float(evidence.shape[1]))


def mixture_evidence(outcomes: Floats, threshold: float) -> Floats:
    """Return the log evidence of the engine for 0/1 outcomes, after each unit."""
    ones = np.cumsum(outcomes, axis=1)
    zeros = np.arange(1, outcomes.shape[1] + 1) - ones
    fortunes = []
    for bet in bets(threshold, 1):
        lost = max(1.0 - bet * threshold, 1e-12)
        fortunes.append(ones * np.log1p(bet * (1.0 - threshold)) + zeros * np.log(lost))
    return np.asarray(np.logaddexp.reduce(fortunes, axis=0) - np.log(len(fortunes)))


def units_needed(
    rng: np.random.Generator, rates: Floats, z: Floats, draw: Outcomes, *, binary: bool
) -> tuple[float, float, float, float]:
    """Return the squared correlation, and the mean units with it, without it, and of the calibrated rule."""
    scaled = (z - z.min()) / (z.max() - z.min())
    centres = scaled - scaled.mean()
    known = Centring(float(centres.min()), float(centres.max()), float(centres.var()))
    picks = rng.integers(0, len(rates), (N_RUNS, HORIZON))
    outcomes, beside = draw(rng, rates[picks]), centres[picks]
    threshold, bar = float(rates.mean()) - DISTANCE, float(np.log(1.0 / ALPHA))
    with_it = first_crossings(centred_log_evidence(outcomes, beside, [threshold], 1, known), bar)
    without = first_crossings(log_evidence(outcomes, [threshold], 1), bar)
    calibrated = float("nan")
    if binary:
        exact = calibrated_log_threshold(threshold, 1, ALPHA, HORIZON)
        calibrated = float(first_crossings(mixture_evidence(outcomes, threshold), exact).mean())
    squared = float(np.corrcoef(outcomes.ravel(), beside.ravel())[0, 1] ** 2)
    return squared, float(with_it.mean()), float(without.mean()), calibrated


def units_between(
    rng: np.random.Generator, rates: Floats, z: Floats, ends: tuple[float, float]
) -> tuple[float, float, float]:
    """Return the squared correlation, and the mean units to reject both ends: with it, and calibrated."""
    scaled = (z - z.min()) / (z.max() - z.min())
    centres = scaled - scaled.mean()
    known = Centring(float(centres.min()), float(centres.max()), float(centres.var()))
    picks = rng.integers(0, len(rates), (N_RUNS, HORIZON))
    outcomes, beside = tosses(rng, rates[picks]), centres[picks]
    sides: tuple[tuple[float, Side], ...] = ((ends[0], 1), (ends[1], -1))
    found = []
    for end, side in sides:
        with_it = centred_log_evidence(outcomes, beside, [end], side, known)
        ones, edge = (outcomes, end) if side > 0 else (1.0 - outcomes, 1.0 - end)
        exact = calibrated_log_threshold(end, side, ALPHA, HORIZON)
        without = first_crossings(mixture_evidence(ones, edge), exact)
        found.append((first_crossings(with_it, float(np.log(1.0 / ALPHA))), without))
    both, calibrated = (np.maximum(low, high).mean() for low, high in zip(*found, strict=True))
    squared = float(np.corrcoef(outcomes.ravel(), beside.ravel())[0, 1] ** 2)
    return squared, float(both), float(calibrated)


def tosses(rng: np.random.Generator, rates: Floats) -> Floats:
    """Return 0/1 outcomes at these rates."""
    return np.asarray((rng.random(rates.shape) < rates).astype(float))


def a_list(rng: np.random.Generator, squared: float, mean: float = 0.7) -> tuple[Floats, Floats]:
    """Return the rates of a list's cases, and a covariate with this squared correlation to 0/1 outcomes."""
    if squared == 0.0:
        return np.full(N_CASES, mean), rng.random(N_CASES)
    size = 1.0 / squared - 1.0
    rates = rng.beta(mean * size, (1.0 - mean) * size, N_CASES)
    return rates, rates


def scores(squared: float) -> Outcomes:
    """Return scores around their cases' means, whose noise leaves this squared correlation."""

    def draw(rng: np.random.Generator, means: Floats) -> Floats:
        noise = np.sqrt(means.var() * (1.0 / squared - 1.0)) if squared else 0.15
        return np.asarray(np.clip(means + rng.uniform(-1.7, 1.7, means.shape) * noise, 0.0, 1.0))

    return draw


def simulated(rng: np.random.Generator) -> None:
    """Print what is saved on simulated lists."""
    print("0/1 outcomes, rate 0.7 against 0.6")
    print("| ρ² | 1 - ρ² | with / without | units with | without | calibrated | with / calibrated |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for squared in SQUARED:
        rates, z = a_list(rng, squared)
        seen, with_it, without, calibrated = units_needed(rng, rates, z, tosses, binary=True)
        print(
            f"| {seen:.2f} | {1 - seen:.2f} | {with_it / without:.2f} | {with_it:.0f} | {without:.0f}"
            f" | {calibrated:.0f} | {with_it / calibrated:.2f} |"
        )
    print("\nscores with a standard deviation of their cases' means of 0.1, mean 0.5 against 0.4")
    print("| ρ² | 1 - ρ² | with / without | units with | without |")
    print("| --- | --- | --- | --- | --- |")
    for squared in SQUARED:
        means = 0.5 + 0.1 * rng.uniform(-1.7, 1.7, N_CASES)
        z = means if squared else rng.random(N_CASES)
        seen, with_it, without, _ = units_needed(rng, means, z, scores(squared), binary=False)
        print(f"| {seen:.2f} | {1 - seen:.2f} | {with_it / without:.2f} | {with_it:.0f} | {without:.0f} |")
    for ends in RANGES:
        print(f"\n0/1 outcomes, rate 0.7 between {ends[0]:g} and {ends[1]:g}")
        print("| ρ² | units with | calibrated | with / calibrated |")
        print("| --- | --- | --- | --- |")
        for squared in SQUARED[:6]:
            rates, z = a_list(rng, squared)
            seen, both, calibrated = units_between(rng, rates, z, ends)
            print(f"| {seen:.2f} | {both:.0f} | {calibrated:.0f} | {both / calibrated:.2f} |")


def real(rng: np.random.Generator, folder: Path) -> None:
    """Print what one recorded model's outcomes save as another's covariate."""
    models = {
        file.stem: np.array(json.loads(file.read_text()), dtype=float) for file in folder.glob("*.json")
    }
    print("| judged | covariate | rate | ρ² | with / without | units with | calibrated | with / calibrated |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, outcomes in sorted(models.items()):
        for other, z in sorted(models.items()):
            if other == name or len(z) != len(outcomes) or not 0.0 < z.mean() < 1.0:
                continue
            if not DISTANCE < outcomes.mean() < 1.0:
                continue
            seen, with_it, without, calibrated = units_needed(
                rng, outcomes, z, lambda _, picked: picked, binary=True
            )
            print(
                f"| {name} | {other} | {outcomes.mean():.2f} | {seen:.2f} | {with_it / without:.2f}"
                f" | {with_it:.0f} | {calibrated:.0f} | {with_it / calibrated:.2f} |"
            )


CAPITALS = """
France Paris, Germany Berlin, Italy Rome, Spain Madrid, Japan Tokyo, China Beijing, Russia Moscow,
Egypt Cairo, India Delhi, Canada Ottawa, Australia Canberra, Greece Athens, Portugal Lisbon, Austria
Vienna, Poland Warsaw, Norway Oslo, Sweden Stockholm, Finland Helsinki, Turkey Ankara, Kenya
Nairobi, Peru Lima, Cuba Havana, Chile Santiago, Iran Tehran, Iraq Baghdad, Laos Vientiane, Nepal
Kathmandu, Mongolia Ulaanbaatar, Kazakhstan Astana, Burundi Gitega, Chad Djamena, Malawi Lilongwe,
Bhutan Thimphu, Fiji Suva, Tonga Nuku, Ghana Accra, Senegal Dakar, Slovenia Ljubljana, Estonia
Tallinn, Belize Belmopan
"""


def capitals(rng: np.random.Generator) -> None:
    """Print what the embedded model's earlier answers save, on questions of which it knows some."""
    pairs = [pair.split() for pair in CAPITALS.split(",")]
    cases = [{"q": f"What is the capital of {country}?", "right": right} for country, right in pairs]

    async def is_right(model: Any, case: Any) -> bool:
        reply = await model(case.q, max_tokens=16, temperature=1.0, allow_cut=True)
        return str(case.right) in str(reply.text)

    earlier_answers(rng, "capitals", cases, is_right)


def questions(rng: np.random.Generator, file: Path, n_cases: int) -> None:
    """Print what the embedded model's earlier answers save, on questions of yes or no."""
    rows = json.loads(file.read_text(encoding="utf-8"))["examples"][:n_cases]

    async def says_yes(model: Any, case: Any) -> bool:
        prompt = f"{case.q}\nAnswer yes or no."
        reply = await model(prompt, max_tokens=4, temperature=1.0, allow_cut=True)
        return str(reply.text).strip().lower().startswith("yes")

    earlier_answers(rng, file.stem, [{"q": row["input"]} for row in rows], says_yes)


def earlier_answers(
    rng: np.random.Generator, name: str, cases: list[dict[str, str]], body: Callable[..., Any]
) -> None:
    """Ask the embedded model every question several times; print what the first answers save."""
    found = check_sync(
        estimate(rate, halfwidth=0.45),
        body,
        cases=cases,
        over="population",
        draws_per_case=N_DRAWS,
        min_trials=len(cases),
        max_trials=len(cases),
        models=["local/smollm2-135m"],
    )
    drawn: dict[str, list[float]] = defaultdict(list)
    for trial in found.trials:
        drawn[trial.case_id].append(trial.values.get("", np.nan))
    answers = np.array([values for values in drawn.values() if len(values) == N_DRAWS])
    print(
        f"{name}: {len(answers)} questions, {N_DRAWS} answers each, outcome 1 in {np.nanmean(answers):.0%}\n"
    )
    print("| earlier answers a question | ρ² | with / without | units with | without | calibrated |")
    print("| --- | --- | --- | --- | --- | --- |")
    for n_earlier in (1, 2, N_DRAWS // 2):
        z, later = answers[:, :n_earlier].mean(axis=1), answers[:, N_DRAWS // 2 :]
        seen, with_it, without, calibrated = units_needed(
            rng, later.mean(axis=1), z, tosses, binary=True
        )  # a toss at the rate of a case's later answers is one of them, picked at random
        print(
            f"| {n_earlier} | {seen:.2f} | {with_it / without:.2f} | {with_it:.0f} | {without:.0f}"
            f" | {calibrated:.0f} |"
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, help="folder with recorded outcomes")
    parser.add_argument("--asked", type=Path, help="file of questions that are answered by yes or no")
    parser.add_argument("--capitals", action="store_true", help="ask for capitals")
    parser.add_argument("--cases", type=int, default=80, help="its first questions (default 80)")
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    if arguments.capitals:
        capitals(rng)
    elif arguments.asked is not None:
        questions(rng, arguments.asked, arguments.cases)
    elif arguments.real is not None:
        real(rng, arguments.real)
    else:
        simulated(rng)


if __name__ == "__main__":
    main()
