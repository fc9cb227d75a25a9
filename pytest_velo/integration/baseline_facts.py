"""What is said of a baseline beside the verdict: which one it was, whose draws, how far all has drifted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_velo.baselines.entry import Entry, Sampled, StoredTurn
from pytest_velo.baselines.paired import drift
from pytest_velo.claims import Mean, Rate
from pytest_velo.records import HypothesisResult
from pytest_velo.report.numbers import count, interval, percent, rate
from pytest_velo.runner.hypothesis import Hypothesis


def stored_fact(path: Path, statistic: Rate | Mean, sampled: Sampled) -> str:
    """Say what was stored, and where."""
    invalid = f", {sampled.n_invalid} of them invalid" if sampled.n_invalid else ""
    mean, n = rate(sampled.mean), count(sampled.n, "trial")
    return f"stored in {path.name} as the baseline: {statistic} {mean} over {n}{invalid}"


def compared_with(
    entry: Entry, now: Sampled, result: HypothesisResult, hypothesis: Hypothesis, n_pairs: int
) -> Iterator[str]:
    """Say what was compared with what, and what a reader might think it says but does not."""
    stored = entry.current
    mean = f"{entry.statistic} {rate(stored.mean)} over {count(stored.n, 'trial')}"
    yield f"compared case by case with the baseline of {stored.made_at[:10]}: {mean}"
    if stored.set_digest != hypothesis.set_digest:
        yield f"the cases changed since: the {n_pairs} trials of the baseline whose case is still there count"
    elif n_pairs < hypothesis.max_trials and n_pairs == stored.n:
        yield f"the baseline has no more than {count(n_pairs, 'trial')}: --velo-update samples more"
    if stored.models_served and now.models_served and stored.models_served != now.models_served:
        then, today = ", ".join(stored.models_served), ", ".join(now.models_served)
        yield f"the model was served by {then} then, and by {today} now"
    if _same_draws(now, result, stored):
        yield (
            "every draw is as old as the baseline: this says that nothing changed on our side; whether the"
            " model did, --velo-mode=refresh asks anew"
        )


def _same_draws(now: Sampled, result: HypothesisResult, stored: Sampled) -> bool:
    """Tell whether all draws were in the cache when the baseline was stored."""
    newest = max((call.drawn_at for trial in result.trials for call in trial.calls), default=None)
    return newest is not None and result.n_cached == result.n_calls and newest <= stored.made_at


def drift_facts(
    entry: Entry, statistic: Rate | Mean, now: Sequence[StoredTurn], hypothesis: Hypothesis
) -> Iterator[str]:
    """Say how far the statistic has moved since the first baseline that was ever accepted."""
    anchor = entry.anchor
    if anchor == entry.current:
        return  # the comparison itself says it
    moved = drift(entry, statistic, now, alpha=hypothesis.alpha, units=_units(hypothesis, len(now)))
    since = f"since the first baseline, of {anchor.made_at[:10]}"
    if moved is None:
        yield f"{since}, the cases or their order changed: the drift is not known"
        return
    if moved.difference is None or moved.interval is None:
        return
    level = percent(moved.interval.level)
    text = f"{since}: {moved.difference:+.2f}, {level} interval {interval(moved.interval)}"
    prompt = "" if anchor.prompt == entry.current.prompt else "; its prompt was another"
    settled = (
        "it has drifted" if moved.certified and moved.verdict != "inconclusive" else "no drift is certain"
    )
    yield f"{text}: {settled}{prompt}"


def _units(hypothesis: Hypothesis, n_turns: int) -> list[int] | None:
    """Return the unit of each turn, whole ones only; None where each is its own."""
    if hypothesis.unit_size == 1:
        return None
    return [planned.unit for planned, _ in zip(hypothesis.plan(), range(n_turns), strict=False)]
