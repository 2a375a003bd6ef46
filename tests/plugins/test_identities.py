"""Solvers that are the same solver under another name, and changes of variables that change nothing: float64, 1e-11."""

from __future__ import annotations

import pytest
import torch
from flow_cases import gaussian, karras, start

import solvers_zoo as zoo

PROCESSES = [zoo.OU(), zoo.VP(), zoo.EDM(), zoo.Cosine(t_max=0.99), zoo.RectifiedFlow(t_max=0.99)]
on_every_process = pytest.mark.parametrize("sde", PROCESSES, ids=lambda sde: sde.card.name)


def same(a, b, tolerance=1e-11):
    scale = max(1.0, float(b.abs().max()))
    assert float((a - b).abs().max()) <= tolerance * scale


def run(model, solver, grid, x, **options):
    return zoo.sample(model, solver=solver, grid=grid, x=x, **options).x


@pytest.mark.parametrize("kind", ["x0", "eps", "v", "score", "flow"])
@on_every_process
def test_first_order_names_are_one_solver(sde, kind):
    """DDIM(0) = DPM-Solver-1 = Euler in sigma/alpha."""
    model, grid = gaussian(sde, kind), karras(sde, 12)
    x = grid[0].sigma * start()
    reference = run(model, "ddim", grid, x)
    for other in ("dpm-solver-1", "euler"):
        same(run(model, other, grid, x), reference)


@on_every_process
def test_first_step_of_the_multistep_method_is_ddim(sde):
    """DPM-Solver++ of order 1."""
    model, grid = gaussian(sde), zoo.Grid(sde, [sde.t_max, 0.5 * sde.t_max])
    x = grid[0].sigma * start()
    same(run(model, "dpmpp-2m", grid, x), run(model, "ddim", grid, x))


@on_every_process
def test_ddpm_is_ddim_of_eta_one(sde):
    """With the same noise, and so with the same seed."""
    model, grid = gaussian(sde), karras(sde, 12)
    x = grid[0].sigma * start()
    same(run(model, "ddpm", grid, x, seed=5), run(model, "ddim:eta=1", grid, x, seed=5))
    assert (
        float((run(model, "ddpm(variance=large)", grid, x, seed=5) - run(model, "ddpm", grid, x, seed=5)).abs().max())
        > 1e-3
    )


@pytest.mark.parametrize(
    "pair", [("ddim", "euler"), ("heun", "heun"), ("dpmpp-2m", "dpmpp-2m"), ("dpm-solver-3", "dpm-solver-3")]
)
def test_change_of_process(pair):
    """On VP a solver does to x what the other does to x/alpha on EDM, where t = sigma/alpha (DDIM-VP = Euler-VE)."""
    vp, edm = zoo.VP(t_min=1e-3), zoo.EDM(sigma_min=1e-3, sigma_max=1e3)
    grid = karras(vp, 10)
    x = start()
    on_vp = run(gaussian(vp), pair[0], grid, x) / grid[-1].alpha
    on_edm = run(gaussian(edm), pair[1], zoo.Grid(edm, [point.rho for point in grid]), x / grid[0].alpha)
    same(on_vp, on_edm)


def test_one_step_of_ddim_to_the_last_bits():
    """DDIM-VP = Euler-VE, one step, to rounding."""
    vp, edm = zoo.VP(), zoo.EDM(sigma_max=1e3)
    grid = zoo.Grid(vp, [0.5, 0.4])
    x = start()
    a = run(gaussian(vp), "ddim", grid, x) / grid[1].alpha
    b = run(gaussian(edm), "euler", zoo.Grid(edm, [p.rho for p in grid]), x / grid[0].alpha)
    same(a, b, 4e-15)


def test_variables_t_and_sigma_are_one_on_edm():
    """There alpha = 1 and sigma = t."""
    sde = zoo.EDM()
    model, grid = gaussian(sde), karras(sde, 12)
    x = 80 * start()
    for name in ("euler", "heun", "rk3", "rk4"):
        same(run(model, f"{name}(variable=t)", grid, x), run(model, name, grid, x))
        assert float((run(model, f"{name}(variable=lam)", grid, x) - run(model, name, grid, x)).abs().max()) > 1e-6


def test_single_step_methods_agree_where_the_prediction_is_constant():
    """All are exact for eps (or x0) that does not change: a point mass has constant x0, pure noise constant eps."""
    sde = zoo.VP(t_min=0.01)
    grid, x = zoo.Grid(sde, [0.9, 0.4, 0.01]), start()
    point = zoo.FunctionModel(lambda x, t: torch.full_like(x, 0.3), sde=sde, prediction="x0")
    first, last = grid[0], grid[-1]
    exact = last.alpha * 0.3 + last.sigma * (x - first.alpha * 0.3) / first.sigma
    for name in ("ddim", "dpmpp-2s", "dpmpp-2m"):
        same(run(point, name, grid, x), exact)
    noise = start(seed=1)
    constant = zoo.FunctionModel(lambda x, t: noise, sde=sde, prediction="eps")
    exact = last.alpha * (x - first.sigma * noise) / first.alpha + last.sigma * noise
    for name in ("ddim", "dpm-solver-2", "dpm-solver-3", "heun", "rk4"):
        same(run(constant, name, grid, x), exact)


def test_dpm_solver_2_is_not_the_midpoint_rule():
    """The two share their middle point in lam but not their weights: equal to second order only."""
    sde = zoo.EDM(sigma_min=0.05, sigma_max=2.0)
    model, x = gaussian(sde), 2 * start()
    gaps = []
    for h in (0.2, 0.1):
        grid = zoo.Grid(sde, [1.0, float(sde.t_of_lam(h))])
        gaps.append(
            float((run(model, "dpm-solver-2", grid, x) - run(model, "midpoint(variable=lam)", grid, x)).abs().max())
        )
    assert gaps[0] > 1e-6
    assert 6 < gaps[0] / gaps[1] < 10  # the local difference is of order h^3


@pytest.mark.parametrize("solver", ["heun", "rk4", "dpm-solver-3", "dpmpp-2m"])
@on_every_process
def test_encode_then_decode_returns(sde, solver):
    """Up and down again is the identity to the solver's error, which shrinks at its order."""
    model, order = gaussian(sde), zoo.solver(solver).card.order
    x = 0.7 + 0.3 * start()
    gaps = []
    for steps in (64, 128):
        down = zoo.grid("log-snr").make_grid(sde, steps)
        noise = run(model, solver, zoo.Grid(sde, down.times[::-1]), x)
        gaps.append(float((run(model, solver, down, noise) - x).abs().max()))
    assert gaps[1] < 0.02
    assert gaps[1] < gaps[0] / 2 ** (order - 0.7) or gaps[1] < 1e-10


@pytest.mark.parametrize("solver", ["heun", "dpm-solver-2", "rk4"])
def test_adaptive_of_a_huge_tolerance_is_the_plain_solver(solver):
    """With steps that may not grow, on a grid uniform in the clock: the same intervals, so the same numbers."""
    sde = zoo.VP(t_min=0.01)
    grid, model = zoo.grid("log-snr").make_grid(sde, 8), gaussian(sde)
    x = start()
    got = zoo.sample(
        model, solver=f"adaptive({solver}, rtol=1e9, atol=1e9, max_factor=1, extrapolate=false)", grid=grid, x=x
    )
    halved = zoo.Grid(
        sde,
        [
            sde.t_of_lam(a + (b - a) / 16 * i) if 0 < i < 16 else (grid[0].t, grid[-1].t)[i > 0]
            for a, b in [(grid[0].lam, grid[-1].lam)]
            for i in range(17)
        ],
    )
    whole = zoo.solver(solver).estimating() != zoo.solver(solver)  # its own estimate of the error, or doubled steps
    same(got.x, run(model, solver, grid if whole else halved, x))
    assert got.stats["accepted"].tolist() == [8] * 16
    assert got.stats["rejected"].tolist() == [0] * 16
