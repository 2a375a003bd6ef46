"""Uniform steps in t."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.registry.card import GridCard, Source
from solvers_zoo.time_grids.base import GridRule

if TYPE_CHECKING:
    from solvers_zoo.processes.base import SDE


class Uniform(GridRule):
    """t_i = t_max + i/N (t_min - t_max)."""

    card = GridCard(
        name="uniform",
        title="Uniform in t",
        aliases=("linear", "time-uniform"),
        formula="t_i = t_max + i/N (t_min - t_max)",
        source=Source(
            authors="Song et al. 2021",
            title="Score-Based Generative Modeling through Stochastic Differential Equations",
            arxiv="2011.13456",
            where="Appendix F",
        ),
    )

    def times(self, sde: SDE, steps: int) -> Sequence[float]:
        """``steps`` + 1 equally spaced times."""
        first, last = sde.t_max, sde.t_min
        return [*(first + i / steps * (last - first) for i in range(steps)), last]
