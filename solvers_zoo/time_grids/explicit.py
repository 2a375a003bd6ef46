"""A grid of explicit times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.errors import OptionError
from solvers_zoo.registry.card import GridCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.time_grids.base import GridRule

if TYPE_CHECKING:
    from solvers_zoo.processes.base import SDE


class Explicit(GridRule):
    """The times as given: decreasing to sample, increasing to encode. They fix the number of steps."""

    card = GridCard(
        name="explicit",
        title="Explicit times",
        aliases=("times",),
        formula="t_i as given",
        smooth=False,
        source=Source(
            authors="Karras et al. 2022",
            title="Elucidating the Design Space of Diffusion-Based Generative Models",
            arxiv="2206.00364",
            where="Algorithm 1, whose times are arbitrary",
        ),
    )
    at: tuple[float, ...] = option(help="the times, as explicit(at=[80, 10, 0.002])", kind="floats")

    def check(self) -> None:
        """At least two times."""
        if len(self.at) < 2:
            raise OptionError(f"{self.spec_name()}: at = {list(self.at)} is not possible; it takes at least two times.")

    def fixed_steps(self, sde: SDE) -> int:
        """One less than the times."""
        return len(self.at) - 1

    def times(self, sde: SDE, steps: int) -> Sequence[float]:
        """The times."""
        return self.at
