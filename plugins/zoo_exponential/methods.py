"""The exponential Runge-Kutta methods of this family: numbers with their sources. Orders are computed from them.

Most were gathered, and named, in the review of Minchev & Wright 2005 and the package of Berland, Skaflestad & Wright 2007.
"""

from __future__ import annotations

from functools import cache

from solvers_zoo import OptionError, Source, option
from solvers_zoo.numerics.exponential_tableau import ExponentialTableau, Phis, phis
from zoo_exponential.exponential_runge_kutta import ExponentialMethod, method_card

_P1, _P2, _P3, _P4 = (phis(k) for k in (1, 2, 3, 4))
_H1, _H2, _H3 = (phis(k, 1 / 2) for k in (1, 2, 3))


def _review(where: str) -> Source:
    return Source(
        authors="Minchev & Wright 2005",
        title="A review of exponential integrators for first order semi-linear problems",
        link="https://cds.cern.ch/record/848126",
        where=where,
    )


def _expint(where: str) -> Source:
    return Source(
        authors="Berland, Skaflestad & Wright 2007",
        title="EXPINT - A MATLAB package for exponential integrators",
        link="https://doi.org/10.1145/1206040.1206044",
        where=where,
    )


def _res(where: str) -> Source:
    return Source(
        authors="Zhang et al. 2023",
        title="Improved Order Analysis and Design of Exponential Integrator for Diffusion Models Sampling",
        arxiv="2308.02157",
        where=where,
    )


_COX_MATTHEWS = Source(
    authors="Cox & Matthews 2002",
    title="Exponential Time Differencing for Stiff Systems",
    link="https://doi.org/10.1006/jcph.2002.6995",
    where="the schemes ETD2RK, ETD3RK and ETD4RK",
)
_HOCHBRUCK_OSTERMANN = Source(
    authors="Hochbruck & Ostermann 2005",
    title="Explicit Exponential Runge-Kutta Methods for Semilinear Parabolic Problems",
    link="https://doi.org/10.1137/040611434",
    where="Section 5",
)


def _with_first_column(c: tuple[float, ...], A: dict[tuple[int, int], Phis], b: dict[int, Phis]) -> ExponentialTableau:
    """The tableau whose first column makes rows sum to c phi_1(c z) and the weights to phi_1, given the other entries."""
    rows: list[list[Phis | float]] = [[A.get((i, j), 0.0) for j in range(i)] for i in range(len(c))]
    for node, row in zip(c[1:], rows[1:], strict=True):
        row[0] = sum(map(_negative, row[1:]), start=node * phis(1, node))
    weights: list[Phis | float] = [b.get(i, 0.0) for i in range(len(c))]
    weights[0] = sum(map(_negative, weights[1:]), start=_P1)
    return ExponentialTableau(A=rows, b=weights, c=c)


def _negative(entry: Phis | float) -> Phis | float:
    return -entry


@cache
def _res_2s(c2: float) -> ExponentialTableau:
    return _with_first_column((0.0, c2), {}, {1: _P2 / c2})


class RES2S(ExponentialMethod):
    """Two stages, the second at ``c2``: the slope of D enters with the exact weight phi_2, where DPM-Solver++(2S) has phi_1/2."""

    card = method_card(
        "res-2s", "RES 2S", _res_2s(0.5), _res("Algorithm 1"), aliases=("refined-exponential-2s",), order=2
    )
    c2: float = option(0.5, help="place of the second stage, a fraction of the step in lam", above=0.0, high=1.0)

    @property
    def tableau(self) -> ExponentialTableau:
        """b_2 = phi_2 / c2."""
        return _res_2s(self.c2)


@cache
def _res_3s(c2: float, c3: float) -> ExponentialTableau:
    gamma = c3 * (3 * c3 - 2) / (c2 * (2 - 3 * c2))
    b3 = _P2 / (gamma * c2 + c3)
    a32 = gamma * c2 * phis(2, c2) + c3**2 / c2 * phis(2, c3)
    return _with_first_column((0.0, c2, c3), {(2, 1): a32}, {1: gamma * b3, 2: b3})


class RES3S(ExponentialMethod):
    """Three stages, at ``c2`` and ``c3``: b_2 = gamma b_3, A_32 = gamma c2 phi_2(c2 z) + c3^2/c2 phi_2(c3 z), stiff order 3."""

    card = method_card(
        "res-3s",
        "RES 3S",
        _res_3s(0.5, 1.0),
        _res("the three-stage tableau, after Hochbruck & Ostermann 2005, Section 5"),
        aliases=("refined-exponential-3s",),
        order=3,
    )
    c2: float = option(0.5, help="place of the second stage, a fraction of the step in lam", above=0.0, high=1.0)
    c3: float = option(1.0, help="place of the third stage", above=0.0, high=1.0)

    def check(self) -> None:
        """The order conditions have no solution at c2 = 2/3 or c2 = c3."""
        gamma = self.c3 * (3 * self.c3 - 2)
        if abs(2 - 3 * self.c2) < 1e-6 or abs(gamma / (2 - 3 * self.c2) + self.c3) < 1e-6:
            raise OptionError(
                f"res-3s: c2 = {self.c2:g}, c3 = {self.c3:g} is not possible; no weights have order 3 there."
            )

    @property
    def tableau(self) -> ExponentialTableau:
        """gamma = (3 c3^2 - 2 c3) / (2 c2 - 3 c2^2), b_3 = phi_2 / (gamma c2 + c3)."""
        return _res_3s(self.c2, self.c3)


class ETDRK2(ExponentialMethod):
    """Exponential Euler to the end, and the slope of D between both ends: res-2s with c2 = 1."""

    numbers = _with_first_column((0.0, 1.0), {}, {1: _P2})
    card = method_card(
        "etdrk2", "ETDRK2", numbers, _COX_MATTHEWS, aliases=("etd2rk",), equivalents=("res-2s(c2=1)",), order=2
    )


class ETDRK3(ExponentialMethod):
    """The exponential version of Kutta's three stages: the parabola through D at 0, 1/2 and 1."""

    numbers = _with_first_column((0.0, 1 / 2, 1.0), {(2, 1): 2 * _P1}, {1: 4 * _P2 - 8 * _P3, 2: 4 * _P3 - _P2})
    card = method_card("etdrk3", "ETDRK3", numbers, _COX_MATTHEWS, aliases=("etd3rk",), order=3)


#: The parabola through D at 0, 1/2 and 1, integrated exactly; the one at 1/2 is the mean of two stages.
_SIMPSON = {1: 2 * _P2 - 4 * _P3, 2: 2 * _P2 - 4 * _P3, 3: 4 * _P3 - _P2}


class ETDRK4(ExponentialMethod):
    """Four stages on the classical nodes; the last one is two exponential Euler steps, the second with a corrected D."""

    numbers = _with_first_column((0.0, 1 / 2, 1 / 2, 1.0), {(2, 1): _H1 / 2, (3, 2): _H1}, _SIMPSON)
    card = method_card("etdrk4", "ETDRK4", numbers, _COX_MATTHEWS, aliases=("etd4rk", "cox-matthews"), order=4)


class Krogstad(ExponentialMethod):
    """ETDRK4 with stages that use the slope of D: stiff order 3 at the same cost."""

    numbers = _with_first_column((0.0, 1 / 2, 1 / 2, 1.0), {(2, 1): _H2, (3, 2): 2 * _P2}, _SIMPSON)
    card = method_card(
        "krogstad",
        "Krogstad's ETDRK4-B",
        numbers,
        Source(
            authors="Krogstad 2005",
            title="Generalized integrating factor methods for stiff PDEs",
            link="https://doi.org/10.1016/j.jcp.2004.08.006",
            where="the scheme ETDRK4-B; as written in Hochbruck & Ostermann 2005, Section 5",
        ),
        aliases=("etdrk4-b",),
        order=4,
    )


class StrehmelWeiner(ExponentialMethod):
    """Four stages of which the second only serves the others: no weight in the result."""

    numbers = _with_first_column(
        (0.0, 1 / 2, 1 / 2, 1.0),
        {(2, 1): _H2 / 2, (3, 1): -2 * _P2, (3, 2): 4 * _P2},
        {2: 4 * _P2 - 8 * _P3, 3: 4 * _P3 - _P2},
    )
    card = method_card(
        "strehmel-weiner",
        "Strehmel-Weiner",
        numbers,
        Source(
            authors="Strehmel & Weiner 1992",
            title="Linear-implizite Runge-Kutta-Methoden und ihre Anwendung",
            link="https://doi.org/10.1007/978-3-663-10673-9",
            where="adaptive Runge-Kutta methods; as written in Hochbruck & Ostermann 2005, Section 5",
        ),
        order=4,
    )


class Friedli(ExponentialMethod):
    """The weights of Strehmel and Weiner with other stages, the oldest of the four-stage methods here (1978)."""

    numbers = _with_first_column(
        (0.0, 1 / 2, 1 / 2, 1.0),
        {(2, 1): _H2 / 2, (3, 1): (-26 * _P1 + 2 * _P2) / 25, (3, 2): (26 * _P1 + 48 * _P2) / 25},
        {2: 4 * _P2 - 8 * _P3, 3: 4 * _P3 - _P2},
    )
    card = method_card("friedli", "Friedli's method", numbers, _expint("scheme friedli (Friedli 1978)"), order=4)


def _hochbruck_ostermann() -> ExponentialTableau:
    a52 = _H2 / 2 - _P3 + _P2 / 4 - _H3 / 2
    A = {(2, 1): _H2, (3, 1): _P2, (3, 2): _P2, (4, 1): a52, (4, 2): a52, (4, 3): _H2 / 4 - a52}
    return _with_first_column((0.0, 1 / 2, 1 / 2, 1.0, 1 / 2), A, {3: 4 * _P3 - _P2, 4: 4 * _P2 - 8 * _P3})


class HochbruckOstermann4(ExponentialMethod):
    """Five stages, the fewest with stiff order 4; their second and third serve the others alone."""

    numbers = _hochbruck_ostermann()
    card = method_card(
        "hochbruck-ostermann-4",
        "Hochbruck-Ostermann",
        numbers,
        _HOCHBRUCK_OSTERMANN,
        aliases=("hochost4", "exprk4s5"),
        order=4,
    )


class CFree4(ExponentialMethod):
    """The commutator-free Lie group method with an affine action: only phi_1 enters, at z and z/2."""

    numbers = ExponentialTableau(
        A=((), (_H1 / 2,), (0.0, _H1 / 2), (_P1 - _H1, 0.0, _H1)),
        b=(_P1 / 2 - _H1 / 3, _P1 / 3, _P1 / 3, _H1 / 3 - _P1 / 6),
        c=(0.0, 1 / 2, 1 / 2, 1.0),
    )
    card = method_card(
        "cfree4", "Commutator-free 4", numbers, _expint("scheme cfree4 (Celledoni, Marthinsen & Owren 2003)"), order=4
    )


def _munthe_kaas() -> ExponentialTableau:
    # z phi_1(z/2) = 2 (e^(z/2) - 1) and z phi_1(z) = e^z - 1: sums of phi functions again
    half, whole = (phis(0, 1 / 2) - 1.0) / 4, (phis(0) - 1.0) / 12
    return ExponentialTableau(
        A=((), (_H1 / 2,), (half, _H1 / 2 - half), (0.0, 0.0, _P1)),
        b=(_P1 / 6 + whole, _P1 / 3, _P1 / 3, _P1 / 6 - whole),
        c=(0.0, 1 / 2, 1 / 2, 1.0),
    )


class MuntheKaas4(ExponentialMethod):
    """The Runge-Kutta-Munthe-Kaas method with an affine action, on the classical four stages, dexp^-1 truncated."""

    numbers = _munthe_kaas()
    card = method_card(
        "munthe-kaas-4",
        "Munthe-Kaas 4",
        numbers,
        _expint("scheme rkmk4t (Munthe-Kaas 1999)"),
        aliases=("rkmk4t",),
        order=4,
    )


class Minchev(ExponentialMethod):
    """Four stages with phi_4 in the weights."""

    numbers = _with_first_column(
        (0.0, 1 / 2, 1 / 2, 1.0),
        {
            (2, 1): (2 * _H1 + 6 * _H2) / 25,
            (3, 1): (21 * _P2 - 108 * _P3) / 5,
            (3, 2): _P1 / 20 - 33 / 10 * _P2 + 123 / 5 * _P3,
        },
        {
            1: -_P1 / 10 + _P2 / 5 - 4 * _P3 + 12 * _P4,
            2: _P1 / 30 + 23 / 5 * _P2 - 8 * _P3 - 4 * _P4,
            3: _P1 / 30 - 7 / 5 * _P2 + 6 * _P3 - 4 * _P4,
        },
    )
    card = method_card(
        "minchev", "Minchev's method", numbers, _review("the four-stage method of Minchev 2004"), order=4
    )


def _exprk5s8() -> ExponentialTableau:
    """Luan and Ostermann's numbers; f(k, i) is phi_k(c_i z), with stages counted from 0."""
    c = (0.0, 1 / 2, 1 / 2, 1 / 4, 1 / 2, 1 / 5, 2 / 3, 1.0)

    def f(k: int, i: int) -> Phis:
        return phis(k, c[i])

    a64 = 8 / 25 * f(2, 5) - 32 / 125 * f(3, 5)
    G = (
        5 / 32 * a64
        - f(2, 5) / 28
        + 36 / 175 * f(2, 6)
        - 48 / 25 * f(3, 6)
        + 6 / 175 * f(4, 5)
        + 192 / 35 * f(4, 6)
        + 6 * f(4, 7)
    )
    A = {
        (2, 1): f(2, 2) / 2,
        (3, 2): f(2, 3) / 8,
        (4, 2): 2 * f(3, 4) - f(2, 4) / 2,
        (4, 3): 2 * f(2, 4) - 4 * f(3, 4),
        (5, 3): a64,
        (5, 4): 2 / 25 * f(2, 5) - a64 / 2,
        (6, 3): -125 / 162 * a64,
        (6, 4): 125 / 1944 * a64 - 16 / 27 * f(2, 6) + 320 / 81 * f(3, 6),
        (6, 5): 3125 / 3888 * a64 + 100 / 27 * f(2, 6) - 800 / 81 * f(3, 6),
        (7, 4): 208 / 3 * f(3, 7) - 16 / 3 * f(2, 7) - 40 * G,
        (7, 5): 250 / 21 * f(2, 7) - 250 / 3 * f(3, 7) + 250 / 7 * G,
        (7, 6): 27 / 14 * f(2, 7) - 27 * f(3, 7) + 135 / 7 * G,
    }
    b = {
        5: 125 / 14 * _P2 - 625 / 14 * _P3 + 1125 / 14 * _P4,
        6: -27 / 14 * _P2 + 162 / 7 * _P3 - 405 / 7 * _P4,
        7: _P2 / 2 - 13 / 2 * _P3 + 45 / 2 * _P4,
    }
    return _with_first_column(c, A, b)


class ExpRK5S8(ExponentialMethod):
    """Eight stages of stiff order 5."""

    numbers = _exprk5s8()
    card = method_card(
        "exprk5s8",
        "EXPRK5S8",
        numbers,
        Source(
            authors="Luan & Ostermann 2014",
            title="Explicit exponential Runge-Kutta methods of high order for parabolic problems",
            link="https://doi.org/10.1016/j.cam.2013.07.027",
            where="the method expRK5s8",
        ),
        aliases=("luan-ostermann-5",),
        order=5,
    )
