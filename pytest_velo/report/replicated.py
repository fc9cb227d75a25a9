"""A replication beside what it repeats: the evidence of all runs, and how far the numbers are apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_velo.baselines.written import parts_of
from pytest_velo.errors import StoreError
from pytest_velo.records import HypothesisResult, Outcome, Repeat, RepeatKind, Replication
from pytest_velo.report.document import RunDocument
from pytest_velo.report.earlier import finished_runs
from pytest_velo.report.lines import Line, Style, paragraph
from pytest_velo.report.load import load
from pytest_velo.report.numbers import count, interval, percent, rate
from pytest_velo.report.text import display
from pytest_velo.report.truth import ran_out_of_labels
from pytest_velo.stats.replication import combined
from pytest_velo.verdicts import Interval, StopReason

DECIDED = (Outcome.SUPPORTED, Outcome.REFUTED)


def earlier_replications(repeat: Repeat, cache_dir: Path) -> dict[str, list[HypothesisResult]]:
    """Return the results of earlier replications of a run by node id, each number once, with their trials.

    Two records of one number read the same draws, which are evidence once.
    """
    found: dict[tuple[str, int], HypothesisResult] = {}
    for name in reversed(finished_runs(cache_dir)):
        try:
            run = load(name, cache_dir)
        except StoreError:
            continue
        other = run.document.repeats
        if other is None or (other.kind, other.run) != (RepeatKind.REPLICATE, repeat.run):
            continue
        if other.number < repeat.number:
            for result in run.document.results:
                trials = run.trials_of(result.node_id)
                found[result.node_id, other.number] = replace(result, trials=trials)
    by_node: dict[str, list[HypothesisResult]] = {}
    for node_id, number in sorted(found):
        by_node.setdefault(node_id, []).append(found[node_id, number])
    return by_node


def next_number(run: str, cache_dir: Path) -> int:
    """Return the number of the next replication of a run: one more than those that left a record.

    A replication that left none is gone on with: it has the same number, and reads its draws again.
    """
    last = 0
    for name in finished_runs(cache_dir):
        try:
            other = load(name, cache_dir).document.repeats
        except StoreError:
            continue
        if other is not None and (other.kind, other.run) == (RepeatKind.REPLICATE, run):
            last = max(last, other.number)
    return last + 1


def replication_of(
    first: HypothesisResult, earlier: Sequence[HypothesisResult], now: HypothesisResult
) -> Replication:
    """Compare a hypothesis on fresh draws with its first run, and multiply the evidence where that is valid.

    Args:
        first: Its result in the run that is repeated, with its trials.
        earlier: Its results in the replications before this one, with their trials.
        now: This result, with its trials.
    """
    old, new = _seen(first), _seen(now)
    ends = _apart(old[1], new[1])
    found = Replication(
        outcome=first.outcome,
        winners=_winners(first),
        estimate=old[0],
        interval=old[1],
        difference=None if old[0] is None or new[0] is None else new[0] - old[0],
        difference_interval=ends,
        n_labels=None if first.truth is None else first.truth.n_labelled,
    )
    runs = [first, *earlier, now]
    if why := _why_not(runs):
        return replace(found, why_not=why)
    logs = [_logs(run) for run in runs]
    product = combined([log for log in logs if log is not None], alpha=now.alpha, beta=now.beta)
    return replace(
        found,
        n_runs=len(runs),
        combined=product.verdict.value,
        log_e_support=product.log_e_support,
        log_e_refute=product.log_e_refute,
    )


def replication_facts(found: Replication, repeat: Repeat, now: HypothesisResult) -> Iterator[str]:
    """Say what a replication came to, a line each."""
    yield f"replication {repeat.number} of {repeat.run}: {_then_and_now(found, now)}"
    if found.combined:
        bars = " and ".join(dict.fromkeys(f"{1 / level:g}" for level in (now.alpha, now.beta)))
        yield (
            f"all {found.n_runs} runs together: {found.combined} (evidence multiplied:"
            f" {_times(found.log_e_support)} for the claim, {_times(found.log_e_refute)} against it; {bars}"
            " decides, however often it is replicated)"
        )
    else:
        yield f"the evidence of the runs is not multiplied: {found.why_not}"
    if found.difference is not None:
        told = f"the estimate moved by {found.difference:+.3g}, from {rate(found.estimate)}"
        if not found.difference:
            told = f"the estimate is {rate(found.estimate)} as before"
        if labels := labels_text(found, now):
            told += f" ({labels})"
        if found.difference_interval is not None:
            level = percent(found.difference_interval.level)
            told += f"; {interval(found.difference_interval)} at {level} at least"
        if shrank(found, now):
            told += f"; it shrank: {_CURSE}, {_leaning(now)}"
        yield told


def labels_text(found: Replication, now: HypothesisResult) -> str:
    """Say how many labels the numbers of both runs are of; empty for claims that are not about labels."""
    if found.n_labels is None or now.truth is None:
        return ""
    told = f"by {count(found.n_labels, 'label')} then, {now.truth.n_labelled:,} now"
    return f"{told}; {_TOO_FEW}" if ran_out_of_labels(now) else told


_TOO_FEW = "too few for a verdict: label the trials of this run"

_CURSE = "a run that stops on its evidence overstates"


def _leaning(now: HypothesisResult) -> str:
    """Say whether this estimate leans outwards, too."""
    assert now.decision is not None  # it has an estimate
    if now.decision.stop is StopReason.DECIDED:
        return "and this one stopped so, too"
    return "and this one did not stop so"


def shrank(found: Replication, now: HypothesisResult) -> bool:
    """Tell whether a decided hypothesis moved back towards its claim's other side.

    Where people have to say more, the number is of the labels so far, and tells nothing yet.
    """
    if ran_out_of_labels(now):
        return False
    parts = parts_of(now.claim)
    if found.outcome not in DECIDED or not found.difference or parts is None or len(parts) != 1:
        return False
    if not parts[0].better:
        return False
    towards = parts[0].better if found.outcome is Outcome.SUPPORTED else -parts[0].better
    return found.difference * towards < 0


def is_replicated(result: HypothesisResult) -> bool | None:
    """Tell whether a replication says by itself what the first run said.

    None if that said nothing, or if this one waits for labels. Of a ranking, what is said is who won:
    "supported" alone says that somebody did.
    """
    found = result.replication
    if found is None or found.outcome not in DECIDED or ran_out_of_labels(result):
        return None
    return result.outcome is found.outcome and set(_winners(result)) == set(found.winners)


def _winners(result: HypothesisResult) -> tuple[str, ...]:
    """Return who won a ranking; nobody in other claims, and while it is open."""
    standings = None if result.decision is None else result.decision.standings
    return () if standings is None else standings.winners


def _then_and_now(found: Replication, now: HypothesisResult) -> str:
    """Say what the first run said and what this one does; of a ranking with those who won."""

    def said(outcome: Outcome, winners: Sequence[str]) -> str:
        return f"{outcome} ({', '.join(winners)})" if winners else str(outcome)

    told = f"{said(found.outcome, found.winners)} then, {said(now.outcome, _winners(now))} now"
    labels = labels_text(found, now)
    return f"{told} ({labels})" if labels and found.difference is None else told


def replicated_lines(document: RunDocument, width: int) -> Iterator[Line]:
    """Return what `velo replicate` prints below the verdicts."""
    for result in document.results:
        if (found := result.replication) is None:
            continue
        yield from paragraph(result.node_id, Style.BOLD, width)
        combined_text = f"together {found.combined}" if found.combined else "not multiplied"
        for text in (
            f"{_then_and_now(found, result)}, {combined_text}",
            *(fact for fact in result.facts if fact.startswith("the e")),
        ):
            yield from (Line(f"  {piece}") for piece in display(text, width - 2))
    yield Line("")
    yield from paragraph(replicated_text(document.results), Style.BOLD, width)


def replicated_text(results: Sequence[HypothesisResult]) -> str:
    """Count what was replicated, and what shrank."""
    told = [found for found in map(is_replicated, results) if found is not None]
    n_waiting = sum(map(_waits_for_labels, results))
    waiting = f"{count(n_waiting, 'replication')} cannot tell before people have labelled it"
    if not told:
        return waiting if n_waiting else "nothing was decided before: there is nothing to replicate"
    n_shrank = sum(
        result.replication is not None and shrank(result.replication, result) for result in results
    )
    alike = f"replicated {sum(told)} of {len(told)}; {n_shrank} shrank"
    return f"{alike}; {waiting}" if n_waiting else alike


def _waits_for_labels(result: HypothesisResult) -> bool:
    """Tell whether a replication of what was decided needs labels before it tells anything."""
    found = result.replication
    return found is not None and found.outcome in DECIDED and ran_out_of_labels(result)


def _times(log_e: float | None) -> str:
    """Write the evidence as the factor that it is, by its power of ten where that is long."""
    assert log_e is not None  # they were multiplied
    tens = log_e / 2.302585092994046
    return f"10^{tens:.1f}" if abs(tens) >= 3 else f"{10**tens:.3g}"


def _why_not(runs: Sequence[HypothesisResult]) -> str:
    """Say why the evidence of runs may not be multiplied; empty if it may."""
    now = runs[-1]
    if any(run.outcome is Outcome.ERROR for run in runs):
        return "one of them ended as an error"
    if any(notice.startswith("exploratory: ") for run in runs for notice in run.notices):
        return "one of them is exploratory: what it tests was chosen after its draws had been looked at"
    if any(run.truth is not None and not run.truth.n_labelled for run in runs):
        return "one of them has no label yet"
    if any(_logs(run) is None for run in runs):
        return _without_evidence(runs)
    if parts_of(now.claim) is None:
        return "what the rule of its claim computes is not known to be an e-value"
    for run in runs[:-1]:
        if (run.claim, run.margin, run.scope, run.invalid) != (now.claim, now.margin, now.scope, now.invalid):
            return "the claim or its design was another one"
        if not run.body_digest or run.body_digest != now.body_digest:
            return "the body was another one"
        if run.claim_hash != now.claim_hash and now.scope.startswith("over "):
            return "the cases or the design were others"
    return _shared(runs)


def _without_evidence(runs: Sequence[HypothesisResult]) -> str:
    """Say why there is no evidence of the claim as a whole."""
    decisions = [run.decision for run in runs if run.decision is not None]
    if any(decision.standings is not None for decision in decisions):
        return "in a ranking each arm has evidence of its own, and whom it asked went by the outcomes"
    if any(decision.searched is not None for decision in decisions):
        return "each finding of a search has evidence of its own"
    return "an estimate claims nothing, and a run without evidence has none"


def _shared(runs: Sequence[HypothesisResult]) -> str:
    """Say what two runs have in common, so that they are not independent; empty if nothing."""
    now = runs[-1]
    drawn = [{call.address for trial in run.trials for call in trial.calls} for run in runs]
    if sum(map(len, drawn)) > len(set().union(*drawn)):
        return "some draws are in two of them"
    if now.scope.startswith("beyond "):
        cases = [{trial.case_id for trial in run.trials} for run in runs]
        if sum(map(len, cases)) > len(set().union(*cases)):
            return "some cases are in two of them, and the claim is about others"
    return ""


def _logs(run: HypothesisResult) -> tuple[float, float] | None:
    if run.decision is None:
        return None
    evidence = run.decision.evidence
    if evidence.log_e_support is None or evidence.log_e_refute is None:
        return None
    return evidence.log_e_support, evidence.log_e_refute


def _seen(result: HypothesisResult) -> tuple[float | None, Interval | None]:
    if result.decision is None:
        return None, None
    return result.decision.evidence.estimate, result.decision.evidence.interval


def _apart(old: Interval | None, new: Interval | None) -> Interval | None:
    """Bound the difference of two numbers by their intervals; the chances of error add up."""
    if old is None or new is None:
        return None
    level = old.level + new.level - 1.0
    if level <= 0.0:
        return None
    return Interval(low=new.low - old.high, high=new.high - old.low, level=level)
