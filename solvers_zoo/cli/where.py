"""Filters over cards: ``order >= 2 and evaluations == 1``, read as Python and evaluated here, never by ``eval``."""

from __future__ import annotations

import ast
import difflib
import operator
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

from solvers_zoo.errors import OptionError

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_WORDS = {"true": True, "false": False, "none": None}


def compile_filter(text: str, fields: Iterable[str]) -> Callable[[Mapping[str, Any]], bool]:
    """A predicate on facts from an expression over ``fields``.

    Allowed are fields, numbers, quoted text, lists, comparisons (also ``in``), ``and``, ``or``, ``not``. A comparison
    with a fact that a card leaves open (``order`` of a purely stochastic method) is false.

    Raises:
        OptionError: anything else, with what is wrong and what would be right.

    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise OptionError(
            f"Cannot read --where {text!r}; write conditions on the card such as 'order >= 2 and evaluations == 1'."
        ) from None
    _check(tree, sorted(fields), text)
    return lambda facts: bool(_value(tree, facts, text))


def _check(node: ast.AST, fields: list[str], text: str) -> None:
    """Refuse what a filter may not hold, before any card is looked at."""
    match node:
        case ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            pass
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=part):
            parts = [part]
        case ast.Compare(left=left, comparators=rest):
            parts = [left, *rest]
        case ast.Constant(value=str() | int() | float() | None):
            parts = []
        case ast.Name(id=name):
            parts = []
            if name not in fields and name.lower() not in _WORDS:
                near = difflib.get_close_matches(name, fields, n=1)
                hint = f"Did you mean {near[0]!r}?" if near else "Text stands in quotes, as in family == 'dpm'."
                raise OptionError(f"--where knows no field {name!r}. {hint} The fields are {', '.join(fields)}.")
        case _:
            raise OptionError(
                f"--where {text!r} may not hold {ast.unparse(node)!r}; it takes fields, numbers, quoted text, "
                "comparisons, and, or, not."
            )
    for part in parts:
        _check(part, fields, text)


def _value(node: ast.AST, facts: Mapping[str, Any], text: str) -> Any:
    match node:
        case ast.BoolOp(op=op, values=parts):
            return (all if isinstance(op, ast.And) else any)(_value(part, facts, text) for part in parts)
        case ast.UnaryOp(op=op, operand=part):
            value = _value(part, facts, text)
            return not value if isinstance(op, ast.Not) else _negated(value, text)
        case ast.Compare(left=left, ops=ops, comparators=rest):
            values = [_value(part, facts, text) for part in (left, *rest)]
            return all(_compare(op, a, b, text) for op, (a, b) in zip(ops, pairwise(values), strict=True))
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return [_value(part, facts, text) for part in parts]
        case ast.Name(id=name):
            return facts[name] if name in facts else _WORDS[name.lower()]
        case ast.Constant(value=value):
            return value
        case _:
            raise AssertionError(node)  # _check let nothing else through


def _negated(value: Any, text: str) -> Any:
    if value is None or isinstance(value, int | float):
        return None if value is None else -value
    raise OptionError(f"--where {text!r} takes the negative of {value!r}, which cannot be done.")


def _compare(op: ast.cmpop, a: Any, b: Any, text: str) -> bool:
    try:
        return bool(_COMPARE[type(op)](a, b))
    except TypeError:
        if a is None or b is None:
            return False
        raise OptionError(f"--where {text!r} compares {a!r} with {b!r}, which cannot be ordered or searched.") from None
