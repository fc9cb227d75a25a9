"""What is said of a baseline beside the verdict: which one it was, whose draws, how far all has drifted."""

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
    """Say what was stored, and where.

    Args:
        path: The baseline file.
        statistic: What is averaged.
        sampled: The new baseline.
    """
    invalid = f", {sampled.n_invalid} of them invalid" if sampled.n_invalid else ""
    mean, n = rate(sampled.mean), count(sampled.n, "trial")
    return f"stored in {path.name} as the baseline: {statistic} {mean} over {n}{invalid}"


def compared_with(
    entry: Entry, now: Sampled, result: HypothesisResult, hypothesis: Hypothesis
) -> Iterator[str]:
    """Say what was compared with what, and what a reader might think it says but does not.

    Args:
        entry: The baseline.
        now: What this run sampled.
        result: What came of it.
        hypothesis: What was sampled: its claim is about a baseline, its plan is the order of the pairs.
    """
    stored = entry.current
    mean = f"{entry.statistic} {rate(stored.mean)} over {count(stored.n, 'trial')}"
    yield f"compared case by case with the baseline of {stored.made_at[:10]}: {mean}"
    if stored.set_digest != hypothesis.set_digest:
        n_pairs = sum(1 for _ in hypothesis.frame.trials())
        yield f"the cases changed since: the {n_pairs} trials of the baseline whose case is still there count"
    if stored.judge and not now.judge:
        yield "its first trial asked no judge: whether the judge is the one of the baseline is not known"
    if stored.models_served and now.models_served and stored.models_served != now.models_served:
        then, today = ", ".join(stored.models_served), ", ".join(now.models_served)
        yield f"the model was served by {then} then, and by {today} now"
    if _same_draws(result, stored):
        yield (
            "every draw is as old as the baseline: this says that nothing changed on our side; whether the"
            " model did, --velo-mode=refresh asks anew"
        )
    if entry.anchor != stored:  # else the comparison itself says it
        statistic = hypothesis.claim.statistics[0]
        assert isinstance(statistic, Change)  # the guard sees to it
        yield from accepted_drift(entry, statistic.of, now, hypothesis)


def _same_draws(result: HypothesisResult, stored: Sampled) -> bool:
    """Tell whether all draws were in the cache when the baseline was stored."""
    newest = max((call.drawn_at for trial in result.trials for call in trial.calls), default="")
    seconds = len("2026-12-01T09:30:00")  # a baseline's time has no more
    return 0 < result.n_calls == result.n_cached and newest[:seconds] <= stored.made_at[:seconds]


def accepted_drift(
    entry: Entry, statistic: Rate | Mean, now: Sampled, hypothesis: Hypothesis
) -> Iterator[str]:
    """Say how far the statistic has moved since the first baseline that was ever accepted.

    Args:
        entry: The baseline; its anchor is the first one.
        statistic: What was stored.
        now: What this run sampled.
        hypothesis: What was sampled: its plan is the order of the turns, its alpha bounds the chance of a
            drift that is none.
    """
    anchor = entry.anchor
    turns, units = _whole_units(now.turns, hypothesis)
    moved = drift(entry, statistic, turns, alpha=hypothesis.design.alpha, units=units)
    since = f"since the first baseline, of {anchor.made_at[:10]}"
    if moved is None:
        yield f"{since}, the cases or their order changed: the drift is not known"
        return
    if moved.difference is None or moved.interval is None:
        return
    level = percent(moved.interval.level)
    text = f"{since}: {moved.difference:+.2f}, {level} interval {interval(moved.interval)}"
    settled = "no drift is certain" if moved.verdict is Verdict.INCONCLUSIVE else "it has drifted"
    yield f"{text}: {settled}{_other_instruments(anchor, now)}"


def _other_instruments(anchor: Sampled, now: Sampled) -> str:
    """Say what else differs from the first baseline: not all of a drift need be the model's."""
    changed = [name for name in ("body", "prompt", "judge") if getattr(anchor, name) != getattr(now, name)]
    return f"; its {' and its '.join(changed)} changed, too" if changed else ""


def _whole_units(
    turns: Sequence[StoredTurn], hypothesis: Hypothesis
) -> tuple[Sequence[StoredTurn], list[int] | None]:
    """Return the turns of whole units with the unit of each; None where each turn is its own."""
    if hypothesis.frame.unit_size == 1:
        return turns, None
    planned = [trial for trial, _ in zip(hypothesis.frame.trials(), turns, strict=False)]
    units = [trial.unit for trial in planned]
    if planned and units.count(units[-1]) < planned[-1].unit_size:
        units = [unit for unit in units if unit != units[-1]]
    return turns[: len(units)], units
