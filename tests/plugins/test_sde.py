"""The integrators of the reverse SDE against closed forms, recursions and published figures."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.testing.probe import ProbeNoise

MEAN, VAR = 1.3, 0.25


def gaussian(sde, var=VAR, mean=MEAN, prediction="x0"):
    """Closed form of N(mean, var) in any parametrisation."""

    def fn(x, t):
        p = sde.at(float(t[0]))
        x0 = mean + p.alpha * var / (p.alpha**2 * var + p.sigma**2) * (x - p.alpha * mean)
        if prediction == "x0":
            return x0
        eps = (x - p.alpha * x0) / p.sigma
        return {"eps": eps, "score": -eps / p.sigma, "v": p.alpha * eps - p.sigma * x0}[prediction]

    return zoo.FunctionModel(fn, sde=sde, prediction=prediction, shape=(1,))


def law(solver, model, grid, v0=None, mean0=None):
    """Mean and variance of an affine solver's result, every draw probed; from the exact law at the start by default."""
    solver = zoo.Registry.make(zoo.registry.default(), "solver", solver)

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
    a, b, c = float(end[1] - end[0]), float(end[0]), end[2:] - end[0]
    first = grid[0]
    mean0 = first.alpha * MEAN if mean0 is None else mean0
    v0 = first.alpha**2 * VAR + first.sigma**2 if v0 is None else v0
    return a * mean0 + b, a * a * v0 + float(c.square().sum())


def karras(sde, steps):
    return zoo.grid("karras").make_grid(sde, steps)


STOCHASTIC = [
    "euler-maruyama",
    "reverse-diffusion",
    "exponential-sde",
    "exponential-sde:frozen=eps",
    "exponential-sde:frozen=x0",
]


@pytest.mark.parametrize("spec", STOCHASTIC)
@pytest.mark.parametrize("process", ["edm", "ou"])
def test_variance_converges_with_weak_order_one(spec, process):
    """N(1.3, 0.25), sigma 10 to 0.02, by exact probing: no Monte Carlo, so the slope is exact."""
    sde = zoo.EDM(sigma_min=0.02, sigma_max=10.0)
    if process == "ou":
        wide = zoo.OU()
        sde = zoo.OU(t_min=wide.at_rho(0.02).t, t_max=wide.at_rho(10.0).t)
    model = gaussian(sde)
    last = sde.at(sde.t_min)
    exact = last.alpha**2 * VAR + last.sigma**2
    errors = []
    for steps in (128, 256):
        mean, variance = law(spec, model, karras(sde, steps))
        errors.append(abs(variance - exact))
        assert abs(mean - last.alpha * MEAN) < 6e-3
    assert math.log2(errors[0] / errors[1]) == pytest.approx(1.0, abs=0.1)
    assert errors[1] < 0.03 * exact


def run(spec, model, grid, x, seed=0):
    return zoo.sample(model, spec, grid=grid, x=x, seed=seed).x


def ou(**options):
    return zoo.OU(t_min=0.02, t_max=3.0, **options)


X = torch.linspace(-3, 3, 7, dtype=torch.float64)[:, None]


@pytest.mark.parametrize("sde", [zoo.EDM(sigma_min=0.02, sigma_max=10.0), ou()], ids=str)
def test_identities_with_the_ancestral_family(sde):
    model, grid = gaussian(sde), karras(sde, 9)
    same = {"rtol": 1e-12, "atol": 1e-12}
    assert torch.allclose(run("exponential-sde:frozen=x0", model, grid, X), run("ddpm", model, grid, X), **same)
    assert torch.allclose(run("exponential-sde:frozen=x0", model, grid, X), run("ddim:eta=1", model, grid, X), **same)
    for frozen in ("x0", "eps"):
        flow = run(f"exponential-sde(frozen={frozen}, level=0)", model, grid, X)
        assert torch.allclose(flow, run("ddim", model, grid, X), **same)
    assert torch.allclose(
        run("euler-maruyama:level=0", model, grid, X), run("euler:variable=t", model, grid, X), **same
    )
    assert not torch.allclose(run("exponential-sde:frozen=eps", model, grid, X), run("ddpm", model, grid, X), atol=1e-3)


def test_reverse_diffusion_is_the_papers_on_both_of_its_processes():
    z = zoo.SeededNoise(0, range(7), (1,), torch.float64).at(0).fresh()
    ve = zoo.EDM(sigma_min=0.1, sigma_max=10.0)
    score = gaussian(ve, prediction="score")(X, ve.at(4.0)).score
    printed = X + (16 - 9) * score + math.sqrt(16 - 9) * z  # Algorithm 2
    assert torch.allclose(run("reverse-diffusion", gaussian(ve), [4.0, 3.0], X), printed, rtol=1e-12)
    vp = ou()
    beta = 1 - (vp.alpha(1.0) / vp.alpha(0.8)) ** 2
    score = gaussian(vp, prediction="score")(X, vp.at(1.0)).score
    printed = (2 - math.sqrt(1 - beta)) * X + beta * score + math.sqrt(beta) * z  # Algorithm 3
    assert torch.allclose(run("reverse-diffusion", gaussian(vp), [1.0, 0.8], X), printed, rtol=1e-12)


def test_exponential_step_is_the_textbook_one_on_ou():
    """dY = (Y + 2 s) dt + sqrt(2) dW with s frozen: e^h Y + 2 (e^h - 1) s + sqrt(e^2h - 1) z."""
    sde, h = ou(), 0.25
    z = zoo.SeededNoise(0, range(7), (1,), torch.float64).at(0).fresh()
    score = gaussian(sde, prediction="score")(X, sde.at(1.0)).score
    expected = math.exp(h) * X + 2 * math.expm1(h) * score + math.sqrt(math.expm1(2 * h)) * z
    assert torch.allclose(run("exponential-sde", gaussian(sde), [1.0, 1.0 - h], X), expected, rtol=1e-12)
    edm = zoo.EDM(sigma_min=0.1, sigma_max=10.0)  # with alpha = 1 it is the reverse-diffusion step
    args = gaussian(edm), [4.0, 2.0, 0.3], X
    assert torch.allclose(run("exponential-sde", *args), run("reverse-diffusion", *args), rtol=1e-12)


@pytest.mark.parametrize(
    ("kappa", "point", "broad"), [(0.4, 2.43e-2, 6.9e-3), (0.2, 7.79e-3, 2.0e-3), (0.1, 2.17e-3, 5.4e-4)]
)
def test_score_frozen_integrator_reproduces_the_kappa_rule(kappa, point, broad):
    """KL(q_tau || p) of the exponential integrator on the grid of Chen and Benton, T = 8, tau = 1e-3, prior N(0, I)."""
    T, tau = 8.0, 1e-3
    n1, n2 = math.ceil((T - 1) / kappa), math.ceil(math.log(1 / tau) / math.log1p(kappa))
    times = [T - (T - 1) * i / n1 for i in range(n1)] + [tau ** (i / n2) for i in range(n2)] + [tau]
    sde = zoo.OU(t_min=tau, t_max=T)
    grid = zoo.Grid(sde, times)
    for var, expected in ((0.0, point), (0.25, broad)):
        _, v = law("exponential-sde", gaussian(sde, var=var, mean=0.0), grid, v0=1.0, mean0=0.0)
        q = sde.alpha(tau) ** 2 * var + sde.sigma(tau) ** 2
        assert (q / v - 1 - math.log(q / v)) / 2 == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("process", ["sub-vp", "rectified-flow"])
def test_quadrature_of_alpha_on_other_processes_keeps_the_order(process):
    sde = zoo.sde(process)
    low, high = sde.t_of_lam(math.log(1 / 0.02)), sde.t_of_lam(math.log(1 / 10.0))
    model, last = gaussian(sde), sde.at(low)
    exact = last.alpha**2 * VAR + last.sigma**2
    errors = []
    for steps in (64, 128, 256):
        rhos = [(10 ** (1 / 7) + i / steps * (0.02 ** (1 / 7) - 10 ** (1 / 7))) ** 7 for i in range(1, steps)]
        _, v = law("exponential-sde", model, zoo.Grid(sde, [high, *(sde.at_rho(r).t for r in rhos), low]))
        errors.append(abs(v - exact))
    assert math.log2(errors[1] / errors[2]) == pytest.approx(1.0, abs=0.15)


def test_tomczak_loop_and_explicit_euler():
    """VE sigma^t at sigma = 1.01, 20 times from 1 to 1e-5: standard deviations on N(0, s^2) from the blog's prior."""
    sde = zoo.sde("ve-power", base=1.01, t_min=1e-5, t_max=1.0)
    times = [1 + i / 19 * (1e-5 - 1) for i in range(19)] + [1e-5]
    grid = zoo.Grid(sde, times)

    prior = sde.sigma(1.0) ** 2

    def std(solver, s, v0=prior):
        return math.sqrt(law(solver, gaussian(sde, var=s * s, mean=0.0), grid, v0=v0, mean0=0.0)[1])

    def product(s, at):
        """prod (1 - dt g^2/2 / (s^2 + sigma_t^2)), written out."""
        gains = [
            1 - (a - b) / 2 * 1.01 ** (2 * (a, b)[at]) / (s * s + (1.01 ** (2 * (a, b)[at]) - 1) / (2 * math.log(1.01)))
            for a, b in pairwise(times)
        ]
        return math.prod(gains) * sde.sigma(1.0)

    assert sde.sigma(1.0) ** 2 == pytest.approx(1.010017, abs=1e-6)
    for s, arrival, explicit in ((0.5, 0.4178, 0.4570), (1.0, 0.7018, 0.7111)):
        assert std("euler-arrival", s) == pytest.approx(arrival, abs=5e-5)
        assert std("euler-arrival", s) == pytest.approx(product(s, 1), rel=1e-9)
        assert std("euler-maruyama:level=0", s) == pytest.approx(explicit, abs=5e-5)
        assert std("euler-maruyama:level=0", s) == pytest.approx(product(s, 0), rel=1e-9)
    assert std("euler-maruyama:level=0", 0.1) == pytest.approx(0.1589, abs=5e-5)
    assert product(0.1, 1) == pytest.approx(-0.266 * sde.sigma(1.0), abs=2e-3)  # unstable: the sign of x is lost
    assert std("euler-arrival", 0.1) == pytest.approx(abs(product(0.1, 1)), rel=1e-9)
    for s, exact_start in ((0.5, 0.4667), (1.0, 0.9900)):
        assert std("euler-arrival", s, v0=s * s + sde.sigma(1.0) ** 2) == pytest.approx(exact_start, abs=5e-5)


class Quartic(zoo.SDE):
    """A process that is not Gaussian: dX = -X^3 dt + dW."""

    t_min, t_max = 0.1, 1.0

    def drift(self, x, t):
        return -(x**3)

    def diffusion(self, t):
        return 1.0


def test_drift_only_solvers_run_on_any_process():
    sde = Quartic()
    model = zoo.FunctionModel(lambda x, t: -x, sde=sde, prediction="score", shape=(1,))
    x = torch.tensor([[0.5]], dtype=torch.float64)
    z = zoo.SeededNoise(0, range(1), (1,), torch.float64).at(0).fresh()
    result = run("euler-maruyama", model, [1.0, 0.9], x)
    assert torch.allclose(result, x - 0.1 * (-(x**3) + x) + math.sqrt(0.1) * z)
    assert torch.allclose(run("euler-arrival", model, [1.0, 0.9], x), x - 0.1 * (-(x**3) + x / 2))
    for name in ("reverse-diffusion", "exponential-sde"):
        assert "alpha X_0" in zoo.solver(name).supports(sde)


def test_alpha_zero_at_the_start():
    """On rectified flow from t = 1 every solver runs or says why not."""
    sde = zoo.sde("rectified-flow")
    times = [1 - i / 400 * 0.98 for i in range(401)]
    grid = zoo.Grid(sde, times)
    for spec in ("reverse-diffusion", "exponential-sde:frozen=x0", "euler-arrival", "euler-maruyama:level=0"):
        mean, variance = law(spec, gaussian(sde), grid)
        last = grid[-1]
        assert mean == pytest.approx(last.alpha * MEAN, abs=0.03), spec
        assert variance == pytest.approx(last.alpha**2 * VAR + last.sigma**2, rel=0.15), spec
    for spec in ("euler-maruyama", "exponential-sde", "exponential-sde:frozen=eps"):
        solver = zoo.registry.default().make("solver", spec)
        assert "alpha = 0" in solver.supports(sde, grid)
        with pytest.raises(zoo.IncompatibleError, match="alpha = 0"):
            zoo.sample(gaussian(sde), solver, grid=grid, n=1)
    with pytest.raises(zoo.DomainError, match="says nothing of the data"):
        zoo.sample(gaussian(sde, prediction="eps"), "reverse-diffusion", grid=grid, n=1)


def test_level_shares_the_marginals():
    """Every level has the same law in the limit; the facts follow the level."""
    sde = ou()
    last = sde.at(0.02)
    for level in (0.0, 0.5, 1.5):
        mean, variance = law(f"euler-maruyama:level={level}", gaussian(sde), karras(sde, 256))
        assert variance == pytest.approx(last.alpha**2 * VAR + last.sigma**2, rel=0.05)
        assert mean == pytest.approx(last.alpha * MEAN, abs=0.01)
        facts = zoo.solver("euler-maruyama", level=level).facts()
        assert facts.stochastic == (level > 0)
        assert (facts.order is None) == (level > 0)


def test_stochastic_ones_refuse_to_encode():
    sde = ou()
    for name in ("euler-maruyama", "reverse-diffusion", "exponential-sde"):
        assert "increases" in zoo.solver(name).supports(sde, zoo.Grid(sde, [0.1, 1.0]))
    up, down = [0.02 + i / 500 * 2.98 for i in range(500)] + [3.0], []
    down = up[::-1]
    for spec in ("euler-arrival", "euler-maruyama:level=0", "exponential-sde(level=0)"):
        there = run(spec, gaussian(sde), up, X)
        back = run(spec, gaussian(sde), down, there)
        assert (back - X).abs().max() < 0.2, spec


@pytest.mark.parametrize("spec", [*STOCHASTIC, "euler-arrival"])
def test_points_of_a_sample_each(spec):
    """With times that differ by sample, row i is what it would be alone at its own times."""
    sde = ou()
    model = zoo.Gaussian(mean=[MEAN], cov=[VAR], sde=sde)
    solver = zoo.registry.default().make("solver", spec)
    ends = torch.tensor([[2.0], [1.0]], dtype=torch.float64), torch.tensor([[1.5], [0.2]], dtype=torch.float64)
    noise = zoo.SeededNoise(0, range(2), (1,), torch.float64)
    x = torch.tensor([[0.4], [-1.0]], dtype=torch.float64)
    together = solver.step(model, x, zoo.Interval(sde.at(ends[0]), sde.at(ends[1])), None, noise.at(0)).x
    for i in range(2):
        alone = zoo.SeededNoise(0, [i], (1,), torch.float64)
        interval = zoo.Interval(sde.at(float(ends[0][i])), sde.at(float(ends[1][i])))
        assert torch.allclose(
            solver.step(model, x[i : i + 1], interval, None, alone.at(0)).x, together[i : i + 1], rtol=1e-12
        )
