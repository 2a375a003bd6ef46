"""Tableaus of additive noise, a row each with its own source; the orders are computed from the numbers."""

from __future__ import annotations

from solvers_zoo import Source
from zoo_srk.additive import AdditiveSRK, AdditiveTableau, additive_card

#: int g dB to strong order 1.5: g(t) (W/2 + H) + g(s) (W/2 - H).
_CHORD = ((0.0, 1 / 2, 1.0), (1.0, 1 / 2, -1.0))
#: The mean of g at both ends, without the area.
_ENDS = ((0.0, 1 / 2, 0.0), (1.0, 1 / 2, 0.0))

_FOSTER = {
    "authors": "Foster, dos Reis & Strange 2024",
    "title": "High order splitting methods for SDEs satisfying a commutativity condition",
    "arxiv": "2210.17543",
}
_KLOEDEN = {
    "authors": "Kloeden & Platen 1992",
    "title": "Numerical Solution of Stochastic Differential Equations",
    "link": "https://doi.org/10.1007/978-3-662-12616-5",
}


class SRA1(AdditiveSRK):
    """Two stages of strong order 1.5; SlowRK of Foster et al. is the same method where the noise is additive."""

    tableau = AdditiveTableau(
        A=((), (3 / 4,)), b=(1 / 3, 2 / 3), c=(0.0, 3 / 4), w=(0.0, 3 / 4), a=(0.0, 3 / 2), noise=_CHORD, e=1.0
    )
    card = additive_card(
        "sra1",
        "SRA1",
        tableau,
        Source(
            authors="Rossler 2010",
            title="Runge-Kutta Methods for the Strong Approximation of Solutions of Stochastic Differential Equations",
            link="https://doi.org/10.1137/09076636X",
            where="Section 5 and Table 6.3, SRA1",
        ),
        aliases=("srk", "slow-rk"),
    )


class ShARK(AdditiveSRK):
    """Shifted additive-noise Runge-Kutta: two stages of strong order 1.5, each moved by the area of the step.

    GeneralShARK is the same method where the noise is additive.
    """

    tableau = AdditiveTableau(
        A=((), (5 / 6,)), b=(2 / 5, 3 / 5), c=(0.0, 5 / 6), w=(0.0, 5 / 6), a=(1.0, 1.0), noise=_CHORD
    )
    card = additive_card("shark", "ShARK", tableau, Source(where="eq. (6.1)", **_FOSTER), aliases=("general-shark",))


class SEA(AdditiveSRK):
    """Shifted Euler for additive noise: one evaluation, at the path's mean over the step. Strong order 1 with a smaller error."""

    tableau = AdditiveTableau(A=((),), b=(1.0,), c=(0.0,), w=(1 / 2,), a=(1.0,), noise=_CHORD)
    card = additive_card("sea", "SEA", tableau, Source(where="eq. (5.8)", **_FOSTER))


class StochasticHeun(AdditiveSRK):
    """The mean of the slopes at both ends of an Euler-Maruyama step."""

    tableau = AdditiveTableau(A=((), (1.0,)), b=(1 / 2, 1 / 2), c=(0.0, 1.0), w=(0.0, 1.0), a=(0.0, 0.0), noise=_ENDS)
    card = additive_card(
        "stochastic-heun",
        "Stochastic Heun",
        tableau,
        Source(
            authors="Burrage, Burrage & Tian 2004",
            title="Numerical methods for strong solutions of stochastic differential equations: an overview",
            link="https://doi.org/10.1098/rspa.2003.1247",
            where="Section 3, the Heun method in Stratonovich form",
        ),
        aliases=("stratonovich-heun",),
    )


class EulerHeun(AdditiveSRK):
    """Euler in the drift, the mean of both ends in the diffusion."""

    tableau = AdditiveTableau(A=((),), b=(1.0,), c=(0.0,), w=(0.0,), a=(0.0,), noise=_ENDS)
    card = additive_card("euler-heun", "Euler-Heun", tableau, Source(where="eq. (4.9.6)", **_KLOEDEN))


class DRI1(AdditiveSRK):
    """Three stages of weak order 2, and 3 without noise: Kutta's, moved by the increment.

    Of the full method, which has two further stages for the diffusion, additive noise leaves this: its iterated integrals and
    its stages for g(x) drop out, and Gaussian increments take the place of three-point ones, which have the same moments.
    """

    _NODE = 342 / 491
    tableau = AdditiveTableau(
        A=((), (1 / 2,), (-1.0, 2.0)),
        b=(1 / 6, 2 / 3, 1 / 6),
        c=(0.0, 1 / 2, 1.0),
        w=(0.0, (6 - 6**0.5) / 10, (3 + 2 * 6**0.5) / 5),
        a=(0.0, 0.0, 0.0),
        noise=((0.0, 193 / 684, 0.0), (_NODE, 491 / 684, 0.0)),
    )
    card = additive_card(
        "dri1",
        "DRI1",
        tableau,
        Source(
            authors="Debrabant & Rossler 2009",
            title="Families of efficient second order Runge-Kutta methods for the weak approximation of Ito stochastic "
            "differential equations",
            arxiv="1303.5103",
            where="Section 4, the scheme DRI1",
        ),
    )


METHODS: list[type[AdditiveSRK]] = [SRA1, ShARK, SEA, StochasticHeun, EulerHeun, DRI1]
