"""Log-SNRs at the quantiles of a Laplace distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo import GridCard, GridRule, Source, option

if TYPE_CHECKING:
    from solvers_zoo import GaussianSDE


class Laplace(GridRule):
    r"""Most steps where signal and noise are of one size: 2 lam is spread like a Laplace distribution around ``mu``.

        2 lam_i = F^-1(u_i),    u_i = F(2 lam_0) + i/N (F(2 lam_N) - F(2 lam_0)),    density exp(-|v - mu|/b) / (2b)

    with lam = log(alpha/sigma). The distribution is cut off at the ends of the process. Its tails are thin, so the first
    and the last step stay long for any N that is practical.
    """

    card = GridCard(
        name="laplace",
        title="Laplace log-SNR",
        formula="log-SNR_i = F^-1(u_i), u_i uniform, F the cdf of Laplace(mu, b) cut off at the ends",
        needs=("gaussian",),
        smooth=False,
        source=Source(
            authors="Hang et al. 2024",
            title="Improved Noise Schedule for Diffusion Training",
            arxiv="2407.03297",
            where="the Laplace noise schedule; mu = 0, b = 1 as in ComfyUI's Laplace scheduler",
        ),
    )
    mu: float = option(0.0, help="log-SNR, log(alpha^2/sigma^2), around which the steps gather")
    b: float = option(1.0, help="width in log-SNR: most steps lie within mu -+ 2b", above=0.0)

    def times(self, sde: GaussianSDE, steps: int) -> Sequence[float]:
        """``steps`` + 1 times; the ends are exact."""
        first, last = (self._tails(2 * float(sde.at(t).lam)) for t in (sde.t_max, sde.t_min))
        inner = ([a + i / steps * (b - a) for a, b in zip(first, last, strict=True)] for i in range(1, steps))
        return [sde.t_max, *(sde.t_of_lam(self._inverse(*tails) / 2) for tails in inner), sde.t_min]

    def _tails(self, v: float) -> tuple[float, float]:
        """Probabilities below and above ``v``, both without cancellation."""
        small = math.exp(-abs(v - self.mu) / self.b) / 2
        return (small, 1 - small) if v < self.mu else (1 - small, small)

    def _inverse(self, below: float, above: float) -> float:
        """The value with these probabilities below and above it; ArithmeticError where the nearer tail underflows."""
        small = 2 * min(below, above)
        if not small:
            raise ArithmeticError(f"the Laplace distribution has no weight there at b = {self.b:g}")
        return self.mu + math.copysign(self.b * math.log(small), below - above)
