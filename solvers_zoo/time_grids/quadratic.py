"""Steps that shrink as a power of t."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.errors import DomainError
from solvers_zoo.registry.card import GridCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.time_grids.base import GridRule

if TYPE_CHECKING:
    from solvers_zoo.processes.base import SDE


class Quadratic(GridRule):
    """Uniform in t^(1/power): small steps where t is small."""

    card = GridCard(
        name="quadratic",
        title="Quadratic in t",
        aliases=("quad", "time-quadratic"),
        formula="t_i = (t_max^(1/p) + i/N (t_min^(1/p) - t_max^(1/p)))^p, p = 2",
        source=Source(
            authors="Song, Meng & Ermon 2021",
            title="Denoising Diffusion Implicit Models",
            arxiv="2010.02502",
            where="Appendix D.2",
        ),
    )
    power: float = option(2.0, help="1 is uniform in t, larger makes late steps smaller", above=0.0)

    def times(self, sde: SDE, steps: int) -> Sequence[float]:
        """``steps`` + 1 times; the ends are exact."""
        if sde.t_min < 0:
            raise DomainError(f"The grid {self} takes roots of t, and {sde} starts at t_min = {sde.t_min:g} < 0.")
        first, last = (t ** (1 / self.power) for t in (sde.t_max, sde.t_min))
        return [sde.t_max, *((first + i / steps * (last - first)) ** self.power for i in range(1, steps)), sde.t_min]
