"""Runge-Kutta tableaus: validated when made, with the order computed from the rooted-tree conditions.

A method has order p if  sum_i b_i Phi_i(tree) = 1 / gamma(tree)  for every rooted tree of at most p vertices
(Hairer, Norsett & Wanner, "Solving Ordinary Differential Equations I", Theorem II.2.13). A tree is the sorted tuple of
the subtrees at its root, so ``()`` is the single vertex and ``((), ())`` the root with two leaves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

__all__ = ["HIGHEST_ORDER", "Tableau", "rooted_trees"]

#: Trees are examined up to this order; a tableau of a still higher one is reported as this.
HIGHEST_ORDER = 8

Tree = tuple[Any, ...]
_TOLERANCE = 1e-12


def _grown(tree: Tree) -> Iterator[Tree]:
    """``tree`` with one more leaf, at every place where it can go."""
    yield tuple(sorted((*tree, ())))
    for i, branch in enumerate(tree):
        for larger in _grown(branch):
            yield tuple(sorted((*tree[:i], larger, *tree[i + 1 :])))


@cache
def rooted_trees(vertices: int) -> tuple[Tree, ...]:
    """All rooted trees of so many vertices: 1, 1, 2, 4, 9, 20, 48, 115 of them for 1 to 8."""
    if vertices == 1:
        return ((),)
    return tuple(sorted({larger for tree in rooted_trees(vertices - 1) for larger in _grown(tree)}))


@cache
def _size(tree: Tree) -> int:
    return 1 + sum(map(_size, tree))


@cache
def _density(tree: Tree) -> int:
    """gamma(tree): its size times the densities of its branches."""
    return _size(tree) * math.prod(map(_density, tree))


@dataclass(frozen=True)
class Tableau:
    """The numbers of a Runge-Kutta method, k_i = f(u + c_i h, y + h sum_j A_ij k_j).

    Args:
        A: one row a stage, as long as the first says: row i of an explicit method holds its i entries left of the diagonal, so
            the first is empty; of a diagonally implicit one the i + 1 up to the diagonal; of any other one an entry a stage.
        b: weights of the result, y + h sum_i b_i k_i.
        c: nodes.
        b_hat: weights of an embedded result, whose difference from the first estimates the local error.

    Raises:
        ValueError: rows of a wrong length, rows that do not sum to c, weights that do not sum to 1.

    >>> Tableau(A=((), (1.0,)), b=(1 / 2, 1 / 2), c=(0.0, 1.0)).order
    2

    """

    A: Sequence[Sequence[float]]
    b: Sequence[float]
    c: Sequence[float]
    b_hat: Sequence[float] | None = None

    def __post_init__(self) -> None:
        for i, row in enumerate(self.A):
            kind, due, what = (
                ("explicit", i, "left of the diagonal"),
                ("diagonally implicit", i + 1, "up to the diagonal"),
                ("full", self.stages, "in all"),
            )[min(len(self.A[0]), 2)]
            if len(row) != due:
                raise ValueError(
                    f"Row {i} of a{'n' * (kind[0] == 'e')} {kind} tableau has {due} entries {what}, not {len(row)}."
                )
        for name, values in (("b", self.b), ("c", self.c), ("b_hat", self.b_hat)):
            if values is not None and len(values) != self.stages:
                raise ValueError(f"{name} has {len(values)} entries for {self.stages} stages.")
            if name != "c" and values is not None and abs(math.fsum(values) - 1) > _TOLERANCE:
                raise ValueError(f"The weights {name} sum to {math.fsum(values)!r}, not to 1.")
        for i, (row, c) in enumerate(zip(self.A, self.c, strict=True)):
            if abs(math.fsum(row) - c) > _TOLERANCE * (1 + sum(map(abs, row))):
                raise ValueError(f"Row {i} sums to {math.fsum(row)!r}, but its node c is {c!r}.")

    @property
    def stages(self) -> int:
        """Number of stages, and so of evaluations a step with the embedded result."""
        return len(self.A)

    @property
    def stages_used(self) -> int:
        """Number of stages up to the last that the result ``b`` uses."""
        return max(i + 1 for i, b in enumerate(self.b) if b != 0)

    @property
    def blocks(self) -> tuple[range, ...]:
        """Groups of stages in which each needs the others, in the order in which they can be found.

        A group of one stage whose diagonal entry is 0 is explicit.
        """
        blocks, begin = [], 0
        while begin < self.stages:
            end = begin + 1
            for i, row in enumerate(self.A):
                if i < end:
                    end = max([end, *(j + 1 for j, a in enumerate(row) if a != 0)])
            blocks.append(range(begin, end))
            begin = end
        return tuple(blocks)

    def formulas(self) -> str:
        """The method written out, a line a stage, with k(u, y) the slope of dy/du."""
        lines = []
        for i, (row, c) in enumerate(zip(self.A, self.c, strict=True)):
            node = f" + {_fraction(c)} h".replace(" 1 h", " h") if c else ""
            inner = f"y + h ({_sum(row)})" if any(row) else "y"
            lines.append(f"k_{i} = k(u{node}, {inner})")
        result = f"y' = y + h ({_sum(self.b)})"
        return "\n".join([*lines[: self.stages_used], result])

    @cached_property
    def order(self) -> int:
        """Order of the result, from the order conditions."""
        return self._order_of(self.b)

    @cached_property
    def embedded_order(self) -> int | None:
        """Order of the embedded result; None without one."""
        return None if self.b_hat is None else self._order_of(self.b_hat)

    def _order_of(self, weights: Sequence[float]) -> int:
        values: dict[Tree, list[float]] = {(): [1.0] * self.stages}
        for vertices in range(1, HIGHEST_ORDER + 1):
            for tree in rooted_trees(vertices):
                phi = self._elementary(tree, values)
                terms = [w * v for w, v in zip(weights, phi, strict=True)]
                if abs(math.fsum(terms) - 1 / _density(tree)) > _TOLERANCE * max(1.0, sum(map(abs, terms))):
                    return vertices - 1
        return HIGHEST_ORDER

    def _elementary(self, tree: Tree, values: dict[Tree, list[float]]) -> list[float]:
        """Phi_i(tree) = prod over branches of sum_j A_ij Phi_j(branch), for every stage i."""
        if tree not in values:
            phi = [1.0] * self.stages
            for branch in tree:
                inner = self._elementary(branch, values)
                for i, row in enumerate(self.A):
                    phi[i] *= sum(a * v for a, v in zip(row, inner, strict=False))
            values[tree] = phi
        return values[tree]


def _sum(weights: Sequence[float]) -> str:
    terms = [(w, f"{_fraction(abs(w))} k_{j}".removeprefix("1 ")) for j, w in enumerate(weights) if w != 0]
    text = " ".join(f"{'-' if w < 0 else '+'} {term}" for w, term in terms)
    return text.removeprefix("+ ")


def _fraction(value: float) -> str:
    """A rational with a short denominator as such, anything else as a decimal."""
    from fractions import Fraction  # only where a person reads it

    ratio = Fraction(value).limit_denominator(100_000)
    return str(ratio) if abs(float(ratio) - value) < _TOLERANCE else f"{value:.12g}"
