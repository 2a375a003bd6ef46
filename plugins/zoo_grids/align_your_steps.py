"""Schedules optimised for particular image models, as tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo import GridCard, GridRule, Source, option

if TYPE_CHECKING:
    from solvers_zoo import GaussianSDE

#: Noise-to-signal ratios sigma/alpha of ten steps, as published.
TABLES = {
    "sd1": (
        14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092, 0.9642583904, 0.6523686016,
        0.3977456272, 0.1515232662, 0.0291671582,
    ),
    "sdxl": (
        14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141, 0.5550693289, 0.3798540708,
        0.2332364134, 0.1114188177, 0.0291671582,
    ),
    "svd": (700.00, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002),
}  # fmt: skip


class AlignYourSteps(GridRule):
    """Noise levels that were optimised for one model: Stable Diffusion 1.5, SDXL, or Stable Video Diffusion.

    The table has ten steps; for others log(sigma/alpha) is interpolated linearly in i/N, as its authors say. A process with
    other ends than the model's has log(sigma/alpha) stretched to them; on ``edm(sigma_min=0.002, sigma_max=700)`` and on
    ``ddpm-betas(schedule=scaled-linear, beta_start=0.00085, beta_end=0.012)`` the numbers are the published ones.
    """

    card = GridCard(
        name="align-your-steps",
        title="Align Your Steps",
        aliases=("ays",),
        formula="log rho_i on the model's table of ten steps, linear between its entries",
        needs=("finite-lam",),
        smooth=False,
        source=Source(
            authors="Sabour, Fidler & Kreis 2024",
            title="Align Your Steps: Optimizing Sampling Schedules in Diffusion Models",
            arxiv="2404.14507",
            link="https://research.nvidia.com/labs/toronto-ai/AlignYourSteps/howto.html",
            where="the quick-start guide's tables, as ComfyUI's AlignYourStepsScheduler has them",
        ),
    )
    model: str = option("sdxl", help="the model it was optimised for", choices=tuple(TABLES))

    def times(self, sde: GaussianSDE, steps: int) -> Sequence[float]:
        """``steps`` + 1 times; the ends are exact."""
        table = [-math.log(rho) for rho in TABLES[self.model]]
        first, last = (float(sde.at(t).lam) for t in (sde.t_max, sde.t_min))
        stretch = (last - first) / (table[-1] - table[0])
        lams = (first + stretch * (_between(table, i / steps) - table[0]) for i in range(1, steps))
        return [sde.t_max, *(sde.t_of_lam(lam) for lam in lams), sde.t_min]


def _between(table: Sequence[float], part: float) -> float:
    """The table at ``part`` of its length, linear between entries."""
    place = part * (len(table) - 1)
    k = min(int(place), len(table) - 2)
    return table[k] + (place - k) * (table[k + 1] - table[k])
