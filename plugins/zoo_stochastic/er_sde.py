"""ER-SDE-Solver 1 to 3: the extended reverse-time SDE with a noise scale of one's choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from solvers_zoo import Multistep, SolverCard, Source, Step, StepSolver, combine, option
from solvers_zoo.numerics import exp, expm1, log, sqrt
from solvers_zoo.numerics.interpolation import GAUSS, weights
from solvers_zoo.solving import Held

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, GaussianPoint, GaussianSDE, Interval, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar

#: psi(rho) = phi(rho)/rho of the paper's noise scales phi; the noise level squared is d log psi / d log rho.
SCALES: dict[str, Callable[[Any], Any]] = {
    "er-sde-5": lambda rho: exp(exp(0.3 * log(rho))) + 10.0,
    "reverse-sde": lambda rho: rho,
    "ode": lambda rho: 1.0,
}

_SOURCE = Source(
    authors="Cui et al. 2023",
    title="Elucidating the Solution Space of Extended Reverse-Time SDE for Diffusion Models",
    arxiv="2309.06169",
    where="the algorithm ER-SDE-Solver-1",
)


def _scale_option() -> Any:
    return option(
        "er-sde-5",
        help="phi(rho): er-sde-5, rho (e^(rho^0.3) + 10); reverse-sde, rho^2; ode, rho, without noise",
        choices=tuple(SCALES),
    )


def held(t: GaussianPoint, s: GaussianPoint, scale: str) -> Held:
    """The step for constant x0: x_s = alpha_s x0 + q sigma_s eps + sigma_s sqrt(1 - q^2) z, q = psi(rho_s)/psi(rho_t)."""
    psi = SCALES[scale]
    q = psi(s.rho) / psi(t.rho)
    return Held(s.alpha, s.sigma * q, s.sigma * q / t.sigma, s.sigma * sqrt((1 - q) * (1 + q)))


class ERSDE1(StepSolver):
    r"""The first-order solver of the extended reverse-time SDE; y = x/alpha, rho = sigma/alpha.

        y_s = r y_t + (1 - r) x0 + sqrt(rho_s^2 - r^2 rho_t^2) z,    r = phi(rho_s)/phi(rho_t)

    phi(rho) = rho^2 makes it DDPM and phi(rho) = rho DDIM; the noise level is sqrt(d log(phi(rho)/rho) / d log rho).
    """

    card = SolverCard(
        name="er-sde-1",
        title="ER-SDE-Solver-1",
        family="stochastic",
        weak_order=1,
        stochastic=True,
        variable="sigma",
        needs=("gaussian", "decreasing"),
        source=_SOURCE,
    )
    scale: str = _scale_option()

    def facts(self) -> SolverCard:
        """The card as the noise scale makes it."""
        if self.scale == "ode":
            return self.card.noise_free(1, ("ddim", "euler"))
        if self.scale == "reverse-sde":
            return replace(self.card, noise_level=1, strong_order=1, equivalents=("ddpm",))
        return self.card

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, one evaluation."""
        t, s = interval.t, interval.s
        R, S, _, c = held(t, s, self.scale)
        move = model(x, t).terms(R, S)
        return Step(combine(*move) if self.scale == "ode" else combine(*move, (c, noise.between(t, s))))


class ERSDE2(Multistep):
    r"""x0 as a polynomial in rho through the last predictions, in the exact solution; y = x/alpha, rho = sigma/alpha.

        y_s = r y_t + phi(rho_s) int_(rho_s)^(rho_t) phi'/phi^2 P(rho) d rho + sqrt(rho_s^2 - r^2 rho_t^2) z,   r = phi(rho_s)/phi(rho_t)

    By parts the moments of the integral need no phi': with d = rho_s - rho_t they are 1 - r, and for k > 0

        m_k = d^k + k phi(rho_s) int_(rho_s)^(rho_t) (rho - rho_t)^(k-1) / phi(rho) d rho.

    Two points: the line, ER-SDE-Solver-2.
    """

    form = "x0"
    card = replace(
        ERSDE1.card,
        name="er-sde-2",
        title="ER-SDE-Solver-2",
        weak_order=2,
        memory=1,
        needs=("gaussian", "finite-end", "decreasing"),
        source=replace(_SOURCE, where="the algorithm ER-SDE-Solver-2"),
    )
    scale: str = _scale_option()

    def facts(self) -> SolverCard:
        """The card as the noise scale makes it."""
        if self.scale == "ode":
            nominal = 2 if self.lower_order_final else self.nominal
            return replace(self.card.noise_free(2), nominal_order=nominal)
        return replace(self.card, noise_level=1, strong_order=1) if self.scale == "reverse-sde" else self.card

    @property
    def nominal(self) -> int:
        """Order on the flow with exact history."""
        return self.deep + 1

    def held(self, t: GaussianPoint, s: GaussianPoint) -> Held:
        """The first-order step."""
        return super().held(t, s) if self.scale == "ode" else held(t, s, self.scale)

    def moments(self, t: GaussianPoint, s: GaussianPoint, count: int) -> list[Scalar]:
        """m_k / d^k of above, k below ``count``.

        The integral is over v with rho = rho_t e^(-v h), where 1/psi is smooth; rho - rho_t is g d with g = (1 - e^(-v h))/(1 - e^-h).
        """
        psi, h = SCALES[self.scale], s.lam - t.lam
        r = psi(s.rho) / psi(t.rho) * exp(-h)
        values = [(w / psi(t.rho * exp(-v * h)), expm1(-v * h) / expm1(-h)) for v, w in GAUSS]
        scale = -psi(s.rho) * h / expm1(h)  # phi(rho_s) h / d, as d = -rho_s (e^h - 1)
        return [1 - r, *(1 + k * scale * sum(c * g ** (k - 1) for c, g in values) for k in range(1, count))]

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """alpha_s times the integrals of the Lagrange polynomials in (rho - rho_t)/d."""
        t = nodes[0]
        d = s.rho - t.rho
        b = weights([(node.rho - t.rho) / d for node in nodes], self.moments(t, s, len(nodes)))
        return [s.alpha * w for w in b[1:]]


class ERSDE3(ERSDE2):
    r"""ER-SDE-Solver-3 with the parabola through the last three predictions: order 3 on the flow with exact history.

    y_s = r y_t + [m_0 x0 + m_1 x0' + m_2 x0''/2] + noise, with x0' and x0'' the derivatives in rho at t of that parabola. The published
    scheme has the slope of the line through the last two points for x0': ``er-sde-3-published``.
    """

    card = replace(
        ERSDE2.card,
        name="er-sde-3",
        title="ER-SDE-Solver-3",
        memory=2,
        source=replace(_SOURCE, where="the algorithm ER-SDE-Solver-3, its first derivative to second order"),
    )


class ERSDE3Published(ERSDE3):
    r"""ER-SDE-Solver-3 as published: x0' = (D_0 - D_1)/(rho_0 - rho_1), x0'' = 2 (x0'_0 - x0'_1)/(rho_0 - rho_2).

        y_s = r y_t + (1 - r) D_0 + m_1 x0' + m_2 x0''/2 + noise

    x0' is right to first order only, so the third term does not raise the order: 2 on the flow.
    """

    card = replace(
        ERSDE3.card,
        name="er-sde-3-published",
        title="ER-SDE-Solver-3 as published",
        source=replace(_SOURCE, where="the algorithm ER-SDE-Solver-3"),
    )

    @property
    def nominal(self) -> int:
        """2."""
        return 2

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """The Taylor terms as weights of D_1 and D_2."""
        if len(nodes) < 3:
            return super().weights(nodes, s, sde)
        t, d = nodes[0], s.rho - nodes[0].rho
        q_1, q_2 = ((late.rho - early.rho) / d for late, early in pairwise(nodes))
        _, m_1, m_2 = self.moments(t, s, 3)
        bend = m_2 / (q_1 + q_2)  # m_2/2 times 2/(q_1 + q_2), of D' - D'_old
        return (s.alpha * (-(m_1 + bend) / q_1 - bend / q_2), s.alpha * bend / q_2)
