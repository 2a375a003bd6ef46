"""The model and the solver that a fitted time grid is made for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.score_models.conditions import Conditions
from solvers_zoo.score_models.wrappers.conditioned import Conditioned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from solvers_zoo.noise.base import Noise
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.score_models.wrappers.counting import CountingModel
    from solvers_zoo.solving.stepping import Solver


@dataclass(frozen=True, eq=False)
class Fitting:
    """The model and the solver of the run that asks for a fitted grid, and trajectories to look at.

    Attributes:
        model: the score model; what is called here is counted apart from the run.
        solver: what will go through the grid.
        shape: of one sample.
        dtype: of a state.
        device: of a state.
        condition: the run's; tensors with a row a sample are among its values.
        n: samples of the run, which is how many rows those tensors have.

    """

    model: CountingModel
    solver: Solver
    shape: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device
    condition: Mapping[str, object] = field(default_factory=dict)
    n: int = 1

    def start(self, samples: int, seed: int) -> tuple[ScoreModel, Tensor, Noise]:
        """The model under the condition of ``samples`` samples, their starts at t_max (samples, *shape), and their noise.

        The starts are the prior's and the seed's own: not those of the run, so the grid depends on no batch. The rows
        of a condition are taken in turn.
        """
        noise = SeededNoise(seed, range(samples), self.shape, self.dtype, self.device)
        sde = self.model.sde
        x = noise.start().fresh() * sde.prior_std(sde.t_max)
        if not self.condition:
            return self.model, x, noise
        rows = torch.arange(samples, device=self.device) % self.n
        run = Conditions(self.condition, self.n)
        return Conditioned(self.model, run.of(lambda value: value.to(self.device)[rows], self.device)), x, noise
