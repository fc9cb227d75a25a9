"""One hypothesis as a page shows it, with the first of its trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from pytest_velo.baselines.written import claim_of
from pytest_velo.claims import Change, EachCase, Ranking
from pytest_velo.records import HypothesisResult, Outcome, OutcomeKind, TrialRecord
from pytest_velo.report.document import shown_trials, turn_of
from pytest_velo.report.failure import Row, headline, rows
from pytest_velo.report.found import head_of, ranked, style_of
from pytest_velo.report.lines import UNWRAPPED
from pytest_velo.report.numbers import dollars, interval
from pytest_velo.report.outlook import outlook
from pytest_velo.report.page.conversation import Message, messages_of, shown
from pytest_velo.report.page.forest import Bar, Ghost, bar_of, thresholds_of
from pytest_velo.report.page.searched import SearchShown, search_shown
from pytest_velo.report.phrases import claim_text, mark, most_units, observed
from pytest_velo.report.rankings import ArmText, arm_texts, caveats_of, standings_of
from pytest_velo.report.rankings import head_of as head_of_table
from pytest_velo.report.stubs import outcome_word
from pytest_velo.report.summary import prospect_lines
from pytest_velo.report.text import inline
from pytest_velo.report.trials import outcome_text

_IN_FULL = 2_000
"""Characters of a message that are shown without scripts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A trial that is shown without scripts."""

    title: str
    outcome: str
    location: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One statistic of a hypothesis in the forest plot; the label is empty where it is the only one."""

    label: str
    bar: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class RungShown:
    """A rung that did not decide its ladder, with the first of its trials.

    Attributes:
        n_trials: Trials in the record.
        command: Shows them all.
    """

    label: str
    text: str
    outcome: str
    sight: Sight
    n_trials: int
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmShown:
    """An arm of a ranking: its columns in words, and its place in the forest plot."""

    text: ArmText
    tone: str
    bar: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingShown:
    """The table of a ranking: the heads of its columns, its arms, the best first, and how to read it."""

    head: ArmText
    arms: tuple[ArmShown, ...]
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledTrial:
    """A trial that a person has labelled.

    Attributes:
        label: What people say, `cannot say` included.
        judged: The outcome that was judged, or `invalid`.
        differs: Both are known, and not the same.
    """

    label: str
    judged: str
    differs: bool
    sight: Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledShown:
    """The trials whose labels decided a claim about the truth.

    Attributes:
        counts: How many were judged otherwise than people say, and how many not.
        trials: The first of them, those that differ most before the others.
        n_more: Labelled trials that are not shown.
    """

    counts: str
    trials: tuple[LabelledTrial, ...]
    n_more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What a check found; without fix and page if it is silenced."""

    code: str
    style: str
    text: str
    fix: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One hypothesis.

    Attributes:
        id: Its anchor, e.g. `h1`.
        word: The outcome with what was stubbed.
        headline: The certified inequality with its error rate, or what is wrong.
        sights: Trials against the claim with all arms of their case, or the one that ended it; further ones
            need scripts.
        prospect: What could decide it, if it is undecided; `command` continues it.
        found: What checks found, the most serious first.
        has_against: There are trials against the claim.
        n_trials: Trials in the record.
        n_kept: Of these, in the page.
        search: What a search found, where each finding has evidence of its own; None for other claims.
        rungs: Those that did not decide its ladder; empty without one.
        ranking: The arms of a ranking; None for other claims.
        labelled: What people say of trials, beside what was judged; None for claims without labels.
    """

    id: str
    outcome: str
    word: str
    mark: str
    name: str
    node_id: str
    belief: str
    claim: str
    model: str
    headline: str
    observed: str
    interval: str
    n: str
    saved: str
    cost: str
    rows: tuple[Row, ...]
    found: tuple[Sign, ...]
    plots: tuple[Plot, ...]
    sights: tuple[tuple[Sight, ...], ...]
    prospect: tuple[str, ...]
    command: str
    has_against: bool
    rerun: str
    has_path: bool
    n_trials: int
    n_kept: int
    rungs: tuple[RungShown, ...] = ()
    ranking: RankingShown | None = None
    search: SearchShown | None = None
    labelled: LabelledShown | None = None


def is_change(result: HypothesisResult) -> bool:
    """Tell whether a claim is about a change from the baseline."""
    claim = claim_of(result.claim)
    return claim is not None and any(isinstance(statistic, Change) for statistic in claim.statistics)


def entry_of(
    at: int,
    result: HypothesisResult,
    name: str,
    before: HypothesisResult | None,
    *,
    n_kept: int,
    has_path: bool,
) -> Entry:
    """Gather what a page shows of a hypothesis.

    Args:
        at: Its place in the run.
        result: With its trials.
        name: A short name of its test.
        before: The same test in an earlier run, if it was there.
        n_kept: Transcripts of it in the page.
        has_path: Its evidence path is in the page.
    """
    decision = result.decision
    ends = None if decision is None else decision.evidence.interval
    undecided = result.outcome is Outcome.INCONCLUSIVE
    prospect = [line.text.strip() for line in prospect_lines(result, UNWRAPPED)] if undecided else []
    ahead = outlook(result)
    command = inline(ahead.command) if ahead is not None else ""
    search = search_shown(result)
    in_table = {"belief"} if search is None else {"belief", *search.labels}
    show = 1 if result.outcome in (Outcome.SUPPORTED, Outcome.MEASURED) else 3
    return Entry(
        id=f"h{at + 1}",
        outcome=result.outcome.value,
        word=shown(outcome_word(result), 400),
        mark=mark(result.outcome),
        name=name,
        node_id=result.node_id,
        belief=shown(result.belief, _IN_FULL),
        claim=shown(claim_text(result), _IN_FULL),
        model=shown(result.model or "", 200),
        headline=shown(headline(result).text, 20_000),
        observed=observed(result) if decision is not None else "",
        interval="" if ends is None else interval(ends),
        n="" if decision is None else f"{decision.evidence.n:,} of {most_units(result):,}",
        saved="" if decision is None or not decision.n_saved else f"{decision.n_saved:,}",
        cost=_cost(result),
        rows=tuple(
            row._replace(text=shown(row.text)) for row in rows(result, 1) if row.label not in in_table
        ),
        found=tuple(_signs(result)),
        plots=tuple(_plots(result, before)),
        sights=tuple(
            tuple(sight_of(trial, result) for trial in turn)
            for _, turn in islice(groupby(shown_trials(result, show), key=turn_of), 2 * show)
        ),
        prospect=tuple(shown(text) for text in prospect if text not in (command, inline(result.rerun))),
        command=command,
        has_against=bool(result.telling),
        rerun=inline(result.rerun),
        has_path=has_path,
        n_trials=len(result.trials),
        n_kept=n_kept,
        search=search,
        ranking=_ranking(result),
    )


def _ranking(result: HypothesisResult) -> RankingShown | None:
    standings, claim = standings_of(result), claim_of(result.claim)
    if standings is None or not isinstance(claim, Ranking):
        return None
    return RankingShown(
        head=head_of_table(standings),
        arms=tuple(
            ArmShown(
                text=text,
                tone="supported" if arm.name in standings.winners else "inconclusive" if arm.may_win else "",
                bar=bar_of(claim.of, (), arm.estimate, arm.interval, None),
            )
            for arm, text in arm_texts(result, standings)
        ),
        caveats=tuple(caveats_of(result, standings)),
    )


def _cost(result: HypothesisResult) -> str:
    if result.decision is None and not result.n_calls:
        return ""
    return dollars(result.cost_usd) + (" + $?" if result.outside else "")


def _signs(result: HypothesisResult) -> Iterator[Sign]:
    for found in ranked(result.found):
        is_ours = found.page.startswith("https://") and not found.silenced
        yield Sign(
            code=inline(found.code, 40),
            style=style_of(found).value,
            text=shown(head_of(found), _IN_FULL),
            fix="" if found.silenced else shown(found.fix, _IN_FULL),
            page=inline(found.page) if is_ours else "",
        )


def _plots(result: HypothesisResult, before: HypothesisResult | None) -> Iterator[Plot]:
    """Place what was observed on the scale of each statistic; nothing for a claim that is not one of ours."""
    claim, decision = claim_of(result.claim), result.decision
    if claim is None or decision is None or isinstance(claim, Ranking | EachCase):
        return
    ghosts = _ghosts(result, before, len(claim.statistics))
    seen = [(part.estimate, part.interval) for part in decision.parts] or [
        (decision.evidence.estimate, decision.evidence.interval)
    ]
    if len(seen) != len(claim.statistics):
        return
    for statistic, ends, (estimate, around), ghost in zip(
        claim.statistics, thresholds_of(claim), seen, ghosts, strict=True
    ):
        label = shown(str(statistic), 80) if len(seen) > 1 else ""
        yield Plot(label=label, bar=bar_of(statistic, ends, estimate, around, ghost))


def _ghosts(
    result: HypothesisResult, before: HypothesisResult | None, n_parts: int
) -> Sequence[Ghost | None]:
    """Return what each statistic was before: in an earlier run, or 0 for a change from the baseline."""
    if is_change(result):
        return [Ghost(estimate=0.0, interval=None, name="the baseline")]
    nothing = [None] * n_parts
    if before is None or before.decision is None or before.claim != result.claim:
        return nothing
    old = before.decision
    seen = [(part.estimate, part.interval) for part in old.parts] or [
        (old.evidence.estimate, old.evidence.interval)
    ]
    if len(seen) != n_parts:
        return nothing
    return [
        None if estimate is None else Ghost(estimate=estimate, interval=around, name="before")
        for estimate, around in seen
    ]


def sight_of(trial: TrialRecord, result: HypothesisResult) -> Sight:
    """Return a trial as it is shown without scripts."""
    ended = result.outcome is Outcome.ERROR and trial.kind is not OutcomeKind.INVALID
    return Sight(
        title=_title(trial),
        outcome=shown(trial.detail if ended else outcome_text(trial, result.truth), _IN_FULL),
        location=shown(trial.location, 400),
        messages=tuple(messages_of(trial, _IN_FULL)),
    )


def _title(trial: TrialRecord) -> str:
    parts = [f"trial {trial.index}"]
    if trial.case_id:
        parts.append(f"case {inline(trial.case_id, 80)}")
    if trial.arm:
        parts.append(f"arm {inline(trial.arm, 80)}")
    return " · ".join([*parts, f"repeat {trial.repeat}", f"seed {trial.seed}"])
