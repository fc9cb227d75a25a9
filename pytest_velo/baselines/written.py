"""The statistics of a written claim: run records store claims as they are written in the test."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

from pytest_velo.claims import Mean, Rate, difference, mean, rate
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
        case ast.Call(func=ast.Name(id="difference"), args=args, keywords=keywords):
            named = {keyword.arg: keyword.value for keyword in keywords}
            of = _statistic(named["of"]) if "of" in named else rate
            both = difference(*map(ast.literal_eval, args), of=of)
            return Part(statistic=of, better=0, arms=both.arms)
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
