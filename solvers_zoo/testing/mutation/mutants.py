"""Mutants: small wrong changes of a solver's source, made by generic operators on its syntax tree.

The operators know the vocabulary of the zoo (alpha, sigma, lam, t, s, x0, eps, memory) but no algorithm. What is not arithmetic
is left alone: docstrings and other text, imports, annotations, the declarations of options, sources, and error messages.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """One changed place.

    Attributes:
        module: full name of the module.
        path: its file.
        line: line of the change.
        operator: name of the operator.
        before: the expression as it stands.
        after: as changed.
        source: the whole changed module.

    """

    module: str
    path: Path
    line: int
    operator: str
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}:{self.line} {self.operator}: {self.before} -> {self.after}"


Change = tuple[str, ast.expr]
Operator = Callable[[ast.expr, "Place"], Iterator[Change]]


@dataclass(frozen=True)
class Place:
    """Where an expression stands."""

    parents: tuple[ast.AST, ...]
    names: frozenset[str]
    """Local names of the function around."""

    @property
    def parent(self) -> ast.AST:
        """The node directly around."""
        return self.parents[-1]

    def inside(self, *kinds: type[ast.AST]) -> bool:
        """Whether any node around is of these kinds."""
        return any(isinstance(parent, kinds) for parent in self.parents)


_OPPOSITE: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
}
_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ATTRIBUTES = {
    "alpha": ("sigma",),
    "sigma": ("alpha",),
    "dalpha": ("dsigma",),
    "dsigma": ("dalpha",),
    "x0": ("eps",),
    "eps": ("x0",),
    "g": ("g2",),
    "g2": ("g",),
    "lam": ("t",),
    "rho": ("sigma",),
}
_PAIRS = (
    ("t", "s"),
    ("now", "prev"),
    ("now", "last"),
    ("now", "past"),
    ("now", "old"),
    ("x", "x0"),
    ("alpha", "sigma"),
)
_COMMUTE = {
    "combine",
    "minimum",
    "maximum",
    "min",
    "max",
    "isinstance",
    "replace",
    "print",
    "zip",
    "getattr",
    "hasattr",
}
_UNWRAP = {"sqrt", "abs", "exp", "log"}


def _sign_and_terms(node: ast.expr, place: Place) -> Iterator[Change]:
    if not isinstance(node, ast.BinOp) or isinstance(node.op, ast.Mod | ast.BitOr):
        return
    for other in _OPPOSITE.get(type(node.op), ()):
        yield "operator swapped", ast.BinOp(node.left, other(), node.right)
    if isinstance(node.op, ast.Pow):
        yield "power dropped", node.left
    else:
        yield "right operand dropped", node.left
        if isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
            yield "left operand dropped", node.right
    if not isinstance(place.parent, ast.BinOp | ast.UnaryOp):
        yield "doubled", ast.BinOp(ast.Constant(2), ast.Mult(), node)
        yield "halved", ast.BinOp(ast.Constant(0.5), ast.Mult(), node)


def _minus(node: ast.expr, place: Place) -> Iterator[Change]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "minus dropped", node.operand
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not dropped", node.operand


def _numbers(node: ast.expr, place: Place) -> Iterator[Change]:
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield "truth flipped", ast.Constant(not value)
    elif isinstance(value, int):
        yield "constant + 1", ast.Constant(value + 1)
        if value > 0 or isinstance(place.parent, ast.Subscript):
            yield "constant - 1", ast.Constant(value - 1)
    elif isinstance(value, float):
        yield "constant doubled", ast.Constant(2 * value if value else 1.0)
        if value:
            yield "constant halved", ast.Constant(value / 2)


def _vocabulary(node: ast.expr, place: Place) -> Iterator[Change]:
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        for other in _ATTRIBUTES.get(node.attr, ()):
            yield f"{other} for {node.attr}", ast.Attribute(node.value, other, node.ctx)
        if node.attr in ("lam", "eps", "score"):
            yield f"-{node.attr}", ast.UnaryOp(ast.USub(), node)
        if node.attr == "sigma" and not isinstance(place.parent, ast.BinOp | ast.BinOp):
            yield "sigma^2 for sigma", ast.BinOp(node, ast.Pow(), ast.Constant(2))
        if isinstance(node.value, ast.Name) and node.value.id == "interval" and node.attr in "ts":
            other = "s" if node.attr == "t" else "t"
            yield f"interval.{other} for interval.{node.attr}", ast.Attribute(node.value, other, node.ctx)
        if isinstance(node.value, ast.Name) and node.value.id == "self" and isinstance(place.parent, ast.BinOp):
            yield f"{node.attr} counted twice", ast.BinOp(node, ast.Mult(), node)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and not place.inside(ast.Starred):
        for pair in _PAIRS:
            if node.id in pair and set(pair) <= place.names:
                other = pair[1 - pair.index(node.id)]
                yield f"{other} for {node.id}", ast.Name(other, node.ctx)


def _conditions(node: ast.expr, place: Place) -> Iterator[Change]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        other = _COMPARE[type(node.ops[0])]()
        yield "comparison flipped", ast.Compare(node.left, [other], node.comparators)
    if isinstance(node, ast.BoolOp):
        other_op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and/or", ast.BoolOp(other_op, node.values)
    if isinstance(place.parent, ast.If | ast.IfExp | ast.While) and place.parent.test is node:
        if not isinstance(place.parent, ast.While):
            yield "always", ast.Constant(True)
        yield "never", ast.Constant(False)


def _calls(node: ast.expr, place: Place) -> Iterator[Change]:
    if not isinstance(node, ast.Call):
        return
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    plain = not any(isinstance(arg, ast.Starred) for arg in node.args)
    if name == "combine" and plain and len(node.args) > 1:
        for i in range(len(node.args)):
            yield "term dropped", ast.Call(node.func, node.args[:i] + node.args[i + 1 :], node.keywords)
    if name == "combine":
        for i, term in enumerate(node.args):
            if isinstance(term, ast.Tuple) and len(term.elts) == 2:
                minus = ast.Tuple([ast.UnaryOp(ast.USub(), term.elts[0]), term.elts[1]], ast.Load())
                yield "term negated", ast.Call(node.func, [*node.args[:i], minus, *node.args[i + 1 :]], node.keywords)
    if name not in _COMMUTE and plain and len(node.args) == 2:
        yield "arguments swapped", ast.Call(node.func, node.args[::-1], node.keywords)
    if name in _UNWRAP and len(node.args) == 1:
        yield f"{name} dropped", node.args[0]
    if name == "expm1" and len(node.args) == 1:
        yield "exp for expm1", ast.BinOp(node, ast.Add(), ast.Constant(1))


OPERATORS: tuple[Operator, ...] = (_sign_and_terms, _minus, _numbers, _vocabulary, _conditions, _calls)


def mutants(module: str, path: Path) -> list[Mutant]:
    """All mutants of a module's source, in the order of its lines."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    found: list[Mutant] = []
    seen: set[str] = set()
    for node, place in _expressions(tree, (), frozenset()):
        for operator in OPERATORS:
            for name, replacement in operator(node, place):
                after = ast.unparse(replacement)
                source = _spliced(text, node, after)
                if source not in seen:
                    seen.add(source)
                    found.append(Mutant(module, path, node.lineno, name, ast.unparse(node), after, source))
    return sorted(found, key=lambda mutant: mutant.line)


def _spliced(text: str, node: ast.expr, after: str) -> str:
    """The text with ``after`` in the place of ``node``; columns of a syntax tree count bytes."""
    lines = text.encode().splitlines(keepends=True)
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    head = b"".join(lines[:first]) + lines[first][: node.col_offset]
    tail = lines[last][node.end_col_offset :] + b"".join(lines[last + 1 :])
    return (head + b"(" + after.encode() + b")" + tail).decode()


def _expressions(
    node: ast.AST, parents: tuple[ast.AST, ...], names: frozenset[str]
) -> Iterator[tuple[ast.expr, Place]]:
    """Every expression that may be changed, with where it stands."""
    if isinstance(node, ast.FunctionDef):
        names = frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        names |= {arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)}
    if isinstance(node, ast.expr) and parents:
        yield node, Place(parents, names)
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _left_alone(child, field, node):
                yield from _expressions(child, (*parents, node), names)


_DECLARATIONS = {"option", "Source", "SDECard", "GridCard", "isinstance", "TypeVar", "field"}


def _left_alone(child: ast.AST, field: str, parent: ast.AST) -> bool:
    if isinstance(child, ast.Import | ast.ImportFrom | ast.Raise | ast.JoinedStr | ast.Assert):
        return True
    if field in ("annotation", "returns", "decorator_list", "bases", "type_params", "type_comment"):
        return True
    if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
        return True
    if isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id in _DECLARATIONS:
        return True
    if isinstance(child, ast.FunctionDef) and child.name.startswith("zoo_"):
        return True  # the hooks: what is registered
    if isinstance(child, ast.keyword) and child.arg == "api":
        return True
    return isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)


def sample(found: Sequence[Mutant], count: int, seed: str) -> list[Mutant]:
    """``count`` mutants without replacement, spread over the plugins as they come.

    Each is taken or left by the hash of the seed and of what it changes, so that with one seed a new solver does not make it a
    sample of other mutants.
    """
    same: Counter[tuple[str, ...]] = Counter()
    placed = []
    for mutant in found:
        words = (mutant.module, mutant.operator, mutant.before, mutant.after)
        same[words] += 1
        text = "\0".join((seed, *words, str(same[words])))
        placed.append((hashlib.sha256(text.encode()).hexdigest(), mutant))
    return sorted((mutant for _, mutant in sorted(placed, key=itemgetter(0))[:count]), key=str)
