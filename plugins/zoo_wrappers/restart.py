"""Restart sampling: go back up in noise a few times, and down again, to contract the errors made so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from solvers_zoo import Grid, OptionError, SolverCard, Source, option
from solvers_zoo.numerics import log
from zoo_wrappers.legs import Legs

if TYPE_CHECKING:
    from solvers_zoo import SDE

#: Curvature of the grid of a restart, that of EDM.
_CURVE = 7


class Restart(Legs):
    r"""At noise-to-signal ratio ``low`` add noise up to ``high`` and come down again, ``repeats`` times.

        x_high = alpha_high (x_low/alpha_low + sqrt(high^2 - low^2) z)
        x_low  = solver(x_high: high -> low in n steps)

    ``low`` moves to the nearest time of the grid (on the log scale), so no step of the grid is lost. The n steps of a
    restart lie on EDM's grid between the two; n is ``steps`` (N_restart of the paper) or by default a quarter of the grid's,
    rounded up, so that more steps refine the restarts as well and the law converges. With a fixed ``steps`` it does not.
    """

    card = SolverCard(
        name="restart",
        title="Restart",
        family="wrapper",
        evaluations=None,
        stochastic=True,
        needs=("gaussian", "decreasing"),
        source=Source(
            authors="Xu et al. 2023",
            title="Restart Sampling for Improving Generative Processes",
            arxiv="2306.14878",
            where="Section 3.1, the Restart forward and backward process",
        ),
    )
    low: float = option(0.06, help="sigma/alpha at which a restart begins and ends", above=0.0)
    high: float = option(0.3, help="sigma/alpha to which it goes back", above=0.0)
    repeats: int = option(2, help="number of restarts, K", low=1)
    steps: int | None = option(None, help="steps of one restart; by default a quarter of the grid's", kind="int", low=1)

    def check(self) -> None:
        """A restart goes up."""
        super().check()
        if self.low >= self.high:
            raise OptionError(f"restart: low = {self.low:g} must lie below high = {self.high:g}.")

    def facts(self) -> SolverCard:
        """The solver's order as the weak one, unless the steps of a restart stay as long as they are."""
        card, inner = self.inherited(), self.solver.facts().evaluations
        if self.steps is not None:
            return replace(
                card,
                evaluations=inner,
                weak_order=None,
                bias="the error of the steps of a restart, whose number is fixed",
            )
        return replace(card, evaluations=None if inner is None else inner * (1 + self.repeats / 4))

    def inner_steps(self, steps: int) -> int:
        """Steps of one restart in a run of ``steps``."""
        return self.steps or -(-steps // 4)

    def nfe(self, steps: int) -> int | None:
        """The grid's steps and those of the restarts."""
        return self.cost(steps + self.repeats * self.inner_steps(steps))

    def supports(self, sde: SDE, grid: Grid | None = None) -> str | None:
        """It also needs a grid that passes the restart."""
        reason = super().supports(sde, grid)
        if reason or grid is None:
            return reason
        first, last = grid[0].rho, grid[-1].rho
        if first >= self.high > last:
            return None
        return f"the grid goes from sigma/alpha = {first:g} to {last:g} and must reach from above high = {self.high:g} to below it"

    def legs(self, grid: Grid) -> Sequence[Grid]:
        """Down to ``low``, the restarts, and what is left of the grid."""
        sde = grid.sde.as_gaussian()
        below = [i for i in range(1, len(grid)) if grid[i].rho < self.high]
        k = min(below, key=lambda i: abs(log(grid[i].rho / self.low)))
        n = self.inner_steps(grid.steps)
        top, end = self.high ** (1 / _CURVE), grid[k].rho ** (1 / _CURVE)
        inner = [sde.at_rho((top + i / n * (end - top)) ** _CURVE) for i in range(n)]
        rest = [Grid(sde, grid[k:], grid.smooth)] if k < grid.steps else []
        return [Grid(sde, grid[: k + 1], grid.smooth), *[Grid(sde, [*inner, grid[k]])] * self.repeats, *rest]
