"""What is said of a ladder: its verdict, and each of its rungs in a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from pytest_velo.records import HypothesisResult, LadderResult, Outcome, RungResult
from pytest_velo.report.lines import Line, Style
from pytest_velo.report.numbers import count, dollars, interval, percent, rate
from pytest_velo.report.phrases import n_trials, stop_reason
from pytest_velo.report.text import inline

NOT_REACHED, SKIPPED = "later", "skipped"


class RungText(NamedTuple):
    """One rung in words: what became of it, and all there is to say of it."""

    label: str
    text: str
    style: Style


def ladder_headline(result: HypothesisResult, ladder: LadderResult) -> Line:
    """Say the verdict of a ladder with the inequality it certifies, or what is wrong."""
    name = "" if ladder.at is None else inline(ladder.rungs[ladder.at].name, 80)
    certified = "" if result.decision is None else result.decision.certified
    tried = [rung for rung in ladder.rungs if rung.outcome is not None]
    off = f" by {result.margin:g} or more" if result.margin else ""
    match result.outcome:
        case Outcome.SUPPORTED:
            risk = f"over the ladder, a rung whose claim is false{off} is supported at most"
            return Line(
                f"supported on the rung {name}: {certified} ({risk} {percent(level_of(result))} of the time)",
                Style.GOOD,
            )
        case Outcome.REFUTED:
            risk = f"at most {percent(result.beta)} of the time if the claim is true on a rung"
            which = "the only rung" if len(tried) == 1 else f"any of these {len(tried)} rungs"
            return Line(f"refuted: not shown by {which}: {certified} ({risk})", Style.BAD)
        case Outcome.INCONCLUSIVE:
            undecided = [inline(rung.name, 40) for rung in tried if rung.outcome is Outcome.INCONCLUSIVE]
            n_left = sum(rung.outcome is None and rung.alpha is not None for rung in ladder.rungs)
            left = f"; {count(n_left, 'rung')} not reached" if n_left else ""
            open_ = ", ".join(undecided) or "the rungs that are left"
            return Line(f"inconclusive: no rung is supported; undecided: {open_}{left}", Style.WARN)
        case _:
            return Line(f"{result.outcome}: on the rung {name}: {result.problem}", Style.BAD)


def level_of(result: HypothesisResult) -> float:
    """Return P(wrong supported) at most: over a ladder, the sum of its rungs' shares.

    A family may have made these smaller.
    """
    ladder = result.ladder
    return result.alpha if ladder is None else sum(rung.alpha or 0.0 for rung in ladder.rungs)


def rung_texts(result: HypothesisResult) -> Iterator[RungText]:
    """Say of each rung what became of it; nothing without a ladder."""
    ladder = result.ladder
    if ladder is None:
        return
    for rung in ladder.rungs:
        yield RungText(
            _label(rung), _text(rung, result), _STYLES.get(rung.outcome or Outcome.SKIPPED, Style.PLAIN)
        )
    if result.outcome is Outcome.REFUTED:
        skipped = [inline(rung.name, 60) for rung in ladder.rungs if rung.outcome is None]
        left = f"; not tried: {', '.join(skipped)}" if skipped else ""
        yield RungText(
            "so far", f"an attempt that failed says little about those not made{left}", Style.PLAIN
        )


_STYLES = {Outcome.SUPPORTED: Style.GOOD, Outcome.REFUTED: Style.BAD, Outcome.ERROR: Style.BAD}


def _label(rung: RungResult) -> str:
    if rung.outcome is None:
        return SKIPPED if rung.alpha is None else NOT_REACHED
    return "open" if rung.outcome is Outcome.INCONCLUSIVE else rung.outcome.value


def _text(rung: RungResult, result: HypothesisResult) -> str:
    name = inline(rung.name, 80)
    level = "" if rung.alpha is None else f"alpha {percent(rung.alpha)}"
    if rung.outcome is None:
        return f"{name}: " + "; ".join(filter(None, [rung.why, level]))
    told = []
    if rung.model is not None and rung.model != result.model:
        told.append(inline(rung.model, 60))
    if (decision := rung.decision) is not None:
        evidence = decision.evidence
        seen = (
            f"observed {rate(evidence.estimate)}"
            if not decision.parts
            else "parts " + ", ".join(rate(part.estimate) for part in decision.parts)
        )
        if evidence.interval is not None:
            seen += f", {percent(evidence.interval.level)} interval {interval(evidence.interval)}"
        invalid = f" ({evidence.n_invalid:,} invalid)" if evidence.n_invalid else ""
        told += [seen, f"{count(n_trials(evidence), 'trial')}{invalid}", level]
        if rung.outcome is not Outcome.ERROR and rung.outcome is Outcome.INCONCLUSIVE:
            told.append(f"stopped because {stop_reason(decision.stop, decision.verdict)}")
    else:
        told.append(level)
    made = rung.n_calls - rung.n_cached
    read = f" and {rung.n_cached:,} read" if rung.n_cached else ""
    told.append(f"{count(made, 'call')}{read}, {dollars(rung.cost_usd)}")
    if rung.why:
        told.append(rung.why)
    return f"{name}: " + "; ".join(filter(None, told))


def on_rung(result: HypothesisResult, at: int) -> HypothesisResult:
    """Return what a ladder's result would be with one rung alone, without its trials.

    The rung must have been sampled.
    """
    assert result.ladder is not None  # the caller looked
    rung = result.ladder.rungs[at]
    assert rung.outcome is not None  # it was sampled
    assert rung.alpha is not None
    return replace(
        result,
        node_id=rung.recorded_as or result.node_id,
        outcome=rung.outcome,
        problem=rung.why,
        alpha=rung.alpha,
        model=rung.model,
        decision=rung.decision,
        telling=rung.telling,
        n_calls=rung.n_calls,
        n_cached=rung.n_cached,
        cost_usd=rung.cost_usd,
        notices=rung.notices,
        ladder=None,
        trials=(),
    )
