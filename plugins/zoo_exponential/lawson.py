"""Lawson's integrating factor methods: any Runge-Kutta tableau, in variables where the linear part is gone."""

from __future__ import annotations

from solvers_zoo import Source
from solvers_zoo.numerics.exponential_tableau import ExponentialTableau, Phis, phis
from solvers_zoo.numerics.tableau import Tableau
from zoo_exponential.exponential_runge_kutta import ExponentialMethod, method_card

_LAWSON = Source(
    authors="Lawson 1967",
    title="Generalized Runge-Kutta Processes for Stable Systems with Large Lipschitz Constants",
    link="https://doi.org/10.1137/0704033",
    where="generalized Runge-Kutta processes, of order 2 and 4",
)


def lawson(tableau: Tableau) -> ExponentialTableau:
    """A_ij e^((c_i - c_j) z) and b_i e^((1 - c_i) z): the tableau applied to e^(-z u) y, whose derivative has no linear part."""

    def rows(weights: tuple[float, ...], node: float) -> tuple[Phis, ...]:
        return tuple(a * phis(0, node - c) for a, c in zip(weights, tableau.c, strict=False))

    return ExponentialTableau(
        A=tuple(rows(tuple(row), node) for row, node in zip(tableau.A, tableau.c, strict=True)),
        b=rows(tuple(tableau.b), 1.0),
        c=tableau.c,
    )


class Lawson2(ExponentialMethod):
    """Midpoint with the integrating factor e^(-z u): D_i is not held by the step, so even a constant one is not integrated exactly."""

    numbers = lawson(Tableau(A=((), (1 / 2,)), b=(0.0, 1.0), c=(0.0, 1 / 2)))
    card = method_card("lawson2", "Lawson 2 (midpoint)", numbers, _LAWSON, aliases=("lawson2a",))


class Lawson4(ExponentialMethod):
    """The classical four stages with the integrating factor e^(-z u)."""

    numbers = lawson(
        Tableau(
            A=((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)),
            b=(1 / 6, 1 / 3, 1 / 3, 1 / 6),
            c=(0.0, 1 / 2, 1 / 2, 1.0),
        )
    )
    card = method_card("lawson4", "Lawson 4 (classical Runge-Kutta)", numbers, _LAWSON, aliases=("ifrk4",))


def _generalized() -> ExponentialTableau:
    """Krogstad's correction of Lawson 4 by the polynomial of degree 0 through D_0: rows sum to c phi_1(c z) again."""
    plain = Lawson4.numbers
    rows = [list(row) for row in plain.A]
    for row, node in zip(rows[1:], plain.c[1:], strict=True):
        row[0] = sum((-entry for entry in row[1:]), start=node * phis(1, node))
    weights = list(plain.b)
    weights[0] = sum((-entry for entry in weights[1:]), start=phis(1))
    return ExponentialTableau(A=rows, b=weights, c=plain.c)


class GeneralizedLawson4(ExponentialMethod):
    """Lawson 4 on D - D_0, with D_0 integrated exactly: a constant D costs nothing any more."""

    numbers = _generalized()
    card = method_card(
        "generalized-lawson4",
        "Generalized Lawson 4",
        numbers,
        Source(
            authors="Krogstad 2005",
            title="Generalized integrating factor methods for stiff PDEs",
            link="https://doi.org/10.1016/j.jcp.2004.08.006",
            where="generalized integrating factors, with a polynomial of degree 0",
        ),
        aliases=("genlawson41",),
    )
