"""Diagonally implicit Runge-Kutta methods: stages solved one at a time. Orders are computed from the numbers.

Only methods whose nodes lie within the step are here: a model is not defined beyond the grid. That leaves out Kraaijevanger and
Spijker's, Crouzeix's of three stages, and Kvaerno's of order 4 and 5.
"""

from __future__ import annotations

from solvers_zoo import Source
from solvers_zoo.numerics.tableau import Tableau
from zoo_implicit.implicit import ImplicitRungeKutta, method_card


def stiff_book(where: str) -> Source:
    """A place in the standard book on the subject."""
    return Source(
        authors="Hairer & Wanner 1996",
        title="Solving Ordinary Differential Equations II",
        link="https://doi.org/10.1007/978-3-642-05221-7",
        where=where,
    )


def _additive(where: str) -> Source:
    return Source(
        authors="Kennedy & Carpenter 2003",
        title="Additive Runge-Kutta schemes for convection-diffusion-reaction equations",
        link="https://doi.org/10.1016/S0168-9274(02)00138-1",
        where=where,
    )


class BackwardEuler(ImplicitRungeKutta):
    """Along the slope at the end: order 1, L-stable."""

    tableau = Tableau(A=((1.0,),), b=(1.0,), c=(1.0,))
    card = method_card(
        "backward-euler", "Backward Euler", tableau, stiff_book("Section IV.3"), aliases=("implicit-euler",)
    )


class ImplicitMidpoint(ImplicitRungeKutta):
    """The slope half way along the straight step: order 2, symplectic; Gauss' method of one stage."""

    tableau = Tableau(A=((1 / 2,),), b=(1.0,), c=(1 / 2,))
    card = method_card(
        "implicit-midpoint",
        "Implicit midpoint",
        tableau,
        stiff_book("Table IV.5.1"),
        aliases=("gauss-legendre-2",),
    )


class Trapezoid(ImplicitRungeKutta):
    """The mean of the slopes at both ends: order 2, A-stable; Lobatto IIIA of two stages."""

    tableau = Tableau(A=((0.0,), (1 / 2, 1 / 2)), b=(1 / 2, 1 / 2), c=(0.0, 1.0))
    card = method_card(
        "trapezoid",
        "Trapezoidal rule",
        tableau,
        stiff_book("Section IV.3"),
        aliases=("crank-nicolson", "lobatto-iiia-2"),
    )


_A = 1 - 0.5**0.5


class SDIRK2(ImplicitRungeKutta):
    """Alexander's two stages of order 2, L-stable and stiffly accurate."""

    tableau = Tableau(A=((_A,), (1 - _A, _A)), b=(1 - _A, _A), c=(_A, 1.0))
    card = method_card(
        "sdirk2",
        "SDIRK2 (Alexander)",
        tableau,
        Source(
            authors="Alexander 1977",
            title="Diagonally implicit Runge-Kutta methods for stiff O.D.E.'s",
            link="https://doi.org/10.1137/0714068",
            where="pp. 1006-1021, the method of two stages",
        ),
        aliases=("alexander-2",),
    )


class PareschiRusso(ImplicitRungeKutta):
    """Two stages of order 2, L-stable, with nodes that lie symmetrically."""

    tableau = Tableau(A=((_A,), (1 - 2 * _A, _A)), b=(1 / 2, 1 / 2), c=(_A, 1 - _A))
    card = method_card(
        "pareschi-russo",
        "Pareschi-Russo",
        tableau,
        Source(
            authors="Pareschi & Russo 2005",
            title="Implicit-Explicit Runge-Kutta Schemes and Applications to Hyperbolic Systems with Relaxation",
            link="https://doi.org/10.1007/s10915-004-4636-4",
            where="Table 2, the implicit part of IMEX-SSP2(2,2,2)",
        ),
    )


class QinZhang(ImplicitRungeKutta):
    """Two implicit midpoint steps of half the length: order 2, symplectic."""

    tableau = Tableau(A=((1 / 4,), (1 / 2, 1 / 4)), b=(1 / 2, 1 / 2), c=(1 / 4, 3 / 4))
    card = method_card(
        "qin-zhang",
        "Qin-Zhang",
        tableau,
        Source(
            authors="Qin & Zhang 1992",
            title="Symplectic geometric algorithm for Hamiltonian systems",
            link="https://en.wikipedia.org/wiki/List_of_Runge%E2%80%93Kutta_methods",
            where="Section on diagonally implicit methods, Qin and Zhang's",
        ),
    )


_C = (3 + 3**0.5) / 6


class Crouzeix(ImplicitRungeKutta):
    """Two stages of order 3, A-stable."""

    tableau = Tableau(A=((_C,), (1 - 2 * _C, _C)), b=(1 / 2, 1 / 2), c=(_C, 1 - _C))
    card = method_card(
        "crouzeix",
        "Crouzeix",
        tableau,
        stiff_book("Section IV.6 (Norsett 1974, Crouzeix 1975), two stages of order 3"),
        aliases=("crouzeix-2s", "norsett-3"),
    )


_G = 0.4358665215084589994


class SDIRK3(ImplicitRungeKutta):
    """Alexander's three stages of order 3, L-stable and stiffly accurate."""

    _b = ((-6 * _G**2 + 16 * _G - 1) / 4, (6 * _G**2 - 20 * _G + 5) / 4, _G)
    tableau = Tableau(A=((_G,), ((1 - _G) / 2, _G), _b), b=_b, c=(_G, (1 + _G) / 2, 1.0))
    card = method_card(
        "sdirk3",
        "SDIRK3 (Alexander)",
        tableau,
        Source(
            authors="Alexander 1977",
            title="Diagonally implicit Runge-Kutta methods for stiff O.D.E.'s",
            link="https://doi.org/10.1137/0714068",
            where="pp. 1006-1021, the method of three stages",
        ),
        aliases=("alexander-3",),
    )


class SDIRK4(ImplicitRungeKutta):
    """Five stages of order 4, L-stable and stiffly accurate."""

    tableau = Tableau(
        A=(
            (1 / 4,),
            (1 / 2, 1 / 4),
            (17 / 50, -1 / 25, 1 / 4),
            (371 / 1360, -137 / 2720, 15 / 544, 1 / 4),
            (25 / 24, -49 / 48, 125 / 16, -85 / 12, 1 / 4),
        ),
        b=(25 / 24, -49 / 48, 125 / 16, -85 / 12, 1 / 4),
        c=(1 / 4, 3 / 4, 11 / 20, 1 / 2, 1.0),
    )
    card = method_card("sdirk4", "SDIRK4", tableau, stiff_book("Table IV.6.5"))


_W = 0.5**0.5 / 2


class TRBDF2(ImplicitRungeKutta):
    """A trapezoidal step to 2 - sqrt(2), then the backward difference formula of order 2 over both: L-stable."""

    tableau = Tableau(A=((0.0,), (_A, _A), (_W, _W, _A)), b=(_W, _W, _A), c=(0.0, 2 * _A, 1.0))
    card = method_card(
        "trbdf2",
        "TR-BDF2",
        tableau,
        Source(
            authors="Hosea & Shampine 1996",
            title="Analysis and implementation of TR-BDF2",
            link="https://doi.org/10.1016/0168-9274(95)00115-8",
            where="pp. 21-37, the method of the title (Bank et al. 1985)",
        ),
    )


class Kvaerno3(ImplicitRungeKutta):
    """Four stages of order 3, the first explicit: L-stable and stiffly accurate."""

    _b = ((6 * _G - 1) / (12 * _G), -1 / ((24 * _G - 12) * _G), (-6 * _G**2 + 6 * _G - 1) / (6 * _G - 3), _G)
    tableau = Tableau(
        A=((0.0,), (_G, _G), ((-4 * _G**2 + 6 * _G - 1) / (4 * _G), (-2 * _G + 1) / (4 * _G), _G), _b),
        b=_b,
        c=(0.0, 2 * _G, 1.0, 1.0),
    )
    card = method_card(
        "kvaerno3",
        "Kvaerno 3(2)",
        tableau,
        Source(
            authors="Kvaerno 2004",
            title="Singly diagonally implicit Runge-Kutta methods with an explicit first stage",
            link="https://doi.org/10.1023/B:BITN.0000046811.70614.38",
            where="pp. 489-502, the pair 3/2",
        ),
    )


class KenCarp3(ImplicitRungeKutta):
    """The implicit part of ARK3(2)4L[2]SA: four stages of order 3, the first explicit; L-stable."""

    _g = 1767732205903 / 4055673282236
    _b = (
        1471266399579 / 7840856788654,
        -4482444167858 / 7529755066697,
        11266239266428 / 11593286722821,
        1767732205903 / 4055673282236,
    )
    tableau = Tableau(
        A=((0.0,), (_g, _g), (2746238789719 / 10658868560708, -640167445237 / 6845629431997, _g), _b),
        b=_b,
        c=(0.0, 2 * _g, 3 / 5, 1.0),
    )
    card = method_card(
        "kencarp3", "Kennedy-Carpenter 3", tableau, _additive("the tableau of ARK3(2)4L[2]SA, implicit part")
    )


class KenCarp4(ImplicitRungeKutta):
    """The implicit part of ARK4(3)6L[2]SA: six stages of order 4, the first explicit; L-stable."""

    _b = (82889 / 524892, 0.0, 15625 / 83664, 69875 / 102672, -2260 / 8211, 1 / 4)
    tableau = Tableau(
        A=(
            (0.0,),
            (1 / 4, 1 / 4),
            (8611 / 62500, -1743 / 31250, 1 / 4),
            (5012029 / 34652500, -654441 / 2922500, 174375 / 388108, 1 / 4),
            (15267082809 / 155376265600, -71443401 / 120774400, 730878875 / 902184768, 2285395 / 8070912, 1 / 4),
            _b,
        ),
        b=_b,
        c=(0.0, 1 / 2, 83 / 250, 31 / 50, 17 / 20, 1.0),
    )
    card = method_card(
        "kencarp4", "Kennedy-Carpenter 4", tableau, _additive("the tableau of ARK4(3)6L[2]SA, implicit part")
    )


class KenCarp5(ImplicitRungeKutta):
    """The implicit part of ARK5(4)8L[2]SA: eight stages of order 5, the first explicit; L-stable.

    Copies in circulation have the denominator 7827059040719 where 7827059040749 stands here: with it the row sums to its node,
    and the conditions of order 5 hold to rounding; with the other they are missed by 2e-12.
    """

    _b = (
        -872700587467 / 9133579230613, 0.0, 0.0, 22348218063261 / 9555858737531, -1143369518992 / 8141816002931,
        -39379526789629 / 19018526304540, 32727382324388 / 42900044865799, 41 / 200,
    )  # fmt: skip
    tableau = Tableau(
        A=(
            (0.0,),
            (41 / 200, 41 / 200),
            (41 / 400, -567603406766 / 11931857230679, 41 / 200),
            (683785636431 / 9252920307686, 0.0, -110385047103 / 1367015193373, 41 / 200),
            (
                3016520224154 / 10081342136671, 0.0, 30586259806659 / 12414158314087, -22760509404356 / 11113319521817,
                41 / 200,
            ),
            (
                218866479029 / 1489978393911, 0.0, 638256894668 / 5436446318841, -1179710474555 / 5321154724896,
                -60928119172 / 8023461067671, 41 / 200,
            ),
            (
                1020004230633 / 5715676835656, 0.0, 25762820946817 / 25263940353407, -2161375909145 / 9755907335909,
                -211217309593 / 5846859502534, -4269925059573 / 7827059040749, 41 / 200,
            ),
            _b,
        ),
        b=_b,
        c=(
            0.0, 41 / 100, 2935347310677 / 11292855782101, 1426016391358 / 7196633302097, 92 / 100, 24 / 100, 3 / 5,
            1.0,
        ),
    )  # fmt: skip
    card = method_card(
        "kencarp5", "Kennedy-Carpenter 5", tableau, _additive("the tableau of ARK5(4)8L[2]SA, implicit part")
    )


METHODS: list[type[ImplicitRungeKutta]] = [
    BackwardEuler, ImplicitMidpoint, Trapezoid, SDIRK2, PareschiRusso, QinZhang, Crouzeix, SDIRK3, SDIRK4, TRBDF2,
    Kvaerno3, KenCarp3, KenCarp4, KenCarp5,
]  # fmt: skip
