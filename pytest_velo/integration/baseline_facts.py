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

    Examples:
        >>> from pytest_velo.claims import Rate
        >>> turns = (StoredTurn("", 0, 1.0), StoredTurn("", 1, 0.0), StoredTurn("", 2, None))
        >>> sampled = Sampled(made_at="2026-12-01T09:30:00+00:00", seed=0, set_digest="", turns=turns)
        >>> stored_fact(Path("tests/velo-baseline.json"), Rate("asr"), sampled)
        'stored in velo-baseline.json as the baseline: rate("asr") 0.50 over 3 trials, 1 of them invalid'
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

    Examples:
        >>> from dataclasses import replace
        >>> from pytest_velo.integration.examples import built
        >>> from pytest_velo.integration.guarding import unsampled_result
        >>> test = "def test_is_even(case): return case % 2 == 0"
        >>> hypothesis = built(getfixture("request"), "rate >= baseline - 0.1, cases=[1, 2]", test)
        >>> turns = (StoredTurn("", 0, 1.0), StoredTurn("", 1, 0.0))
        >>> now = Sampled(
        ...     made_at="2026-12-24T09:30:00+00:00",
        ...     seed=0,
        ...     set_digest=hypothesis.set_digest,
        ...     turns=turns,
        ...     models_served=("m-2",),
        ... )
        >>> then = replace(now, made_at="2026-12-01T09:30:00+00:00", models_served=("m-1",))
        >>> entry = Entry(hypothesis="t", model="", statistic="rate", design="", current=then, anchor=then)
        >>> result = unsampled_result(hypothesis, "")
        >>> for fact in compared_with(entry, now, result, hypothesis):
        ...     print(fact)
        compared case by case with the baseline of 2026-12-01: rate 0.50 over 2 trials
        the model was served by m-1 then, and by m-2 now
    """
    stored = entry.current
    mean = f"{entry.statistic} {rate(stored.mean)} over {count(stored.n, 'trial')}"
    yield f"compared case by case with the baseline of {stored.made_at[:10]}: {mean}"
    if stored.set_digest != hypothesis.set_digest:
        n_pairs = sum(1 for _ in hypothesis.plan())
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

    Examples:
        >>> from dataclasses import replace
        >>> from pytest_velo.claims import Rate
        >>> from pytest_velo.integration.examples import built
        >>> hypothesis = built(getfixture("request"), "rate >= baseline - 0.1", "def test_it(): return True")
        >>> all_ones = tuple(StoredTurn("", repeat, 1.0) for repeat in range(40))
        >>> then = Sampled(made_at="2026-12-01T09:30:00+00:00", seed=0, set_digest="", turns=all_ones)
        >>> now = replace(then, turns=tuple(turn._replace(outcome=0.0) for turn in all_ones))
        >>> entry = Entry(hypothesis="t", model="", statistic="rate", design="", current=now, anchor=then)
        >>> list(accepted_drift(entry, Rate(), now, hypothesis))
        ['since the first baseline, of 2026-12-01: -1.00, 95% interval [-1.00, -0.80]: it has drifted']
    """
    anchor = entry.anchor
    turns, units = _whole_units(now.turns, hypothesis)
    moved = drift(entry, statistic, turns, alpha=hypothesis.alpha, units=units)
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
    if hypothesis.unit_size == 1:
        return turns, None
    planned = [trial for trial, _ in zip(hypothesis.plan(), turns, strict=False)]
    units = [trial.unit for trial in planned]
    if planned and units.count(units[-1]) < planned[-1].unit_size:
        units = [unit for unit in units if unit != units[-1]]
    return turns[: len(units)], units
