"""Times at the quantiles of a beta distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo import GridCard, GridRule, Source, option

if TYPE_CHECKING:
    from solvers_zoo import GaussianSDE


class Beta(GridRule):
    """Short steps at both ends: t_i is the (1 - i/N) quantile of a beta distribution on [t_min, t_max].

    With a, b < 1 the density is high at t_max, where the outline is settled, and at t_min, where the details are.
    """

    card = GridCard(
        name="beta",
        title="Beta quantiles",
        aliases=("beta-quantiles",),
        formula="t_i = t_min + (t_max - t_min) F^-1(1 - i/N), F the cdf of Beta(a, b)",
        source=Source(
            authors="Lee et al. 2024",
            title="Beta Sampling is All You Need: Efficient Image Generation Strategy for Diffusion Models using Stepwise Spectral Analysis",
            arxiv="2407.12173",
            where="the beta sampling strategy; a = b = 0.6 as in ComfyUI's beta scheduler",
        ),
    )
    a: float = option(0.6, help="below 1 shortens the steps near t_min, above 1 lengthens them", above=0.0)
    b: float = option(0.6, help="below 1 shortens the steps near t_max, above 1 lengthens them", above=0.0)

    def times(self, sde: GaussianSDE, steps: int) -> Sequence[float]:
        """``steps`` + 1 times; the ends are exact."""
        from scipy.special import betaincinv  # heavy, and needed only here

        quantiles = (float(betaincinv(self.a, self.b, 1 - i / steps)) for i in range(1, steps))
        return [sde.t_max, *(sde.t_min + q * (sde.t_max - sde.t_min) for q in quantiles), sde.t_min]
