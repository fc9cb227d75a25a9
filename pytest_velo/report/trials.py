"""Trials in full: the messages, how the reply ended, and what the body made of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, assert_never

from pytest_velo.media import identified, shown
from pytest_velo.records import Call, HypothesisResult, JsonObject, Outcome, OutcomeKind, Reply, TrialRecord
from pytest_velo.report.document import invalid_trials, shown_trials, telling_turns
from pytest_velo.report.lines import Line, Style, block, paragraph
from pytest_velo.report.numbers import count
from pytest_velo.report.text import inline
from pytest_velo.verdicts import PairCounts

# Characters of one message that are shown, by verbosity; from 2 on, all.
_LIMITS = {0: 2_000, 1: 20_000}


def trials_lines(result: HypothesisResult, show: int, verbosity: int, width: int) -> Iterator[Line]:
    """Show up to `show` trials (or whole pairs) against the claim, and invalid ones, with all messages.

    Of an error, show the trial that ended it.

    Args:
        result: With the trials that `document.shown_trials` chooses from.
        show: Number of trials of each kind, >= 0.
        verbosity: 0 cuts messages at 2,000 characters, 1 at 20,000, 2 shows them whole.
        width: Columns of the terminal, at least 40.
    """
    if result.outcome is Outcome.ERROR:
        for trial in shown_trials(result, show):
            yield from _titled("the trial that ended it", width)
            yield from trial_lines(trial, verbosity, width, has_outcome=False)
        return
    turns = telling_turns(result)[:show]
    pairs = None if result.decision is None else result.decision.evidence.pairs
    if turns:
        n_kept = len(result.telling) // len(turns[0])  # the others' trials are in the record only
        if pairs is not None:
            title = f"pairs, those that differ first{_of(len(turns), n_kept, pairs.n)}"
        else:
            total = len(turns) if result.decision is None else result.decision.evidence.n_against
            title = f"trials against the claim{_of(len(turns), n_kept, total)}"
        yield from _titled(title, width)
    for turn in turns:
        yield from _turn_lines(turn, pairs, verbosity, width)
    if invalid := invalid_trials(result, show):
        total = len(invalid) if result.decision is None else result.decision.evidence.n_invalid
        yield from _titled(f"invalid trials{_of(len(invalid), total, total)}", width)
    for trial in invalid:
        yield from trial_lines(trial, verbosity, width, has_outcome=True)


def _titled(title: str, width: int) -> Iterator[Line]:
    yield Line("")
    yield from paragraph(title, Style.BOLD, width)


def _of(n_shown: int, n_kept: int, total: int) -> str:
    """Say how many of all are shown, and which option shows more; at most `n_kept` can be."""
    if n_shown >= total:
        return ""
    kept = max(min(n_kept, total), n_shown)
    more = f"; --velo-show={kept} shows {'all' if kept >= total else kept}" if kept > n_shown else ""
    return f" (first {n_shown} of {total:,}{more})"


def _turn_lines(
    turn: Sequence[TrialRecord], pairs: PairCounts | None, verbosity: int, width: int
) -> Iterator[Line]:
    """Show one trial, or the arms of one pair below what came out of each."""
    if len(turn) > 1:
        outcomes = ", ".join(f"{inline(trial.arm, 40)} {_value(trial)}" for trial in _arms_first(turn, pairs))
        place = f"case {inline(turn[0].case_id, 40)}" if turn[0].case_id else "pair"
        yield Line("")
        yield Line(inline(f"  {place} · repeat {turn[0].repeat} · {outcomes}", width), Style.BOLD)
    for trial in _arms_first(turn, pairs):
        yield from trial_lines(trial, verbosity, width, has_outcome=True)


def _arms_first(turn: Sequence[TrialRecord], pairs: PairCounts | None) -> list[TrialRecord]:
    """Return a turn's trials in the order of the difference, further arms after them."""
    order = () if pairs is None else (pairs.first, pairs.second)
    return sorted(turn, key=lambda trial: order.index(trial.arm) if trial.arm in order else len(order))


def trial_lines(trial: TrialRecord, verbosity: int, width: int, *, has_outcome: bool) -> Iterator[Line]:
    """Show one trial: its place, the calls with their messages, the notes, the outcome.

    All of its texts are untrusted. `has_outcome` is False for a trial that ended its hypothesis as an error.
    """
    head = [f"trial {trial.index}"]
    if trial.case_id:
        head.append(f"case {inline(trial.case_id, 40)}")
    if trial.arm:
        head.append(f"arm {inline(trial.arm, 40)}")
    head += [f"repeat {trial.repeat}", f"seed {trial.seed}"]
    yield Line("")
    yield Line(inline("  " + " · ".join(head), width))
    limit = _LIMITS.get(verbosity)
    for number, call in enumerate(trial.calls):
        yield from _call_lines(call, trial.calls[:number], limit, width)
        yield from block("", " · ".join(reply_facts(call, number, trial)), width, Style.DIM, indent=4)
    for note in trial.notes:
        yield from block("note", note, width, limit=limit, indent=4)
    if has_outcome:
        yield from _outcome_lines(trial, width, limit)
    elif trial.detail:  # an error has no outcome, and the trial was not invalid
        yield from block("error", trial.detail, width, Style.BOLD, limit=limit, indent=4)


def _value(trial: TrialRecord) -> str:
    """Return a trial's outcome in words."""
    match trial.kind:
        case OutcomeKind.ONE:
            return "1"
        case OutcomeKind.ZERO:
            return "0"
        case OutcomeKind.VALUE:
            return ", ".join(f"{number:g}" for number in trial.values.values())
        case OutcomeKind.INVALID:
            return "invalid"
    assert_never(trial.kind)


def outcome_text(trial: TrialRecord) -> str:
    """Return a trial's outcome, by name if there are names, and why."""
    value = _value(trial)
    if set(trial.values) - {""}:
        named = ", ".join(f"{name}={number:g}" for name, number in trial.values.items())
        value = named if trial.kind is OutcomeKind.VALUE else f"{value} ({named})"
    return f"{value}: {trial.detail}" if trial.detail else value


def _outcome_lines(trial: TrialRecord, width: int, limit: int | None) -> Iterator[Line]:
    yield from block("outcome", outcome_text(trial), width, Style.BOLD, limit=limit, indent=4)
    if trial.location:
        yield from block("at", trial.location, width, indent=4)


def _call_lines(call: Call, earlier: Sequence[Call], limit: int | None, width: int) -> Iterator[Line]:
    """Show what one call adds."""
    for label, text, style in said_in(call, earlier):
        yield from block(label, text, width, style, limit=limit, indent=4)


class Said(NamedTuple):
    """One thing said in a call: who or what says it, and the text, which is untrusted like the label."""

    label: str
    text: str
    style: Style = Style.PLAIN


def said_in(call: Call, earlier: Sequence[Call]) -> Iterator[Said]:
    """Yield what is new in one call's messages, then the reply, under the part that the model plays."""
    reply = call.reply
    speaker = call.speaker or "assistant"
    tools = _tool_names(call.request.messages)
    for message in _new_messages(call, earlier):
        begun = bool(call.request.prefill) and message is call.request.messages[-1]
        role = "prefill" if begun else str(message.get("role", "?"))
        text = _content_text(message.get("content"))
        if role == "tool" and (name := tools.get(str(message.get("tool_call_id")))):
            text = f"{name}: {text}"
        if text:
            yield Said(speaker if role == "assistant" else role, text)
        for tool in message.get("tool_calls") or ():
            yield Said("tool call", _tool_text(tool))
    if reply.reasoning:
        yield Said("reasoning", reply.reasoning, Style.DIM)
    if reply.text or not reply.tool_calls:
        yield Said(speaker, reply.text or "(empty)")
    for asked in reply.tool_calls:
        arguments = asked.arguments_text or json.dumps(asked.arguments, default=str)
        yield Said("tool call", f"{asked.name}({arguments})")


def _tool_names(messages: Iterable[JsonObject]) -> dict[str, str]:
    """Return the names of the tools called in a conversation, by the ids of the calls."""
    calls = [call for message in messages for call in message.get("tool_calls") or ()]
    named = (call for call in calls if isinstance(call, Mapping) and call.get("id"))
    return {str(call["id"]): str(call.get("name")) for call in named}


def reply_facts(call: Call, number: int, trial: TrialRecord) -> Iterator[str]:
    """Say what a reply's text does not: which call it answers, of which model, and how it ended."""
    reply = call.reply
    if len(trial.calls) > 1:
        yield f"call {number + 1} of {len(trial.calls)}"
    if len({each.model for each in trial.calls}) > 1:
        yield f"to {inline(call.model, 60)}"
    yield f"finish: {reply.finish_reason}"
    if reply.refused:
        yield "refused"
    if reply.usage.output_tokens is not None:
        yield count(reply.usage.output_tokens, "token")
    yield f"served by {reply.model_served or 'an unnamed model'}"
    if reply.not_honoured:
        yield f"not honoured: {', '.join(reply.not_honoured)}"
    if reply.cached:
        yield f"drawn {call.drawn_at[:10]}"


def _new_messages(call: Call, earlier: Sequence[Call]) -> tuple[JsonObject, ...]:
    """Return the messages that no earlier call showed: a chat resends its past each time."""
    messages = call.request.messages
    for before in reversed(earlier):
        past = before.request.messages
        if not past or messages[: len(past)] != past:
            continue
        news = messages[len(past) :]
        if news and _is_reply(news[0], before.reply):
            return news[1:]
        return news
    return messages


def _is_reply(message: JsonObject, reply: Reply) -> bool:
    return message.get("role") == "assistant" and _content_text(message.get("content")) == reply.text


def _content_text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, Iterable):
        return "\n".join(map(_part_text, content))
    return str(content)


def _part_text(part: Any) -> str:
    if not isinstance(part, Mapping):
        return str(part)
    if "text" in part:
        return str(part["text"])
    return shown({**part, **identified(part)})


def _tool_text(tool: Any) -> str:
    if not isinstance(tool, Mapping):
        return str(tool)
    arguments = tool.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, default=str)
    return f"{tool.get('name')}({text})"
