"""A claim written as text: `rate >= 0.3`, as on a command line or in a run record. Nothing is evaluated.

What is allowed is what a test file would say with the names of this package: the statistics, `>=`, `<=`,
`within`, `&`, `estimate`, `ranking`, `each_case`, numbers and quoted names.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from pytest_velo.claims.claim import Claim, Joint, Statistic
from pytest_velo.claims.questions import AnyClaim, EachCase, Estimation, Ranking
from pytest_velo.claims.stored import Baseline, baseline
from pytest_velo.claims.words import difference, each_case, estimate, mean, ranking, rate
from pytest_velo.errors import UsageError, nearest

MOST_CHARACTERS = 10_000

_EXAMPLE = 'rate >= 0.6, mean(0, 10) >= 7 or difference("a", "b") >= 0.05'
_NAMES: Mapping[str, Any] = {"rate": rate, "baseline": baseline}
_CALLS: Mapping[str, Callable[..., Any]] = {
    "rate": rate,
    "mean": mean,
    "difference": difference,
    "ranking": ranking,
    "each_case": each_case,
    "estimate": lambda statistic, halfwidth=None: _estimate(statistic, halfwidth),
}
_KNOWN = sorted({*_NAMES, *_CALLS})


def claim_in(text: str) -> AnyClaim:
    """Return the claim that `text` says.

    Raises:
        UsageError: It says none; the text of the error names the column.
    """
    if len(text) > MOST_CHARACTERS:
        raise UsageError(f"a claim has at most {MOST_CHARACTERS:,} characters", fix=_EXAMPLE)
    try:
        found = _value(ast.parse(text.strip(), mode="eval").body)
    except SyntaxError as error:
        raise UsageError(f"this is no claim (column {error.offset})", where=text, fix=_EXAMPLE) from None
    except (ValueError, RecursionError, MemoryError):  # a null byte; a thousand parentheses
        raise UsageError("this is no claim", where=text[:80], fix=_EXAMPLE) from None
    except UsageError as error:
        raise error.at(text) from None
    if isinstance(found, Statistic):
        raise UsageError(f"`{found}` alone claims nothing", where=text, fix=f"{found} >= 0.6")
    if not isinstance(found, Claim | Joint | Estimation | Ranking | EachCase):
        raise UsageError(f"{found!r} is no claim", where=text, fix=_EXAMPLE)
    return found


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=str() | int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Name(id=name):
            return _named(node, name)
        case ast.Call(func=function, args=args, keywords=keywords):
            return _called(node, _function(node, function), args, keywords)
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _compared(node, _value(left), operator, _value(right))
        case ast.Compare():
            raise _refused(node, "claims cannot be chained", "rate.within(0.2, 0.4) for 0.2 <= rate <= 0.4")
        case ast.BinOp(left=left, op=operator, right=right):
            return _joined(node, _value(left), operator, _value(right))
    raise _no_place(node)


def _named(node: ast.expr, name: str) -> Any:
    if name in _NAMES:
        return _NAMES[name]
    if name in _CALLS:
        raise _refused(node, f"`{name}` is not complete", _EXAMPLE)
    raise _refused(node, f"there is nothing named {name!r}", nearest(name, _KNOWN))


def _function(node: ast.expr, named: ast.expr) -> Callable[..., Any]:
    match named:
        case ast.Name(id=name) if name in _CALLS:
            return _CALLS[name]
        case ast.Name(id=name):
            raise _refused(node, f"there is nothing named {name!r}", nearest(name, _KNOWN))
        case ast.Attribute(value=owner, attr="within"):
            statistic = _value(owner)
            if isinstance(statistic, Statistic):
                return statistic.within
    raise _no_place(node)


def _called(
    node: ast.expr, function: Callable[..., Any], args: list[ast.expr], keywords: list[ast.keyword]
) -> Any:
    if any(keyword.arg is None for keyword in keywords):
        raise _refused(node, "`**` has no place in a claim", _EXAMPLE)
    named = {str(keyword.arg): _argument(keyword.value) for keyword in keywords}
    try:
        return function(*map(_value, args), **named)
    except TypeError:  # too many arguments, or too few
        raise _refused(
            node, f"`{ast.unparse(node)[:60]}` has other arguments than it takes", _EXAMPLE
        ) from None


def _argument(node: ast.expr) -> Any:
    """Return the value of a keyword, which may be a switch."""
    match node:
        case ast.Constant(value=bool() as switch):
            return switch
    return _value(node)


def _compared(node: ast.expr, left: Any, operator: ast.cmpop, right: Any) -> Any:
    if isinstance(right, Statistic) and not isinstance(left, Statistic):
        raise _refused(node, "the statistic comes first", f"{right} >= {left}")
    if not isinstance(left, Statistic):
        raise _refused(node, f"{left!r} cannot be compared", _EXAMPLE)
    match operator:
        case ast.GtE():
            return left >= right
        case ast.LtE():
            return left <= right
    raise _refused(node, "claims are written with >= and <=", f"{left} >= {right!r}")


def _joined(node: ast.expr, left: Any, operator: ast.operator, right: Any) -> Any:
    number = isinstance(right, int | float)
    match operator:
        case ast.BitAnd() if isinstance(left, Claim | Joint | Estimation | Ranking | EachCase | Statistic):
            return left & right
        case ast.BitOr() if isinstance(left, Claim):
            return left | right
        case ast.Add() if isinstance(left, Baseline) and number:
            return left + right
        case ast.Sub() if isinstance(left, Baseline) and number:
            return left - right
    raise _no_place(node)


def _estimate(statistic: Any, halfwidth: Any) -> Estimation:
    """Return an estimate; without a half-width, one of all units, as records write it."""
    if halfwidth is None and isinstance(statistic, Statistic):
        return Estimation(statistic=statistic, halfwidth=None)
    return estimate(statistic, halfwidth=halfwidth)


def _no_place(node: ast.expr) -> UsageError:
    return _refused(node, f"`{ast.unparse(node)[:60]}` has no place in a claim", _EXAMPLE)


def _refused(node: ast.expr, what: str, fix: str) -> UsageError:
    return UsageError(f"{what} (column {node.col_offset + 1})", fix=fix)
