"""Gradient estimation: DDIM along a noise prediction from which part of the last one has been taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from solvers_zoo import Multistep, SolverCard, Source, option

if TYPE_CHECKING:
    from solvers_zoo import GaussianPoint, GaussianSDE
    from solvers_zoo.numerics.scalar import Scalar


class GradientEstimation(Multistep):
    r"""Extrapolate the noise prediction, which is the gradient of the distance to the data, from the last one.

        eps_bar = gamma eps_t + (1 - gamma) eps_prev
        x_s     = alpha_s/alpha_t x_t + alpha_s (rho_s - rho_t) eps_bar,    rho = sigma/alpha

    The first step is DDIM's. The paper recommends gamma = 2, which damps the error of the denoiser and stays of first order;
    gamma = 3/2 is the two-step Adams-Bashforth method on uniform steps of sigma/alpha (ipndm-2).
    """

    form = "eps"
    card = SolverCard(
        name="gradient-estimation",
        title="Gradient estimation",
        family="multistep",
        order=1,
        variable="sigma",
        memory=1,
        needs=("gaussian", "finite-end"),
        source=Source(
            authors="Permenter & Yuan 2024",
            title="Interpreting and Improving Diffusion Models from an Optimization Perspective",
            arxiv="2306.04848",
            where="Section 5, gradient estimation with gamma = 2",
        ),
    )
    gamma: float = option(2.0, help="weight of the newest prediction", above=1.0, high=3.0)

    def facts(self) -> SolverCard:
        """Of order 2 on smooth grids at gamma = 3/2, where it is iPNDM with two points."""
        return self.card if self.gamma != 1.5 else replace(self.card, order=2, rough_order=1, equivalents=("ipndm-2",))

    def reaches(self, node: GaussianPoint) -> bool:
        """Every point: only the step's own ends count."""
        return True

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """(1 - gamma) of the step in rho."""
        return ((1 - self.gamma) * s.alpha * (s.rho - nodes[0].rho),)
