"""Times that fall slowly at first and then like a parabola, as video models take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo import GridCard, GridRule, OptionError, Source, option

if TYPE_CHECKING:
    from solvers_zoo import GaussianSDE


class LinearQuadratic(GridRule):
    r"""Equal short steps near the noise, as of a run of very many steps; the rest of the way in steps that grow evenly.

        t_i = t_max - (t_max - t_min) y_i,    y_i = i h                    for i <= L,    h = threshold / L
        y_i = i h + q (i - L)^2    beyond,    q = (1 - N h) / (N - L)^2    so that y_N = 1

    The way and its slope are continuous at L, half of the steps if not said otherwise.
    """

    card = GridCard(
        name="linear-quadratic",
        title="Linear-quadratic",
        aliases=("mochi",),
        formula="t_i = t_max - (t_max - t_min) y_i, y_i = i h up to i = L, then i h + q (i - L)^2; h = threshold/L, y_N = 1",
        source=Source(
            authors="Genmo 2024",
            title="Mochi 1",
            link="https://github.com/genmoai/models",
            where="src/mochi_preview/infer.py, linear_quadratic_schedule; LTX-Video has it too",
        ),
    )
    threshold: float = option(0.025, help="part of the way that the linear steps go", above=0.0, high=1.0)
    linear: int | None = option(None, kind="int", help="number of linear steps; half of all if none", low=1)

    def times(self, sde: GaussianSDE, steps: int) -> Sequence[float]:
        """``steps`` + 1 times; the ends are exact."""
        L = self.linear or max(1, steps // 2)
        if self.linear is not None and self.linear >= steps:
            raise OptionError(f"The grid {self} takes more than {L} steps, not {steps}: the last are quadratic.")
        h = self.threshold / L
        q = (1 - steps * h) / max(1, steps - L) ** 2
        way = (i * h + q * max(i - L, 0) ** 2 for i in range(1, steps))
        return [sde.t_max, *(sde.t_max - (sde.t_max - sde.t_min) * y for y in way), sde.t_min]
