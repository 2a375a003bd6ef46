"""Explicit Runge-Kutta methods of order 1 to 5: numbers with their sources. Orders and costs are computed from them.

Embedded weights ``b_hat`` are the pair's own for Bogacki-Shampine and Dormand-Prince, and elsewhere the method of one order
less on the same stages: Euler in Heun, midpoint in Kutta's, Heun in Shu-Osher's.
"""

from __future__ import annotations

from solvers_zoo import Source
from solvers_zoo.numerics.tableau import Tableau
from zoo_runge_kutta.runge_kutta import RungeKutta, book, method_card

_R = 5**0.5


def _edm(where: str) -> Source:
    return Source(
        authors="Karras et al. 2022",
        title="Elucidating the Design Space of Diffusion-Based Generative Models",
        arxiv="2206.00364",
        where=where,
    )


def _ralston(where: str) -> Source:
    return Source(
        authors="Ralston 1962",
        title="Runge-Kutta Methods with Minimum Error Bounds",
        link="https://doi.org/10.1090/S0025-5718-1962-0150954-0",
        where=where,
    )


class Euler(RungeKutta):
    """One stage: along the slope at the start. In sigma it is DDIM, and the only method here that runs where alpha = 0."""

    tableau = Tableau(A=((),), b=(1.0,), c=(0.0,))
    card = method_card(
        "euler", "Euler", tableau, _edm("eq. (4), integrated with Euler"), ("ipndm-1",), ("ddim", "dpm-solver-1")
    )


class Midpoint(RungeKutta):
    """The slope half way."""

    tableau = Tableau(A=((), (1 / 2,)), b=(0.0, 1.0), c=(0.0, 1 / 2), b_hat=(1.0, 0.0))
    card = method_card("midpoint", "Midpoint", tableau, book("Section II.1 (Runge 1895)"), aliases=("rk2",))


class Heun(RungeKutta):
    """The mean of the slopes at both ends: the trapezoidal rule with an Euler prediction."""

    tableau = Tableau(A=((), (1.0,)), b=(1 / 2, 1 / 2), c=(0.0, 1.0), b_hat=(1.0, 0.0))
    card = method_card("heun", "Heun", tableau, _edm("Algorithm 1"), aliases=("heun2", "deis-rho-heun2"))


class Ralston(RungeKutta):
    """Two stages with the smallest bound on the local error."""

    tableau = Tableau(A=((), (2 / 3,)), b=(1 / 4, 3 / 4), c=(0.0, 2 / 3), b_hat=(1.0, 0.0))
    card = method_card(
        "ralston", "Ralston", tableau, _ralston("pp. 431-437, the formula of order 2"), aliases=("ralston2",)
    )


class RK3(RungeKutta):
    """Kutta's three stages, Simpson's rule where the slope depends on time alone."""

    tableau = Tableau(
        A=((), (1 / 2,), (-1.0, 2.0)), b=(1 / 6, 2 / 3, 1 / 6), c=(0.0, 1 / 2, 1.0), b_hat=(0.0, 1.0, 0.0)
    )
    card = method_card(
        "rk3",
        "Kutta's third-order method",
        tableau,
        Source(
            authors="Butcher 2016",
            title="Numerical Methods for Ordinary Differential Equations",
            link="https://doi.org/10.1002/9781119121534",
            where="Section 233 (Kutta 1901)",
        ),
        aliases=("kutta3", "deis-rho-kutta3"),
    )


class Heun3(RungeKutta):
    """Heun's three stages."""

    tableau = Tableau(A=((), (1 / 3,), (0.0, 2 / 3)), b=(1 / 4, 0.0, 3 / 4), c=(0.0, 1 / 3, 2 / 3))
    card = method_card("heun3", "Heun's third-order method", tableau, book("Table II.1.1"), aliases=("deis-rho-heun3",))


class SSPRK3(RungeKutta):
    """Three stages, each a convex combination of Euler steps (strong stability preserving)."""

    tableau = Tableau(
        A=((), (1.0,), (1 / 4, 1 / 4)), b=(1 / 6, 1 / 6, 2 / 3), c=(0.0, 1.0, 1 / 2), b_hat=(1 / 2, 1 / 2, 0.0)
    )
    card = method_card(
        "ssprk3",
        "SSPRK(3, 3)",
        tableau,
        Source(
            authors="Shu & Osher 1988",
            title="Efficient Implementation of Essentially Non-oscillatory Shock-Capturing Schemes",
            link="https://doi.org/10.1016/0021-9991(88)90177-5",
            where="eq. (2.18)",
        ),
        aliases=("shu-osher", "deis-rho-ssprk3"),
    )


class SSPRK43(RungeKutta):
    """Four stages of order 3, each a convex combination of Euler steps of half the length: stable for twice rk3's step."""

    tableau = Tableau(
        A=((), (1 / 2,), (1 / 2, 1 / 2), (1 / 6, 1 / 6, 1 / 6)),
        b=(1 / 6, 1 / 6, 1 / 6, 1 / 2),
        c=(0.0, 1 / 2, 1.0, 1 / 2),
        b_hat=(1 / 4, 1 / 4, 1 / 4, 1 / 4),
    )
    card = method_card(
        "ssprk43",
        "SSPRK(4, 3)",
        tableau,
        Source(
            authors="Spiteri & Ruuth 2002",
            title="A new class of optimal high-order strong-stability-preserving time discretization methods",
            link="https://doi.org/10.1137/S0036142901389025",
            where="pp. 469-491, the method of four stages and order 3",
        ),
    )


class VanDerHouwen3(RungeKutta):
    """Three stages of order 3 that need two registers: each stage keeps the last slope only."""

    tableau = Tableau(A=((), (8 / 15,), (1 / 4, 5 / 12)), b=(1 / 4, 0.0, 3 / 4), c=(0.0, 8 / 15, 2 / 3))
    card = method_card(
        "vdh3",
        "Van der Houwen's third-order method",
        tableau,
        Source(
            authors="Zhang & Chen 2022",
            title="Fast Sampling of Diffusion Models with Exponential Integrator",
            arxiv="2204.13902",
            where="rhoRK-DEIS; the tableau is that of 3vdh in the authors' th_deis/rk.py (van der Houwen 1972, Wray)",
        ),
        aliases=("houwen-wray", "deis-rho-vdh3"),
    )


class Ralston3(RungeKutta):
    """Three stages with the smallest bound on the local error."""

    tableau = Tableau(
        A=((), (1 / 2,), (0.0, 3 / 4)), b=(2 / 9, 1 / 3, 4 / 9), c=(0.0, 1 / 2, 3 / 4), b_hat=(0.0, 1.0, 0.0)
    )
    card = method_card(
        "ralston3",
        "Ralston's third-order method",
        tableau,
        _ralston("pp. 431-437, the formula of order 3"),
        aliases=("deis-rho-ralston3",),
        equivalents=("bogacki-shampine",),
    )


class RK4(RungeKutta):
    """The classical four stages."""

    tableau = Tableau(
        A=((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)),
        b=(1 / 6, 1 / 3, 1 / 3, 1 / 6),
        c=(0.0, 1 / 2, 1 / 2, 1.0),
    )
    card = method_card("rk4", "Runge-Kutta 4", tableau, book("Table II.1.2, left"), aliases=("deis-rho-rk4",))


class RK38(RungeKutta):
    """Kutta's 3/8 rule: four stages, smaller error constants than rk4."""

    tableau = Tableau(
        A=((), (1 / 3,), (-1 / 3, 1.0), (1.0, -1.0, 1.0)),
        b=(1 / 8, 3 / 8, 3 / 8, 1 / 8),
        c=(0.0, 1 / 3, 2 / 3, 1.0),
    )
    card = method_card("rk38", "3/8 rule", tableau, book("Table II.1.2, right"), aliases=("rk4-38",))


class Ralston4(RungeKutta):
    """Four stages with the smallest bound on the local error."""

    tableau = Tableau(
        A=(
            (),
            (2 / 5,),
            ((-2889 + 1428 * _R) / 1024, (3785 - 1620 * _R) / 1024),
            ((-3365 + 2094 * _R) / 6040, (-975 - 3046 * _R) / 2552, (467040 + 203968 * _R) / 240845),
        ),
        b=(
            (263 + 24 * _R) / 1812,
            (125 - 1000 * _R) / 3828,
            1024 * (3346 + 1623 * _R) / 5924787,
            (30 - 4 * _R) / 123,
        ),
        c=(0.0, 2 / 5, 7 / 8 - 3 / 16 * _R, 1.0),
    )
    card = method_card(
        "ralston4", "Ralston's fourth-order method", tableau, _ralston("pp. 431-437, the formula of order 4")
    )


class BogackiShampine(RungeKutta):
    """Ralston's third-order result and one stage more, which estimates its error."""

    tableau = Tableau(
        A=((), (1 / 2,), (0.0, 3 / 4), (2 / 9, 1 / 3, 4 / 9)),
        b=(2 / 9, 1 / 3, 4 / 9, 0.0),
        c=(0.0, 1 / 2, 3 / 4, 1.0),
        b_hat=(7 / 24, 1 / 4, 1 / 3, 1 / 8),
    )
    card = method_card(
        "bogacki-shampine",
        "Bogacki-Shampine 3(2)",
        tableau,
        Source(
            authors="Bogacki & Shampine 1989",
            title="A 3(2) pair of Runge-Kutta formulas",
            link="https://doi.org/10.1016/0893-9659(89)90079-7",
            where="pp. 321-325, the pair of the title",
        ),
        aliases=("bs3",),
        equivalents=("ralston3",),
    )


class DormandPrince(RungeKutta):
    """Seven stages of order 5, the last of which serves the error estimate of order 4."""

    tableau = Tableau(
        A=(
            (),
            (1 / 5,),
            (3 / 40, 9 / 40),
            (44 / 45, -56 / 15, 32 / 9),
            (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
            (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
            (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
        ),
        b=(35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0.0),
        c=(0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0),
        b_hat=(5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40),
    )
    card = method_card(
        "dormand-prince",
        "Dormand-Prince 5(4)",
        tableau,
        Source(
            authors="Dormand & Prince 1980",
            title="A family of embedded Runge-Kutta formulae",
            link="https://doi.org/10.1016/0771-050X(80)90013-3",
            where="Table 2, RK5(4)7M",
        ),
        aliases=("dp5", "dopri5"),
    )


METHODS: list[type[RungeKutta]] = [
    Euler, Midpoint, Heun, Ralston, RK3, Heun3, VanDerHouwen3, SSPRK3, SSPRK43, Ralston3, RK4, RK38, Ralston4,
    BogackiShampine, DormandPrince,
]  # fmt: skip
