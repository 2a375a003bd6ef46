"""A mixture of three Gaussians in four dimensions, two noisy observations of it, and the exact law of the data given them."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

import solvers_zoo as zoo

STD = 0.3
N = 4000
OPERATOR = zoo.Matrix([[1.0, 0.5, 0.0, -0.3], [0.0, 0.4, 1.0, 0.6]])
Y = torch.tensor([0.3, 0.2], dtype=torch.float64)
SDE = zoo.VP(t_min=1e-3)

#: Of every method: the model from the prior, and the solver with its steps. Names are those of the page on inverse problems.
METHODS = {
    "exact posterior": (lambda model: zoo.posterior(model, OPERATOR, Y, STD), "heun", 30),
    "nothing (the prior)": (lambda model: model, "heun", 30),
    "DPS": (lambda model: zoo.DPS(model, OPERATOR, Y, STD), "heun", 60),
    "DPS, normalised": (lambda model: zoo.DPS(model, OPERATOR, Y, STD, normalised=True), "heun", 60),
    "PiGDM": (lambda model: zoo.PiGDM(model, OPERATOR, Y, STD), "heun", 30),
    "MMPS": (lambda model: zoo.MMPS(model, OPERATOR, Y, STD), "heun", 30),
    "DDNM": (lambda model: zoo.DDNM(model, OPERATOR, Y, STD), "heun", 30),
    "projection(ddpm)": (lambda model: zoo.Observed(model, OPERATOR, Y, STD), "projection(ddpm)", 100),
    "repaint(ddpm)": (lambda model: zoo.Observed(model, OPERATOR, Y, STD), "repaint(ddpm, jump_length=5)", 50),
    "inpainting-langevin": (
        lambda model: zoo.Observed(model, OPERATOR, Y, STD),
        "inpainting-langevin(n_steps_each=10)",
        50,
    ),
    "ddrm": (lambda model: zoo.Observed(model, OPERATOR, Y, STD), "ddrm", 20),
}


def mixture(sde: zoo.GaussianSDE = SDE) -> zoo.Mixture:
    """Three components of full covariance, not far apart."""
    means = [[1.5, 0.5, -0.5, 1.0], [-1.0, 1.0, 0.8, -0.6], [0.2, -1.4, -0.6, -0.9]]
    roots = torch.tensor(
        [
            [[0.5, 0, 0, 0], [0.2, 0.4, 0, 0], [-0.3, 0.1, 0.6, 0], [0.1, 0.5, -0.2, 0.3]],
            [[0.4, 0, 0, 0], [-0.3, 0.6, 0, 0], [0.2, 0.2, 0.3, 0], [0.4, -0.1, 0.3, 0.5]],
            [[0.7, 0, 0, 0], [0.1, 0.3, 0, 0], [0.4, -0.2, 0.4, 0], [-0.1, 0.2, 0.1, 0.6]],
        ],
        dtype=torch.float64,
    )
    return zoo.Mixture([0.5, 0.3, 0.2], means, roots @ roots.mT, sde)


class Data:
    """The point of the data: no noise."""

    alpha, sigma = 1.0, 0.0


@functools.cache
def reference() -> tuple[zoo.Mixture, Tensor]:
    """The exact posterior, and samples of it that no run uses."""
    law = zoo.posterior(mixture(), OPERATOR, Y, STD)
    return law, law.draw(Data, zoo.SeededNoise(99, range(N), (4,), torch.float64).data())


def errors(name: str) -> tuple[float, float, float]:
    """Of a method: error of the mean and sliced W1, by the posterior's total deviation, and relative error of the covariance."""
    build, solver, steps = METHODS[name]
    x = zoo.sample(build(mixture()), solver, steps=steps, n=N, seed=5, dtype=torch.float64).x
    law, drawn = reference()
    mean, cov = law.moments(Data)
    size = cov.trace().sqrt()
    ways = torch.randn(128, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ways = ways / ways.norm(dim=1, keepdim=True)
    sliced = ((x @ ways.mT).sort(0).values - (drawn @ ways.mT).sort(0).values).abs().mean()
    off = (x.mean(0) - mean).norm() / size, (x.mT.cov() - cov).norm() / cov.norm(), sliced / size
    return tuple(float(value) for value in off)
