"""The exponential grid with a bend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.registry.card import GridCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.time_grids.base import GridRule

if TYPE_CHECKING:
    from solvers_zoo.processes.base import GaussianSDE


class Polyexponential(GridRule):
    """log(sigma/alpha) is a power of 1 - i/N: uniform in log-SNR at power 1."""

    card = GridCard(
        name="polyexponential",
        title="Polyexponential",
        formula="log rho_i = log rho_min + (1 - i/N)^p (log rho_max - log rho_min) with rho = sigma/alpha, p = rho option",
        needs=("finite-lam",),
        source=Source(
            authors="Crowson 2022",
            title="k-diffusion",
            link="https://github.com/crowsonkb/k-diffusion",
            where="sampling.get_sigmas_polyexponential",
        ),
    )
    rho: float = option(1.0, help="bend: 1 is uniform in log-SNR, larger makes late steps smaller", above=0.0)

    def times(self, sde: GaussianSDE, steps: int) -> Sequence[float]:
        """``steps`` + 1 times; the ends are exact."""
        first, last = sde.at(sde.t_max).lam, sde.at(sde.t_min).lam
        ramp = ((1 - i / steps) ** self.rho for i in range(1, steps))
        return [sde.t_max, *(sde.t_of_lam(last + r * (first - last)) for r in ramp), sde.t_min]
