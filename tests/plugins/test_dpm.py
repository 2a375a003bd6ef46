"""DPM-Solver and DPM-Solver++: orders, the papers' formulas as printed, alpha = 0, per-sample points."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from flow_cases import MEAN, VAR, exact_end, gaussian, karras, slope, start
from needs import needs

import solvers_zoo as zoo
from solvers_zoo.bench.overhead import import_k_diffusion

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
    "dpmpp-3s": 3,
    "dpmpp-3s(r1=0.5)": 3,
    "dpmpp-3s(r2=0.9)": 2,
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


def code_dpmpp_3s(model, x, grid, r1, r2):
    """singlestep_dpm_solver_third_update of LuChengTHU/dpm-solver, algorithm dpmsolver++, in its own letters."""
    for t, s in grid.intervals():
        h = s.lam - t.lam
        m1, m2 = (model.sde.at_lam(t.lam + r * h) for r in (r1, r2))
        phi_11, phi_12, phi_1 = (math.expm1(-r * h) for r in (r1, r2, 1.0))
        phi_22, phi_2 = phi_12 / (r2 * h) + 1, phi_1 / h + 1
        x0 = model(x, t).x0
        u1 = m1.sigma / t.sigma * x - m1.alpha * phi_11 * x0
        u2 = m2.sigma / t.sigma * x - m2.alpha * phi_12 * x0 + r2 / r1 * m2.alpha * phi_22 * (model(u1, m1).x0 - x0)
        x = s.sigma / t.sigma * x - s.alpha * phi_1 * x0 + 1 / r2 * s.alpha * phi_2 * (model(u2, m2).x0 - x0)
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
        "dpmpp-3s": code_dpmpp_3s(model, x, grid, 1 / 3, 2 / 3),
        "dpmpp-3s(r1=0.2,r2=0.9)": code_dpmpp_3s(model, x, grid, 0.2, 0.9),
    }
    for spec, expected in cases.items():
        got = zoo.sample(model, solver=spec, grid=grid, x=x)
        torch.testing.assert_close(got.x, expected, rtol=1e-11, atol=1e-11, msg=spec)
        assert got.nfe == 4 * zoo.solver(spec).card.evaluations


@needs("k-diffusion")
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


@pytest.mark.parametrize("spec", [s for s in SPECS if zoo.solver(s).estimating() != zoo.solver(s)])
def test_the_estimate_is_the_distance_to_the_lower_order(spec):
    """DPM-Solver-1 in 2 and 2S, DPM-Solver-2 with the same r1 in 3 and 3S; the step itself stays what it is."""
    solver = zoo.solver(spec)
    data = spec.startswith("dpmpp")
    if solver.card.evaluations == 2:
        lower = zoo.solver("dpm-solver-1")
    else:
        lower = zoo.solver("dpmpp-2s" if data else "dpm-solver-2", r1=solver.r1)
    sde = zoo.VP(t_min=0.01)
    model, x, grid = gaussian(sde, "v"), start(4), zoo.Grid(sde, [0.7, 0.5])
    interval = zoo.Interval(grid[0], grid[1])
    one, other, plain = (
        s.step(model, x, interval._replace(plan=s.plan(grid)[0]), None, None)
        for s in (solver.estimating(), lower, solver)
    )
    torch.testing.assert_close(one.error, one.x - other.x, rtol=1e-9, atol=1e-13)
    assert torch.equal(one.x, plain.x)
    assert plain.error is None


# -- DPM-Solver-fast ---------------------------------------------------------------------------------------------------


def test_fast_takes_the_whole_budget():
    """The orders sum to N, so do the calls; none is 1, but for N = 1."""
    solver = zoo.solver("dpm-solver-fast")
    sde = zoo.VP(t_min=0.01)
    for n in range(1, 14):
        orders = solver.orders(n)
        assert sum(orders) == n == solver.nfe(n)
        assert n == 1 or min(orders) >= 2
        grid, x = karras(sde, n), start(2)
        noise = zoo.SeededNoise(0, range(2), (2,), x.dtype)
        reached = [state.index for state in solver.solve(gaussian(sde), x, grid, noise)]
        assert [b - a for a, b in pairwise([0, *reached])] == orders
        assert zoo.sample(gaussian(sde), solver=solver, grid=grid, x=x).nfe == n


@pytest.mark.parametrize("rest", [0, 1, 2])
def test_fast_has_order_3_for_every_remainder(rest):
    """The paper's own last step of order 1 would make it 2, unless the remainder is 2."""
    assert slope(zoo.solver("dpm-solver-fast"), (63 + rest, 126 + rest, 252 + rest)) == pytest.approx(3, abs=0.25)


@needs("k-diffusion")
@pytest.mark.parametrize("budget", [5, 8, 11])
def test_fast_is_k_diffusions_where_it_ends_in_order_2(budget):
    """Its steps have equal length in lam; with our intervals placed accordingly, the same numbers."""
    sampling = import_k_diffusion()
    sde = zoo.EDM(sigma_min=0.02, sigma_max=20.0)
    model, x = gaussian(sde), 20 * start()
    orders = zoo.solver("dpm-solver-fast").orders(budget)
    ends = [20.0 * (0.02 / 20.0) ** (i / len(orders)) for i in range(len(orders) + 1)]
    times = [20.0]
    for (a, b), order in zip(pairwise(ends), orders, strict=True):
        times += [a * (b / a) ** (j / order) for j in range(1, order)] + [b]
    got = zoo.sample(model, solver="dpm-solver-fast", grid=times, x=x).x
    begin, end = (-torch.tensor(sigma, dtype=torch.float64).log() for sigma in (20.0, 0.02))
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # its times are made by a linspace of the default dtype
    try:
        expected = sampling.DPMSolver(model.fn).dpm_solver_fast(x, begin, end, budget)
    finally:
        torch.set_default_dtype(usual)
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)


# -- DPM-Solver-12 and -23 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "calls"), [("dpm-solver-12", 2), ("dpm-solver-23", 3)])
def test_adaptive_shares_its_evaluations(name, calls):
    """The lower order costs nothing, and every sample is itself in any batch."""
    sde = zoo.VP(t_min=0.01, t_max=0.93)
    model, grid, x = gaussian(sde), karras(sde, 10), start(4) * torch.arange(1, 5)[:, None]
    got = zoo.sample(model, solver=name, grid=grid, x=x)
    assert torch.equal(got.stats["evaluations"], calls * (got.stats["accepted"] + got.stats["rejected"]))
    alone = zoo.sample(model, solver=name, grid=grid, x=x[2:3])
    assert torch.equal(alone.x, got.x[2:3])
    assert (got.x - exact_end(x, grid[0], grid[-1])).abs().max() < 0.1
    finer = zoo.sample(model, solver=f"{name}(rtol=1e-5,atol=1e-5)", grid=grid, x=x)
    assert (finer.x - exact_end(x, grid[0], grid[-1])).abs().max() < 2e-3


# -- TTM ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["x0", "eps", "v", "score", "flow"])
@pytest.mark.parametrize("sde", [zoo.VP(t_min=0.01, t_max=0.9), zoo.Cosine(t_max=0.99)], ids=lambda sde: sde.card.name)
def test_ttm_has_the_exact_slope(sde, kind):
    """On a Gaussian x0 along the flow is mean + c alpha / sqrt(alpha^2 v + sigma^2), whose slope is known."""
    model, grid, x = gaussian(sde, kind), zoo.Grid(sde, [0.8, 0.5]), start(4)
    t, s = grid
    spread = VAR + t.rho**2
    x0 = MEAN + VAR / spread * (x / t.alpha - MEAN)
    slope_of_x0 = (x0 - MEAN) * t.rho**2 / spread  # of (VAR + rho^2)^(-1/2), d rho / d lam = -rho
    h = s.lam - t.lam
    eps = (x - t.alpha * x0) / t.sigma
    expected = s.alpha * x0 + s.sigma * eps + s.alpha * (math.expm1(-h) + h) * slope_of_x0
    got = zoo.sample(model, solver="ttm", grid=grid, x=x)
    torch.testing.assert_close(got.x, expected, rtol=1e-11, atol=1e-11)
    assert got.nfe == 2


@pytest.mark.slow
def test_ttm_order():
    assert slope(zoo.solver("ttm"), (64, 128, 256)) == pytest.approx(2, abs=0.1)
