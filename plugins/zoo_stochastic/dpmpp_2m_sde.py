"""SDE-DPM-Solver++(2M) and SDE-DPM-Solver(2M)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, Source, option
from solvers_zoo.numerics import expm1
from zoo_stochastic.multistep import PLUS_PLUS, StochasticMultistep

if TYPE_CHECKING:
    from solvers_zoo import GaussianPoint, GaussianSDE
    from solvers_zoo.numerics.scalar import Scalar


class TwoStep(StochasticMultistep):
    r"""The line through the last two predictions D, with r = 1 + eta, h = lam_s - lam_t, q = (lam_t - lam_prev)/h.

        x0     x_s = sigma_s/sigma_t e^(-eta h) x_t + alpha_s (1 - e^(-r h)) D_0 + w (D_0 - D_1)/q + sigma_s sqrt(1 - e^(-2 eta h)) z
        eps    x_s = alpha_s/alpha_t x_t - sigma_s r (e^h - 1) D_0 + w (D_0 - D_1)/q + sigma_s sqrt(eta (e^(2h) - 1)) z

    ``heun`` integrates the line exactly, ``midpoint`` takes its value half-way in lam: w is half the factor of D_0.
    """

    solver_type: str = option(
        "midpoint",
        help="weight of the slope: midpoint, its value half-way, or heun, its exact integral",
        choices=("midpoint", "heun"),
    )

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """-w/q."""
        if self.solver_type == "heun":
            return super().weights(nodes, s, sde)
        h, rate = s.lam - nodes[0].lam, 1 + self.eta
        whole = -s.alpha * expm1(-rate * h) if self.form == "x0" else -s.sigma * rate * expm1(h)
        return (-whole / 2 * h / (nodes[0].lam - nodes[1].lam),)


class DPMSolverPP2MSDE(TwoStep):
    """SDE-DPM-Solver++(2M): the line through the last two data predictions."""

    form = "x0"
    card = SolverCard(
        name="dpmpp-2m-sde",
        title="SDE-DPM-Solver++(2M)",
        aliases=("sde-dpm-solver-pp-2m",),
        family="stochastic",
        weak_order=2,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        variable="lam",
        memory=1,
        needs=("gaussian", "finite-end", "decreasing"),
        source=Source(
            authors="Lu et al. 2022",
            title=PLUS_PLUS,
            arxiv="2211.01095",
            where="Section 5, SDE-DPM-Solver++(2M)",
        ),
    )

    def same(self) -> tuple[str, ...]:
        """The same line on the flow."""
        return ("dpmpp-2m",) if self.solver_type == "midpoint" else ("res-2m",)


class SDEDPMSolver2M(TwoStep):
    """SDE-DPM-Solver(2M): the line through the last two noise predictions."""

    form = "eps"
    card = replace(
        DPMSolverPP2MSDE.card,
        name="sde-dpm-solver-2m",
        title="SDE-DPM-Solver(2M)",
        aliases=(),
        needs=("gaussian", "finite-lam", "decreasing"),
        source=replace(DPMSolverPP2MSDE.card.source, where="Section 5, SDE-DPM-Solver(2M)"),
    )

    def same(self) -> tuple[str, ...]:
        """The same line on the flow."""
        return ("dpm-solver-2m",) if self.solver_type == "midpoint" else ("exp-adams-eps-2",)
