"""Facts about a baseline that are shown with the verdict: which one, whose draws, how far it has drifted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_velo.baselines.entry import Entry, Sampled, StoredTurn
from pytest_velo.baselines.paired import drift
from pytest_velo.claims import Change, Mean, Rate
from pytest_velo.records import HypothesisResult
from pytest_velo.report.numbers import count, interval, percent, rate
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.verdicts import Verdict


def stored_fact(path: Path, statistic: Rate | Mean, sampled: Sampled) -> str:
    """Say what was stored, and where."""
    invalid = f", {sampled.n_invalid} of them invalid" if sampled.n_invalid else ""
    mean, n = rate(sampled.mean), count(sampled.n, "trial")
    return f"stored in {path.name} as the baseline: {statistic} {mean} over {n}{invalid}"


def compared_with(
    entry: Entry, now: Sampled, result: HypothesisResult, hypothesis: Hypothesis
) -> Iterator[str]:
    """Say what was compared with what, and rule out what a reader might wrongly conclude."""
    stored = entry.current
    mean = f"{entry.statistic} {rate(stored.mean)} over {count(stored.n, 'trial')}"
    yield f"compared case by case with the baseline of {stored.made_at[:10]}: {mean}"
    if stored.set_digest != hypothesis.set_digest:
        n_pairs = sum(1 for _ in hypothesis.frame.trials())
        yield f"the cases have changed since: only the {n_pairs} trials whose case still exists are compared"
    if stored.judge and not now.judge:
        yield "the first trial asked no judge, so it is unknown whether the judge is the baseline's"
    if stored.models_served and now.models_served and stored.models_served != now.models_served:
        then, today = ", ".join(stored.models_served), ", ".join(now.models_served)
        yield f"the model was served by {then} then and by {today} now"
    if _same_draws(result, stored):
        yield (
            "every draw is as old as the baseline: this shows that nothing changed on your side; to find out"
            " whether the model changed, draw again with --velo-mode=refresh"
        )
    if entry.anchor != stored:  # else the comparison itself says it
        statistic = hypothesis.claim.statistics[0]
        assert isinstance(statistic, Change)  # the guard ensures it
        yield from accepted_drift(entry, statistic.of, now, hypothesis)


def _same_draws(result: HypothesisResult, stored: Sampled) -> bool:
    """Tell whether all draws were already in the cache when the baseline was stored."""
    newest = max((call.drawn_at for trial in result.trials for call in trial.calls), default="")
    seconds = len("2026-12-01T09:30:00")  # a baseline's time has no more
    return 0 < result.n_calls == result.n_cached and newest[:seconds] <= stored.made_at[:seconds]


def accepted_drift(
    entry: Entry, statistic: Rate | Mean, now: Sampled, hypothesis: Hypothesis
) -> Iterator[str]:
    """Say how far the statistic has moved since the first baseline that was ever accepted."""
    anchor = entry.anchor
    turns, units = _whole_units(now.turns, hypothesis)
    moved = drift(entry, statistic, turns, alpha=hypothesis.design.alpha, units=units)
    since = f"since the first baseline, of {anchor.made_at[:10]}"
    if moved is None:
        yield f"{since}, the cases or their order have changed: the drift is unknown"
        return
    if moved.difference is None or moved.interval is None:
        return
    level = percent(moved.interval.level)
    text = f"{since}: {moved.difference:+.2f}, {level} interval {interval(moved.interval)}"
    settled = "no certain drift" if moved.verdict is Verdict.INCONCLUSIVE else "it has drifted"
    yield f"{text}: {settled}{_other_instruments(anchor, now)}"


def _other_instruments(anchor: Sampled, now: Sampled) -> str:
    """Say what else differs from the first baseline: not all of a drift need be the model's."""
    changed = [name for name in ("body", "prompt", "judge") if getattr(anchor, name) != getattr(now, name)]
    return f"; its {' and its '.join(changed)} changed too" if changed else ""


def _whole_units(
    turns: Sequence[StoredTurn], hypothesis: Hypothesis
) -> tuple[Sequence[StoredTurn], list[int] | None]:
    """Return the turns of whole units with each one's unit; None for units where each turn is its own."""
    if hypothesis.frame.unit_size == 1:
        return turns, None
    planned = [trial for trial, _ in zip(hypothesis.frame.trials(), turns, strict=False)]
    units = [trial.unit for trial in planned]
    if planned and units.count(units[-1]) < planned[-1].unit_size:
        units = [unit for unit in units if unit != units[-1]]
    return turns[: len(units)], units
