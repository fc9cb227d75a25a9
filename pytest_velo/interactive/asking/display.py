"""How replies are shown: as lines of text, and as HTML that runs nothing."""

from __future__ import annotations

import shutil
import sys
from html import escape

from pytest_velo.interactive.asking.answers import Answers, Group
from pytest_velo.interactive.asking.inquiry import fields_of
from pytest_velo.report.lines import Line, Style, as_text, fit_lines
from pytest_velo.report.numbers import count, dollars, duration
from pytest_velo.report.text import display, inline, shorten, visible

MOST_GROUPS = 20
_TEXT_LIMIT = 600  # characters of a reply; the whole is in `replies.texts`
_WIDTH = 100


def answers_text(replies: Answers) -> str:
    """Return replies for a terminal."""
    width = min(shutil.get_terminal_size((_WIDTH, 24)).columns, _WIDTH)
    return as_text(fit_lines(all_lines(replies, width), getattr(sys.stdout, "encoding", None) or "utf-8"))


def all_lines(replies: Answers, width: int) -> list[Line]:
    """Return what is alike, by model and by case, and what it took."""
    lines: list[Line] = []
    for model, of_model in replies.by_model.items():
        lines.append(Line(heading(model, of_model), Style.BOLD))
        lines += answers_lines(of_model, width)
    return [*lines, *closing_lines(replies, width)]


def heading(model: str, replies: Answers) -> str:
    """Name a model, and count its replies."""
    n_invalid = len(replies.invalid)
    beside = f", {n_invalid} invalid" if n_invalid else ""
    return f"{inline(model)}: {count(len(replies.answers), 'reply', 'replies')}{beside}"


def answers_lines(replies: Answers, width: int) -> list[Line]:
    """Return the groups of one model's answers, under the names of the cases if there are any."""
    return [line for block in case_blocks(replies, width) for line in block]


def case_blocks(replies: Answers, width: int) -> list[list[Line]]:
    """Return the groups of one model's answers about each case, or all of them without cases."""
    blocks: list[list[Line]] = []
    for case_id, of_case in replies.by_case.items():
        head = [Line("  " + inline(case_text(of_case), width - 2), Style.DIM)] if case_id else []
        blocks.append([*head, *group_lines(of_case.groups, len(of_case.answers), width)])
    return blocks


def case_text(replies: Answers) -> str:
    """Name the case that replies are about, with what is in it."""
    answer = replies.answers[0]
    fields = fields_of(answer.case)
    shown = ", ".join(f"{name}={value!r}" for name, value in fields.items() if name != "id")
    return f"case {answer.case_id}: {shown}"


def group_lines(groups: list[Group], n: int, width: int) -> list[Line]:
    """Return groups, each with how many of `n` answers it has."""
    digits = len(str(n))
    lines: list[Line] = []
    said = ""
    for group in groups[:MOST_GROUPS]:
        style = Style.WARN if group.invalid else Style.PLAIN
        if group.invalid != said:
            said = group.invalid
            lines += [Line("  " + piece, style) for piece in display(f"invalid: {said}", width - 2)]
        head = f"  {group.n:>{digits}} of {n}  "
        first, *others = display(text_of(group), max(width - len(head), 20), limit=_TEXT_LIMIT)
        lines.append(Line(head + first, style))
        lines += [Line(" " * len(head) + other, style) for other in others]
    if len(groups) > MOST_GROUPS:
        rest = groups[MOST_GROUPS:]
        n_rest = sum(group.n for group in rest)
        lines.append(Line(f"  and {len(rest)} more ways to answer, in {count(n_rest, 'reply', 'replies')}"))
    return lines


def text_of(group: Group) -> str:
    """Return a group's text, or that there is none."""
    text = group.text.strip("\n") or "(no text)"
    return f"[refused] {text}" if group.refused else text


def closing_lines(replies: Answers, width: int) -> list[Line]:
    """Return what the replies took, and what the reader should know of them."""
    notices = (f"note: {notice}" for notice in replies.notices)
    wrapped = (Line(piece, Style.WARN) for notice in notices for piece in display(notice, width))
    return [Line(facts(replies), Style.DIM), *wrapped]


def facts(replies: Answers) -> str:
    """Say what replies took: calls, dollars, seconds."""
    n_came = sum(answer.reply is not None for answer in replies.answers)
    n_made = n_came - replies.n_cached
    if n_came and not n_made:
        return "all from the cache: no call, no cost"
    cached = f" and {replies.n_cached} from the cache" if replies.n_cached else ""
    calls = f"{count(n_made, 'call')}{cached}"
    return f"{calls} · {dollars(replies.cost_usd)} · {duration(replies.duration_s)}"


_CELL = "padding:.2em .8em;text-align:left;vertical-align:top"
_PRE = "margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font:inherit"


def answers_html(replies: Answers) -> str:
    """Return replies as an HTML fragment: text nodes only, no script, no address."""
    parts = ["<div>"]
    for model, of_model in replies.by_model.items():
        parts.append(f"<p><b>{_safe(heading(model, of_model))}</b></p>")
        for case_id, of_case in of_model.by_case.items():
            parts.append(f"<p>{_safe(shorten(case_text(of_case), _TEXT_LIMIT))}</p>" if case_id else "")
            parts.append(_table(of_case.groups, len(of_case.answers)))
    parts += [f"<p><small>{_safe(line.text)}</small></p>" for line in closing_lines(replies, 1_000)]
    return "".join([*parts, "</div>"])


def _table(groups: list[Group], n: int) -> str:
    rows = "".join(_row(group, n) for group in groups[:MOST_GROUPS])
    rest = len(groups) - MOST_GROUPS
    more = f'<tr><td></td><td style="{_CELL}">and {rest} more ways to answer</td></tr>' if rest > 0 else ""
    return f"<table>{rows}{more}</table>"


def _row(group: Group, n: int) -> str:
    invalid = f"<p><i>invalid: {_safe(group.invalid)}</i></p>" if group.invalid else ""
    text = _safe(shorten(text_of(group), 10 * _TEXT_LIMIT))
    return (
        f'<tr><td style="{_CELL};white-space:nowrap">{group.n} of {n}</td>'
        f'<td style="{_CELL}">{invalid}<pre style="{_PRE}">{text}</pre></td></tr>'
    )


def _safe(text: str) -> str:
    return escape(visible(text))
