"""The polynomial grid of Karras et al."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.registry.card import GridCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.time_grids.base import GridRule

if TYPE_CHECKING:
    from solvers_zoo.processes.base import GaussianSDE


class Karras(GridRule):
    """Uniform in (sigma/alpha)^(1/rho): small steps where the noise is small."""

    card = GridCard(
        name="karras",
        title="Karras rho",
        aliases=("edm-grid",),
        formula="rho_i = (rho_max^(1/p) + i/N (rho_min^(1/p) - rho_max^(1/p)))^p with rho = sigma/alpha, p = rho option",
        needs=("finite-lam",),
        source=Source(
            authors="Karras et al. 2022",
            title="Elucidating the Design Space of Diffusion-Based Generative Models",
            arxiv="2206.00364",
            where="eq. (5)",
        ),
    )
    rho: float = option(7.0, help="curvature: 1 is uniform in sigma/alpha, larger makes late steps smaller", above=0.0)

    def times(self, sde: GaussianSDE, steps: int) -> Sequence[float]:
        """``steps`` + 1 times; the ends are exact."""
        first, last = (float(sde.at(t).rho) ** (1 / self.rho) for t in (sde.t_max, sde.t_min))
        inner = (sde.t_of_rho((first + i / steps * (last - first)) ** self.rho) for i in range(1, steps))
        return [sde.t_max, *inner, sde.t_min]
