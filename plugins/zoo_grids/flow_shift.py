"""The shifted times of flow-matching image models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo import GridCard, GridRule, Source, option

if TYPE_CHECKING:
    from solvers_zoo import GaussianSDE


class FlowShift(GridRule):
    r"""Uniform times u of rectified flow, moved towards the noise: larger images need more noise to lose as much.

        t = shift u / (1 + (shift - 1) u)

    In terms of the noise-to-signal ratio rho = sigma/alpha, which is t/(1 - t) there, this is rho = shift u/(1 - u): the log-SNR
    falls by log(shift). That has a meaning on every Gaussian process, where the grid takes the same ratios. u runs uniformly
    between the values that belong to the two ends, so a shift of 1 on rectified flow is the uniform grid.
    """

    card = GridCard(
        name="flow-shift",
        title="Flow time shift",
        aliases=("sd3", "time-shift"),
        formula="rho_i = shift u_i/(1 - u_i) with u_i uniform and rho = sigma/alpha; t = shift u/(1 + (shift - 1) u) on rectified flow",
        needs=("gaussian",),
        source=Source(
            authors="Esser et al. 2024",
            title="Scaling Rectified Flow Transformers for High-Resolution Image Synthesis",
            arxiv="2403.03206",
            where="Section 5.3.2, resolution-dependent shifting of timestep schedules",
        ),
    )
    shift: float = option(3.0, help="ratio of the noise-to-signal ratios; 1 is uniform on rectified flow", above=0.0)

    def times(self, sde: GaussianSDE, steps: int) -> Sequence[float]:
        """``steps`` + 1 times; the ends are exact."""
        # u/(1 - u) = rho/shift is written as sigma/(sigma + shift alpha), which is 1 where alpha = 0
        first, last = (
            float(p.sigma / (p.sigma + self.shift * p.alpha)) for p in (sde.at(sde.t_max), sde.at(sde.t_min))
        )
        inner = (first + i / steps * (last - first) for i in range(1, steps))
        return [sde.t_max, *(sde.t_of_rho(self.shift * u / (1 - u)) for u in inner), sde.t_min]
