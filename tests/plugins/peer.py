"""k-diffusion's samplers on the zoo's models, grids and draws, on EDM where its sigma is t."""

from __future__ import annotations

import torch
from needs import needs

import solvers_zoo as zoo

needs_peer = needs("k-diffusion")

SDE = zoo.EDM(sigma_min=0.01, sigma_max=80.0)
MODEL = zoo.model("mixture-2d", sde=SDE)


def grid(steps=9):
    """From 20 to 0.05, without the trailing 0."""
    return zoo.Grid(
        SDE, [20 * (0.05 / 20) ** (i / steps) * (1 + 0.1 * (i % 2) * (0 < i < steps)) for i in range(steps + 1)]
    )


def start():
    """16 states at sigma = 20."""
    return 20 * torch.randn(16, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


class Written(zoo.Noise, zoo.Draws):
    """Draws written down: number k of step i is a tensor of its own."""

    def __init__(self, index=0):
        self.index, self.call = index, 0

    def at(self, index):
        return Written(index)

    def fresh(self):
        self.call += 1
        generator = torch.Generator().manual_seed(100 * self.index + self.call)
        return torch.randn(16, 2, dtype=torch.float64, generator=generator)

    def between(self, t, s, area=False):
        return self.fresh()

    def uniform(self):
        raise AssertionError("not asked for")


def theirs(name, points=None, noise=None, **options):
    """``sample_<name>`` of k-diffusion over ``points``.

    ``noise`` is a function of (step, sigma, next sigma) that gives the normals it asks for, or None.
    """
    from solvers_zoo.bench.overhead import import_k_diffusion

    points = points or grid()
    sigmas = torch.tensor(points.times, dtype=torch.float64)
    if noise is not None:
        options["noise_sampler"] = lambda sigma, to: noise(
            int((sigmas - sigma).abs().argmin()), float(sigma), float(to)
        )
    function = getattr(import_k_diffusion(), f"sample_{name}")
    return function(
        lambda x, sigma, **_: MODEL(x, SDE.at(float(sigma[0]))).x0, start(), sigmas, disable=True, **options
    )


def ours(solver, points=None, noise=None):
    """The zoo's, on the draws of `Written`."""
    return zoo.sample(MODEL, solver=solver, grid=points or grid(), x=start(), noise=noise or Written()).x


def first_draw(step, sigma, to):
    """What `Written` gives a step first."""
    return Written(step).fresh()


def assert_same(a, b, tolerance=1e-9):
    """Equal to ``tolerance`` of the largest number."""
    assert float((a - b).abs().max()) <= tolerance * float(b.abs().max())
