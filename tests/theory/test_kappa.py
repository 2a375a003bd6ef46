"""The step-size rule of Chen et al. and Benton et al. on Gaussian targets, by exact variances and without sampling.

DDPM's exponential integrator on the Ornstein-Uhlenbeck process holds the score for a step of h = u_k - u_(k+1):

    Y' = e^h Y + 2 (e^h - 1) s(Y) + sqrt(e^(2h) - 1) z,      s(y) = -y / v(u_k),

so a Gaussian stays one, and its variance obeys a recursion; so does its KL divergence from the exact law at u = tau.
"""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

import solvers_zoo as zoo

T, TAU = 8.0, 1e-3
OU = zoo.OU(t_min=TAU, t_max=T)
KAPPAS = (0.4, 0.2, 0.1, 0.05, 0.025)
STEPS = (39, 73, 143, 282, 560)


def variance_at(u, s2):
    """Variance of the noised target N(0, s2)."""
    return s2 * math.exp(-2 * u) - math.expm1(-2 * u)


def final_variance(times, s2):
    variance = 1.0  # of the prior
    for t, s in pairwise(times):
        h = t - s
        variance = (math.exp(h) - 2 * math.expm1(h) / variance_at(t, s2)) ** 2 * variance + math.expm1(2 * h)
    return variance


def kl(true, got):
    """KL(N(0, true) || N(0, got))."""
    ratio = true / got
    return (ratio - 1 - math.log(ratio)) / 2


def kl_of(rule, steps, s2):
    return kl(variance_at(TAU, s2), final_variance(rule.make_grid(OU, steps).times, s2))


@pytest.mark.parametrize(
    ("s2", "figures"),
    [(0.0, (2.43e-2, 7.79e-3, 2.17e-3, 5.83e-4, 1.51e-4)), (0.25, (6.9e-3, 2.0e-3, 5.4e-4, 1.41e-4, 3.6e-5))],
)
class TestExactKL:
    def test_figures(self, s2, figures):
        got = [kl_of(zoo.grid("kappa", kappa=kappa), None, s2) for kappa in KAPPAS]
        digits = 2e-3 if s2 == 0 else 1.6e-2  # the figures' own rounding
        assert got == pytest.approx(list(figures), rel=digits)

    def test_as_many_steps_do_as_well_without_kappa(self, s2, figures):
        for kappa, steps in zip(KAPPAS, STEPS, strict=True):
            assert kl_of(zoo.grid("kappa"), steps, s2) <= 1.001 * kl_of(zoo.grid("kappa", kappa=kappa), None, s2)

    def test_slope(self, s2, figures):
        got = [kl_of(zoo.grid("kappa", kappa=kappa), None, s2) for kappa in KAPPAS]
        slopes = [math.log2(a / b) for a, b in pairwise(got)]
        assert slopes == sorted(slopes)
        assert all(1.6 < slope < 2.0 for slope in slopes)
        assert slopes[-1] == pytest.approx(1.95 if s2 == 0 else 1.97, abs=0.01)

    def test_the_bound_holds_with_constant_one(self, s2, figures):
        bounds = []
        for kappa, steps in zip(KAPPAS, STEPS, strict=True):
            bounds.append(kappa**2 * steps + kappa * T + math.exp(-2 * T))
            assert kl_of(zoo.grid("kappa", kappa=kappa), None, s2) <= bounds[-1]
        assert bounds == pytest.approx([9.44, 4.52, 2.23, 1.105, 0.55], abs=1e-5)

    def test_it_beats_equal_steps(self, s2, figures):
        rule, uniform = (kl_of(zoo.grid(name), 143, s2) for name in ("kappa", "uniform"))
        assert uniform == pytest.approx(1.55 if s2 == 0 else 1.24e-2, rel=5e-3)
        assert uniform / rule >= (500 if s2 == 0 else 20)


class OneAtATime(zoo.Noise):
    """Sample k + 1 gets 1 at step k and 0 at all others; sample 0 gets none."""

    def __init__(self, n):
        self.n = n

    def at(self, index):
        kick = torch.zeros(self.n, 1, dtype=torch.float64)
        kick[index + 1] = 1.0

        class Kick(zoo.Draws):
            def fresh(self):
                return kick

            def between(self, t, s, area=False):
                return kick

            def uniform(self):
                raise NotImplementedError

        return Kick()


@pytest.mark.parametrize("s2", [0.0, 0.25])
@pytest.mark.parametrize("kappa", [0.4, 0.1])
def test_the_zoos_own_integrator_has_this_kl(kappa, s2):
    """Its variance is the square of what the start is multiplied by, and of what each step's noise is."""
    grid = zoo.grid("kappa", kappa=kappa).make_grid(OU)
    model = zoo.FunctionModel(
        lambda x, t: -x / (s2 * torch.exp(-2 * t) - torch.expm1(-2 * t)).unsqueeze(1), OU, prediction="score"
    )
    x = torch.zeros(grid.steps + 1, 1, dtype=torch.float64)
    x[0] = 1.0
    run = zoo.sample(model, solver="exponential-sde", grid=grid, x=x, noise=OneAtATime(len(x)))
    variance = float((run.x**2).sum())
    assert variance == pytest.approx(final_variance(grid.times, s2), rel=1e-10)
