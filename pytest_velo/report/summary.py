"""The summary at the end of a session: a table, the totals, and what would decide the undecided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence

from pytest_velo.records import HypothesisResult, Outcome, add_costs
from pytest_velo.report.covariates import covariate_rows
from pytest_velo.report.families import expected_wrong_families
from pytest_velo.report.folding import left_out_lines, listed
from pytest_velo.report.found import found_lines
from pytest_velo.report.ladders import level_of, rung_texts
from pytest_velo.report.lines import Line, Style, block, fit_lines, paragraph
from pytest_velo.report.notices import notice_lines, problem_lines, shared_problems
from pytest_velo.report.numbers import count, dollars, duration, interval, percent, rate, unit_names
from pytest_velo.report.outlook import outlook
from pytest_velo.report.phrases import mark, n_trials, pairs_text
from pytest_velo.report.predictions import predictions_text
from pytest_velo.report.rankings import said_later, standing_lines, standings_of
from pytest_velo.report.searches import searched_of
from pytest_velo.report.stubs import stubs_of
from pytest_velo.report.table import STYLES, brief_lines, packed, table_lines
from pytest_velo.report.text import inline
from pytest_velo.report.tries import attempt_rows
from pytest_velo.report.truth import ran_out_of_labels, truth_rows
from pytest_velo.verdicts import PartVerdict, Verdict

_DECIDED = (Outcome.SUPPORTED, Outcome.REFUTED, Outcome.MEASURED)


def summary_lines(
    results: Sequence[HypothesisResult],
    *,
    wall_s: float,
    width: int = 80,
    encoding: str | None = "utf-8",
    verbosity: int = 0,
) -> list[Line]:
    """Return the summary of a session; empty without hypotheses.

    Args:
        results: In the order to list them; their trials are not needed.
        wall_s: Wall time of the session in seconds.
        width: Columns of the terminal, at least 40; every line except a command to copy fits.
        encoding: Encoding of the stream; symbols that it lacks are replaced by ASCII.
        verbosity: Below 0 each hypothesis has one line, and facts are left out; below -1 only the counts and
            what went wrong are shown. Above 0 every hypothesis is listed, however many there are.
    """
    if not results:
        return []
    names = short_names(results)
    shown = listed(results, names, everything=verbosity > 0)
    counts = _wrapped(outcome_counts(results), width, Style.BOLD)
    shared = shared_problems(shown.results, shown.names)
    told = {name for _, about in shared for name in about}
    wrong = [
        *_remarks(shown.results, shown.names, width, facts=verbosity >= 0, told=told),
        *problem_lines(shared, width, STYLES),
    ]
    if verbosity < -1:
        return fit_lines(
            [
                *counts,
                *wrong,
                *notice_lines(results, names, width),
                *found_lines(results, names, width, brief=True),
            ],
            encoding,
        )
    table = table_lines if verbosity >= 0 else brief_lines
    predicted = predictions_text(results)
    lines = [
        *(paragraph(predicted, Style.BOLD, width) if predicted else []),
        *(table(shown.results, shown.names, width) if shown.results else []),
        *left_out_lines(shown.left_out, width),
        Line(""),
        *counts,
        *_totals(results, wall_s, width, brief=verbosity < 0),
        *wrong,
        *notice_lines(results, names, width),
        *found_lines(results, names, width),
        *_undecided(shown.results, shown.names, width),
    ]
    return fit_lines(lines, encoding)


def expected_false(results: Sequence[HypothesisResult]) -> float:
    """Bound the expected number of false verdicts: one error rate for every hypothesis that was tested.

    Undecided ones count too: leaving them out would be a selection by the result. A claim is either true or
    false, so only the larger of alpha and beta can apply to it. A family counts once, however many of its
    verdicts are false, because Holm bounds the probability that any is.
    """
    tested = (result for result in results if result.decision is not None and result.family is None)
    return expected_wrong_families(results) + sum(
        result.alpha if result.outcome is Outcome.MEASURED else max(level_of(result), result.beta)
        for result in tested
    )


def short_names(results: Sequence[HypothesisResult]) -> list[str]:
    """Return short names: without the file, unless two tests would then have the same name."""
    short = [result.node_id.split("::", 1)[-1] for result in results]
    times = Counter(short)
    return [
        inline(name if times[name] == 1 else result.node_id)
        for name, result in zip(short, results, strict=True)
    ]


def _wrapped(pieces: Sequence[str], width: int, style: Style = Style.PLAIN) -> list[Line]:
    return [Line(text, style) for text in packed(pieces, width, " · ")]


def outcome_counts(results: Sequence[HypothesisResult]) -> list[str]:
    """Count the hypotheses, in all and by outcome."""
    outcomes = [result.outcome for result in results]
    counts = [
        f"{outcomes.count(outcome)} {outcome}{_stubbed(results, outcome)}"
        for outcome in Outcome
        if outcome in outcomes
    ]
    return [count(len(results), "hypothesis", "hypotheses"), *counts]


def _stubbed(results: Sequence[HypothesisResult], outcome: Outcome) -> str:
    """Say how many of an outcome rest on a stub; nothing if none does."""
    n = sum(result.outcome is outcome and bool(stubs_of(result)) for result in results)
    return f" ({n} stubbed)" if n else ""


def _totals(
    results: Sequence[HypothesisResult], wall_s: float, width: int, *, brief: bool = False
) -> list[Line]:
    spent, facts = total_texts(results, wall_s)
    return _wrapped(spent, width) if brief else [*_wrapped(spent, width), *_wrapped(facts, width)]


def total_texts(results: Sequence[HypothesisResult], wall_s: float) -> tuple[list[str], list[str]]:
    """Say what a run took and saved, then how fast and how sure it was."""
    saved = sum(result.decision.n_saved for result in results if result.decision is not None)
    decided = sum(result.outcome in _DECIDED for result in results)
    pieces = [_calls(results), _cost(results), f"{count(saved, 'trial')} saved"]
    retries = sum(result.n_retries or 0 for result in results)  # those of a pool are listed below the table
    if retries:
        pieces.append(count(retries, "retry", "retries"))
    speed = f"{decided} decided in {duration(wall_s)}"
    if decided and wall_s > 0:
        speed += f" ({decided / wall_s * 3600:,.0f} an hour)"
    once = " (a family counts once)" if any(result.family is not None for result in results) else ""
    facts = [speed, f"expected false verdicts: at most {expected_false(results):.2g}{once}"]
    oldest = min((r.oldest_draw for r in results if r.n_cached and r.oldest_draw is not None), default=None)
    if oldest is not None:
        facts.append(f"oldest draw: {oldest[:10]}")
    expected = sum(result.n_earlier > 0 for result in results)
    if expected:
        of_all = count(len(results), "hypothesis", "hypotheses")
        facts.append(f"scheduled from what earlier runs saw of {expected} of {of_all}")
    return pieces, facts


def _calls(results: Sequence[HypothesisResult]) -> str:
    n_outside = _n_outside(results)
    outside = f", {count(n_outside, 'connection')} outside the cache" if n_outside else ""
    n_calls = sum(result.n_calls for result in results)
    n_cached = sum(result.n_cached for result in results)
    n_made = n_calls - n_cached
    if outside and not n_made:
        cached = (
            f"{count(n_cached, 'draw')} from the cache" if n_cached else "no call through the model fixture"
        )
        return f"{cached}{outside}"
    if n_calls == 0:
        return "0 model calls"
    if n_cached == n_calls:
        return "0 model calls: every draw came from the cache"
    made = count(n_made, "model call")
    return f"{made}{f', {percent(n_cached / n_calls)} of draws from the cache' if n_cached else ''}{outside}"


def _n_outside(results: Sequence[HypothesisResult]) -> int:
    """Count the connections that bodies opened themselves."""
    return sum(n for result in results for n in result.outside.values())


def _cost(results: Sequence[HypothesisResult]) -> str:
    costs = [result.cost_usd for result in results]
    total = add_costs(costs)
    if total is not None:
        return dollars(total) + (" and what went outside" if _n_outside(results) else "")
    known = add_costs(
        (result.priced_usd or 0.0) if result.cost_usd is None else result.cost_usd for result in results
    )
    return f"$? ({dollars(known)}, and unknown for {count(_n_unpriced(results), 'call')})"


def _n_unpriced(results: Sequence[HypothesisResult]) -> int:
    """Count the calls without a known price; of an older record, all that were made."""
    return sum(
        result.n_calls - result.n_cached if result.n_unpriced is None else result.n_unpriced
        for result in results
        if result.cost_usd is None
    )


def _remarks(
    results: Sequence[HypothesisResult],
    names: Sequence[str],
    width: int,
    *,
    facts: bool = True,
    told: Container[str] = (),
) -> Iterator[Line]:
    """Say of each test what is wrong with it, if it is an error or was skipped, and what belongs to it.

    What is wrong with those whose names are in `told` is said elsewhere.
    """
    tables = [result for result in results if facts and result.outcome is Outcome.SUPPORTED]
    elsewhere = dict(zip((result.node_id for result in tables), said_later(tables), strict=True))
    for result, name in zip(results, names, strict=True):
        later = elsewhere.get(result.node_id)
        standing = [] if later is None else [*standing_lines(result, width, said=later)]
        said = [*_facts(result)] if facts else []
        wrong = result.outcome in (Outcome.ERROR, Outcome.SKIPPED) and result.problem and name not in told
        if not said and not wrong and not standing:
            continue
        yield Line("")
        yield Line(inline(f"{mark(result.outcome)} {name}", width))
        yield from standing
        for fact in said:
            yield from block("", fact, width)
        if wrong:
            yield from block(str(result.outcome), result.problem, width, STYLES[result.outcome])


def _facts(result: HypothesisResult) -> Iterator[str]:
    """Say what belongs to a result beside its line in the table."""
    yield from result.facts
    yield from _parts_said(result)
    yield from _tries_said(result)
    yield from (f"{label} {told}" for label, told in (*truth_rows(result), *covariate_rows(result)))
    yield from (f"{told.label:<9} {told.text}" for told in rung_texts(result))
    if result.decision is not None and result.decision.evidence.interval_of is not None:
        yield f"interval  {result.decision.evidence.interval_of}"


def _tries_said(result: HypothesisResult) -> Iterator[str]:
    """Say which attempt a hypothesis is that passed; any other one is shown in full."""
    if result.outcome is Outcome.SUPPORTED:
        yield from (text for _, text in attempt_rows(result))


def _parts_said(result: HypothesisResult) -> Iterator[str]:
    """Say how the pairs of a difference came out, or give the verdict of each part of a joint claim."""
    if result.decision is None:
        return
    if result.decision.evidence.pairs is not None and result.decision.evidence.pairs.n:
        yield pairs_text(result.decision.evidence.pairs, result.claim)
    for part in result.decision.parts:
        ends = part.interval
        level = "interval" if ends is None else f"{percent(ends.level)} interval"
        observed = f"observed {rate(part.estimate)}, {level} {interval(ends)}"
        yield f"{_part_word(part)}: {part.claim}, {observed}"


def _part_word(part: PartVerdict) -> str:
    return "open" if part.verdict is Verdict.INCONCLUSIVE else str(part.verdict)


def _undecided(results: Sequence[HypothesisResult], names: Sequence[str], width: int) -> Iterator[Line]:
    undecided = [
        (result, name)
        for result, name in zip(results, names, strict=True)
        if result.outcome is Outcome.INCONCLUSIVE
    ]
    if not undecided:
        return
    yield Line("")
    yield Line("undecided, and what could decide them", Style.WARN)
    alike: dict[tuple[Line, ...], list[str]] = {}
    for result, name in undecided:
        alike.setdefault(tuple(prospect_lines(result, width)), []).append(name)
    for lines, each in alike.items():
        yield from (Line(inline(f"? {name}", width)) for name in each)
        yield from lines


def prospect_lines(result: HypothesisResult, width: int) -> Iterator[Line]:
    """Say what would decide an undecided hypothesis."""
    if result.problem:
        yield from block("because", result.problem, width)
    prospect = outlook(result)
    if prospect is None:
        if result.rerun:
            yield Line(f"  {inline(result.rerun)}")
        return
    if result.truth is not None and prospect.n_units is None and ran_out_of_labels(result):
        yield from block("needs", "labels, and how many only these can tell", width)
    elif prospect.n_units is None and searched_of(result) is not None:
        pass  # it needs a case that breaks it, and the advice says where to look
    elif prospect.n_units is None:
        yield from block("needs", "no number of trials is in sight that would decide it", width)
    else:
        price = dollars(prospect.cost_usd) + (" (unknown price)" if prospect.cost_usd is None else "")
        time = "" if prospect.duration_s is None else f" and {duration(prospect.duration_s)}"
        things = _counted(result)
        yield from block("needs", f"about {prospect.n_units:,} {things} in all; {price}{time} more", width)
    if prospect.advice:
        yield from block("advice", prospect.advice, width)
    if prospect.command:
        yield Line(f"  {inline(prospect.command)}")


def _counted(result: HypothesisResult) -> str:
    if standings_of(result) is not None:
        return "rounds"
    if result.truth is not None:
        return "labels"
    if _is_of_groups(result):
        return unit_names(result.unit)
    return "pairs" if _is_of_pairs(result) else "trials"


def _is_of_groups(result: HypothesisResult) -> bool:
    """Tell whether a unit of the evidence is made of several trials."""
    return result.decision is not None and result.decision.evidence.n != n_trials(result.decision.evidence)


def _is_of_pairs(result: HypothesisResult) -> bool:
    return result.decision is not None and result.decision.evidence.pairs is not None
