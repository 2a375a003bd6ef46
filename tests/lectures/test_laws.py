"""Exact laws of samplers' results: two ways to one answer, and what they refuse."""

from __future__ import annotations

import math

import pytest
import torch
from zoo_lectures.bounds.laws import STANDARD, Density, Normal, density_law, density_of, gaussian_law, places

import solvers_zoo as zoo
from solvers_zoo.exact import transport_distance

OU = zoo.OU(t_min=1e-2)
X = places(12.0)


@pytest.mark.parametrize("solver", ["exponential-sde", "ddpm", "euler-maruyama", "heun"])
def test_density_and_probes_agree_on_a_gaussian(solver):
    model = zoo.Gaussian([0.4], 0.25, OU)
    grid = zoo.grid("kappa").make_grid(OU, 40)
    law = gaussian_law(model, solver, grid)
    found = density_law(model, solver, grid, STANDARD.density(X))
    assert found.mass == pytest.approx(1.0, abs=1e-9)
    assert found.tv(law.density(X)) < 1e-9
    exact = Normal(0.4 * math.exp(-1e-2), float(model.moments(grid[-1])[1]))
    assert density_of(model, grid[-1], X).kl(found) == pytest.approx(exact.kl(law), rel=1e-6)


def test_density_of_a_flow_is_that_of_monotone_transport():
    model = zoo.model("mixture-1d", sde=OU)
    grid = zoo.grid("kappa").make_grid(OU, 60)
    x = places(14.0)
    found = density_law(model, "heun(variable=t)", grid, STANDARD.density(x))
    reference = transport_distance(
        model,
        lambda edges: zoo.sample(model, "heun(variable=t)", grid=grid, x=edges).x,
        grid[0],
        grid[-1],
        prior_std=1.0,
    )
    assert density_of(model, grid[-1], x).tv(found) == pytest.approx(reference.tv, abs=2e-6)


def test_samples_have_the_density():
    """The law that the study states is the one that `sample` draws from."""
    model = zoo.model("mixture-1d", sde=OU)
    grid = zoo.grid("kappa").make_grid(OU, 30)
    x = places(14.0)
    law = density_law(model, "exponential-sde", grid, STANDARD.density(x))
    drawn = zoo.sample(model, "exponential-sde", grid=grid, n=20_000, dtype=torch.float64).x[:, 0].sort().values
    cdf = torch.from_numpy(law.p.cumsum() * law.width)
    at = torch.searchsorted(torch.from_numpy(law.x), drawn).clamp(max=len(law.x) - 1)
    gap = (cdf[at] - torch.arange(1, len(drawn) + 1) / len(drawn)).abs().max()
    assert float(gap) < 1.95 / math.sqrt(len(drawn))  # Kolmogorov's 99.9 %
    exact = density_of(model, grid[-1], x)
    assert exact.tv(law) > 0.02  # and it is not the law that it should be


def test_kl_and_tv():
    one, two = Normal(0.0, 1.0), Normal(0.3, 1.44)
    assert one.kl(two) == pytest.approx(math.log(1.2) + (1 + 0.09) / 2.88 - 0.5, rel=1e-12)
    a, b = one.density(X), two.density(X)
    assert a.kl(b) == pytest.approx(one.kl(two), rel=1e-9)
    assert a.tv(b) == b.tv(a)
    assert Density(X, 2 * a.p).kl(a) == pytest.approx(0.0, abs=1e-15)


def test_what_they_refuse():
    model = zoo.model("mixture-1d", sde=OU)
    start = STANDARD.density(places(14.0))
    with pytest.raises(zoo.IncompatibleError, match="folds the line"):
        density_law(model, "heun(variable=t)", zoo.grid("uniform").make_grid(OU, 16), start)
    with pytest.raises(zoo.IncompatibleError, match="draws 2 times a step"):
        density_law(model, "sra1", zoo.grid("kappa").make_grid(OU, 16), start)
