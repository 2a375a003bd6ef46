"""torchsde's adaptive stepping."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from solvers_zoo import IncompatibleError, ModelError, SolverCard, Source, State, option
from zoo_torchsde.bridge import CALCULUS, TorchSDE
from zoo_torchsde.increments import Increments
from zoo_torchsde.reverse_sde import ReverseSDE

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Grid, Noise, ScoreModel

#: The shortest step is this part of a grid of one interval, and of an interval of N the N-fold, but at most an eighth.
_SHORTEST = 2.0**-10


class TorchSDEAdaptive(TorchSDE):
    """A method of torchsde whose step is halved or grown by comparing one step with two of half the length.

    The comparison takes one norm over the whole batch, and stops at every time of the grid. All steps, rejected ones too, see
    one Brownian path a sample, in the clock of ``variable``.
    """

    card = SolverCard(
        name="torchsde-adaptive",
        title="Adaptive stepping (torchsde)",
        family="torchsde",
        evaluations=None,
        adaptive=True,
        stochastic=True,
        affine=False,
        batch_coupled=True,
        variable="t",
        needs=("finite-diffusion", "decreasing"),
        source=Source(
            authors="Li et al. 2020",
            title="Scalable Gradients for Stochastic Differential Equations",
            arxiv="2001.01328",
            where="torchsde 0.2.6, sdeint(adaptive=True)",
        ),
    )
    method: str = option(
        "srk", help="method of torchsde", choices=("srk", "heun", "midpoint", "euler")
    )
    rtol: float = option(1e-3, help="relative tolerance", above=0.0)
    atol: float = option(1e-3, help="absolute tolerance", above=0.0)

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """One call of sdeint an interval; every interval starts with its whole length as the step."""
        import torch
        from torchsde import sdeint

        sde = ReverseSDE(model, grid, self.variable, self.level, CALCULUS[self.method])
        part = min(_SHORTEST * grid.steps, 1 / 8)
        path = self._path(sde, noise, part)
        if state is None:
            state = State(0, grid[0], x)
        for index in range(state.index, grid.steps):
            t, s = grid[index], grid[index + 1]
            y = sde.rows(state.x, t)
            ends = torch.tensor([sde.at(t), sde.at(s)], dtype=torch.float64, device=y.device)
            length = float(ends[1] - ends[0])
            try:
                ys = sdeint(
                    sde, y, ends, bm=Increments(path.increment, y), method=self.method, dt=length, adaptive=True,
                    rtol=self.rtol, atol=self.atol, dt_min=part * length,
                )  # fmt: skip
            except AssertionError as error:  # torchsde asserts one thing while it runs: that its error estimate is a number
                raise ModelError(
                    f"{self}: values are not finite in step {index + 1} of {grid.steps}, between t = {t.t:g} and {s.t:g}. Check the "
                    "model there, or take more steps."
                ) from error
            state = State(index + 1, s, sde.state(ys[-1], s))
            yield state

    def _path(self, sde: ReverseSDE, noise: Noise, part: float) -> Any:
        """One Brownian path a sample over the whole grid, resolved to half of the shortest step."""
        make = getattr(noise, "path", None)
        if make is None:
            raise IncompatibleError(
                f"{self} needs a Brownian path that can be asked anywhere, and this noise has none: leave noise= out, or give one "
                "with a method path(low, high, resolution)."
            )
        shortest = min(b - a for a, b in pairwise(sde.points))
        return make(sde.low, sde.high, part / 2 * shortest)
