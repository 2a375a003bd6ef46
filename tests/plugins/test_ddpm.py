"""DDPM and DDIM: the papers' formulas on discrete betas, moments of the posterior, alpha = 0, large steps."""

from __future__ import annotations

import math

import pytest
import torch
from flow_cases import VAR, exact_end, gaussian, karras, slope, start

import solvers_zoo as zoo


class Fixed(zoo.Noise, zoo.Draws):
    """Noise that is written down: the z of every step."""

    def __init__(self, z):
        self.z = z

    def at(self, index):
        return Fixed(self.z[index])

    def fresh(self):
        return self.z

    def between(self, t, s, area=False):
        return self.z

    def uniform(self):
        raise AssertionError("not asked for")


@pytest.mark.parametrize("variance", ["small", "large"])
def test_algorithm_2_of_ho(variance):
    """The paper's lines, in its own alphas and betas, on neighbouring steps of its table."""
    sde = zoo.sde("ddpm-betas")
    model, x = gaussian(sde, "eps"), start(4)
    grid = zoo.Grid(sde, [float(t) for t in (600, 599, 598, 597)]) if sde.t_max > 2 else None
    assert grid is not None
    z = start(12, seed=3).reshape(3, 4, 2)
    got = zoo.sample(model, solver=f"ddpm(variance={variance})", grid=grid, x=x, noise=Fixed(z)).x
    for i, (t, s) in enumerate(grid.intervals()):
        abar_t, abar_s = t.alpha**2, s.alpha**2
        alpha = abar_t / abar_s
        beta = 1 - alpha
        mean = (x - beta / math.sqrt(1 - abar_t) * model(x, t).eps) / math.sqrt(alpha)
        c = math.sqrt(beta if variance == "large" else beta * (1 - abar_s) / (1 - abar_t))
        x = mean + c * z[i]
    torch.testing.assert_close(got, x, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_equation_12_of_song(eta):
    sde = zoo.VP(t_min=0.01)
    model, x, grid = gaussian(sde, "eps"), start(4), zoo.Grid(sde, [0.9, 0.5, 0.3, 0.02])
    z = start(12, seed=3).reshape(3, 4, 2)
    got = zoo.sample(model, solver=f"ddim:eta={eta}", grid=grid, x=x, noise=Fixed(z)).x
    for i, (t, s) in enumerate(grid.intervals()):
        abar_t, abar_s = t.alpha**2, s.alpha**2
        eps = model(x, t).eps
        c = eta * math.sqrt((1 - abar_s) / (1 - abar_t) * (1 - abar_t / abar_s))
        x = math.sqrt(abar_s) * (x - math.sqrt(1 - abar_t) * eps) / math.sqrt(abar_t)
        x = x + math.sqrt(1 - abar_s - c * c) * eps + c * z[i]
    torch.testing.assert_close(got, x, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("sde", [zoo.VP(), zoo.EDM(), zoo.RectifiedFlow(), zoo.Cosine()], ids=lambda sde: sde.card.name)
def test_small_variance_is_the_posterior(sde):
    """Mean and variance of q(x_s | x_t, x_0) from the two transition kernels by Bayes' rule."""
    t, s = sde.at(0.6 * sde.t_max), sde.at(0.2 * sde.t_max)
    ratio = t.alpha / s.alpha
    forward = t.sigma**2 - ratio**2 * s.sigma**2
    var = 1 / (ratio**2 / forward + 1 / s.sigma**2)
    x_t, x0 = torch.tensor([[1.3]], dtype=torch.float64), torch.tensor([[-0.4]], dtype=torch.float64)
    mean = var * (ratio / forward * x_t + s.alpha / s.sigma**2 * x0)
    model = zoo.FunctionModel(lambda x, t: x0, sde=sde, prediction="x0")
    for z in (0.0, 1.0):
        noise = Fixed(torch.tensor([[[z]]], dtype=torch.float64))
        got = zoo.sample(model, solver="ddpm", grid=zoo.Grid(sde, [t.t, s.t]), x=x_t, noise=noise).x
        torch.testing.assert_close(got, mean + z * math.sqrt(var), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("solver", ["ddpm", "ddpm(variance=large)", "ddim:eta=1", "ddim:eta=0.5"])
def test_marginal_at_alpha_zero_start(solver):
    """From pure noise, where h is infinite: the law at the end is right within three standard errors and the first-order bias."""
    sde = zoo.Cosine(t_min=0.05)
    grid = zoo.Grid(sde, [*(1 - 0.95 * i / 400 for i in range(400)), 0.05])
    n = 8_000
    got = zoo.sample(gaussian(sde, "v"), solver=solver, grid=grid, n=n, seed=1, dtype=torch.float64).x
    end = grid[-1]
    exact = end.alpha**2 * VAR + end.sigma**2
    assert got.mean().item() == pytest.approx(end.alpha * 0.7, abs=3 * math.sqrt(exact / (2 * n)) + 2e-3)
    assert got.var().item() == pytest.approx(exact, rel=3 * math.sqrt(1 / n) + 0.015)


@pytest.mark.parametrize("h", [1e-8, 1e-3, 5.0, 18.0, 25.0])
def test_coefficients_keep_their_digits(h):
    """DDIM(1) keeps e^-h of the noise: by subtraction that is lost from h = 18 on."""
    sde = zoo.EDM(sigma_min=1e-12, sigma_max=1e3)
    t = 1.0 if h < 1 else 1e3
    grid = zoo.Grid(sde, [t, t * math.exp(-h)])
    eps = torch.ones(1, 1, dtype=torch.float64)
    model = zoo.FunctionModel(lambda x, t: eps, sde=sde, prediction="eps")
    x = grid[0].sigma * eps  # so that x0 = 0 and only the noise is left
    got = zoo.sample(
        model, solver="ddim:eta=1", grid=grid, x=x, noise=Fixed(torch.zeros(1, 1, 1, dtype=torch.float64))
    ).x
    s = grid[1]
    assert got.item() / s.sigma == pytest.approx(math.exp(s.lam * -1 + grid[0].lam), abs=2e-13 / s.sigma)


def test_ddim_order():
    assert slope("ddim", (128, 256, 512)) == pytest.approx(1, abs=0.2)


def test_ddim_goes_both_ways_and_the_stochastic_ones_do_not():
    sde = zoo.VP(t_min=0.01)
    up = zoo.Grid(sde, karras(sde, 200).times[::-1])
    x = start()
    got = zoo.sample(gaussian(sde), solver="ddim", grid=up, x=x).x
    assert (got - exact_end(x, up[0], up[-1])).abs().max() < 0.1
    for solver in ("ddim:eta=0.1", "ddpm"):
        with pytest.raises(zoo.IncompatibleError, match="from noise to data only, and this grid increases"):
            zoo.sample(gaussian(sde), solver=solver, grid=up, x=x)


def test_facts_follow_eta():
    assert not zoo.solver("ddim").facts().stochastic
    assert zoo.solver("ddim", eta=0.5).facts().stochastic
    assert zoo.solver("ddim", eta=0.5).facts().order is None
    assert zoo.solver("ddim", eta=1).facts().equivalents == ("ddpm",)
    assert zoo.solver("ddpm", variance="large").facts().equivalents == ()
