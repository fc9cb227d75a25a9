"""The statistics of a written claim: run records store claims as they are written in the test."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

from pytest_velo.claims import (
    AnyClaim,
    Baseline,
    Claim,
    Difference,
    Estimation,
    Joint,
    Mean,
    Rate,
    Statistic,
    baseline,
    difference,
    mean,
    rate,
)
from pytest_velo.errors import UsageError

Better = Literal[-1, 0, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One statistic of a claim.

    Attributes:
        statistic: A rate or a mean; for a difference, what its arms are compared by.
        better: +1 if the claim is that it is large, -1 if small, 0 if neither is better.
        arms: The arms of a difference; empty without arms.
    """

    statistic: Rate | Mean
    better: Better
    arms: tuple[str, ...] = ()


def parts_of(claim: str) -> tuple[Part, ...] | None:
    """Return the statistics of a claim written as `str(claim)`, without evaluating it; None for others."""
    try:
        return tuple(_parts(ast.parse(claim, mode="eval").body))
    except (SyntaxError, ValueError, TypeError, UsageError, RecursionError, MemoryError):
        return None  # in a record that is not ours, a claim may be any text


def claim_of(text: str) -> AnyClaim | None:
    """Undo `str(claim)`, without evaluating it; None for a text that is no claim of ours, to the letter.

    >>> claim_of("rate >= baseline - 0.05"), claim_of("rate >= os.getcwd()")
    (rate >= baseline - 0.05, None)
    """
    try:
        claim = _claim(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, TypeError, UsageError, RecursionError, MemoryError):
        return None
    return claim if str(claim) == text else None


def _claim(node: ast.expr) -> AnyClaim:
    match node:
        case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
            return Joint(parts=(*_one_claim(left), *_one_claim(right)))
        case ast.Compare(left=left, ops=[ast.GtE()], comparators=[right]):
            return _any_statistic(left) >= _threshold(right)
        case ast.Compare(left=left, ops=[ast.LtE()], comparators=[right]):
            return _any_statistic(left) <= _threshold(right)
        case ast.Call(func=ast.Attribute(value=left, attr="within"), args=[low, high]):
            return _any_statistic(left).within(_threshold(low), _threshold(high))
        case ast.Call(func=ast.Name(id="estimate"), args=[left], keywords=keywords):
            (halfwidth,) = [ast.literal_eval(keyword.value) for keyword in keywords] or [None]
            return Estimation(statistic=_any_statistic(left), halfwidth=halfwidth)
    raise ValueError(ast.dump(node))


def _one_claim(node: ast.expr) -> tuple[Claim, ...]:
    claim = _claim(node)
    if isinstance(claim, Estimation):
        raise ValueError(ast.dump(node))
    return claim.parts


def _any_statistic(node: ast.expr) -> Statistic:
    match node:
        case ast.Call(func=ast.Name(id="difference"), args=args, keywords=keywords):
            named = {keyword.arg: keyword.value for keyword in keywords}
            of = _statistic(named["of"]) if "of" in named else rate
            return difference(*map(ast.literal_eval, args), of=of)
    return _statistic(node)


def _threshold(node: ast.expr) -> float | Baseline:
    match node:
        case ast.Name(id="baseline"):
            return baseline
        case ast.BinOp(left=ast.Name(id="baseline"), op=ast.Add(), right=right):
            return baseline + _number(right)
        case ast.BinOp(left=ast.Name(id="baseline"), op=ast.Sub(), right=right):
            return baseline - _number(right)
    return _number(node)


def _number(node: ast.expr) -> float:
    number: float = ast.literal_eval(node)
    return number


def _parts(node: ast.expr) -> list[Part]:
    match node:
        case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
            return _parts(left) + _parts(right)
        case ast.Compare(left=left, ops=[ast.GtE()]):
            return [_part(left, 1)]
        case ast.Compare(left=left, ops=[ast.LtE()]):
            return [_part(left, -1)]
        case ast.Call(func=ast.Attribute(value=left, attr="within")):
            return [_part(left, 0)]
        case ast.Call(func=ast.Name(id="estimate"), args=[left]):
            return [_part(left, 0)]
    raise ValueError(ast.dump(node))


def _part(node: ast.expr, better: Better) -> Part:
    match node:
        case ast.Call(func=ast.Name(id="difference")):
            both = _any_statistic(node)
            assert isinstance(both, Difference)  # by the name
            return Part(statistic=both.of, better=0, arms=both.arms)
    return Part(statistic=_statistic(node), better=better)


def _statistic(node: ast.expr) -> Rate | Mean:
    match node:
        case ast.Name(id="rate"):
            return rate
        case ast.Call(func=ast.Name(id="rate"), args=args):
            return rate(*map(ast.literal_eval, args))
        case ast.Call(func=ast.Name(id="mean"), args=args):
            return mean(*map(ast.literal_eval, args))
    raise ValueError(ast.dump(node))
