"""Fully implicit Runge-Kutta methods: all stages solved together. Orders are computed from the numbers."""

from __future__ import annotations

from solvers_zoo.numerics.tableau import Tableau
from zoo_implicit.diagonal import stiff_book
from zoo_implicit.implicit import ImplicitRungeKutta, method_card

_R3, _R6, _R15 = 3**0.5, 6**0.5, 15**0.5


class GaussLegendre4(ImplicitRungeKutta):
    """Two stages of order 4 on Gauss' nodes: A-stable, symplectic."""

    tableau = Tableau(
        A=((1 / 4, 1 / 4 - _R3 / 6), (1 / 4 + _R3 / 6, 1 / 4)), b=(1 / 2, 1 / 2), c=(1 / 2 - _R3 / 6, 1 / 2 + _R3 / 6)
    )
    card = method_card(
        "gauss-legendre-4",
        "Gauss-Legendre 4",
        tableau,
        stiff_book("Table IV.5.1"),
        aliases=("gl4", "hammer-hollingsworth"),
    )


class GaussLegendre6(ImplicitRungeKutta):
    """Three stages of order 6 on Gauss' nodes: A-stable, symplectic."""

    tableau = Tableau(
        A=(
            (5 / 36, 2 / 9 - _R15 / 15, 5 / 36 - _R15 / 30),
            (5 / 36 + _R15 / 24, 2 / 9, 5 / 36 - _R15 / 24),
            (5 / 36 + _R15 / 30, 2 / 9 + _R15 / 15, 5 / 36),
        ),
        b=(5 / 18, 4 / 9, 5 / 18),
        c=(1 / 2 - _R15 / 10, 1 / 2, 1 / 2 + _R15 / 10),
    )
    card = method_card(
        "gauss-legendre-6",
        "Gauss-Legendre 6",
        tableau,
        stiff_book("Table IV.5.2"),
        aliases=("gl6", "kuntzmann-butcher"),
    )


class RadauIA3(ImplicitRungeKutta):
    """Two stages of order 3, the first at the start: L-stable."""

    tableau = Tableau(A=((1 / 4, -1 / 4), (1 / 4, 5 / 12)), b=(1 / 4, 3 / 4), c=(0.0, 2 / 3))
    card = method_card("radau-ia-3", "Radau IA 3", tableau, stiff_book("Table IV.5.3"))


class RadauIA5(ImplicitRungeKutta):
    """Three stages of order 5, the first at the start: L-stable."""

    tableau = Tableau(
        A=(
            (1 / 9, (-1 - _R6) / 18, (-1 + _R6) / 18),
            (1 / 9, (88 + 7 * _R6) / 360, (88 - 43 * _R6) / 360),
            (1 / 9, (88 + 43 * _R6) / 360, (88 - 7 * _R6) / 360),
        ),
        b=(1 / 9, (16 + _R6) / 36, (16 - _R6) / 36),
        c=(0.0, (6 - _R6) / 10, (6 + _R6) / 10),
    )
    card = method_card("radau-ia-5", "Radau IA 5", tableau, stiff_book("Table IV.5.4"))


class RadauIIA3(ImplicitRungeKutta):
    """Two stages of order 3, the last at the end: L-stable and stiffly accurate."""

    tableau = Tableau(A=((5 / 12, -1 / 12), (3 / 4, 1 / 4)), b=(3 / 4, 1 / 4), c=(1 / 3, 1.0))
    card = method_card("radau-iia-3", "Radau IIA 3", tableau, stiff_book("Table IV.5.5"))


class RadauIIA5(ImplicitRungeKutta):
    """Three stages of order 5, the last at the end: L-stable and stiffly accurate; the method of RADAU5."""

    tableau = Tableau(
        A=(
            ((88 - 7 * _R6) / 360, (296 - 169 * _R6) / 1800, (-2 + 3 * _R6) / 225),
            ((296 + 169 * _R6) / 1800, (88 + 7 * _R6) / 360, (-2 - 3 * _R6) / 225),
            ((16 - _R6) / 36, (16 + _R6) / 36, 1 / 9),
        ),
        b=((16 - _R6) / 36, (16 + _R6) / 36, 1 / 9),
        c=((4 - _R6) / 10, (4 + _R6) / 10, 1.0),
    )
    card = method_card("radau-iia-5", "Radau IIA 5", tableau, stiff_book("Table IV.5.6"), aliases=("radau5",))


class LobattoIIIA4(ImplicitRungeKutta):
    """Three stages of order 4 on Simpson's nodes, the first explicit: A-stable and stiffly accurate."""

    tableau = Tableau(
        A=((0.0, 0.0, 0.0), (5 / 24, 1 / 3, -1 / 24), (1 / 6, 2 / 3, 1 / 6)),
        b=(1 / 6, 2 / 3, 1 / 6),
        c=(0.0, 1 / 2, 1.0),
    )
    card = method_card("lobatto-iiia-4", "Lobatto IIIA 4", tableau, stiff_book("Table IV.5.7"))


class LobattoIIIB4(ImplicitRungeKutta):
    """Three stages of order 4 on Simpson's nodes, the last explicit once the others are known.

    A-stable where dk/dy is constant, but of no use for a flow that grows stiff within the step, as this one does.
    """

    tableau = Tableau(
        A=((1 / 6, -1 / 6, 0.0), (1 / 6, 1 / 3, 0.0), (1 / 6, 5 / 6, 0.0)), b=(1 / 6, 2 / 3, 1 / 6), c=(0.0, 1 / 2, 1.0)
    )
    card = method_card("lobatto-iiib-4", "Lobatto IIIB 4", tableau, stiff_book("Table IV.5.9"))


class LobattoIIIC2(ImplicitRungeKutta):
    """Two stages of order 2 at the ends: L-stable and stiffly accurate."""

    tableau = Tableau(A=((1 / 2, -1 / 2), (1 / 2, 1 / 2)), b=(1 / 2, 1 / 2), c=(0.0, 1.0))
    card = method_card("lobatto-iiic-2", "Lobatto IIIC 2", tableau, stiff_book("Table IV.5.11"))


class LobattoIIIC4(ImplicitRungeKutta):
    """Three stages of order 4 on Simpson's nodes: L-stable and stiffly accurate."""

    tableau = Tableau(
        A=((1 / 6, -1 / 3, 1 / 6), (1 / 6, 5 / 12, -1 / 12), (1 / 6, 2 / 3, 1 / 6)),
        b=(1 / 6, 2 / 3, 1 / 6),
        c=(0.0, 1 / 2, 1.0),
    )
    card = method_card("lobatto-iiic-4", "Lobatto IIIC 4", tableau, stiff_book("Table IV.5.11"))


METHODS: list[type[ImplicitRungeKutta]] = [
    GaussLegendre4, GaussLegendre6, RadauIA3, RadauIA5, RadauIIA3, RadauIIA5, LobattoIIIA4, LobattoIIIB4,
    LobattoIIIC2, LobattoIIIC4,
]  # fmt: skip
