"""Classifier-free guidance and CFG++: the authors' formulas on EDM, costs, and what is left where nothing guides."""

from __future__ import annotations

import math

import pytest
import torch
from flow_cases import gaussian, karras
from peer import Written, assert_same, start

import solvers_zoo as zoo

SDE = zoo.EDM(sigma_min=0.01, sigma_max=80.0)
POINTS = zoo.Grid(SDE, [10.0, 4.0, 1.7, 0.8, 0.3, 0.1])
SCALE = 0.6


def denoise(x, t, push=0.0):
    """A score model of N(push, 0.3), which a condition moves."""
    s2 = t.reshape(-1, 1) ** 2
    return (0.3 * x + s2 * push) / (0.3 + s2) + 0.1 * torch.tanh(x + push)


MODEL = zoo.FunctionModel(denoise, sde=SDE, prediction="x0", shape=(2,))


def guided():
    """``MODEL`` under push = 2, guided."""
    return zoo.Guided(MODEL, SCALE, condition={"push": 2.0})


def both(x, s):
    """(guided, unguided) x0."""
    t = torch.full((len(x),), s, dtype=x.dtype)
    plain = denoise(x, t)
    return plain + SCALE * (denoise(x, t, 2.0) - plain), plain


def run(solver, model=None):
    return zoo.sample(model or guided(), solver=solver, grid=POINTS, x=start() / 2, noise=Written())


def ancestral(t, s):
    """(sigma_down, sigma_up) at eta = 1."""
    up = math.sqrt(s**2 * (t**2 - s**2) / t**2)
    return math.sqrt(s**2 - up**2), up


def test_guidance_is_one_form_in_every_parametrisation():
    """x0, eps and flow of a guided prediction are those of the guided x0."""
    point, x = SDE.at(1.3), start() / 10
    x0, plain = both(x, 1.3)
    now = guided()(x, point)
    assert_same(now.x0, x0, 1e-13)
    assert_same(now.eps, (x - x0) / 1.3, 1e-13)
    assert_same(now.unguided.x0, plain, 1e-13)
    assert MODEL(x, point).unguided is None


def test_guidance_costs_two_and_follows_the_condition_of_a_run():
    """A run's own condition reaches the conditional call, with a row a sample, and not the other."""
    push = torch.linspace(-2, 2, 16, dtype=torch.float64)[:, None]
    model = zoo.Guided(MODEL, scale=1.0)
    got = zoo.sample(model, solver="ddim", grid=POINTS, x=start() / 2, condition={"push": push})
    assert got.nfe == 2 * POINTS.steps
    alone = zoo.sample(MODEL, solver="ddim", grid=POINTS, x=start() / 2, condition={"push": push})
    assert_same(got.x, alone.x, 1e-13)


def test_ddim_is_the_papers():
    """x_s = alpha_s x0_guided + sigma_s eps_u, also where alpha moves."""
    x = start() / 2
    for t, s in POINTS.intervals():
        x0, plain = both(x, t.t)
        x = x0 + s.t * (x - plain) / t.t
    for name in ("ddim", "euler", "dpm-solver-1"):
        assert_same(run(f"cfgpp({name})").x, x, 1e-12)
    vp = zoo.VP(t_min=0.05)
    model = zoo.Guided(zoo.FunctionModel(lambda x, t, push=0.3: push * x, sde=vp, prediction="eps"), 0.7, {"push": 0.9})
    points, x = zoo.Grid(vp, [0.9, 0.4, 0.1]), start() / 20
    got = zoo.sample(model, solver="cfgpp(ddim)", grid=points, x=x).x
    for t, s in points.intervals():
        eps_u = 0.3 * x
        eps = eps_u + 0.7 * (0.9 * x - eps_u)
        x = s.alpha * (x - t.sigma * eps) / t.alpha + s.sigma * eps_u
    assert_same(got, x, 1e-12)


def test_ancestral_and_single_step_solvers_are_the_authors():
    """Euler a: x0_guided + sigma_down eps_u + noise. 2S a: an unguided stage, then the prediction there as Euler's."""
    x = y = start() / 2
    for i, (t, s) in enumerate(POINTS.intervals()):
        (down, up), z = ancestral(t.t, s.t), Written(i).fresh()
        x0, plain = both(x, t.t)
        x = x0 + down * (x - plain) / t.t + up * z
        middle, (_, plain) = math.sqrt(t.t * down), both(y, t.t)
        stage = middle / t.t * y + (1 - middle / t.t) * plain
        x0, plain = both(stage, middle)
        y = x0 - down / t.t * plain + down / t.t * y + up * z
    assert_same(run("cfgpp(euler-ancestral)").x, x, 1e-12)
    assert_same(run("cfgpp(dpmpp-2s-ancestral)").x, y, 1e-12)


def test_multistep_keeps_the_history_without_guidance():
    """dpmpp-2m: x0_guided + sigma_s eps_u + w (x0_u - x0_u of the step before)."""
    x, old, h_old = start() / 2, None, 0.0
    for t, s in POINTS.intervals():
        h = s.lam - t.lam
        x0, plain = both(x, t.t)
        new = x0 + s.t * (x - plain) / t.t
        if old is not None:
            new = new - math.expm1(-h) * h / (2 * h_old) * (plain - old)
        x, old, h_old = new, plain, h
    assert_same(run("cfgpp(dpmpp-2m)").x, x, 1e-12)


@pytest.mark.parametrize("solver", ["ddim", "euler-ancestral", "dpmpp-2m", "dpmpp-2s-ancestral", "heun", "sa-solver"])
def test_without_guidance_it_is_the_solver(solver):
    """Bit for bit on a model that does not guide; and to rounding at scale 0."""
    sde = zoo.VP(t_min=0.01)
    model, points = gaussian(sde), karras(sde, 6)
    x = start() / 20
    plain = zoo.sample(model, solver=solver, grid=points, x=x, seed=2).x
    assert torch.equal(zoo.sample(model, solver=f"cfgpp({solver})", grid=points, x=x, seed=2).x, plain)
    none = zoo.Guided(model, scale=0.0)
    assert_same(zoo.sample(none, solver=f"cfgpp({solver})", grid=points, x=x, seed=2).x, plain, 1e-12)


def test_a_solver_that_takes_no_steps_is_refused():
    """Langevin stays at its level."""
    with pytest.raises(zoo.OptionError, match=r"cfgpp: solver = .* is not possible; it takes no steps"):
        zoo.solver("cfgpp(langevin)")
