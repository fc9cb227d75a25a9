"""The plain records that modules exchange: requests, replies, draws, trials.

Messages are JSON objects in one neutral shape, whatever the provider:

* ``{"role": "system" | "user" | "assistant", "content": str | [part, ...]}`` with parts
  ``{"type": "text", "text": ...}`` and ``{"type": "image", "media_type": ..., "data": base64}``;
* a sound is such a part of type ``audio``. `pytest_velo.image` and `pytest_velo.audio` make parts that are
  named by their digest: ``{"type", "media_type", "sha256", "n_bytes"}``, with the bytes beside them;
* an assistant message may carry ``"tool_calls": [{"id", "name", "arguments"}]`` and ``"blocks"``: the
  provider's own content blocks (thinking), sent back as they came;
* ``{"role": "tool", "tool_call_id": ..., "content": str}`` answers a tool call;
* any other field of a message, a part, a tool call or a tool is sent as it is where the wire has a place for
  it, and refused where it has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pytest_velo.found import Found as Found
from pytest_velo.found import Level as Level
from pytest_velo.logprobs import TokenLogprob as TokenLogprob
from pytest_velo.replies import FinishReason as FinishReason
from pytest_velo.replies import JsonObject as JsonObject
from pytest_velo.replies import Original as Original
from pytest_velo.replies import Reply as Reply
from pytest_velo.replies import ToolCall as ToolCall
from pytest_velo.replies import ToolResult as ToolResult
from pytest_velo.replies import Usage as Usage
from pytest_velo.verdicts import Decision, Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to a model, in neutral form: exactly what determines what is sent.

    Attributes:
        api: The wire family: `openai-chat`, `openai-responses`, `anthropic`, `local`, `scripted`.
        endpoint: The endpoint's identity: its declared name and weights id, else host:port.
        model: The model's name as the endpoint knows it.
        messages: Neutral messages (module docstring), the system prompt first as a message.
        parameters: Only what the caller set: temperature, top_p, max_tokens, effort, stop, tools
            (`[{"name", "description", "parameters": JSON schema}]`), schema (a JSON schema), logprobs
            (int: how many alternatives), and any provider parameter under its own name.
        path: Where an SDK's client posted it; its messages and parameters are then that API's own, as they
            were sent. Empty for what `model` is asked.
    """

    api: str
    endpoint: str
    model: str
    messages: tuple[JsonObject, ...]
    parameters: JsonObject = field(default_factory=dict)
    path: str = ""

    @property
    def prefill(self) -> str:
        """The text of a last message of the model's own, which the reply continues; empty without one.

        >>> begun = {"role": "assistant", "content": "It is"}
        >>> Request(api="a", endpoint="e", model="m", messages=(begun,)).prefill
        'It is'
        """
        last = self.messages[-1] if self.messages else {}
        if last.get("role") != "assistant" or last.get("tool_calls"):
            return ""
        content = last.get("content") or ""
        if isinstance(content, str):
            return content
        texts = (part.get("text") for part in content if part.get("type") == "text")
        return "".join(text for text in texts if isinstance(text, str))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Which draw of a request: a case, its repeat and the ordinal of this request inside the trial.

    Two cases that send the same request have different slots; two arms of one case share them. `label`
    distinguishes draws whose order inside the trial depends on timing (`slot=` of a model call).
    """

    case: str
    repeat: int
    ordinal: int
    label: str = ""

    def __str__(self) -> str:
        name = f"{self.case}:{self.repeat}:{self.ordinal}"
        return f"{name}:{self.label}" if self.label else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a draw is stored: what was sent, under which root seed and stream, and which slot."""

    key: str
    seed: int
    stream: str
    slot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One stored reply. `drawn_at` is ISO 8601 in UTC."""

    address: Address
    reply: Reply
    drawn_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One model call of a trial's transcript.

    `speaker` is the part its model plays, if it was given one; `may_be_cut` says that `allow_cut=` was given.
    """

    model: str
    request: Request
    reply: Reply
    address: Address
    drawn_at: str
    speaker: str = ""
    may_be_cut: bool = False


class OutcomeKind(StrEnum):
    """The outcome of one trial."""

    ONE = "one"
    ZERO = "zero"
    VALUE = "value"
    INVALID = "invalid"


class Invalid(StrEnum):
    """How invalid trials enter the evidence."""

    BOUND = "bound"
    EXCLUDE = "exclude"
    AGAINST = "against"


class UnitKind(StrEnum):
    """What is counted: a trial, one in each arm, the mean of a case or a group, a listed outcome, a label."""

    TRIAL = "trial"
    PAIR = "pair"
    ROUND = "round"
    CASE = "case"
    GROUP = "group"
    OUTCOME = "outcome"
    LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stubbed:
    """What a stub stood in for: a verdict that rests on one says so.

    Attributes:
        what: `model`, `judge`, `cases`, the part a model plays, a fixture's name, or `value`.
        why: The reason that its author gave.
        where: `file:line` of the call that made it.
    """

    what: str
    why: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """One finished trial.

    Attributes:
        index: Position in submission order, from 0.
        arm: The arm it belongs to; empty without arms.
        unit: Position of its unit of evidence, from 0; None if an older record does not tell.
        unit_size: Trials of that unit, of all arms, from 1; None likewise.
        kind: The outcome of the claim's statistic: one, zero, a score (`value`) or invalid.
        values: Every outcome the body returned by name; an unnamed one is under `""`.
        detail: Why: the assertion's message, or why the trial is invalid.
        location: `file:line` of the assertion that failed, if one did.
        target: What the case's field `target` says the answer is, one text or several; empty without one.
        rung: The rung of the ladder that it was sampled on; empty without one.
        case: The case as the body got it; in a record that was read, its fields by name, or the value that it
            is. None without cases, and in older records.
        stubs: What stood in for something while it ran; not written with the trial, but with its hypothesis.
    """

    index: int
    case_id: str
    repeat: int
    seed: int
    kind: OutcomeKind
    values: Mapping[str, float]
    arm: str = ""
    unit: int | None = None
    unit_size: int | None = None
    detail: str = ""
    location: str = ""
    rung: str = ""
    target: str | tuple[str, ...] = ""
    case: Any = None
    notes: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    stubs: tuple[Stubbed, ...] = ()

    @property
    def cost_usd(self) -> float | None:
        """Dollars of the calls that were made, not read; None if any is unknown."""
        return add_costs(call.reply.cost_usd for call in self.calls if not call.reply.cached)


class Standing(StrEnum):
    """How what a hypothesis assumes stands.

    `unsampled`: it was not sampled, because of what it assumes itself. `waiting`: it had not ended when it
    was needed. `unknown`: it does not run here, and no record stands for it.
    """

    SUPPORTED = "supported"
    REFUTED = "refuted"
    UNDECIDED = "undecided"
    ERROR = "error"
    UNSAMPLED = "unsampled"
    WAITING = "waiting"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """What a hypothesis assumes.

    Attributes:
        node_id: The node id of the assumed test.
        standing: How it stood when it was needed.
        told: The same in words that follow its name: `is refuted`.
    """

    node_id: str
    standing: Standing
    told: str


class Outcome(StrEnum):
    """What the terminal, the exit code and the run record say about one hypothesis."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    MEASURED = "measured"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The hypotheses that share one's error rates, and the effect on its verdict.

    Attributes:
        name: The function's node id, or the name given in the marks.
        size: Hypotheses in the family, from 1, fixed at collection.
        alpha, beta: P(any wrong supported) and P(any wrong refuted) in the family, at most; each member is
            sampled at a share of `1 / size` of it.
        procedure: `holm`, or `ebh`, whose alpha and beta are the expected shares of wrong verdicts.
        p_support, p_refute: Its adjusted p-values in [0, 1]; None before the end of the session, and without
            evidence.
        if_supported, if_refuted: The inequality each verdict would certify.
        by_steps: The verdict came at the end of the session, by the step-down.
    """

    name: str
    size: int
    alpha: float
    beta: float
    p_support: float | None = None
    p_refute: float | None = None
    if_supported: str = ""
    if_refuted: str = ""
    by_steps: bool = False
    procedure: str = "holm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """What attempts are made at, known by its test and by its sentence.

    Who renames the test or edits the sentence keeps the history, as long as one of both stays.

    Attributes:
        test: The test's id without its model and its rung.
        sentence: The belief in its author's words, with the test's parameters; empty if it has no words.
    """

    test: str
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Which attempt at its belief a result is, by the ledger when it was made.

    Attributes:
        number: From 1, in the order in which attempts were made.
        n_prompts, n_bodies, n_models, n_rungs: How many different ones the attempts so far had, this one too.
        since: The day of the first one, ISO 8601.
        fresh: The verdict on each set of draws for the same claim, prompt, body and model, this one's last.
        n_still: Attempts in a row, with this one, that did not move the belief.
        untried: What was not tried yet, the cheapest first, where a belief does not move; empty otherwise.
        alpha: P(any attempt wrongly supported), which all attempts share; None if each has its own.
    """

    number: int
    n_prompts: int = 0
    n_bodies: int = 0
    n_models: int = 0
    n_rungs: int = 0
    since: str = ""
    fresh: tuple[str, ...] = ()
    n_still: int = 0
    untried: tuple[str, ...] = ()
    alpha: float | None = None


class Said(StrEnum):
    """When a prediction was made: before the data, after them, or on draws that are older than it."""

    BEFORE = "before"
    AFTER = "after"
    ON_OLDER_DRAWS = "on_older_draws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the author predicted.

    Attributes:
        p: The chance that the claim is supported, in (0, 1).
        said: When. Only what was said before the data is scored.
        at: ISO 8601 in UTC.
        first: What was said of this design before the data, if that is another number; else None.
    """

    p: float
    said: Said
    at: str = ""
    first: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RungResult:
    """What became of one rung of a ladder.

    Attributes:
        name: The rung's.
        outcome: None for a rung that was skipped, or not reached.
        why: Why it was skipped, not reached, or is an error or undecided; empty otherwise.
        alpha: Its share of the ladder's, set before anything was sampled; None if it was skipped.
        model: Who was asked; None if nobody was.
        decision: As of a hypothesis.
        telling: As of a hypothesis.
        n_calls, n_cached, cost_usd: As of a hypothesis, of this rung alone.
        notices: What the reader of its verdict should know.
        recorded_as: The name under which its trials are recorded; empty if they are those of the test.
    """

    name: str
    outcome: Outcome | None = None
    why: str = ""
    alpha: float | None = None
    model: str | None = None
    decision: Decision | None = None
    telling: tuple[int, ...] = ()
    n_calls: int = 0
    n_cached: int = 0
    cost_usd: float | None = 0.0
    notices: tuple[str, ...] = ()
    recorded_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderResult:
    """A ladder that was climbed.

    Attributes:
        alpha: P(any rung wrongly supported), at most.
        rungs: All of them, in the order of the climb, those behind it and the skipped ones included.
        at: The place of the rung whose evidence is the hypothesis's; None if no rung has any.
    """

    alpha: float
    rungs: tuple[RungResult, ...]
    at: int | None = None


def rung_id(node_id: str, rung: str) -> str:
    """Return under which name a rung's trials are recorded.

    >>> rung_id("test_it.py::test_h", "few_shot(k=4)"), rung_id("test_it.py::test_h", "")
    ('test_it.py::test_h on the rung few_shot(k=4)', 'test_it.py::test_h')
    """
    return f"{node_id} on the rung {rung}" if rung else node_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What makes a result one of the profile `confirm`.

    Attributes:
        hash: Of the frozen claim: claim, design, cases, body, judge, seed.
        frozen_at: ISO 8601, UTC, before the first draw; empty where this machine does not know.
        number: Which confirmation of its test this is, from 1.
        earlier: What the earlier ones came to, the oldest first.
        doubt: Why it confirms nothing; empty if it does.
    """

    hash: str
    frozen_at: str
    number: int = 1
    earlier: tuple[str, ...] = ()
    doubt: str = ""


class RepeatKind(StrEnum):
    """How a recorded run is repeated: on another model, or on fresh draws."""

    RERUN = "rerun"
    REPLICATE = "replicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """The recorded run that a run repeats.

    Attributes:
        run: Its id.
        on: The model that is asked instead; empty for the same ones.
        number: Which replication it is, from 1; 0 for a rerun.
    """

    kind: RepeatKind
    run: str
    on: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """A hypothesis on fresh draws, beside the run that it repeats.

    Attributes:
        outcome: What the first run said.
        winners: Who won a ranking in the first run; empty of other claims, and while it was open.
        estimate, interval: What it saw.
        n_runs: How many runs were multiplied, this one and the first included; 0 if none may be.
        combined: The verdict by all of them, at Ville's threshold; empty if none may be multiplied.
        log_e_support, log_e_refute: The logs of the products; None likewise.
        why_not: Why they are not multiplied; empty if they are.
        difference: This estimate minus the first one; None without either.
        difference_interval: At least at its level, by the union bound; None without either interval.
        n_labels: Labels that the first run's numbers are of; None if its claim was not about labels, and in
            older records.
    """

    outcome: Outcome
    winners: tuple[str, ...] = ()
    estimate: float | None = None
    interval: Interval | None = None
    n_runs: int = 0
    combined: str = ""
    log_e_support: float | None = None
    log_e_refute: float | None = None
    why_not: str = ""
    difference: float | None = None
    difference_interval: Interval | None = None
    n_labels: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CovariateSeen:
    """What a covariate was expected to say about the outcomes, and what it said.

    Attributes:
        name: Where it comes from: a field, a function, an earlier run, the trials before.
        used: The verdict uses it. That was settled before the sampling.
        expected: Its correlation with the outcomes as it was expected, without a sign; `declared` by its
            author, or assumed.
        correlation: As it was observed; None of few units, or where one of both never varied.
        adjusted: The mean outcome at the covariate's mean over the list, in the statistic's own units; None
            likewise.
        n_saved: Units that it saved (below 0: cost), as an estimate from the observed correlation; None
            without a verdict.
        low, high, variance: The range and the variance of the centres over the list.
        centres: How far the number of each case that came up lies from the mean over the list, in widths of
            its range, by the id of the case. Of a learned one, as it was foreseen at the end.
        kinds: The kind of each case that came up, by its id, if it was learned; else None.
        shares: What share of the list each kind is that came up; None likewise.
    """

    name: str
    used: bool
    expected: float
    declared: bool
    correlation: float | None
    adjusted: float | None
    n_saved: int | None
    low: float
    high: float
    variance: float
    centres: Mapping[str, float]
    kinds: Mapping[str, str] | None = None
    shares: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthSeen:
    """What people said of a few trials, beside what was judged of all.

    Attributes:
        source: The file of the labels, as the test names it.
        every: One trial in so many is labelled.
        by: Whose labels count; empty for those of all.
        n_judged: Trials of complete blocks: those that were judged.
        n_labelled: Labels that count, skipped ones included; `n_skipped` of them cannot say.
        n_waiting: Trials that are chosen and have no label yet.
        n_changed: Of these, trials that have a label of something else that was said.
        judged: The mean of what was judged, in the statistic's own units; None without any.
        judged_interval: Anytime-valid, about what is judged and not about the truth.
        correlation: Of labels and judged outcomes; None of few labels, or where one of both never varied.
        agreement: Share of the labels that are what was judged, of 0/1 outcomes that have both; None without
            any, and for scores.
        n_alone: Labels that would have decided it without any judge, as an estimate; None without a verdict.
        labels: What was said of the trials, by their indices, in the statistic's own units; None for skipped.
    """

    source: str
    every: int
    by: str = ""
    n_judged: int
    n_labelled: int
    n_skipped: int
    n_waiting: int
    n_changed: int
    judged: float | None
    judged_interval: Interval | None
    correlation: float | None
    agreement: float | None
    n_alone: int | None
    labels: Mapping[int, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HypothesisResult:
    """One finished hypothesis: everything a report may say about it.

    Attributes:
        node_id: The test's node id.
        belief: The claim in words: the docstring's first line, else the test's name.
        claim: The claim as written, e.g. `rate >= 0.3`.
        scope: What the claim is about: `this body as it stands`, `over these 12 cases`,
            `beyond these cases`, `beyond these cases (unit: group)`.
        max_trials: The most units that were asked for; `max_units` of them are there, where cases run out
            before. None if an older record does not tell.
        max_trials_marked: The mark sets `max_trials`, so no option raises it.
        unit: What is counted; None if an older record does not tell.
        invalid: How invalid trials entered the evidence; None likewise.
        model: The model id; None when the hypothesis calls none.
        decision: None for an error or a skip before any unit was complete.
        problem: Why it is an error, a skip or undecided; empty otherwise.
        alpha, beta, margin: Error rates in (0, 1) it was sampled at and the margin of the claim.
        family: The hypotheses it shares its error rates with; None if it is judged alone.
        trials: The trials of the stopping prefix, in submission order.
        n_calls: Calls of all trials that ran, those beyond the prefix included; `n_cached` were read.
        cost_usd: Dollars spent now; None when a price is unknown.
        n_unpriced: Calls made now whose price is unknown; None if an older record does not tell.
        priced_usd: Dollars of the others made now; None likewise.
        usd_per_turn: Mean dollars of the calls of a trial, or of a pair with all its arms, whether made now
            or read; None if a price is unknown.
        usd_by_arm: Dollars that the trials of each arm of a ranking took now; None for an unknown price.
            Empty for other claims, and in older records.
        outside: How many connections its bodies opened past the sampler, by address: calls that nobody sees.
        n_in_flight_max: Most trials in flight at once.
        oldest_draw: ISO 8601 UTC of the oldest draw used; None without draws.
        models_served: The model ids the providers reported, sorted.
        n_retries: Attempts beyond the first; None where hypotheses were sampled together, and only the
            session's total is known.
        facts: One-line facts that belong to the verdict: the baseline, the drift since the first one.
        notices: One-line warnings for the reader.
        found: What checks found, silenced ones too.
        rerun: The command that runs this hypothesis again.
        claim_hash: Identifies claim, design and case set, for the look log.
        body_digest: Of the body's source; empty if it has none, or if an older record does not tell.
        telling: Indices of trials against the claim, the most telling first, at most 100 of them: those
            on the wrong side of the threshold, e.g. the zeros for `rate >= 0.3` and the lowest scores for
            `mean(0, 10) >= 7`; of a difference, the trials of whole pairs, those that differ first.
            `n_against` of the evidence counts them all.
        attempt: Which attempt at its belief it is; None if nothing was sampled, or in an older record.
        prediction: What its author predicted; None without `predict=`.
        stubs: What stood in for something in its trials, each once, in the order of use; empty in older
            records.
        assumes: What it assumes, with how that stood; empty in older records.
        ladder: The rungs that were climbed, where evidence and trials are those of one of them, and calls
            and dollars those of all; None without a ladder.
        confirmation: The frozen claim; None outside of the profile `confirm`, and in older records.
        replication: What it replicates; None if it is no replication.
        n_earlier: Earlier attempts from which the scheduler knew what to expect; 0 in older records.
        covariate: What was known of each case; None without one, and in older records.
        truth: What people said of some trials, if the claim is about that; None if not, and in older records.
    """

    node_id: str
    belief: str
    claim: str
    scope: str
    outcome: Outcome
    unit: UnitKind | None = None
    invalid: Invalid | None = None
    model: str | None = None
    decision: Decision | None = None
    problem: str = ""
    alpha: float = 0.05
    beta: float = 0.05
    margin: float = 0.0
    family: Family | None = None
    max_trials: int = 200
    max_units: int | None = None
    max_trials_marked: bool = False
    seed: int = 0
    trials: tuple[TrialRecord, ...] = ()
    n_calls: int = 0
    n_cached: int = 0
    cost_usd: float | None = 0.0
    n_unpriced: int | None = None
    priced_usd: float | None = None
    usd_per_turn: float | None = None
    usd_by_arm: Mapping[str, float | None] = field(default_factory=dict)
    outside: Mapping[str, int] = field(default_factory=dict)
    n_in_flight_max: int = 0
    oldest_draw: str | None = None
    models_served: tuple[str, ...] = ()
    n_retries: int | None = 0
    duration_s: float = 0.0
    facts: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    found: tuple[Found, ...] = ()
    rerun: str = ""
    claim_hash: str = ""
    body_digest: str = ""
    telling: tuple[int, ...] = ()
    attempt: Attempt | None = None
    prediction: Prediction | None = None
    stubs: tuple[Stubbed, ...] = ()
    assumes: tuple[Assumed, ...] = ()
    ladder: LadderResult | None = None
    confirmation: Confirmation | None = None
    replication: Replication | None = None
    n_earlier: int = 0
    covariate: CovariateSeen | None = None
    truth: TruthSeen | None = None


def add_costs(costs: Any) -> float | None:
    """Add dollars; one unknown (None) makes the sum unknown.

    >>> add_costs([0.1, 0.2]) == 0.1 + 0.2, add_costs([0.1, None]), add_costs([])
    (True, None, 0.0)
    """
    total = 0.0
    for cost in costs:
        if cost is None:
            return None
        total += cost
    return total


def as_messages(prompt: str | Sequence[JsonObject], system: str | None = None) -> tuple[JsonObject, ...]:
    """Return neutral messages for a prompt string or a list of messages, the system prompt first.

    >>> [message["role"] for message in as_messages("Hi", "Be brief.")]
    ['system', 'user']
    >>> as_messages([{"role": "user", "content": "Hi"}]) == as_messages("Hi")
    True
    """
    head: tuple[JsonObject, ...] = () if system is None else ({"role": "system", "content": system},)
    body = (
        ({"role": "user", "content": prompt},) if isinstance(prompt, str) else tuple(dict(m) for m in prompt)
    )
    return head + body
