"""What the summary says about families: how many hypotheses share an error rate, and the effect of Holm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from pytest_velo.records import Family, HypothesisResult, Outcome
from pytest_velo.report.folding import more_lines, most_of
from pytest_velo.report.lines import Line, Style, block, fit_lines, paragraph
from pytest_velo.report.numbers import count, p_value, percent
from pytest_velo.report.phrases import mark
from pytest_velo.report.text import inline

_KINDS = (Outcome.SUPPORTED, Outcome.REFUTED, Outcome.INCONCLUSIVE, Outcome.ERROR)
_VERDICTS = (Outcome.SUPPORTED, Outcome.REFUTED, Outcome.INCONCLUSIVE)
_FAILED_BEFORE = "its test failed as undecided when it ended (--velo-strict), and stays failed"


def level_text(name: str, level: float, family: Family) -> str:
    """Say at which level a member is sampled, and why."""
    return f"{name} {level:g} / {family.size} (family {family.name}, {procedure_of(family)})"


def levels_text(family: Family) -> str:
    """Say at which two levels a member is sampled."""
    return f"{level_text('alpha', family.alpha, family)}; beta {family.beta:g} / {family.size}"


def procedure_of(family: Family) -> str:
    """Return the name of a family's procedure."""
    return "e-BH" if family.procedure == "ebh" else "Holm"


def risk_text(level: float, family: Family, wrong: str, kind: Outcome) -> str:
    """Say which error rate covers a verdict of a family's member: that of any such error in the family."""
    if family.procedure == "ebh":
        return (
            f"in a family of {family.size}, of the claims that are {kind} at most"
            f" {percent(level)} are {wrong} on average"
        )
    errors = f"any claim that is {wrong} is {kind} at most {percent(level)} of the time"
    return f"in a family of {family.size}, {errors}"


def _families_of(results: Sequence[HypothesisResult]) -> dict[str, list[tuple[HypothesisResult, Family]]]:
    """Return the members of each family by its name, in the order of the results."""
    families: defaultdict[str, list[tuple[HypothesisResult, Family]]] = defaultdict(list)
    for result in results:
        if result.family is not None:
            families[result.family.name].append((result, result.family))
    return dict(families)


def expected_wrong_families(results: Sequence[HypothesisResult]) -> float:
    """Bound the expected number of families with a false verdict, among those that were tested.

    Among several claims some may be false and some true, so wrong verdicts of either kind are possible: alpha
    and beta are added. For a single one only the larger can apply. If members chose different levels, the
    largest counts for the family.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    total = 0.0
    for members in _families_of(results).values():
        if all(result.decision is None for result, _ in members):
            continue
        alpha, beta = (max(levels) for levels in zip(*((f.alpha, f.beta) for _, f in members), strict=True))
        total += max(alpha, beta) if members[0][1].size == 1 else alpha + beta
    return total


def family_lines(
    results: Sequence[HypothesisResult],
    width: int,
    *,
    strict: bool = False,
    encoding: str | None = "utf-8",
    everything: bool = True,
) -> list[Line]:
    """Return the block about families; empty if every hypothesis stands for itself.

    Args:
        results: Those of the table, settled.
        width: Columns of the terminal.
        strict: Undecided tests failed when they ended.
        encoding: Encoding of the stream.
        everything: Every member is listed; otherwise, in a large family, those that the step-down decided and
            the first of the others.
    """
    families = _families_of(results)
    if not families:
        return []
    names = " and ".join(sorted({procedure_of(members[0][1]) for members in families.values()}))
    lines = [Line(""), Line(f"families ({names})", Style.BOLD)]
    shared = {name: members for name, members in families.items() if members[0][1].size > 1}
    for name, members in shared.items():
        lines += _family_lines(name, members, width, strict, everything=everything)
    alone = len(families) - len(shared)
    alone += sum(result.family is None and result.outcome in _VERDICTS for result in results)
    if alone:
        are = "hypothesis is a family of its own" if alone == 1 else "hypotheses are families of their own"
        others = " other" if shared else ""
        lines += paragraph(
            f"{alone:,}{others} {are}: the error rates of each are its own", Style.PLAIN, width
        )
    return fit_lines(lines, encoding)


def _family_lines(
    name: str,
    members: Sequence[tuple[HypothesisResult, Family]],
    width: int,
    strict: bool,
    *,
    everything: bool,
) -> Iterator[Line]:
    size = members[0][1].size
    alphas, betas = ({getattr(family, kind) for _, family in members} for kind in ("alpha", "beta"))
    alpha, beta = max(alphas), max(betas)
    yield Line(inline(name, width))
    yield from block("members", f"{count(size, 'hypothesis', 'hypotheses')}: {_counts(members, size)}", width)
    yield from block(
        "sampled", f"at alpha {_range(alphas)} / {size} and beta {_range(betas)} / {size}", width
    )
    errors = f"P(any wrong supported in the family) <= {alpha:g}, P(any wrong refuted in it) <= {beta:g}"
    if members[0][1].procedure == "ebh":
        errors = f"mean share of wrong ones among the supported <= {alpha:g}, among the refuted <= {beta:g}"
    yield from block("errors", errors, width)
    most = most_of(len(members), everything=everything)
    shown = members if most == len(members) else _decided_first(members)[:most]
    for result, family in shown:
        yield from _member_lines(result, family, width, strict)
    if len(shown) < len(members):
        yield from more_lines(f"and {len(members) - len(shown):,} more members", width)


def _decided_first(
    members: Sequence[tuple[HypothesisResult, Family]],
) -> Sequence[tuple[HypothesisResult, Family]]:
    """Return members in their order, but those first that the step-down decided."""
    return sorted(members, key=lambda member: not member[1].by_steps)


def _range(levels: set[float]) -> str:
    """Return the level, or the smallest and the largest."""
    return f"{max(levels):g}" if len(levels) == 1 else f"{min(levels):g} to {max(levels):g}"


def _counts(members: Sequence[tuple[HypothesisResult, Family]], size: int) -> str:
    """Count the members by outcome."""
    outcomes = [result.outcome for result, _ in members]
    told = [f"{outcomes.count(kind)} {kind}" for kind in _KINDS if kind in outcomes]
    if len(members) < size:
        told.append(f"{size - len(members)} without a result (p = 1)")
    return ", ".join(told)


def _member_lines(result: HypothesisResult, family: Family, width: int, strict: bool) -> Iterator[Line]:
    """Give a member's adjusted p-values, and say if the step-down decided it."""
    yield Line(inline(f"  {mark(result.outcome)} {result.node_id.split('::', 1)[-1]}", width))
    yield from block("adjusted p", _adjusted(family), width, indent=4)
    if family.by_steps:
        failed = f"; {_FAILED_BEFORE}" if strict and result.outcome is Outcome.SUPPORTED else ""
        step = "e-BH" if family.procedure == "ebh" else "the step-down"
        text = f"{result.outcome} by {step} at the end of the session{failed}"
        yield from block("decided", text, width, Style.BOLD, indent=4)


def _adjusted(family: Family) -> str:
    if family.p_support is None or family.p_refute is None:
        return "none: it did not finish"
    return f"{p_value(family.p_support)} for supported, {p_value(family.p_refute)} for refuted"
