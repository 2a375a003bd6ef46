"""Ancestral and churning samplers: agreement with k-diffusion, the published formulas, identities, laws."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from flow_cases import MEAN, VAR, gaussian, karras
from peer import MODEL, SDE, Written, assert_same, first_draw, grid, needs_peer, ours, start, theirs

import solvers_zoo as zoo

PROCESSES = [zoo.OU(), zoo.VP(), zoo.EDM(), zoo.Cosine(t_max=0.99), zoo.RectifiedFlow(t_max=0.99)]
on_every_process = pytest.mark.parametrize("sde", PROCESSES, ids=lambda sde: sde.card.name)


@needs_peer
@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("name", ["euler_ancestral", "dpm_2_ancestral", "dpmpp_2s_ancestral"])
def test_agrees_with_k_diffusion(name, eta):
    """The same model, grid, start and draws."""
    solver = name.replace("dpm_2", "dpm2").replace("_", "-")
    assert_same(ours(f"{solver}:eta={eta}"), theirs(name, noise=first_draw, eta=eta))


@needs_peer
@pytest.mark.parametrize("r", [0.5, 0.3])
@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_dpmpp_sde_agrees_with_k_diffusion(eta, r):
    """Fed the bridge for its stage: its own path runs in sigma, ours in lam, and the sampler takes either."""

    def noise(step, sigma, to):
        draws = Written(step)
        whole, other = draws.fresh(), draws.fresh()
        end = grid()[step + 1].t
        return whole if math.isclose(to, end, rel_tol=1e-9) else math.sqrt(r) * whole + math.sqrt(1 - r) * other

    assert_same(ours(f"dpmpp-sde(eta={eta}, r={r})"), theirs("dpmpp_sde", noise=noise, eta=eta, r=r))


@needs_peer
@pytest.mark.parametrize("options", [{}, {"S_churn": 40}, {"S_churn": 3, "S_tmin": 0.2, "S_tmax": 6, "S_noise": 1.01}])
@pytest.mark.parametrize("pair", [("euler-churn", "euler"), ("edm-stochastic", "heun")])
def test_churn_agrees_with_k_diffusion(pair, options, monkeypatch):
    """Their noise is torch's global one, here replaced; they draw in every step, we where noise is added."""
    steps = iter(range(100))
    monkeypatch.setattr(torch, "randn_like", lambda x: Written(next(steps)).fresh())
    words = {"S_churn": 10.0, **options}
    got = ours(f"{pair[0]}({', '.join(f'{k}={v}' for k, v in words.items())})")
    monkeypatch.setattr(torch, "randn_like", lambda x: Written(next(steps)).fresh())
    steps = iter(range(100))
    assert_same(got, theirs(pair[1], **{name.lower(): value for name, value in words.items()}))


def rectified(solver, eta, x, times, draws):
    """The rectified-flow forms as their authors write them: x = (1 - s) x0 + s eps, D the prediction of x0."""
    sde = zoo.RectifiedFlow(t_min=0.01)
    model = zoo.model("mixture-2d", sde=sde)

    def D(x, s):
        return model(x, sde.at(s)).x0

    for i, (t, s) in enumerate(pairwise(times)):
        down = s * (1 + (s / t - 1) * eta)
        if solver == "euler":
            x = down / t * x + (1 - down / t) * D(x, t)
        elif solver == "dpm2":
            middle = math.sqrt(t * down)
            x_2 = x + (x - D(x, t)) / t * (middle - t)
            x = x + (x_2 - D(x_2, middle)) / middle * (down - t)
        else:
            lam = [math.log((1 - u) / u) for u in (t, down)]
            middle = 1 / (math.exp(sum(lam) / 2) + 1)
            u = middle / t * x + (1 - middle / t) * D(x, t)
            x = down / t * x + (1 - down / t) * D(u, middle)
        again = math.sqrt(s**2 - down**2 * (1 - s) ** 2 / (1 - down) ** 2)
        x = (1 - s) / (1 - down) * x + again * draws.at(i).fresh()
    return x


@pytest.mark.parametrize("eta", [0.3, 1.0])
@pytest.mark.parametrize("name", ["euler", "dpm2", "dpmpp-2s"])
def test_rectified_flow_forms(name, eta):
    """On the rectified flow they are the published formulas, and they differ from the plain forms."""
    sde = zoo.RectifiedFlow(t_min=0.01)
    times, x = [0.97, 0.8, 0.55, 0.3, 0.12, 0.02], start() / 20
    model = zoo.model("mixture-2d", sde=sde)
    run = {
        form: zoo.sample(
            model, solver=f"{name}-ancestral{form}:eta={eta}", grid=zoo.Grid(sde, times), x=x, noise=Written()
        ).x
        for form in ("", "-rf")
    }
    assert_same(run["-rf"], rectified(name, eta, x, times, Written()), 1e-11)
    assert float((run["-rf"] - run[""]).abs().max()) > 1e-3


def test_rectified_flow_forms_begin_at_pure_noise():
    """At t = 1 the flow's own time is finite where the log-SNR is not."""
    sde = zoo.RectifiedFlow(t_min=0.01)
    points = zoo.Grid(sde, [1.0, 0.7, 0.3, 0.05])
    for name in ("euler-ancestral", "euler-ancestral-rf", "dpm2-ancestral-rf"):
        x = zoo.sample(gaussian(sde, "flow"), solver=name, grid=points, n=8, seed=0, dtype=torch.float64).x
        assert torch.isfinite(x).all()
    for name in ("dpm2-ancestral", "dpmpp-2s-ancestral-rf"):
        with pytest.raises(zoo.IncompatibleError, match="log-SNR there is infinite"):
            zoo.sample(gaussian(sde, "flow"), solver=name, grid=points, n=8, seed=0)


@on_every_process
def test_identities(sde):
    """Euler ancestral is DDIM at every eta; without noise the others are the solvers of the flow that they are made of."""
    model, points = gaussian(sde), karras(sde, 9)
    x = points[0].sigma * start() / 20

    def run(solver):
        return zoo.sample(model, solver=solver, grid=points, x=x, seed=4).x

    for eta in (0.0, 0.5, 1.0):
        assert_same(run(f"euler-ancestral:eta={eta}"), run(f"ddim:eta={eta}"), 1e-11)
    assert_same(run("euler-ancestral"), run("ddpm"), 1e-11)
    for name in ("dpmpp-2s-ancestral", "dpmpp-2s-ancestral-rf", "dpmpp-sde", "seeds-2"):
        assert_same(run(f"{name}:eta=0"), run("dpmpp-2s"), 1e-11)
    for name in ("euler-ancestral-rf:eta=0", "euler-churn:S_churn=0"):
        assert_same(run(name), run("euler"), 1e-11)
    assert_same(run("dpm2-ancestral:eta=0"), run("dpm-solver-2"), 1e-11)
    assert_same(run("edm-stochastic:S_churn=0"), run("heun"), 1e-11)


def test_change_of_process():
    """An ancestral step on VP does to x/alpha what it does on EDM with sigma = sigma/alpha; so does churn."""
    vp, edm = zoo.VP(t_min=1e-3), zoo.EDM(sigma_min=1e-3, sigma_max=1e3)
    points = zoo.Grid(vp, karras(vp, 10).times[1:])  # churn needs room above
    other = zoo.Grid(edm, [p.rho for p in points])
    x = start() / 20
    for name in ("dpm2-ancestral", "dpm2-ancestral-rf", "dpmpp-2s-ancestral", "dpmpp-sde", "edm-stochastic(S_churn=1)"):
        a = zoo.sample(gaussian(vp), solver=name, grid=points, x=x, noise=Written()).x / points[-1].alpha
        b = zoo.sample(gaussian(edm), solver=name, grid=other, x=x / points[0].alpha, noise=Written()).x
        assert_same(a, b, 1e-9)


@on_every_process
def test_split_keeps_the_variance(sde):
    """kept^2 + fresh^2 = sigma_s^2 to the last digits, for steps of every size."""
    from zoo_ancestral.split import BY_VARIANCE, IN_FLOW_TIME

    for high, low in ((1.0, 0.01), (0.5, 0.49), (0.3, 0.3 * (1 - 1e-9))):
        t, s = (sde.at(max(sde.t_min, u * sde.t_max)) for u in (high, low))
        for split in (BY_VARIANCE, IN_FLOW_TIME):
            for eta in (0.0, 0.3, 1.0):
                kept, fresh = split.parts(t, s, eta)
                assert kept**2 + fresh**2 == pytest.approx(s.sigma**2, rel=1e-14)
                assert 0 < kept <= s.sigma
                assert (fresh == 0) == (eta == 0)


def test_churn_stops_at_the_end_of_the_process():
    """A run that begins at t_max adds nothing there, and never asks the model beyond."""
    sde = zoo.EDM(sigma_min=0.05, sigma_max=2.0)
    asked = []
    model = zoo.FunctionModel(lambda x, t: asked.append(float(t[0])) or 0 * x, sde=sde, prediction="x0")
    zoo.sample(model, solver="edm-stochastic(S_churn=40)", grid=karras(sde, 6), x=start(), noise=Written())
    assert max(asked) == pytest.approx(2.0, rel=1e-12)
    assert asked[2] > karras(sde, 6)[1].t * 1.1


def test_s_noise_biases_and_says_so():
    """The variance of a chain up and down at one level settles where the formula says, near S_noise^2 times the exact one."""
    solver = zoo.solver("edm-stochastic", S_noise=1.02, S_churn=1.0)
    facts = solver.facts()
    assert facts.bias
    assert facts.weak_order is None
    points = zoo.Grid(SDE, [0.5 + 1e-9 * (400 - i) for i in range(401)])
    settles = solver.stationary_variance(0.25 + VAR, points)
    assert settles == pytest.approx(1.02**2 * (0.25 + VAR), rel=2e-3)
    assert zoo.solver("edm-stochastic").stationary_variance(1.0, points) is None


@pytest.mark.parametrize("steps", [1, 7])
def test_dmse_denoises(steps):
    """E[X_s | x_t] of a Gaussian to rounding, in any number of steps; on a mixture in one, and then no longer."""
    sde = zoo.VP(t_min=0.01)
    t, s = sde.at(0.6), sde.at(0.01)
    points = zoo.Grid(sde, [sde.t_of_lam(t.lam + (s.lam - t.lam) * i / steps) for i in range(steps + 1)])
    x = start() / 20
    spread_t, spread_s = (p.alpha**2 * VAR + p.sigma**2 for p in (points[0], points[-1]))
    b = points[0].alpha / points[-1].alpha  # X_t = b X_s + noise, so cov(X_s, X_t) = b var(X_s)
    exact = points[-1].alpha * MEAN + b * spread_s / spread_t * (x - points[0].alpha * MEAN)
    got = zoo.sample(gaussian(sde), solver="dmse", grid=points, x=x).x
    assert_same(got, exact, 1e-12)
    model = zoo.Mixture([0.3, 0.7], [[-1.0, 0.0], [1.0, 0.5]], [0.1, 0.2], sde=sde)
    one = zoo.sample(model, solver="dmse", grid=zoo.Grid(sde, [points[0].t, points[-1].t]), x=x).x
    many = zoo.sample(model, solver="dmse", grid=points, x=x).x
    first, last = points[0], points[-1]
    now = model(x, first)
    posterior = now.mix(last.alpha, last.sigma**2 * first.alpha / (first.sigma * last.alpha))
    assert_same(one, posterior, 1e-12)
    assert (float((one - many).abs().max()) > 1e-2) == (steps > 1)


def test_stage_noise_belongs_to_the_step():
    """dpmpp-sde asks for the increment of its own step once: on nested grids the path is one."""
    fine = zoo.Grid(SDE, [SDE.t_of_lam(-1 + i / 32) for i in range(97)])
    noise = zoo.GridNoise(zoo.SeededNoise(1, range(16), (2,), torch.float64), fine)
    ends = []
    for every in (6, 3, 1):
        points = zoo.Grid(SDE, fine.points[::every])
        ends.append(zoo.sample(MODEL, solver="dpmpp-sde", grid=points, x=start() / 5, noise=noise).x)
    assert (ends[1] - ends[2]).square().mean() < 0.5 * (ends[0] - ends[2]).square().mean()
