"""SDE-DPM-Solver++(3M), and as published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from solvers_zoo import SolverCard, Source
from solvers_zoo.numerics import phi
from zoo_stochastic.multistep import StochasticMultistep

if TYPE_CHECKING:
    from solvers_zoo import GaussianPoint, GaussianSDE
    from solvers_zoo.numerics.scalar import Scalar


class DPMSolverPP3MSDE(StochasticMultistep):
    r"""The parabola through the last three data predictions, integrated exactly; r = 1 + eta, h = lam_s - lam_t.

        x_s = sigma_s/sigma_t e^(-eta h) x_t + alpha_s r int_0^h e^(-r (h - v)) P(v) dv + sigma_s sqrt(1 - e^(-2 eta h)) z

    In divided differences P = D_0 + d_1 v/h + d_2 (v/h)^2 the last weight is 2 alpha_s r h phi_3(-r h).
    """

    form = "x0"
    card = SolverCard(
        name="dpmpp-3m-sde",
        title="SDE-DPM-Solver++(3M)",
        family="stochastic",
        weak_order=2,
        strong_order=1,
        stochastic=True,
        noise_level=1,
        variable="lam",
        memory=2,
        needs=("gaussian", "finite-end", "decreasing"),
        source=Source(
            authors="Crowson 2023",
            title="k-diffusion",
            link="https://github.com/crowsonkb/k-diffusion",
            where="Section of sampling.py: sample_dpmpp_3m_sde, its coefficient of d_2 derived again",
        ),
    )
    quiet: ClassVar[tuple[str, ...]] = ("dpmpp-3m",)


class DPMSolverPP3MSDEPublished(DPMSolverPP3MSDE):
    r"""The same with half the weight of d_2, as k-diffusion, ComfyUI and diffusers have it: alpha_s r h phi_3(-r h).

        x_s = [the same with exact weights] - alpha_s r h phi_3(-r h) d_2,   q_j = (lam_(j-1) - lam_j)/h
        d_2 = ((D_0 - D_1)/q_1 - (D_1 - D_2)/q_2) / (q_1 + q_2)

    Its order on the flow is 2.
    """

    card = replace(
        DPMSolverPP3MSDE.card,
        name="dpmpp-3m-sde-published",
        title="SDE-DPM-Solver++(3M) as published",
        source=replace(DPMSolverPP3MSDE.card.source, where="Section of sampling.py: sample_dpmpp_3m_sde"),
    )
    quiet = ()

    @property
    def nominal(self) -> int:
        """2: d_2 is there, but not at its weight."""
        return 2

    def weights(self, nodes: Sequence[GaussianPoint], s: GaussianPoint, sde: GaussianSDE) -> Sequence[Scalar]:
        """Exact ones, less half of d_2's."""
        exact = super().weights(nodes, s, sde)
        if len(nodes) < 3:
            return exact
        h = s.lam - nodes[0].lam
        z = -(1 + self.eta) * h
        q_1, q_2 = ((late.lam - early.lam) / h for late, early in pairwise(nodes))
        excess = -s.alpha * z * phi(3, z) / (q_1 + q_2)
        return (exact[0] + excess * (1 / q_1 + 1 / q_2), exact[1] - excess / q_2)
