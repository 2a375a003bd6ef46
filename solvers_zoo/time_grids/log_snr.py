"""Equal steps in the log signal-to-noise ratio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.registry.card import GridCard, Source
from solvers_zoo.time_grids.base import GridRule

if TYPE_CHECKING:
    from solvers_zoo.processes.base import GaussianSDE


class LogSNR(GridRule):
    """Uniform in lam = log(alpha/sigma): every step divides the noise-to-signal ratio by the same number."""

    card = GridCard(
        name="log-snr",
        title="Uniform in log-SNR",
        aliases=("logsnr", "lam", "exponential"),
        formula="lam_i = lam(t_max) + i/N (lam(t_min) - lam(t_max))",
        needs=("finite-lam",),
        source=Source(
            authors="Lu et al. 2022",
            title="DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps",
            arxiv="2206.00927",
            where="Section 3.3, step size schedule",
        ),
    )

    def times(self, sde: GaussianSDE, steps: int) -> Sequence[float]:
        """``steps`` + 1 times; the ends are exact."""
        first, last = (float(sde.at(t).lam) for t in (sde.t_max, sde.t_min))
        return [sde.t_max, *(sde.t_of_lam(first + i / steps * (last - first)) for i in range(1, steps)), sde.t_min]
