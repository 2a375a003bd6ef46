r"""Multistep methods on the family of reverse SDEs, in the half log-SNR.

With noise level l, rate r = 1 + l^2 and h = lam_s - lam_t the reverse SDE has the solutions

    x0     x_s = sigma_s/sigma_t e^(-l^2 h) x_t + alpha_s r int_0^h e^(-r (h - v)) x0(v) dv + sigma_s sqrt(1 - e^(-2 l^2 h)) z
    eps    x_s = alpha_s/alpha_t x_t - sigma_s r int_0^h e^(h - v) eps(v) dv + l sigma_s sqrt(e^(2h) - 1) z

(Lu et al. 2022, 2211.01095, Section 5, for l = 1). What is held constant gives the first-order step; the multistep methods differ
in how they extrapolate the change. The noise within a step does not reach its own prediction, only those after it; that leaves
strong order 1, whatever the number of points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from solvers_zoo import Multistep, SolverCard, option
from solvers_zoo.numerics import exp, expm1, sqrt
from solvers_zoo.numerics.exponential import exponential_weights
from solvers_zoo.solving import Held

if TYPE_CHECKING:
    from solvers_zoo import GaussianPoint, GaussianSDE
    from solvers_zoo.numerics.scalar import Scalar

PLUS_PLUS = "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models"


def held_x0(t: GaussianPoint, s: GaussianPoint, level2: Scalar) -> Held:
    """The step for constant x0, SDE-DPM-Solver++1: x_s = alpha_s x0 + sigma_s e^(-l^2 h) eps + noise."""
    damping = level2 * (s.lam - t.lam)
    kept = s.sigma * exp(-damping)
    return Held(s.alpha, kept, kept / t.sigma, s.sigma * sqrt(-expm1(-2 * damping)))


def held_eps(t: GaussianPoint, s: GaussianPoint, level2: Scalar) -> Held:
    """The step for constant eps, SDE-DPM-Solver1: x_s = alpha_s x0 + sigma_s (e^h - (1 + l^2)(e^h - 1)) eps + noise."""
    h = s.lam - t.lam
    kept = s.sigma * (1 - level2 * expm1(h))
    return Held(s.alpha, kept, s.alpha / t.alpha, s.sigma * sqrt(level2 * expm1(2 * h)))


class StochasticMultistep(Multistep):
    """A multistep method with an option for the noise; by default the polynomial through its points, integrated exactly."""

    eta: float = option(1.0, help="noise level squared: 0 is the probability flow, 1 the reverse SDE", low=0.0)
    quiet: ClassVar[tuple[str, ...]] = ()
    """Solvers that give the same numbers at eta = 0."""

    def facts(self) -> SolverCard:
        """The card with the noise level that eta makes; at eta = 0 a solver of the flow."""
        card = self.card
        if self.eta:
            return replace(card, noise_level=self.eta**0.5)
        if self.lower_order_final:
            nominal = min(2, self.deep + 1)
            return replace(card.noise_free(nominal), nominal_order=nominal)
        return replace(card.noise_free(min(2, self.nominal), self.same()), nominal_order=self.nominal)

    @property
    def nominal(self) -> int:
        """Order on the flow with exact history."""
        return self.deep + 1

    def same(self) -> tuple[str, ...]:
        """Solvers that give the same numbers at eta = 0."""
        return self.quiet

    def held(self, t: GaussianPoint, s: GaussianPoint) -> Held:
        """The first-order step."""
        if not self.eta:
            return super().held(t, s)
        return (held_x0 if self.form == "x0" else held_eps)(t, s, self.eta)

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """The integrals of the Lagrange polynomials of the past points."""
        return exponential_weights(self.form, nodes, nodes[0], s, self.eta**0.5)[1:]
