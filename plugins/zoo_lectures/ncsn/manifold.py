r"""Plain score matching on a circle in the plane: without noise it has no minimum, with a little noise it finds the score.

Points on the unit circle have no density in the plane, so there is no score to find. Let s_sigma be the score of the circle blurred
by N(0, sigma^2 I), which is known: with r = |x| and the Bessel functions I_0, I_1,

    s_sigma(x) = x/r (A(r/sigma^2) - r) / sigma^2,    A(k) = I_1(k) / I_0(k).

On the circle itself its loss tr grad s + |s|^2/2 falls like -1/sigma^2, without bound, so a network that is trained there chases
ever steeper walls: what it gains on one batch it loses on the next. On the circle blurred by sigma the minimum is
-E |s_sigma|^2 / 2, and a network comes to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from solvers_zoo import EDM, Draws, FunctionModel, NetworkModel, Objective, ScoreModel, SeededNoise, registry

#: Below the spacing of float32 numbers at 1: points with this noise are on the circle to the last bit.
CLEAN = 1e-9
NETWORK, RATE, BATCH = "mlp(width=64, depth=1)", 3e-3, 256
#: Steps whose losses are averaged.
WINDOW = 25


class Fit(NamedTuple):
    """A network trained on the circle blurred by ``sigma``, and its loss at every step."""

    model: ScoreModel
    sigma: float
    losses: Tensor

    def windows(self) -> Tensor:
        """Means of the losses over windows of 25 steps; what is left over at the end does not count."""
        whole = len(self.losses) // WINDOW * WINDOW
        return self.losses[:whole].double().view(-1, WINDOW).mean(1)


def circle(draws: Draws, dtype: torch.dtype = torch.float32) -> Tensor:
    """A point of the unit circle for every sample, (B, 2)."""
    angle = 2 * math.pi * draws.uniform()
    return torch.stack((angle.cos(), angle.sin()), 1).to(dtype)


def exact_score(x: Tensor, sigma: float) -> Tensor:
    """s_sigma at x, (B, 2)."""
    r: Tensor = x.norm(dim=1, keepdim=True)
    pull: Tensor = torch.special.i1e(r / sigma**2) / torch.special.i0e(r / sigma**2)  # the factors e^-k cancel
    return x / r * (pull - r) / sigma**2


def fit(sigma: float, steps: int, seed: int = 0, tell: Callable[[], None] = lambda: None) -> Fit:
    """Train by sliced score matching on the circle blurred by ``sigma``, on a fresh batch at every step."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = registry.default().make("network", NETWORK).build((2,), None)
    model, point = NetworkModel(net, EDM(), "score", (2,)), EDM().at(sigma)
    objective: Objective = registry.default().make("objective", "ssm")
    noise = SeededNoise(seed, range(BATCH), (2,))
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)
    losses = []
    for step in range(steps):
        draws = noise.at(step)
        loss = objective.loss_at(model, circle(draws), point, draws).mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.detach())
        tell()
    return Fit(model, sigma, torch.stack(losses))


class Judged(NamedTuple):
    """How good a fit to the blurred circle is."""

    error: float
    """E |s - s_sigma|^2 / E |s_sigma|^2."""
    minimum: float
    """The least loss that there is, -E |s_sigma|^2 / 2."""


def judged(fitted: Fit, n: int, seed: int = 1) -> Judged:
    """A fit against the exact score, on n points."""
    draws = SeededNoise(seed, range(n), (2,), torch.float64).data()
    x = circle(draws, torch.float64) + fitted.sigma * draws.fresh()
    exact = exact_score(x, fitted.sigma)
    with torch.no_grad():
        found = fitted.model(x.float(), EDM().at(fitted.sigma)).score.double()
    power = float(exact.square().sum(1).mean())
    return Judged(float((found - exact).square().sum(1).mean()) / power, -power / 2)


def loss_on_the_circle(sigma: float, n: int = 64) -> float:
    """The loss of s_sigma on points of the circle itself."""
    draws = SeededNoise(0, range(n), (2,), torch.float64).data()
    model = FunctionModel(lambda x, point: exact_score(x, sigma), EDM(), "score", (2,))
    objective: Objective = registry.default().make("objective", "esm")
    with torch.no_grad():
        return float(objective.loss_at(model, circle(draws, torch.float64), EDM().at(CLEAN), draws).mean())
