"""Models that the zoo has never seen: functions of x and t, whose law it cannot know.

Mixtures of random shape in two to twelve dimensions, seen through several processes and in several parametrisations, some with an error
of their own as a network would have. On the first ten `zoo recommend` was improved; the second ten, of the same kinds, are for the trial of it.
"""

from __future__ import annotations

import torch

import solvers_zoo as zoo

PROCESSES = (
    zoo.EDM(),
    zoo.VP(),
    zoo.VE(),
    zoo.Cosine(t_max=0.999),
    zoo.EDM(sigma_max=20.0),
    zoo.VP(beta_max=10.0),
    zoo.EDM(),
    zoo.VP(),
    zoo.SubVP(),
    zoo.RectifiedFlow(t_max=0.999),
)
DIMS = (2, 2, 4, 2, 8, 3, 12, 6, 2, 4)
MODES = (3, 8, 5, 12, 4, 2, 6, 10, 5, 3)
KINDS = ("x0", "eps", "x0", "v", "eps", "x0", "x0", "eps", "x0", "flow")


def unseen(number: int) -> zoo.FunctionModel:
    """The model of a number from 0 to 19."""
    dice, of = torch.Generator().manual_seed(1000 + number), number % 10
    dim, modes, sde, kind = DIMS[of], MODES[of], PROCESSES[of], KINDS[of]
    weights = torch.rand(modes, generator=dice, dtype=torch.float64) + 0.2
    means = torch.randn(modes, dim, generator=dice, dtype=torch.float64) * 1.5
    stds = 0.1 + 0.6 * torch.rand(modes, generator=dice, dtype=torch.float64)
    law = zoo.Mixture((weights / weights.sum()).tolist(), means.tolist(), (stds**2).tolist(), sde=sde)
    wobble = torch.randn(dim, dim, generator=dice, dtype=torch.float64) * (0.02 if number % 2 else 0.0)

    def network(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        point = sde.at(float(t[0]))
        found = getattr(law(x, point), kind)
        return found + torch.tanh(x @ wobble.to(x.dtype)) * 0.5

    return zoo.FunctionModel(network, sde=sde, prediction=kind, shape=(dim,))


MODELS = [f"model{number}" for number in range(20)]


def __getattr__(name: str) -> zoo.FunctionModel:
    if name in MODELS:
        return unseen(int(name.removeprefix("model")))
    raise AttributeError(name)
