r"""Tableaus of exponential Runge-Kutta methods: entries are sums of phi functions, orders are computed from them.

For u' = L u + N(u, t), z = h L and D_i = N(U_i, t + c_i h),

    U_i = e^(c_i z) u + h sum_j A_ij(z) D_j,    u' = e^z u + h sum_i b_i(z) D_i.

An entry is written as in the papers, e.g. ``phis(1) - 2 * phis(2)`` for phi_1(z) - 2 phi_2(z), and ``phis(1, 1 / 2)`` for
phi_1(z/2). ``phis(0, c)`` is e^(c z), and a plain number is itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import TYPE_CHECKING

from solvers_zoo.numerics.phi import phi
from solvers_zoo.numerics.tableau import Tableau, _fraction

__all__ = ["HIGHEST_ORDER", "HIGHEST_STIFF_ORDER", "ExponentialTableau", "Phis", "coloured_trees", "phis"]

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import Scalar

#: Trees are examined up to this order; a tableau of a still higher one is reported as this.
HIGHEST_ORDER = 6
#: The stiff order conditions known here go to this order.
HIGHEST_STIFF_ORDER = 4

_TOLERANCE = 1e-12
#: Where the stiff order conditions, which hold for all z or not at all, are tried.
_PLACES = (-7.3, -2.1, -0.4, 1.3)


@dataclass(frozen=True)
class Phis:
    """A sum of multiples of phi functions: ``terms`` holds (weight, k, c) for weight phi_k(c z)."""

    terms: tuple[tuple[float, int, float], ...]

    def __add__(self, other: Phis | float) -> Phis:
        sums: dict[tuple[int, float], float] = {}
        for weight, k, c in (*self.terms, *_phis(other).terms):
            sums[k, c] = sums.get((k, c), 0.0) + weight
        return Phis(tuple((weight, k, c) for (k, c), weight in sums.items() if weight))

    def __mul__(self, factor: float) -> Phis:
        return Phis(tuple((factor * weight, k, c) for weight, k, c in self.terms))

    def __truediv__(self, factor: float) -> Phis:
        return self * (1 / factor)

    def __neg__(self) -> Phis:
        return self * -1.0

    def __sub__(self, other: Phis | float) -> Phis:
        return self + -_phis(other)

    def __rsub__(self, other: float) -> Phis:
        return -self + other

    __radd__, __rmul__ = __add__, __mul__

    def __call__(self, z: Scalar, known: dict[tuple[int, float], Scalar] | None = None) -> Scalar:
        """The value at ``z``, a float or a tensor; ``known`` keeps phi_k(c z) between the entries of a tableau."""
        known = {} if known is None else known
        value: Scalar = 0.0
        for weight, k, c in self.terms:
            if (k, c) not in known:
                known[k, c] = phi(k, c * z)
            value = value + weight * known[k, c]
        return value

    def series(self, m: int) -> float:
        """The coefficient of z^m: phi_k(c z) = sum_m c^m z^m / (m + k)!."""
        return math.fsum(weight * c**m / math.factorial(m + k) for weight, k, c in self.terms)

    def __str__(self) -> str:
        text = ""
        for weight, k, c in self.terms:
            name = f"phi_{k}({_fraction(c)} z)".replace("(1 z)", "(z)") if c else ""
            number = _fraction(abs(weight))
            body = name if name and number == "1" else f"{number} {name}".rstrip()
            text += f" {'-' if weight < 0 else '+'} {body}"
        return text.removeprefix(" + ").replace(" - ", "-", int(text.startswith(" -"))) or "0"


def phis(k: int, c: float = 1.0) -> Phis:
    """phi_k(c z) as an entry of a tableau."""
    return Phis(((1.0, k, c),))


def _phis(value: Phis | float) -> Phis:
    return value if isinstance(value, Phis) else Phis(((float(value), 0, 0.0),) if value else ())


#: A tree of black vertices (N, any number of branches) and white ones (L, at most one): a chain of so many white vertices
#: down from the root, and then the branches of a black one, or None where the chain ends in u itself.
Tree = tuple[int, "tuple[Tree, ...] | None"]


@cache
def coloured_trees(vertices: int) -> tuple[Tree, ...]:
    """All trees of so many vertices: 2, 4, 11, 34, 117, 421 of them for 1 to 6."""
    found: list[Tree] = [(vertices, None)]
    for white in range(vertices):
        found += [(white, forest) for forest in _forests(vertices - 1 - white, vertices - 1)]
    return tuple(found)


def _forests(vertices: int, largest: int, first: int = 0) -> Iterator[tuple[Tree, ...]]:
    """Multisets of trees of ``vertices`` in all, none larger than ``largest`` nor, at that size, before ``first``."""
    if vertices == 0:
        yield ()
    for size in range(min(largest, vertices), 0, -1):
        trees = coloured_trees(size)
        for i in range(first if size == largest else 0, len(trees)):
            for rest in _forests(vertices - size, size, i):
                yield (trees[i], *rest)


@cache
def _size(tree: Tree) -> int:
    white, branches = tree
    return white if branches is None else white + 1 + sum(map(_size, branches))


@cache
def _density(tree: Tree) -> int:
    """gamma(tree): the product over its vertices of the sizes of the trees that hang from them."""
    white, branches = tree
    n = _size(tree)
    chain = math.prod(range(n - white + 1, n + 1))
    return chain if branches is None else chain * (n - white) * math.prod(map(_density, branches))


@dataclass(frozen=True)
class ExponentialTableau:
    """The entries of an explicit exponential Runge-Kutta method.

    Args:
        A: one row a stage; row i holds its i entries left of the diagonal, so the first is empty.
        b: weights of the result.
        c: nodes.
        b_hat: weights of an embedded result, whose difference from the first estimates the local error.

    Raises:
        ValueError: rows of a wrong length, or entries that at z = 0 are no consistent Runge-Kutta tableau.

    >>> half = phis(1, 1 / 2)
    >>> ExponentialTableau(A=((), (half / 2,)), b=(0.0, phis(1)), c=(0.0, 1 / 2)).order
    2

    """

    A: Sequence[Sequence[Phis | float]]
    b: Sequence[Phis | float]
    c: Sequence[float]
    b_hat: Sequence[Phis | float] | None = None

    def __post_init__(self) -> None:
        self.classical  # noqa: B018 (its checks are the point)

    @cached_property
    def classical(self) -> Tableau:
        """The Runge-Kutta method that it is at z = 0."""
        A, b, b_hat = (
            [[_phis(a).series(0) for a in row] for row in rows] for rows in (self.A, [self.b], [self.b_hat or ()])
        )
        return Tableau(A=A, b=b[0], c=self.c, b_hat=b_hat[0] or None)

    @property
    def stages(self) -> int:
        """Number of stages, and so of evaluations a step."""
        return len(self.A)

    def at(self, z: Scalar) -> tuple[list[list[Scalar]], list[Scalar], list[Scalar] | None]:
        """The numbers A, b and b_hat at ``z``, a float or a tensor."""
        known: dict[tuple[int, float], Scalar] = {}
        *A, b, b_hat = ([_phis(a)(z, known) for a in row] for row in (*self.A, self.b, self.b_hat or ()))
        return A, b, b_hat or None

    def formulas(self) -> str:
        """The method written out, an entry a line, for ``zoo show``."""
        entries = [(f"A_{i}{j}", a) for i, row in enumerate(self.A) for j, a in enumerate(row)]
        entries += [(f"b_{i}", b) for i, b in enumerate(self.b)]
        nodes = ", ".join(f"{c:.6g}" for c in self.c)
        return "\n".join([f"c = ({nodes})", *(f"{name} = {_phis(a)}" for name, a in entries if _phis(a).terms)])

    @cached_property
    def order(self) -> int:
        """Order for a bounded L, from the conditions of trees in N and L.

        With A = sum_m A^(m) z^m, and b likewise, every tree has to give sum_i b_i^(m) Phi_i(branches) = 1 / gamma(tree), where m
        white vertices stand above its black one and Phi_i is the product over the branches of what the stages make of
        them: sum_j A_ij^(m) Phi_j, or c_i^m / m! for a chain of L alone (Berland, Owren & Skaflestad 2005, B-series and
        order conditions for exponential integrators, Theorem 2.2 in the form for methods exact on u' = L u).
        """
        return self._order_of(self.b)

    @cached_property
    def embedded_order(self) -> int | None:
        """Order of the embedded result; None without one."""
        return None if self.b_hat is None else self._order_of(self.b_hat)

    def _order_of(self, weights: Sequence[Phis | float]) -> int:
        stages: dict[Tree, list[float]] = {}
        for vertices in range(1, HIGHEST_ORDER + 1):
            for tree in coloured_trees(vertices):
                white, branches = tree
                if branches is None:
                    continue  # e^z has it exactly
                inner = self._product(branches, stages)
                terms = [_phis(b).series(white) * v for b, v in zip(weights, inner, strict=True)]
                if abs(math.fsum(terms) - 1 / _density(tree)) > _TOLERANCE * max(1.0, sum(map(abs, terms))):
                    return vertices - 1
        return HIGHEST_ORDER

    def _product(self, branches: tuple[Tree, ...], stages: dict[Tree, list[float]]) -> list[float]:
        """Phi_i of a forest, for every stage i."""
        value = [1.0] * self.stages
        for tree in branches:
            if tree not in stages:
                white, inside = tree
                if inside is None:
                    stages[tree] = [c**white / math.factorial(white) for c in self.c]
                else:
                    inner = self._product(inside, stages)
                    stages[tree] = [
                        math.fsum(_phis(a).series(white) * v for a, v in zip(row, inner, strict=False))
                        for row in self.A
                    ]
            value = [v * w for v, w in zip(value, stages[tree], strict=True)]
        return value

    @cached_property
    def stiff_order(self) -> int:
        """Order whatever the size of L, as far as 4.

        It is p where the conditions of Hochbruck & Ostermann 2005, Explicit exponential Runge-Kutta methods for semilinear
        parabolic problems, Table 2, hold for every z and every J = N' below order p, and at order p with b(0) for b(z) and
        psi_p(0) for psi_p(z), the weak form that their convergence theorem asks for. In our notation

            psi_j = phi_j(z) - sum_i b_i c_i^(j-1)/(j-1)!,    psi_ji = c_i^j phi_j(c_i z) - sum_k A_ik c_k^(j-1)/(j-1)!
        """
        at = {z: self.at(z)[:2] for z in (0.0, *_PLACES)}
        places = range(self.stages)

        def final(j: int, z: float) -> float:
            terms = [b * c ** (j - 1) for b, c in zip(at[z][1], self.c, strict=True)]
            return phi(j, z) - math.fsum(terms) / math.factorial(j - 1)

        def stage(j: int, i: int, z: float) -> float:
            terms = [a * c ** (j - 1) for a, c in zip(at[z][0][i], self.c, strict=False)]
            return phi(j, self.c[i] * z) * self.c[i] ** j - math.fsum(terms) / math.factorial(j - 1)

        def b(i: int, z: float) -> float:
            return float(at[z][1][i])

        def coupled(j: int, x: float, y: float) -> float:
            return math.fsum(b(i, x) * stage(j, i, y) for i in places)

        def nested(x: float, y: float, z: float) -> float:
            return math.fsum(b(i, x) * a * stage(2, j, z) for i in places for j, a in enumerate(at[y][0][i]))

        def weighted(x: float, y: float) -> float:
            return math.fsum(b(i, x) * self.c[i] * stage(2, i, y) for i in places)

        held = 0
        for order, weak in product(range(1, HIGHEST_STIFF_ORDER + 1), (True, False)):
            xs = (0.0,) if weak else _PLACES
            values = [final(order, x) for x in xs]
            if order == 2:
                values += [stage(1, i, y) for i in places for y in _PLACES]
            if order == 3:
                values += [coupled(2, x, y) for x in xs for y in _PLACES]
            if order == 4:
                values += [coupled(3, x, y) for x in xs for y in _PLACES]
                values += [weighted(x, y) for x in xs for y in _PLACES]
                values += [nested(x, y, z) for x in xs for y in _PLACES for z in _PLACES]
            if any(abs(value) > _TOLERANCE for value in values):
                return held
            held = order
        return held
