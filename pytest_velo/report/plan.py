"""The lines of `velo plan`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from pytest_velo.claims import Direction
from pytest_velo.records import UnitKind, add_costs
from pytest_velo.report.families import levels_text
from pytest_velo.report.lines import Line, Style, block
from pytest_velo.report.numbers import count, dollars, percent
from pytest_velo.report.plan_record import (
    CostOfFutility,
    HypothesisPlan,
    MeasuredRow,
    PlannedPart,
    PlannedRung,
    Row,
    Table,
)
from pytest_velo.report.stubs import declared_lines
from pytest_velo.report.text import columns, display, inline, pad

_GAP = "  "
_MARGIN = "  "


def plan_lines(plans: Sequence[HypothesisPlan], width: int = 100) -> list[Line]:
    """Return each plan, then what applies to all; sentences wrap at `width` columns, tables do not."""
    lines = [*_stubs(plans, width)]
    for plan in plans:
        lines += [
            Line(inline(plan.node_id), Style.BOLD),
            *_facts(plan, width),
            *_tables(plan, width),
            Line(""),
        ]
    for remark in dict.fromkeys(remark for plan in plans for remark in plan.remarks):
        lines += block("note", remark, width, Style.DIM, indent=0)
    return lines


def _stubs(plans: Sequence[HypothesisPlan], width: int) -> Iterator[Line]:
    """List what is made up, with the reasons, before anything else; nothing if nothing is."""
    told = [*declared_lines([(plan.node_id.split("::", 1)[-1], plan.stubs) for plan in plans])]
    if told:
        yield Line(f"{count(len(told), 'stub')}:", Style.BOLD)
        for text in told:
            yield from block("", text, width, indent=2)
        yield Line("")


def chance(probability: float, bound: float | None = None) -> str:
    """Format a probability: one decimal if exact, else whole percents.

    If `bound` is given, a small approximate probability is replaced by this bound on it.
    """
    if bound is not None:
        if probability <= bound:
            return f"≤{percent(bound)}"
        return ">99%" if probability > 0.99 else f"{probability:.0%}"
    if 0.0 < probability < 0.0005:
        return "<0.1%"
    if 0.9995 <= probability < 1.0:
        return ">99.9%"
    return f"{probability:.0%}" if probability in (0.0, 1.0) else f"{probability:.1%}"


def _facts(plan: HypothesisPlan, width: int) -> Iterator[Line]:
    for label, told in (*_subject_rows(plan), *_design_rows(plan)):
        yield from block(label, told, width)
    for part in plan.parts:
        yield from block("in reach", _reach(plan, part), width)
    if plan.power_told:
        yield from block("power", plan.power_told, width)
    yield from block("cost", _cost(plan) if not plan.rungs else _ladder_cost(plan), width)
    for at, rung in enumerate(plan.rungs, 1):
        yield from block(f"rung {at}", _rung(plan, rung), width)
    if plan.problem:
        yield from block("no plan", plan.problem, width, Style.WARN)


def _subject_rows(plan: HypothesisPlan) -> Iterator[tuple[str, str]]:
    """Say what is claimed, and of what."""
    yield "claim", plan.claim
    yield "about", plan.scope
    if plan.model is not None:
        yield "model", plan.model
    for assumed in plan.assumes:
        yield "assumes", assumed


def _design_rows(plan: HypothesisPlan) -> Iterator[tuple[str, str]]:
    """Say what is known and decided before the sampling, and whose share alpha and beta are."""
    if plan.unit_told:
        yield "unit", plan.unit_told
    if plan.spread_told:
        yield "spread", plan.spread_told
    if plan.covariate_told:
        yield "judge" if plan.unit == UnitKind.LABEL else "covariate", plan.covariate_told
    yield "design", _design(plan)
    if plan.family is not None:
        yield "levels", levels_text(plan.family)


def _design(plan: HypothesisPlan) -> str:
    few = "" if plan.max_units == plan.max_trials else f" (max_trials={plan.max_trials}: there are no more)"
    facts = [f"at most {_units(plan, plan.max_units)}{few}"]
    if plan.min_trials > 1:
        facts.append(f"at least {plan.min_trials}")
    facts += [f"alpha {percent(plan.alpha)}"]
    if not plan.measured:
        facts += [f"beta {percent(plan.beta)}", f"margin {plan.margin:g}"]
    return " · ".join(facts)


def _reach(plan: HypothesisPlan, part: PlannedPart) -> str:
    """Say which verdicts a claim can reach, and how soon at best."""
    ways = [("supported", part.n_support), ("refuted", part.n_refute)]
    told = ", ".join(
        f"never {verdict}" if n is None else f"{verdict} after {_units(plan, n)}" for verdict, n in ways
    )
    return f"at the earliest {told}" + (f": {part.claim}" if len(plan.parts) > 1 else "")


def _cost(plan: HypothesisPlan) -> str:
    price = plan.price
    calls, usd = plan.calls(plan.max_units), plan.usd(plan.max_units)
    each = (
        "? calls" if price.calls is None else f"{price.calls:.3g} {'call' if price.calls == 1 else 'calls'}"
    )
    told = f"{each} and {dollars(price.usd)} a trial ({price.known_from})"
    if calls:  # so many in the mean: a trial may make more than another
        return f"{told}; about {calls:,.0f} calls and {dollars(usd)} in all"
    most = "? calls" if calls is None else "0 calls"
    return f"{told}; at most {most} and {dollars(usd)}"


def _rung(plan: HypothesisPlan, rung: PlannedRung) -> str:
    """Say at which level a rung is tested, and what it takes if it takes all trials."""
    if rung.alpha is None or rung.price is None:
        return f"{rung.name} · skipped: {rung.skip}"
    most = plan.trials_per_unit * plan.max_units
    calls, usd = rung.price.calls, rung.price.usd
    if calls is None:
        told = f"{most * rung.n_calls:,.0f} calls if a body asks once a trial"
    else:
        told = f"{most * calls:,.0f} calls"
    return (
        f"{rung.name} · alpha {percent(rung.alpha)} · about {told} and"
        f" {dollars(None if usd is None else usd * most)} in all"
        f" ({rung.price.known_from})"
    )


def _ladder_cost(plan: HypothesisPlan) -> str:
    """Say what a ladder takes if it takes all of its rungs, each up to its last unit."""
    prices = [rung.price for rung in plan.rungs if rung.price is not None]
    most = plan.trials_per_unit * plan.max_units
    each = add_costs(price.usd for price in prices)
    usd = None if each is None else most * each
    about = "about " if usd else ""
    return f"at most {count(len(prices), 'rung')}, one after another, {about}{dollars(usd)} for all"


def _units(plan: HypothesisPlan, n: int) -> str:
    return count(n, plan.unit)


def _tables(plan: HypothesisPlan, width: int) -> Iterator[Line]:
    """Show one table for each part of the claim, and in a sentence what other assumptions would change."""
    for part in plan.parts:
        table, *others = part.tables
        yield Line("")
        yield from _heading(part.claim if len(plan.parts) > 1 else "", table, width)
        yield from _grid(_head(plan, part.about), [_cells(plan, part, table, row) for row in table.rows])
        yield from _sentence(_power(part.direction, table), Style.BOLD, width)
        if part.futility is not None:
            yield from _sentence(_cost_of(plan, part.futility), Style.DIM, width)
        for other in others:
            told = f"if instead {other.assuming}: {_detected(part.direction, other)}"
            yield from _sentence(told, Style.DIM, width)
    if plan.measured:
        yield from _measured(plan, width)
    if plan.ranked:
        yield from _ranked(plan)


def _cost_of(plan: HypothesisPlan, futility: CostOfFutility) -> str:
    """Say what giving up costs: where a value is expected, there; else where it costs most."""
    where = (
        f"at {futility.truth:.4g}" if futility.expected else f"at {futility.truth:.4g}, where it costs most"
    )
    return (
        f"giving up below a {percent(futility.below)} chance of a verdict (--velo-futility): {where},"
        f" a verdict with a chance of {chance(futility.decided)} instead of"
        f" {chance(futility.decided_without)}, after {futility.mean_n:.1f} {plan.unit}s in the mean instead"
        f" of {futility.mean_n_without:.1f}"
    )


def _measured(plan: HypothesisPlan, width: int) -> Iterator[Line]:
    table, *others = plan.measured
    yield Line("")
    simulated = f"means of {count(table.n_runs, 'simulated run')} with fixed seeds"
    runs = simulated if table.n_runs else "means, computed exactly"
    told = f"{runs}, assuming that {table.assuming}" if table.assuming else runs
    yield from _sentence(told, Style.DIM, width)
    head = ["true value", f"{plan.unit}s", "half-width then", "measured by then", *_money_head(plan)]
    yield from _grid(head, [_measured_cells(plan, row) for row in table.rows])
    for other in others:
        longest = max(other.rows, key=lambda row: row.n)
        told = f"if instead {other.assuming}: at most about {longest.n:,.0f} {plan.unit}s"
        yield from _sentence(told, Style.DIM, width)


def _ranked(plan: HypothesisPlan) -> Iterator[Line]:
    """Say what finding the best takes, by how far it leads the others."""
    yield Line("")
    rows = [
        [f"{row.lead:.3g}", f"{row.settled:.0%}", f"{row.n_rounds:.0f}", f"{row.n_trials:,.0f}", *money]
        for row in plan.ranked
        for money in [_money(plan, row.n_trials / plan.trials_per_unit)]
    ]
    yield from _grid(["the best leads by", "found", "rounds", "trials of all", *_money_head(plan)], rows)


def _heading(claim: str, table: Table, width: int) -> Iterator[Line]:
    """Say which claim a table is about, and what it assumes."""
    told = [claim] if claim else []
    if table.assuming:
        how = "exact" if table.exact else "simulated" if table.simulated else "approximate"
        told.append(f"{how}, assuming that {table.assuming}")
    elif not table.exact:
        told.append("approximate")
    if told:
        yield from _sentence(": ".join(told), Style.DIM, width)


def _head(plan: HypothesisPlan, about: str) -> list[str]:
    return [f"true {about}", "supported", "refuted", "inconclusive", f"mean {plan.unit}s", *_money_head(plan)]


def _money_head(plan: HypothesisPlan) -> list[str]:
    """Name the money columns that are known and not free."""
    return (["calls"] if plan.price.calls is not None else []) + (["dollars"] if plan.price.usd else [])


def _money(plan: HypothesisPlan, n_units: float) -> list[str]:
    calls, usd = plan.calls(n_units), plan.usd(n_units)
    return ([] if calls is None else [f"{calls:,.0f}"]) + ([dollars(usd)] if plan.price.usd else [])


def _cells(plan: HypothesisPlan, part: PlannedPart, table: Table, row: Row) -> list[str]:
    law = row.law
    alpha, beta = (None, None) if table.exact else (part.alpha, part.beta)
    rest = max(0.0, 1.0 - law.supported - law.refuted)
    return [
        f"{law.truth:.4g}" + (f" ({row.note})" if row.note else ""),
        chance(law.supported, alpha),
        chance(law.refuted, beta),
        chance(rest) if table.exact else f"{rest:.0%}",
        f"{law.mean_n:.1f}" if table.exact else f"{law.mean_n:.0f}",
        *_money(plan, law.mean_n),
    ]


def _measured_cells(plan: HypothesisPlan, row: MeasuredRow) -> list[str]:
    ends = sorted({row.truth, row.mirrored})
    return [
        " or ".join(f"{end:.4g}" for end in ends),
        f"{row.n:.0f}",
        f"{row.halfwidth:.3g}",
        f"{row.measured:.0%}",
        *_money(plan, row.n),
    ]


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[Line]:
    """Lay out a table: the first column left-aligned, numbers right-aligned."""
    widths = [max(map(columns, column)) for column in zip(head, *rows, strict=True)]
    for cells, style in [(head, Style.DIM), *((row, Style.PLAIN) for row in rows)]:
        texts = [pad(cells[0], widths[0])]
        texts += [
            " " * (most - columns(cell)) + cell for cell, most in zip(cells[1:], widths[1:], strict=True)
        ]
        yield Line(_MARGIN + _GAP.join(texts), style)


def _sentence(text: str, style: Style, width: int) -> Iterator[Line]:
    for piece in display(text, width - len(_MARGIN)):
        yield Line(_MARGIN + piece, style)


def _power(direction: Direction, table: Table) -> str:
    """Say which truths are detected often enough, and how often that is."""
    return f"with a chance of {table.detectable.power:.0%}: {_detected(direction, table)}"


def _detected(direction: Direction, table: Table) -> str:
    found = table.detectable
    match direction:
        case Direction.AT_LEAST:
            supported, refuted = _from(found.supported, "up"), _from(found.refuted, "down")
        case Direction.AT_MOST:
            supported, refuted = _from(found.supported, "down"), _from(found.refuted, "up")
        case Direction.WITHIN:
            low, high = found.supported
            inside = low is not None and high is not None
            supported = f"from {low:.3g} to {high:.3g}" if inside else "at no true value"
            refuted = ", ".join(map(_from, ((end,) for end in found.refuted), ("down", "up")))
        case _:
            assert_never(direction)
    return f"supported {supported}; refuted {refuted}"


def _from(values: Sequence[float | None], way: str) -> str:
    [value] = values
    return "at no true value" if value is None else f"from {value:.3g} {way}"
