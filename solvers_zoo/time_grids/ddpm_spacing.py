"""The whole times at which a network trained on DDPM's table is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.errors import DomainError
from solvers_zoo.registry.card import GridCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.time_grids.base import GridRule

if TYPE_CHECKING:
    from solvers_zoo.processes.base import SDE


class DDPMSpacing(GridRule):
    r"""N + 1 distinct indices of a table of T, the last one 0.

    With the names that diffusers gave them:

        linspace    round(i (T - 1)/N) for i = N, ..., 0
        trailing    round(T - i T/N) - 1 for i = 0, ..., N - 1, then 0
        leading     offset + i floor(T/N) for i = N - 1, ..., 0, then 0; without offset i floor(T/(N + 1)), i = N, ..., 0

    Leading does not start at the last index; the others do. Where trailing's rounding would repeat an index, the earlier
    times make room, so that T - 1 steps are the whole table, and with the final denoise T calls.
    """

    card = GridCard(
        name="ddpm",
        title="DDPM spacings",
        aliases=("discrete",),
        formula="indices of the table: leading, linspace or trailing, rounded",
        needs=("discrete",),
        smooth=False,
        source=Source(
            authors="Lin et al. 2024",
            title="Common Diffusion Noise Schedules and Sample Steps are Flawed",
            arxiv="2305.08891",
            where="Table 2",
        ),
    )
    spacing: str = option("trailing", help="which indices", choices=("leading", "linspace", "trailing"))
    offset: int = option(0, help="first index above 0 of the leading spacing (1 for Stable Diffusion)", low=0)

    def times(self, sde: SDE, steps: int) -> Sequence[float]:
        """``steps`` + 1 whole times."""
        last = round(sde.t_max)
        if steps > last:
            raise DomainError(
                f"{sde} has {last + 1} indices, so the grid {self} makes at most {last} steps (with denoise=True "
                f"{last + 1} calls), not {steps}; take fewer, or grid='uniform'."
            )
        if self.spacing == "linspace":
            return [float(round(i * (last / steps))) for i in range(steps, -1, -1)]
        if self.spacing == "trailing":
            ratio = (last + 1) / steps
            return [*(float(max(round(last + 1 - i * ratio) - 1, steps - i)) for i in range(steps)), 0.0]
        if self.offset == 0:
            ratio = (last + 1) // (steps + 1)
            return [float(i * ratio) for i in range(steps, -1, -1)]
        ratio = (last + 1) // steps
        if self.offset + ratio * (steps - 1) > last:
            raise DomainError(f"The grid {self} starts above the last index {last} at {steps} steps; lower the offset.")
        return [*(float(self.offset + i * ratio) for i in range(steps - 1, -1, -1)), 0.0]
