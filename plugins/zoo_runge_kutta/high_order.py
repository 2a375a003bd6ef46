"""Explicit Runge-Kutta methods of order 5 to 8: numbers with their sources. Orders and costs are computed from them.

What is advanced is always the result of higher order of a pair; ``b_hat`` is the other one.
"""

from __future__ import annotations

from solvers_zoo import Source
from solvers_zoo.numerics.tableau import Tableau
from zoo_runge_kutta.runge_kutta import RungeKutta, book, method_card

_R = 21**0.5


class Nystrom5(RungeKutta):
    """Six stages of order 5: Kutta's method of 1901 with Nystrom's correction."""

    tableau = Tableau(
        A=(
            (),
            (1 / 3,),
            (4 / 25, 6 / 25),
            (1 / 4, -3.0, 15 / 4),
            (2 / 27, 10 / 9, -50 / 81, 8 / 81),
            (2 / 25, 12 / 25, 2 / 15, 8 / 75, 0.0),
        ),
        b=(23 / 192, 0.0, 125 / 192, 0.0, -27 / 64, 125 / 192),
        c=(0.0, 1 / 3, 2 / 5, 1.0, 2 / 3, 4 / 5),
    )
    card = method_card("nystrom-5", "Kutta-Nystrom 5", tableau, book("Section II.5 (Nystrom 1925)"), order=5)


class Butcher5(RungeKutta):
    """Six stages of order 5 on Boole's quadrature."""

    tableau = Tableau(
        A=(
            (),
            (1 / 4,),
            (1 / 8, 1 / 8),
            (0.0, -1 / 2, 1.0),
            (3 / 16, 0.0, 0.0, 9 / 16),
            (-3 / 7, 2 / 7, 12 / 7, -12 / 7, 8 / 7),
        ),
        b=(7 / 90, 0.0, 32 / 90, 12 / 90, 32 / 90, 7 / 90),
        c=(0.0, 1 / 4, 1 / 4, 1 / 2, 3 / 4, 1.0),
    )
    card = method_card(
        "butcher-5",
        "Butcher 5",
        tableau,
        Source(
            authors="Butcher 1964",
            title="On Runge-Kutta processes of high order",
            link="https://doi.org/10.1017/S1446788700023387",
            where="pp. 179-194, the method of order 5",
        ),
        order=5,
    )


class Fehlberg5(RungeKutta):
    """Fehlberg's pair 4(5), which goes on with the result of order 5 (local extrapolation)."""

    tableau = Tableau(
        A=(
            (),
            (1 / 4,),
            (3 / 32, 9 / 32),
            (1932 / 2197, -7200 / 2197, 7296 / 2197),
            (439 / 216, -8.0, 3680 / 513, -845 / 4104),
            (-8 / 27, 2.0, -3544 / 2565, 1859 / 4104, -11 / 40),
        ),
        b=(16 / 135, 0.0, 6656 / 12825, 28561 / 56430, -9 / 50, 2 / 55),
        c=(0.0, 1 / 4, 3 / 8, 12 / 13, 1.0, 1 / 2),
        b_hat=(25 / 216, 0.0, 1408 / 2565, 2197 / 4104, -1 / 5, 0.0),
    )
    card = method_card(
        "fehlberg-5",
        "Fehlberg 4(5)",
        tableau,
        book("Section II.5 (Fehlberg 1969), the pair 4(5)"),
        aliases=("rkf45",),
        order=5,
    )


class CashKarp(RungeKutta):
    """Six stages of order 5 with embedded results of every lower order."""

    tableau = Tableau(
        A=(
            (),
            (1 / 5,),
            (3 / 40, 9 / 40),
            (3 / 10, -9 / 10, 6 / 5),
            (-11 / 54, 5 / 2, -70 / 27, 35 / 27),
            (1631 / 55296, 175 / 512, 575 / 13824, 44275 / 110592, 253 / 4096),
        ),
        b=(37 / 378, 0.0, 250 / 621, 125 / 594, 0.0, 512 / 1771),
        c=(0.0, 1 / 5, 3 / 10, 3 / 5, 1.0, 7 / 8),
        b_hat=(2825 / 27648, 0.0, 18575 / 48384, 13525 / 55296, 277 / 14336, 1 / 4),
    )
    card = method_card(
        "cash-karp",
        "Cash-Karp 5(4)",
        tableau,
        Source(
            authors="Cash & Karp 1990",
            title="A variable order Runge-Kutta method for initial value problems with rapidly varying right-hand sides",
            link="https://doi.org/10.1145/79505.79507",
            where="pp. 201-222, the tableau of orders 1 to 5",
        ),
        aliases=("cash-karp-5",),
        order=5,
    )


class Tsitouras5(RungeKutta):
    """Seven stages of order 5, the last of which serves the error estimate of order 4; smaller error than Dormand-Prince."""

    tableau = Tableau(
        A=(
            (),
            (0.161,),
            (-0.008480655492356989, 0.335480655492357),
            (2.8971530571054935, -6.359448489975075, 4.3622954328695815),
            (5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525),
            (5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383),
            (
                0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774,
            ),
        ),
        b=(0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774, 0.0),
        c=(0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0, 1.0),
        b_hat=(
            0.09646076681806523 - 0.00178001105222577714,
            0.01 - 0.0008164344596567469,
            0.4798896504144996 + 0.007880878010261995,
            1.379008574103742 - 0.1447110071732629,
            -3.290069515436081 + 0.5823571654525552,
            2.324710524099774 - 0.45808210592918697,
            1 / 66,
        ),
    )  # fmt: skip
    card = method_card(
        "tsitouras",
        "Tsitouras 5(4)",
        tableau,
        Source(
            authors="Tsitouras 2011",
            title="Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying assumption",
            link="https://doi.org/10.1016/j.camwa.2011.06.002",
            where="pp. 770-775, the pair of the title",
        ),
        aliases=("tsit5",),
        order=5,
    )


class Butcher6(RungeKutta):
    """Seven stages of order 6, the fewest possible."""

    tableau = Tableau(
        A=(
            (),
            (1 / 3,),
            (0.0, 2 / 3),
            (1 / 12, 1 / 3, -1 / 12),
            (-1 / 16, 9 / 8, -3 / 16, -3 / 8),
            (0.0, 9 / 8, -3 / 8, -3 / 4, 1 / 2),
            (9 / 44, -9 / 11, 63 / 44, 18 / 11, 0.0, -16 / 11),
        ),
        b=(11 / 120, 0.0, 27 / 40, 27 / 40, -4 / 15, -4 / 15, 11 / 120),
        c=(0.0, 1 / 3, 2 / 3, 1 / 3, 1 / 2, 1 / 2, 1.0),
    )
    card = method_card(
        "butcher-6",
        "Butcher 6",
        tableau,
        Source(
            authors="Butcher 1964",
            title="On Runge-Kutta processes of high order",
            link="https://doi.org/10.1017/S1446788700023387",
            where="pp. 179-194, the method of order 6",
        ),
        order=6,
    )


class Verner6(RungeKutta):
    """Eight stages of order 6 with an embedded result of order 5: the pair of the code DVERK."""

    tableau = Tableau(
        A=(
            (),
            (1 / 6,),
            (4 / 75, 16 / 75),
            (5 / 6, -8 / 3, 5 / 2),
            (-165 / 64, 55 / 6, -425 / 64, 85 / 96),
            (12 / 5, -8.0, 4015 / 612, -11 / 36, 88 / 255),
            (-8263 / 15000, 124 / 75, -643 / 680, -81 / 250, 2484 / 10625, 0.0),
            (3501 / 1720, -300 / 43, 297275 / 52632, -319 / 2322, 24068 / 84065, 0.0, 3850 / 26703),
        ),
        b=(3 / 40, 0.0, 875 / 2244, 23 / 72, 264 / 1955, 0.0, 125 / 11592, 43 / 616),
        c=(0.0, 1 / 6, 4 / 15, 2 / 3, 5 / 6, 1.0, 1 / 15, 1.0),
        b_hat=(13 / 160, 0.0, 2375 / 5984, 5 / 16, 12 / 85, 3 / 44, 0.0, 0.0),
    )
    card = method_card(
        "verner-6",
        "Verner 6(5)",
        tableau,
        book("Section II.5 (Verner 1978), the pair of DVERK"),
        aliases=("dverk",),
        order=6,
    )


class Fehlberg7(RungeKutta):
    """Eleven stages of order 7: the lower result of Fehlberg's pair 7(8), without the two stages that serve the other."""

    tableau = Tableau(
        A=(
            (),
            (2 / 27,),
            (1 / 36, 1 / 12),
            (1 / 24, 0.0, 1 / 8),
            (5 / 12, 0.0, -25 / 16, 25 / 16),
            (1 / 20, 0.0, 0.0, 1 / 4, 1 / 5),
            (-25 / 108, 0.0, 0.0, 125 / 108, -65 / 27, 125 / 54),
            (31 / 300, 0.0, 0.0, 0.0, 61 / 225, -2 / 9, 13 / 900),
            (2.0, 0.0, 0.0, -53 / 6, 704 / 45, -107 / 9, 67 / 90, 3.0),
            (-91 / 108, 0.0, 0.0, 23 / 108, -976 / 135, 311 / 54, -19 / 60, 17 / 6, -1 / 12),
            (2383 / 4100, 0.0, 0.0, -341 / 164, 4496 / 1025, -301 / 82, 2133 / 4100, 45 / 82, 45 / 164, 18 / 41),
        ),
        b=(41 / 840, 0.0, 0.0, 0.0, 0.0, 34 / 105, 9 / 35, 9 / 35, 9 / 280, 9 / 280, 41 / 840),
        c=(0.0, 2 / 27, 1 / 9, 1 / 6, 5 / 12, 1 / 2, 5 / 6, 1 / 6, 2 / 3, 1 / 3, 1.0),
    )
    card = method_card(
        "fehlberg-7", "Fehlberg 7", tableau, book("Section II.5, Fehlberg's pair of order 7(8)"), order=7
    )


class CooperVerner8(RungeKutta):
    """Eleven stages of order 8, the fewest possible, on the nodes of Lobatto's quadrature of five points."""

    tableau = Tableau(
        A=(
            (),
            (1 / 2,),
            (1 / 4, 1 / 4),
            (1 / 7, (-7 - 3 * _R) / 98, (21 + 5 * _R) / 49),
            ((11 + _R) / 84, 0.0, (18 + 4 * _R) / 63, (21 - _R) / 252),
            ((5 + _R) / 48, 0.0, (9 + _R) / 36, (-231 + 14 * _R) / 360, (63 - 7 * _R) / 80),
            (
                (10 - _R) / 42, 0.0, (-432 + 92 * _R) / 315, (633 - 145 * _R) / 90, (-504 + 115 * _R) / 70,
                (63 - 13 * _R) / 35,
            ),
            (1 / 14, 0.0, 0.0, 0.0, (14 - 3 * _R) / 126, (13 - 3 * _R) / 63, 1 / 9),
            (
                1 / 32, 0.0, 0.0, 0.0, (91 - 21 * _R) / 576, 11 / 72, (-385 - 75 * _R) / 1152, (63 + 13 * _R) / 128,
            ),
            (
                1 / 14, 0.0, 0.0, 0.0, 1 / 9, (-733 - 147 * _R) / 2205, (515 + 111 * _R) / 504, (-51 - 11 * _R) / 56,
                (132 + 28 * _R) / 245,
            ),
            (
                0.0, 0.0, 0.0, 0.0, (-42 + 7 * _R) / 18, (-18 + 28 * _R) / 45, (-273 - 53 * _R) / 72,
                (301 + 53 * _R) / 72, (28 - 28 * _R) / 45, (49 - 7 * _R) / 18,
            ),
        ),
        b=(1 / 20, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 49 / 180, 16 / 45, 49 / 180, 1 / 20),
        c=(
            0.0, 1 / 2, 1 / 2, (7 + _R) / 14, (7 + _R) / 14, 1 / 2, (7 - _R) / 14, (7 - _R) / 14, 1 / 2,
            (7 + _R) / 14, 1.0,
        ),
    )  # fmt: skip
    card = method_card(
        "cooper-verner-8",
        "Cooper-Verner 8",
        tableau,
        Source(
            authors="Cooper & Verner 1972",
            title="Some explicit Runge-Kutta methods of high order",
            link="https://doi.org/10.1137/0709037",
            where="pp. 389-405, the method of order 8 with 11 stages",
        ),
        order=8,
    )


METHODS: list[type[RungeKutta]] = [
    Nystrom5, Butcher5, Fehlberg5, CashKarp, Tsitouras5, Butcher6, Verner6, Fehlberg7, CooperVerner8,
]  # fmt: skip
