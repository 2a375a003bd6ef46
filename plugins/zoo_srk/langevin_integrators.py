"""Integrators of underdamped Langevin dynamics: one by splitting, three by polynomials of the Brownian path."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from solvers_zoo import Source, combine
from solvers_zoo.numerics import exp, phi, sqrt
from zoo_srk.kinetic import Force, Kinetic, kinetic_card

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws
    from solvers_zoo.numerics.combine import Term
    from solvers_zoo.numerics.scalar import Scalar

_FOSTER = {
    "authors": "Foster, Lyons & Oberhauser 2021",
    "title": "The shifted ODE method for underdamped Langevin MCMC",
    "arxiv": "2101.03446",
}


class BAOAB(Kinetic):
    r"""Force, drift and friction one after the other, each exact, and symmetric.

        B  v <- v + h/2 F(x)      A  x <- x + h/2 v      O  v <- e^(-gamma h) v + sqrt(1 - e^(-2 gamma h)) z      A      B

    On a Gaussian the variance of x is exact for every stable h (h < 2 sqrt(V)).
    """

    card = kinetic_card(
        "baoab",
        "BAOAB",
        1,
        "on N(m, V) the variance of x is exact; elsewhere the law of x is off by O(h^2), by O(h^4) where gamma is large",
        math.inf,
        Source(
            authors="Leimkuhler & Matthews 2013",
            title="Rational Construction of Stochastic Numerical Methods for Molecular Sampling",
            arxiv="1203.5428",
            where="Section 2, the BAOAB splitting",
        ),
    )

    def nfe(self, steps: int) -> int:
        """A force at the start, and one a step."""
        return steps + 1

    def move(
        self, force: Force, x: Tensor, v: Tensor, f: Tensor | None, draws: Draws
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """B A O A B."""
        h, c = self.h, exp(-self.gamma * self.h)
        v = combine((1.0, v), (h / 2, force(x) if f is None else f))
        x = combine((1.0, x), (h / 2, v))
        v = combine((c, v), (sqrt(1 - c * c), draws.fresh()))
        x = combine((1.0, x), (h / 2, v))
        f = force(x)
        return x, combine((1.0, v), (h / 2, f)), f


class ALIGN(Kinetic):
    r"""The equation solved exactly for a force that is linear in time, with the path's W and H.

        x' = x + h phi_1 v + h^2 phi_2 F(x) + r (h phi_2 W + c_H H),                        r = sqrt(2 gamma)
        v' = e^(-a) v + h (phi_1 - phi_2) F(x) + h phi_2 F(x') + r (phi_1 W - gamma c_H H),   a = gamma h, phi_k = phi_k(-a)

    c_H = 6 h (1/2 - (a + 2) phi_3). Strong order 2.
    """

    card = kinetic_card(
        "align",
        "ALIGN",
        1,
        "on N(m, V) the variance of x is off by O(h^2)",
        2,
        Source(where="Definition 4.2, as modified in diffrax's ALIGN", **_FOSTER),
    )

    def nfe(self, steps: int) -> int:
        """A force at the start, and one a step."""
        return steps + 1

    def move(
        self, force: Force, x: Tensor, v: Tensor, f: Tensor | None, draws: Draws
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """One step."""
        h, gamma, a = self.h, self.gamma, self.gamma * self.h
        p1, p2, p3 = (phi(k, -a) for k in (1, 2, 3))
        r, c_H = sqrt(2 * gamma), 6 * h * (1 / 2 - (a + 2) * p3)
        W, H = (sqrt(h) * r, draws.fresh()), (sqrt(h / 12) * r, draws.fresh())
        f = force(x) if f is None else f
        new = combine((1.0, x), (h * p1, v), (h * h * p2, f), _by(h * p2, W), _by(c_H, H))
        later = force(new)
        move = (exp(-a), v), (h * (p1 - p2), f), (h * p2, later)
        return new, combine(*move, _by(p1, W), _by(-gamma * c_H, H)), later


class ShOULD(Kinetic):
    r"""The shifted ODE by a Runge-Kutta method of three stages, with the path's W, H and K: strong order 3.

        x_1 = x + h/2 phi_1^ (v + r (H + 6 K)) + (h/2)^2/h phi_2^ (h F(x) + r (W - 12 K)),     phi^ at -a/2
        x'  = x + h phi_1 v + h^2 phi_2 (F(x) + 2 F(x_1))/3 + r (h phi_2 W + N),            N = c_H H + c_K K
        v'  = e^(-a) v + h (e^(-a) F(x) + 4 e^(-a/2) F(x_1) + F(x'))/6 + r (phi_1 W - gamma N)

    c_H as in ALIGN, c_K = 60 h ((a^2 + 6 a + 12) phi_4 - 1/2 - a/6); K ~ N(0, h/720) is the path's next moment.
    """

    card = kinetic_card(
        "should",
        "ShOULD",
        2,
        "on N(m, V) the variance of x is off by O(h^3)",
        3,
        Source(where="Definition 7.1", **_FOSTER),
    )

    def nfe(self, steps: int) -> int:
        """A force at the start, and two a step."""
        return 2 * steps + 1

    def move(
        self, force: Force, x: Tensor, v: Tensor, f: Tensor | None, draws: Draws
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """One step."""
        h, gamma, a = self.h, self.gamma, self.gamma * self.h
        p1, p2, p3, p4 = (phi(k, -a) for k in (1, 2, 3, 4))
        half, q = h / 2 * phi(1, -a / 2), h / 4 * phi(2, -a / 2)
        r = sqrt(2 * gamma)
        c_H, c_K = 6 * h * (1 / 2 - (a + 2) * p3), 60 * h * ((a * a + 6 * a + 12) * p4 - 1 / 2 - a / 6)
        W, H, K = ((sqrt(h / n) * r, draws.fresh()) for n in (1, 12, 720))
        f = force(x) if f is None else f
        shifted = _by(half, H), _by(6 * half - 12 * q, K), _by(q, W)
        f1 = force(combine((1.0, x), (half, v), (q * h, f), *shifted))
        drift = (h * p1, v), (h * h * p2 / 3, f), (2 * h * h * p2 / 3, f1)
        new = combine((1.0, x), *drift, _by(h * p2, W), _by(c_H, H), _by(c_K, K))
        later, c = force(new), exp(-a)
        kick = (h * c / 6, f), (2 * h / 3 * exp(-a / 2), f1), (h / 6, later)
        return new, combine((c, v), *kick, _by(p1, W), _by(-gamma * c_H, H), _by(-gamma * c_K, K)), later


class QUICSORT(Kinetic):
    r"""The shifted ODE by Gauss's two-point rule, with the path's W, H and K: strong order 3.

    With r = sqrt(2 gamma), a = gamma h, and W, H and K as in ShOULD:

        u = v + r (H + 6 K),   w = r (W - 12 K),   l, m = 1/2 -+ sqrt(3)/6,   A_c = c h phi_1(-c a),   B_c = c^2 h phi_2(-c a)
        x_1 = x + A_l u + B_l w
        x_2 = x + A_m u + B_m w + h A_(1/3) F(x_1)
        x'  = x + A_1 u + B_1 w + h/2 (A_m F(x_1) + A_l F(x_2))
        v'  = e^(-a) u + h/2 (e^(-m a) F(x_1) + e^(-l a) F(x_2)) + phi_1 w - r (H - 6 K)
    """

    card = kinetic_card(
        "quicsort",
        "QUICSORT",
        2,
        "on N(m, V) the variance of x is off by O(h^3)",
        3,
        Source(where="Definition 1.2 (SORT), with the nodes of diffrax's QUICSORT", **_FOSTER),
    )

    def move(
        self, force: Force, x: Tensor, v: Tensor, f: Tensor | None, draws: Draws
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """One step."""
        h, a, r = self.h, self.gamma * self.h, sqrt(2 * self.gamma)
        low, high = 1 / 2 - 3**0.5 / 6, 1 / 2 + 3**0.5 / 6
        W, H, K = ((sqrt(h / n) * r, draws.fresh()) for n in (1, 12, 720))
        u, w = combine((1.0, v), H, _by(6.0, K)), combine(W, _by(-12.0, K))

        def free(c: float) -> tuple[Term, ...]:
            return (1.0, x), (c * h * phi(1, -c * a), u), (c * c * h * phi(2, -c * a), w)

        def A(c: float) -> float:
            return c * h * phi(1, -c * a)

        f1 = force(combine(*free(low)))
        f2 = force(combine(*free(high), (h * A(1 / 3), f1)))
        new = combine(*free(1.0), (h / 2 * A(high), f1), (h / 2 * A(low), f2))
        kick = (h / 2 * exp(-high * a), f1), (h / 2 * exp(-low * a), f2), (phi(1, -a), w)
        return new, combine((exp(-a), u), *kick, _by(-1.0, H), _by(6.0, K)), None


def _by(factor: Scalar, term: Term) -> Term:
    """A term of `combine`, times a number."""
    return factor * term[0], term[1]
