"""What a hypothesis shows in full: the certified inequality first, then the raw data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, assert_never

from pytest_velo.records import Family, HypothesisResult, Invalid, Outcome, TruthSeen
from pytest_velo.report.covariates import covariate_rows
from pytest_velo.report.families import levels_text, risk_text
from pytest_velo.report.found import found_in
from pytest_velo.report.ladders import ladder_headline, rung_texts
from pytest_velo.report.lines import Line, Style, block, fit_lines, paragraph
from pytest_velo.report.notices import notices_of
from pytest_velo.report.numbers import count, interval, p_value, percent, rate, unit_names
from pytest_velo.report.phrases import (
    CHANGE,
    claim_text,
    most_units,
    n_trials,
    pairs_text,
    statistic_of,
    stop_reason,
)
from pytest_velo.report.predictions import prediction_text
from pytest_velo.report.rankings import ranking_headline, standing_lines, standings_of
from pytest_velo.report.searches import search_headline, search_rows, searched_of, trial_counts
from pytest_velo.report.stubs import outcome_word, stub_text, stubs_of
from pytest_velo.report.text import inline
from pytest_velo.report.trials import trials_lines
from pytest_velo.report.tries import NOT_SHOWN, attempt_rows, attempts_risk
from pytest_velo.report.truth import truth_rows
from pytest_velo.settings import ShowKind
from pytest_velo.verdicts import Decision, Evidence, Verdict


def failure_lines(
    result: HypothesisResult,
    show: int,
    verbosity: int = 0,
    *,
    kind: ShowKind | None = None,
    notices: bool = True,
    problem: bool = True,
    width: int = 80,
    encoding: str | None = "utf-8",
) -> list[Line]:
    """Return what is shown of a hypothesis that did not (or did not silently) pass.

    Args:
        result: The finished hypothesis.
        show: Number of trials against the claim to show, >= 0; of those that `kind` names, if it is given.
        verbosity: 0 shows what everybody needs; 1 adds the fixed-n intervals, the e-values and longer
            messages; 2 shows messages whole.
        kind: Which trials to show; the result has these alone (`chosen.choose`). None for those
            against the claim and invalid ones.
        notices: Show its notices, and what checks found.
        problem: Begin with its headline. Without it where the error that ended it is the line above.
        width: Columns of the terminal, at least 40.
        encoding: Encoding of the stream; symbols that it lacks are replaced by ASCII.
    """
    lines = paragraph(*headline(result), width) if problem else []
    for row in rows(result, verbosity):
        if notices or row.label != NOTICE:
            lines += block(row.label, row.text, width, row.style)
    lines += standing_lines(result, width)
    if notices:
        lines += found_in(result, width)
    lines += trials_lines(result, show, verbosity, width, kind)
    if result.rerun:
        lines += [Line(""), Line(f"run it again: {inline(result.rerun)}")]
    return fit_lines(lines, encoding)


NOTICE = "notice"


class Row(NamedTuple):
    """A label and what is said of it; a row without a label goes on with the one above."""

    label: str
    text: str
    style: Style = Style.PLAIN


def rows(result: HypothesisResult, verbosity: int = 0) -> Iterator[Row]:
    """Say everything about a hypothesis but its headline and its trials.

    Args:
        result: The finished hypothesis; its trials are not needed.
        verbosity: 1 adds the fixed-n intervals and the e-values.
    """
    if result.outcome is Outcome.REFUTED and searched_of(result) is None:
        yield Row("means", NOT_SHOWN)
    yield Row("belief", result.belief)
    yield Row("claim", f"{claim_text(result)}, {result.scope}")
    if result.model is not None:
        yield Row("model", result.model)
    if result.prediction is not None:
        yield Row("predicted", prediction_text(result.prediction))
    if result.decision is not None:
        yield from _evidence_rows(result, result.decision, verbosity)
    yield from (Row(*told) for told in rung_texts(result))
    for label, told in (*truth_rows(result), *covariate_rows(result), *attempt_rows(result)):
        yield Row(label, told)
    for stub in stubs_of(result):
        yield Row("stub", stub_text(stub))
    for assumed in result.assumes:
        yield Row("assumes", f"{assumed.node_id}, which {assumed.told}")
    for fact in result.facts:
        yield Row("context", fact)
    for notice in notices_of(result):
        yield Row(NOTICE, notice, Style.WARN)


def headline(result: HypothesisResult) -> Line:
    """Say the verdict with the inequality it certifies, or what is wrong."""
    if result.ladder is not None:
        return ladder_headline(result, result.ladder)
    if standings_of(result) is not None and not result.problem:
        return ranking_headline(result)
    if (
        (searched := searched_of(result)) is not None
        and result.outcome in _OF_A_SEARCH
        and not result.problem
    ):
        return search_headline(result, searched)
    return _headline(result)


_OF_A_SEARCH = (Outcome.REFUTED, Outcome.INCONCLUSIVE)


def _headline(result: HypothesisResult) -> Line:
    if result.outcome is Outcome.ERROR or result.outcome is Outcome.SKIPPED:
        style = Style.BAD if result.outcome is Outcome.ERROR else Style.WARN
        return Line(f"{result.outcome}: {result.problem}", style)
    if result.decision is None:
        return Line(f"{outcome_word(result)}: {result.problem or 'no trial was completed'}", Style.WARN)
    word = outcome_word(result)
    certified = result.decision.certified
    match result.decision.verdict:
        case Verdict.SUPPORTED:
            return Line(f"{word}: {certified} ({_risk(result, Outcome.SUPPORTED)})", Style.GOOD)
        case Verdict.REFUTED:
            return Line(f"{word}: {certified} ({_risk(result, Outcome.REFUTED)})", Style.BAD)
        case Verdict.MEASURED:
            return Line(f"{word}: {certified} ({_risk(result, Outcome.MEASURED)})", Style.GOOD)
        case Verdict.INCONCLUSIVE if result.problem:
            return Line(f"{word}: {result.problem}", Style.WARN)
        case Verdict.INCONCLUSIVE if result.decision.evidence.p_support is None:
            return Line(f"{word}: {result.claim} is not reached yet", Style.WARN)
        case Verdict.INCONCLUSIVE:
            return Line(f"{word}: the trials do not settle whether {result.claim}", Style.WARN)
    assert_never(result.decision.verdict)


def _risk(result: HypothesisResult, kind: Outcome) -> str:
    """Say which error rate of the procedure covers a verdict; no verdict has a probability of its own."""
    if kind is Outcome.MEASURED:
        return f"an interval misses at most {percent(result.alpha)} of the time"
    refuted = kind is Outcome.REFUTED
    wrong = "true" if refuted else "false"
    off = "" if refuted or not result.margin else f" by {result.margin:g} or more"
    family = result.family
    if family is not None and family.size > 1:
        return risk_text(family.beta if refuted else family.alpha, family, f"{wrong}{off}", kind)
    if not refuted and (shared := attempts_risk(result)):
        return shared
    rate_of_errors = percent(result.beta if refuted else result.alpha)
    if off:
        return f"a claim that is {wrong}{off} is {kind} at most {rate_of_errors} of the time"
    return f"a {wrong} claim is {kind} at most {rate_of_errors} of the time"


def _level_rows(result: HypothesisResult) -> Iterator[Row]:
    """Say at which levels a member of a family was sampled."""
    family = result.family
    if family is None or family.size == 1:
        return
    texts = [levels_text(family)]
    if family.by_steps:
        texts.append(f"{result.outcome} at the end of the session, by {_last_step(family)}")
    yield Row("levels", "; ".join(texts))


def _last_step(family: Family) -> str:
    return "e-BH" if family.procedure == "ebh" else "Holm's step-down"


def _evidence_rows(result: HypothesisResult, decision: Decision, verbosity: int) -> Iterator[Row]:
    evidence = decision.evidence
    nothing = "no valid trial" if result.truth is None else "no label that can tell"
    observed = "each part, below" if decision.parts else nothing
    if evidence.estimate is not None:
        true = "" if result.truth is None else "true "
        observed = f"{true}{_what(result.claim)} {rate(evidence.estimate)}"
        if evidence.arms:
            each = ", ".join(f"{inline(arm, 40)} {rate(value)}" for arm, value in evidence.arms.items())
            observed += f" ({each})"
        if evidence.share_of_gap is not None:
            observed += f", {percent(evidence.share_of_gap)} of the gap to the ceiling"
        if evidence.interval is not None:
            level = percent(evidence.interval.level)
            observed += f"; {level} interval {interval(evidence.interval)}, valid at any stopping time"
    saved = f"; {count(decision.n_saved, 'trial')} saved" if decision.n_saved else ""
    why = "of the error" if result.outcome is Outcome.ERROR else stop_reason(decision.stop, decision.verdict)
    yield Row("trials", _trial_counts(result, evidence))
    if decision.searched is not None:
        yield from (Row(*told) for told in search_rows(decision.searched))
    elif decision.standings is None:
        yield Row("observed", observed)
        yield from _part_rows(decision)
        yield Row("p-value", _p_text(result, decision))
    yield from _level_rows(result)
    yield Row("stopped", f"because {why}{saved}")
    if verbosity >= 1:
        yield from _descriptive_rows(evidence)


def _part_rows(decision: Decision) -> Iterator[Row]:
    """Say of each part of a joint claim its verdict, claim and numbers."""
    styles = {Verdict.SUPPORTED: Style.GOOD, Verdict.REFUTED: Style.BAD}
    for part in decision.parts:
        level = "" if part.interval is None else f"{percent(part.interval.level)} interval "
        text = f"{part.claim}: observed {rate(part.estimate)}, {level}{interval(part.interval)}"
        label = "open" if part.verdict is Verdict.INCONCLUSIVE else part.verdict.value
        yield Row(label, text, styles.get(part.verdict, Style.PLAIN))


def _what(claim: str) -> str:
    """Return the statistic of a claim in a word or two."""
    word = statistic_of(claim)
    return "change from the baseline" if word == CHANGE else word


def _trial_counts(result: HypothesisResult, evidence: Evidence) -> str:
    """Say how many trials or pairs there were, and how they came out."""
    trials, most = n_trials(evidence), f"at most {most_units(result):,}"
    if result.truth is not None:
        return _label_counts(result.truth, evidence, most)
    if (searched := searched_of(result)) is not None:
        return trial_counts(result, searched)
    if standings_of(result) is not None:
        rounds = f"{evidence.n:,} of {most} rounds"
        return f"{rounds}: {trials - evidence.n_invalid:,} valid trials, {evidence.n_invalid:,} invalid"
    left_out = result.invalid is Invalid.EXCLUDE
    invalid = f"{evidence.n_invalid:,} invalid"
    if evidence.n_invalid and left_out:
        invalid += " and left out"
    elif evidence.n_invalid and result.invalid is Invalid.AGAINST:
        invalid += " and counted against the claim"
    counted = trials - evidence.n_invalid if left_out else trials
    as_units = (
        "" if evidence.n == counted else f", which make {evidence.n:,} of {most} {unit_names(result.unit)}"
    )
    if evidence.pairs is not None:
        of = as_units or f", of {most}"
        return f"{pairs_text(evidence.pairs, result.claim)}; {invalid}{of}"
    head = f"{trials:,}{as_units or f' of {most}'}"
    if evidence.p_support is None:  # nothing is claimed, so no trial is against it
        return f"{head}: {trials - evidence.n_invalid:,} valid, {invalid}"
    return f"{head}: {evidence.n_for:,} for the claim, {evidence.n_against:,} against it, {invalid}"


def _label_counts(truth: TruthSeen, evidence: Evidence, most: str) -> str:
    """Say how many trials were judged, and what people said of those that they labelled."""
    head = f"{truth.n_judged:,} judged; {truth.n_labelled:,} of {most} labelled"
    if evidence.p_support is None:
        return f"{head}: {truth.n_labelled - truth.n_skipped:,} valid, {truth.n_skipped:,} skipped"
    return (
        f"{head}: {evidence.n_for:,} for the claim, {evidence.n_against:,} against it,"
        f" {truth.n_skipped:,} skipped"
    )


def _p_text(result: HypothesisResult, decision: Decision) -> str:
    evidence = decision.evidence
    if evidence.p_support is None or evidence.p_refute is None:
        return "none: nothing is claimed about the number"
    match decision.verdict:
        case Verdict.SUPPORTED:
            off = f" by {result.margin:g}" if result.margin else ""
            favourable = f"this favourable or more if the claim were false{off}"
            return f"{p_value(evidence.p_support)}, for data {favourable}"
        case Verdict.REFUTED:
            return f"{p_value(evidence.p_refute)}, for data this unfavourable or more if the claim were true"
        case Verdict.INCONCLUSIVE | Verdict.MEASURED:
            return (
                f"{p_value(evidence.p_support)} for supported ({percent(result.alpha)} needed), "
                f"{p_value(evidence.p_refute)} for refuted ({percent(result.beta)} needed)"
            )
    assert_never(decision.verdict)


def _descriptive_rows(evidence: Evidence) -> Iterator[Row]:
    """Give the textbook intervals, marked as descriptive."""
    if evidence.log_e_support is not None and evidence.log_e_refute is not None:
        e_values = f"for {_e_value(evidence.log_e_support)}, against {_e_value(evidence.log_e_refute)}"
        yield Row("e-values", f"{e_values}; {evidence.rule} rule")
    else:
        yield Row("rule", evidence.rule)
    if evidence.interval_of is not None:
        yield Row("its interval", evidence.interval_of)
    named = (("Wilson", evidence.wilson), ("Clopper–Pearson", evidence.clopper_pearson))
    texts = [f"{name} {percent(ends.level)} {interval(ends)}" for name, ends in named if ends is not None]
    if texts:
        yield Row("fixed-n", f"descriptive: {', '.join(texts)}")
        yield Row("", "an early stop biases the observed rate outward")


def _e_value(log_e: float) -> str:
    return f"{math.exp(min(log_e, 700.0)):.3g}"
