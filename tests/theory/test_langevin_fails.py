"""Langevin dynamics cannot weigh far modes; annealing mends it; the probability flow is exact (Song & Ermon 2019, Figure 3).

Target 1/5 N((-5, -5), I) + 4/5 N((5, 5), I). The barrier between the modes is e^25, so a chain stays in the basin where it
starts. Settings are those of the paper's toy experiment: U[-8, 8]^2, eps = 0.1, 1000 steps; annealed: sigma from 20 to 1 in
10 levels of 100 steps.
"""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import norm

import solvers_zoo as zoo

BIMODAL, POINTS = zoo.model("bimodal"), zoo.model("bimodal-points")
N = 10_000
LANGEVIN = "langevin(eps=0.1, n_steps_each=1000)"
#: Variance at which a chain on N(m, 1) settles with eps = 0.1.
SETTLED = 1 / (1 - 0.1 / 4)


def square(seed=0):
    draws = zoo.SeededNoise(seed, range(N), (2,)).start()
    return (torch.stack((draws.uniform(), draws.uniform()), 1) * 16 - 8).float()


def weight(x):
    """Share of samples in the mode of weight 1/5."""
    return float((x.sum(1) < 0).double().mean())


def mode_variance(x):
    """Mean over samples of the variance of their mode, about the mode's own mean."""
    left = x.sum(1) < 0
    parts = [x[left], x[~left]]
    return sum(float(part.var(0).mean()) * len(part) / len(x) for part in parts)


def test_langevin_keeps_the_weights_of_its_start():
    start = square()
    x = zoo.sample(BIMODAL, LANGEVIN, steps=1, x=start).x
    assert 0.44 <= weight(x) <= 0.52
    # each sample stays on its side of the saddle, but for those that start on it
    assert float(((x.sum(1) < 0) == (start.sum(1) < 0)).float().mean()) > 0.9
    assert mode_variance(x) == pytest.approx(SETTLED, abs=4 * SETTLED / math.sqrt(N))


def test_annealed_langevin_finds_the_weights():
    solver = zoo.solver("annealed-langevin", eps=0.1, n_steps_each=100)
    x = zoo.sample(POINTS, solver, steps=9, grid="uniform", x=square()).x
    assert 0.19 <= weight(x) <= 0.23
    # at sigma = 1 the point masses are the mixture, so the modes' variance is 1, and the chain's that of its last level
    assert mode_variance(x) == pytest.approx(SETTLED, abs=4 * SETTLED / math.sqrt(N))


@pytest.mark.parametrize("seed", [0, 1])
def test_probability_flow_is_exact_from_the_exact_start_only(seed):
    """From N(0, 80^2) the flow cuts a Gaussian without the mixture's mean at the quantile where modes part."""
    n, sigma = 50_000, 80.0
    exact = zoo.sample(BIMODAL, "heun", steps=17, n=n, seed=seed, start="exact").x
    assert abs(weight(exact) - 0.2) <= 3 * math.sqrt(0.16 / n)
    prior = zoo.sample(BIMODAL, "heun", steps=17, n=n, seed=seed).x
    mean = 0.6 * 5 * math.sqrt(2)  # of the mixture, along its axis; the variance there is sigma^2 + 1 + 32
    predicted = norm.cdf((mean + norm.ppf(0.2) * math.sqrt(sigma**2 + 33)) / sigma)
    assert predicted == pytest.approx(0.2146, abs=1e-4)
    assert abs(weight(prior) - predicted) <= 3 * math.sqrt(0.16 / n)


@pytest.mark.parametrize(("steps", "figure"), [(10, 1.28), (18, 1.077), (40, 1.013)])
def test_modes_sharpen_with_the_steps(steps, figure):
    """EDM's n-step Heun is n - 1 steps and the denoise."""
    x = zoo.sample(BIMODAL, "heun", steps=steps - 1, n=40_000, denoise=True).x
    assert mode_variance(x) == pytest.approx(figure, abs=0.01)
