"""Langevin and annealed Langevin: costs, stationary laws, and where one fails and the other does not."""

from __future__ import annotations

import math

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.testing.probe import ProbeNoise

MODES = torch.tensor([[-5.0, -5.0], [5.0, 5.0]])
WEIGHTS = (0.2, 0.8)


def two_points(x, t):
    """x0 of 1/5 and 4/5 at two points: the posterior mean under alpha = 1, sigma = t."""
    t2 = t[:, None].square()
    logits = torch.stack(
        [math.log(w) - (x - m).square().sum(1) / (2 * t2[:, 0]) for w, m in zip(WEIGHTS, MODES, strict=True)], 1
    )
    return logits.softmax(1) @ MODES.to(x.dtype)


def toy(**levels):
    return zoo.FunctionModel(two_points, sde=zoo.EDM(**levels), prediction="x0", shape=(2,))


def uniform_start(n):
    return torch.rand(n, 2, generator=torch.Generator().manual_seed(3)) * 16 - 8


def geometric(first, last, count):
    return [first * (last / first) ** (i / (count - 1)) for i in range(count - 1)] + [last]


def exact_variance(solver, model, times, v0, mean0=0.0):
    """Mean and variance at the end of an affine solver's run from N(mean0, v0), by probing every draw; no sampling."""
    grid = zoo.Grid(model.sde, times)

    def run(x, noise):
        *_, last = solver.solve(model, x, grid, noise)
        return last.x.flatten()

    count = ProbeNoise(torch.zeros(1, 1, dtype=torch.float64))
    run(count.like, count)
    draws = len(count.addresses)
    x = torch.zeros(draws + 2, 1, dtype=torch.float64)
    x[1] = 1
    weights = torch.zeros(draws, draws + 2, dtype=torch.float64)
    weights[:, 2:] = torch.eye(draws, dtype=torch.float64)
    end = run(x, ProbeNoise(x, weights, count.addresses))
    a, b, c = end[1] - end[0], end[0], end[2:] - end[0]
    return float(a * mean0 + b), float(a**2 * v0 + c.square().sum())


def gaussian(v, sde, mean=1.3):
    """Closed-form x0 prediction of N(mean, v)."""

    def x0(x, t):
        p = sde.at(float(t[0]))
        return mean + p.alpha * v / (p.alpha**2 * v + p.sigma**2) * (x - p.alpha * mean)

    return zoo.FunctionModel(x0, sde=sde, prediction="x0", shape=(1,))


@pytest.mark.parametrize("eps", [0.05, 0.3])
def test_langevin_settles_at_its_declared_variance(eps):
    sde = zoo.EDM(sigma_min=0.5, sigma_max=10.0)
    v = 0.25 + 0.5**2
    mean, variance = exact_variance(
        zoo.solver("langevin", eps=eps, n_steps_each=200), gaussian(0.25, sde), [10.0, 5.0, 1.0, 0.5], v0=9.0
    )
    assert mean == pytest.approx(1.3, abs=1e-6)
    assert variance == pytest.approx(v / (1 - eps / (4 * v)), rel=1e-6)


def test_langevin_runs_at_the_last_time_only():
    seen = []

    def fn(x, t):
        seen.append(float(t[0]))
        return -x

    model = zoo.FunctionModel(fn, sde=zoo.EDM(sigma_min=1.0), prediction="score", shape=(2,))
    result = zoo.sample(model, "langevin(n_steps_each=3)", grid=[80.0, 10.0, 1.0], n=2)
    assert result.nfe == len(seen) == zoo.solver("langevin", n_steps_each=3).nfe(2) == 6
    assert set(seen) == {1.0}


def test_langevin_repeats_its_formula():
    model = toy(sigma_min=1.0, sigma_max=20.0)
    x = torch.tensor([[1.0, -2.0], [4.0, 4.5]], dtype=torch.float64)
    result = zoo.sample(model, "langevin:eps=0.2", grid=[20.0, 1.0], x=x, seed=5)
    z = zoo.SeededNoise(5, range(2), (2,), torch.float64).at(0).fresh()
    score = two_points(x, torch.ones(2, dtype=torch.float64)) - x
    assert torch.allclose(result.x, x + 0.1 * score + math.sqrt(0.2) * z, atol=1e-13)


def test_annealed_langevin_visits_every_time_and_scales_its_steps():
    seen = []

    def fn(x, t):
        seen.append(float(t[0]))
        return torch.zeros_like(x)  # a zero score: what is left are the kicks

    sde = zoo.EDM(sigma_min=1.0, sigma_max=4.0)
    model = zoo.FunctionModel(fn, sde=sde, prediction="score", shape=(1,))
    solver = zoo.solver("annealed-langevin", eps=0.1, n_steps_each=2)
    result = zoo.sample(model, solver, grid=[4.0, 2.0, 1.0], n=1)
    assert seen == [4.0, 4.0, 2.0, 2.0, 1.0, 1.0]
    assert result.nfe == solver.nfe(2) == 6
    _, variance = exact_variance(solver, model, [4.0, 2.0, 1.0], v0=0.0)
    assert variance == pytest.approx(0.1 * 2 * (16 + 4 + 1), rel=1e-12)  # alpha_i = eps sigma_i^2 / sigma_L^2


def test_annealed_langevin_reads_the_noise_level_of_a_shrinking_process_as_sigma_over_alpha():
    """On OU it is the run on EDM of x/alpha, number by number."""
    ou = zoo.OU(t_min=0.05, t_max=2.0)
    times = [2.0, 1.0, 0.3, 0.05]
    rhos = [ou.at(t).rho for t in times]
    edm = zoo.EDM(sigma_min=rhos[-1], sigma_max=rhos[0])
    solver = zoo.solver("annealed-langevin", n_steps_each=3)
    x = torch.linspace(-2, 2, 5, dtype=torch.float64)[:, None]
    flat = zoo.sample(gaussian(0.25, edm), solver, grid=rhos, x=x / ou.alpha(2.0), seed=1).x
    scaled = zoo.sample(gaussian(0.25, ou), solver, grid=times, x=x, seed=1).x
    assert torch.allclose(scaled / ou.alpha(0.05), flat, rtol=1e-11)


def test_annealed_langevin_settles_at_its_declared_variance():
    sde = zoo.EDM(sigma_min=1.0, sigma_max=20.0)
    _, variance = exact_variance(
        zoo.solver("annealed-langevin", eps=0.1, n_steps_each=100),
        gaussian(0.25, sde),
        geometric(20.0, 1.0, 4),
        v0=100.0,
    )
    assert variance == pytest.approx(1.25 / (1 - 0.1 / (4 * 1.25)), rel=2e-3)


def test_default_annealed_step_is_stable_at_every_noise_level():
    """eps is relative to sigma_L^2 unless given, so it holds from sigma_L = 0.002 as from 1."""
    for low in (0.002, 1.0):
        model = gaussian(0.25, zoo.EDM(sigma_min=low, sigma_max=20.0))
        _, variance = exact_variance(
            zoo.solver("annealed-langevin", n_steps_each=60), model, geometric(20.0, low, 12), v0=400.0, mean0=0.0
        )
        assert 0.2 < variance < 3 * (0.25 + low**2)


@pytest.mark.slow
def test_langevin_fails_where_annealing_does_not():
    """NCSN's two modes: weight of the small one, and the variance within a mode (1/(1 - eps/4) exactly at stationarity)."""
    n = 4000
    x = uniform_start(n)
    model = toy(sigma_min=1.0, sigma_max=20.0)
    plain = zoo.sample(model, "langevin(eps=0.1, n_steps_each=100)", grid=geometric(20.0, 1.0, 7), x=x, seed=0).x
    annealed = zoo.sample(
        model, "annealed-langevin(eps=0.1, n_steps_each=100)", grid=geometric(20.0, 1.0, 10), x=x, seed=0
    )
    assert annealed.nfe == 1000

    def weight(y):
        return float((y.sum(1) < 0).float().mean())

    assert 0.44 <= weight(plain) <= 0.52
    assert 0.19 <= weight(annealed.x) <= 0.23
    for y in (plain, annealed.x):
        mode = y[y.sum(1) > 0]
        assert float(mode.var(0).mean()) == pytest.approx(1 / (1 - 0.1 / 4), abs=4 * math.sqrt(1.0 / len(mode)))
    clean = zoo.sample(
        model, "annealed-langevin(n_steps_each=10)", grid=geometric(20.0, 1.0, 10), x=x[:200], seed=0, denoise=True
    )
    assert clean.nfe == 101
    assert float((clean.x[:, None] - MODES).norm(dim=2).min(1).values.median()) < 1e-3


def test_what_is_refused():
    with pytest.raises(zoo.OptionError):
        zoo.solver("langevin", eps=0.0)
    with pytest.raises(zoo.OptionError):
        zoo.solver("annealed-langevin", n_steps_each=0)
    assert str(zoo.solver("annealed-langevin")) == "annealed-langevin"
    flow = zoo.sde("rectified-flow")
    assert "alpha = 0" in zoo.solver("annealed-langevin").supports(flow, zoo.Grid(flow, [1.0, 0.5, 0.1]))
    assert zoo.solver("langevin").supports(flow, zoo.Grid(flow, [1.0, 0.5, 0.1])) is None
