"""Exponential Adams-Bashforth: a polynomial in the half log-SNR, integrated exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo import Multistep, SolverCard, Source
from solvers_zoo.numerics.exponential import exponential_weights
from zoo_multistep.points import points_card

if TYPE_CHECKING:
    from solvers_zoo import GaussianPoint, GaussianSDE
    from solvers_zoo.numerics.scalar import Scalar

_HOCHBRUCK = Source(
    authors="Hochbruck & Ostermann 2010",
    title="Exponential integrators",
    link="https://doi.org/10.1017/S0962492910000048",
    where="Section 2.5, exponential multistep methods (Norsett 1969)",
)


class ExponentialAdams(Multistep):
    r"""Put the polynomial through the last predictions into the variation-of-constants formula.

        x0     x_s = sigma_s/sigma_t x_t + alpha_s int_0^h e^-(h - v) P(v) dv      P through (lam_j - lam_t, x0_j)
        eps    x_s = alpha_s/alpha_t x_t - sigma_s int_0^h e^(h - v) P(v) dv       P through (lam_j - lam_t, eps_j)

    The integrals are phi functions; h = lam_s - lam_t.
    """

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """The integrals of the Lagrange polynomials of the past points."""
        return exponential_weights(self.form, nodes, nodes[0], s)[1:]


def _card(name: str, title: str, points: int, source: Source, aliases: tuple[str, ...] = ()) -> SolverCard:
    return points_card(name, title, points, source, aliases, family="exponential", variable="lam")


class DataAdams2(ExponentialAdams):
    """Two points of the data prediction: RES(2M). DPM-Solver++(2M) is this with the slope's weight rounded to first order."""

    form = "x0"
    card = _card(
        "res-2m",
        "RES(2M), exponential Adams of order 2",
        2,
        Source(
            authors="Zhang et al. 2023",
            title="Improved Order Analysis and Design of Exponential Integrator for Diffusion Models Sampling",
            arxiv="2308.02157",
            where="Section 4, the multistep scheme with two points",
        ),
        ("exp-adams-2", "abnorsett-2"),
    )


class DataAdams3(ExponentialAdams):
    r"""Three points of the data prediction: DPM-Solver++(3M) with its last coefficient right.

    The paper's code, and all that copied it, halves the weight of the second difference; that is ``dpmpp-3m-published``.
    """

    form = "x0"
    card = _card(
        "dpmpp-3m",
        "DPM-Solver++(3M)",
        3,
        Source(
            authors="Lu et al. 2022",
            title="DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models",
            arxiv="2211.01095",
            where="the multistep solver of order 3, its coefficient of D2 derived again",
        ),
        ("res-3m", "exp-adams-3", "abnorsett-3", "dpm-solver-pp-3m"),
    )


class DataAdams4(ExponentialAdams):
    """Four points of the data prediction."""

    form = "x0"
    card = _card("exp-adams-4", "Exponential Adams of order 4", 4, _HOCHBRUCK, ("abnorsett-4",))


class NoiseAdams2(ExponentialAdams):
    """Two points of the noise prediction."""

    form = "eps"
    card = _card("exp-adams-eps-2", "Exponential Adams of order 2 on eps", 2, _HOCHBRUCK, ("deis-log-rho-2",))


class NoiseAdams3(ExponentialAdams):
    """Three points of the noise prediction: DPM-Solver(3M) with its last coefficient right, and DEIS with polynomials in log rho."""

    form = "eps"
    card = _card("dpm-solver-3m", "DPM-Solver(3M)", 3, _HOCHBRUCK, ("exp-adams-eps-3", "deis-log-rho-3"))


class NoiseAdams4(ExponentialAdams):
    """Four points of the noise prediction."""

    form = "eps"
    card = _card("exp-adams-eps-4", "Exponential Adams of order 4 on eps", 4, _HOCHBRUCK, ("deis-log-rho-4",))
