"""DPM-Solver and DPM-Solver++: orders, the papers' formulas as printed, alpha = 0, per-sample points."""

from __future__ import annotations

import importlib.util
import math
import os
from itertools import pairwise

import pytest
import torch
from flow_cases import exact_end, gaussian, karras, slope, start

import solvers_zoo as zoo
from solvers_zoo.overhead import import_k_diffusion

SPECS = {
    "dpm-solver-1": 1,
    "dpm-solver-2": 2,
    "dpm-solver-2(r1=0.3)": 2,
    "dpm-solver-2(r1=1)": 2,
    "dpm-solver-3": 3,
    "dpm-solver-3(r1=0.5)": 3,
    "dpm-solver-3(r2=0.9)": 2,
    "dpmpp-2s": 2,
    "dpmpp-2s(r1=0.7)": 2,
    "dpmpp-2m": 2,
}


@pytest.mark.parametrize("spec", SPECS)
def test_order_as_declared(spec):
    order = SPECS[spec]
    solver = zoo.solver(spec)
    assert solver.facts().order == order
    assert slope(solver, (128, 256, 512) if order == 1 else (64, 128, 256)) == pytest.approx(order, abs=0.2)


def paper_dpm_2(model, x, grid, r1):
    """Lu et al. 2022 (2206.00927), Algorithm 1 with any r1."""
    for t, s in grid.intervals():
        h = s.lam - t.lam
        m = model.sde.at_lam(t.lam + r1 * h)
        eps = model(x, t).eps
        u = m.alpha / t.alpha * x - m.sigma * math.expm1(r1 * h) * eps
        d = model(u, m).eps - eps
        e = s.sigma * math.expm1(h)
        x = s.alpha / t.alpha * x - e * eps - e / (2 * r1) * d
    return x


def paper_dpm_3(model, x, grid, r1, r2):
    """Lu et al. 2022 (2206.00927), Algorithm 2 with any r1 and r2."""
    for t, s in grid.intervals():
        h = s.lam - t.lam
        m1, m2 = (model.sde.at_lam(t.lam + r * h) for r in (r1, r2))
        eps = model(x, t).eps
        u1 = m1.alpha / t.alpha * x - m1.sigma * math.expm1(r1 * h) * eps
        d1 = model(u1, m1).eps - eps
        g = m2.sigma * r2 / r1 * (math.expm1(r2 * h) / (r2 * h) - 1)
        u2 = m2.alpha / t.alpha * x - m2.sigma * math.expm1(r2 * h) * eps - g * d1
        d2 = model(u2, m2).eps - eps
        x = s.alpha / t.alpha * x - s.sigma * math.expm1(h) * eps - s.sigma / r2 * (math.expm1(h) / h - 1) * d2
    return x


def paper_dpmpp_2s(model, x, grid, r1):
    """Lu et al. 2022 (2211.01095), Algorithm 1."""
    for t, s in grid.intervals():
        h = s.lam - t.lam
        m = model.sde.at_lam(t.lam + r1 * h)
        x0 = model(x, t).x0
        u = m.sigma / t.sigma * x - m.alpha * math.expm1(-r1 * h) * x0
        d = (1 - 1 / (2 * r1)) * x0 + 1 / (2 * r1) * model(u, m).x0
        x = s.sigma / t.sigma * x - s.alpha * math.expm1(-h) * d
    return x


def paper_dpmpp_2m(model, x, grid):
    """Lu et al. 2022 (2211.01095), Algorithm 2."""
    old, h_old = None, None
    for t, s in grid.intervals():
        h = s.lam - t.lam
        x0 = model(x, t).x0
        d = x0 if old is None else (1 + h / (2 * h_old)) * x0 - h / (2 * h_old) * old
        x = s.sigma / t.sigma * x - s.alpha * math.expm1(-h) * d
        old, h_old = x0, h
    return x


@pytest.mark.parametrize("kind", ["x0", "eps", "v"])
@pytest.mark.parametrize(
    "sde", [zoo.VP(t_min=0.01), zoo.EDM(sigma_min=0.02, sigma_max=5.0)], ids=lambda sde: sde.card.name
)
def test_the_formulas_as_printed(sde, kind):
    """The folded coefficients give the papers' own lines."""
    model, x = gaussian(sde, kind), start(4)
    grid = zoo.Grid(sde, [f * sde.t_max for f in (1.0, 0.6, 0.5, 0.1, 0.02)])
    cases = {
        "dpm-solver-2": paper_dpm_2(model, x, grid, 0.5),
        "dpm-solver-2(r1=0.3)": paper_dpm_2(model, x, grid, 0.3),
        "dpm-solver-3": paper_dpm_3(model, x, grid, 1 / 3, 2 / 3),
        "dpm-solver-3(r1=0.2,r2=0.9)": paper_dpm_3(model, x, grid, 0.2, 0.9),
        "dpmpp-2s": paper_dpmpp_2s(model, x, grid, 0.5),
        "dpmpp-2s(r1=0.7)": paper_dpmpp_2s(model, x, grid, 0.7),
        "dpmpp-2m": paper_dpmpp_2m(model, x, grid),
    }
    for spec, expected in cases.items():
        got = zoo.sample(model, solver=spec, grid=grid, x=x)
        torch.testing.assert_close(got.x, expected, rtol=1e-11, atol=1e-11, msg=spec)
        assert got.nfe == 4 * zoo.solver(spec).card.evaluations


@pytest.mark.skipif(
    importlib.util.find_spec("k_diffusion") is None and not os.environ.get("CI"), reason="k-diffusion is not installed"
)
def test_k_diffusion():
    """The same numbers to 1e-9, on a grid without the trailing 0."""
    sampling = import_k_diffusion()
    sde = zoo.EDM(sigma_min=0.02, sigma_max=20.0)
    model, x, grid = gaussian(sde), 20 * start(), karras(sde, 12)
    sigmas = torch.tensor(grid.times, dtype=torch.float64)
    for ours, theirs in (("euler", "sample_euler"), ("heun", "sample_heun"), ("dpmpp-2m", "sample_dpmpp_2m")):
        expected = getattr(sampling, theirs)(model.fn, x, sigmas, disable=True)
        torch.testing.assert_close(zoo.sample(model, solver=ours, grid=grid, x=x).x, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("spec", SPECS)
def test_encoding(spec):
    """An increasing grid runs the flow the other way."""
    sde = zoo.VP(t_min=0.01, t_max=0.9)
    grid = zoo.grid("log-snr").make_grid(sde, 200)
    x = start()
    up = zoo.Grid(sde, grid.times[::-1])
    got = zoo.sample(gaussian(sde, "eps"), solver=spec, grid=up, x=x).x
    error = (got - exact_end(x, up[0], up[-1])).abs().max()
    assert error < {1: 0.1, 2: 2e-3, 3: 2e-5}[SPECS[spec]]


@pytest.mark.parametrize("sde", [zoo.RectifiedFlow(), zoo.Cosine()], ids=lambda sde: sde.card.name)
@pytest.mark.parametrize("spec", SPECS)
def test_alpha_zero(spec, sde):
    """alpha = 0 at t_max: single-step methods of higher order say why, the others are right."""
    grid = zoo.Grid(sde, [*(1 - 0.99 * i / 128 for i in range(128)), 0.01])
    model, x = gaussian(sde, "v"), start()
    if zoo.solver(spec).card.evaluations > 1:
        with pytest.raises(zoo.IncompatibleError, match="alpha = 0 at t = 1"):
            zoo.sample(model, solver=spec, grid=grid, x=x)
        return
    got = zoo.sample(model, solver=spec, grid=grid, x=x).x
    assert (got - exact_end(x, grid[0], grid[-1])).abs().max() < (0.05 if SPECS[spec] == 1 else 5e-3)
    up = zoo.Grid(sde, grid.times[::-1])
    if spec == "dpmpp-2m":
        with pytest.raises(zoo.IncompatibleError, match="where this grid ends"):
            zoo.sample(model, solver=spec, grid=up, x=x)
    else:
        assert (zoo.sample(model, solver=spec, grid=up, x=x).x - exact_end(x, up[0], up[-1])).abs().max() < 0.3


def test_2m_second_step_from_alpha_zero_is_first_order():
    """The first interval is infinite in lam, so the line through its ends says nothing."""
    sde = zoo.RectifiedFlow()
    model, x, grid = gaussian(sde, "flow"), start(), zoo.Grid(sde, [1.0, 0.7, 0.4])
    assert torch.equal(
        zoo.sample(model, solver="dpmpp-2m", grid=grid, x=x).x, zoo.sample(model, solver="ddim", grid=grid, x=x).x
    )


@pytest.mark.parametrize("spec", SPECS)
def test_per_sample_points(spec):
    """Points that hold tensors give every sample its own step, history included."""
    sde = zoo.VP(t_min=0.01)
    model, x, solver = gaussian(sde), start(3), zoo.solver(spec)
    times = [[0.9, 0.5, 0.2], [0.5, 0.4, 0.1], [0.4, 0.1, 0.01]]
    grid = zoo.Grid(sde, [sde.at(torch.tensor(t, dtype=torch.float64)[:, None]) for t in times])

    def run(grid, x):
        memory, plans = None, solver.plan(grid)
        for i, (t, s) in enumerate(pairwise(grid)):
            x, memory, _ = solver.step(model, x, zoo.Interval(t, s, plans[i], i), memory, None)
        return x

    together = run(grid, x)
    for i, own in enumerate(zip(*times, strict=True)):
        alone = run(zoo.Grid(sde, own), x[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("dpm-solver-2(r1=0)", "option r1 = 0.0 is not possible; it takes a number > 0 and <= 1"),
        ("dpm-solver-3(r2=1.5)", "option r2 = 1.5 is not possible"),
        ("dpmpp-2m(r1=0.5)", "dpmpp-2m has no option 'r1'"),
    ],
)
def test_impossible_options(spec, message):
    with pytest.raises(zoo.OptionError, match=message):
        zoo.solver(spec)
