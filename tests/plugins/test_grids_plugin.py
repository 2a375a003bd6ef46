"""The plugin's rules on every process, their published numbers, and grids fitted to a model and a solver."""

from __future__ import annotations

import itertools
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import zoo_grids
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_grids.align_your_steps import TABLES
from zoo_grids.gits import distance, least_cost, step_costs

import solvers_zoo as zoo

RULES = [
    zoo.grid("flow-shift"),
    zoo.grid("flow-shift", shift=0.2),
    zoo.grid("beta"),
    zoo.grid("beta", a=1.0, b=2.0),
    zoo.grid("laplace"),
    zoo.grid("laplace", mu=1.0, b=3.0),
    zoo.grid("linear-quadratic"),
    zoo.grid("linear-quadratic", threshold=0.4),
    zoo.grid("align-your-steps"),
    zoo.grid("align-your-steps", model="sd1"),
    zoo.grid("align-your-steps", model="svd"),
]
STABLE_DIFFUSION = zoo.DDPMBetas(schedule="scaled-linear", beta_start=0.00085, beta_end=0.012)
SDES = [
    *(zoo.sde(card.name) for card in zoo.sdes()),
    zoo.RectifiedFlow(t_min=1e-5),
    zoo.Cosine(t_min=1e-5, t_max=0.9),
    zoo.VP(t_min=1e-5),
    zoo.DDPMBetas(zero_snr=True),
    zoo.DDPMBetas(schedule="cosine", num=50),
    STABLE_DIFFUSION,
]
FLOW = zoo.RectifiedFlow()


@pytest.mark.parametrize("rule", RULES, ids=str)
@settings(max_examples=60, deadline=None)
@given(sde=st.sampled_from(SDES), steps=st.integers(1, 200))
def test_every_rule_on_every_process(rule, sde, steps):
    if "finite-lam" in rule.card.needs and sde.alpha(sde.t_max) == 0:
        with pytest.raises(zoo.DomainError, match="alpha = 0 at t_max"):
            rule.make_grid(sde, steps)
        return
    grid = rule.make_grid(sde, steps)
    times = grid.times
    assert len(times) == steps + 1
    assert all(t > s for t, s in pairwise(times))
    assert (times[0], times[-1]) == (sde.t_max, sde.t_min)
    assert all(type(t) is float for t in times)
    assert grid.smooth is rule.card.smooth


@settings(max_examples=300, deadline=None)
@given(
    spec=st.one_of(
        st.builds("flow-shift(shift={})".format, st.floats(1e-6, 1e6)),
        st.builds("beta(a={}, b={})".format, st.floats(1e-3, 1e3), st.floats(1e-3, 1e3)),
        st.builds("laplace(mu={}, b={})".format, st.floats(-40, 40), st.floats(1e-3, 1e3)),
        st.builds("linear-quadratic(threshold={}, linear={})".format, st.floats(1e-6, 1), st.integers(1, 30)),
    ),
    sde=st.sampled_from(SDES),
    steps=st.integers(1, 30),
)
def test_any_option_gives_a_grid_or_a_reason(spec, sde, steps):
    try:
        times = zoo.grid(spec).make_grid(sde, steps).times
    except zoo.ZooError:
        return
    assert len(times) == steps + 1
    assert all(t > s for t, s in pairwise(times))
    assert (times[0], times[-1]) == (sde.t_max, sde.t_min)


def test_every_rule_of_the_plugin_is_tried():
    assert {rule.card.name for rule in zoo_grids.zoo_grids()} == {rule.spec_name() for rule in RULES} | {"gits"}


def test_the_card_says_what_is_fitted():
    assert [card.name for card in zoo.grids(fitted=True)] == ["gits"]


# -- flow shift ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sde", [FLOW, zoo.RectifiedFlow(t_min=1e-5, t_max=0.9)], ids=str)
def test_a_shift_of_one_is_uniform_on_rectified_flow(sde):
    for steps in (1, 2, 7, 50):
        shifted = zoo.grid("flow-shift", shift=1.0).make_grid(sde, steps).times
        assert shifted == pytest.approx(zoo.grid("uniform").make_grid(sde, steps).times, rel=1e-12)


def test_shift_as_published():
    """t = shift u/(1 + (shift - 1) u) of uniform u, from u = 1."""
    shift, sde = 3.0, zoo.RectifiedFlow(t_min=3 * 1e-3 / (1 + 2 * 1e-3))
    u = np.linspace(1, 1e-3, 9)
    assert zoo.grid("flow-shift").make_grid(sde, 8).times == pytest.approx(shift * u / (1 + (shift - 1) * u), rel=1e-12)


def test_shift_is_the_same_ratios_on_every_process():
    flow = zoo.RectifiedFlow(t_min=0.002 / 1.002, t_max=80 / 81)
    ratios = [point.rho for point in zoo.grid("flow-shift").make_grid(flow, 12)]
    assert [point.rho for point in zoo.grid("flow-shift").make_grid(zoo.EDM(), 12)] == pytest.approx(ratios, rel=1e-9)


# -- beta, Laplace, linear-quadratic ----------------------------------------------------------------------------------------


def test_beta_quantiles():
    assert zoo.grid("beta", a=1.0, b=1.0).make_grid(zoo.VP(), 9).times == pytest.approx(
        zoo.grid("uniform").make_grid(zoo.VP(), 9).times, rel=1e-12
    )
    from scipy.stats import beta

    sde = zoo.Cosine()
    for a, b in ((0.6, 0.6), (2.0, 0.5)):
        times = [(t - sde.t_min) / (sde.t_max - sde.t_min) for t in zoo.grid("beta", a=a, b=b).make_grid(sde, 10).times]
        assert times == pytest.approx(beta.ppf(1 - np.arange(11) / 10, a, b), abs=1e-12)


def test_laplace_quantiles():
    """Each step holds the same part of the distribution, and between far ends the quantiles are the published formula's."""
    grid = zoo.grid("laplace", mu=0.5, b=2.0).make_grid(zoo.VP(), 12)
    cdf = [0.5 + 0.5 * math.copysign(-math.expm1(-abs(v) / 2.0), v) for v in (2 * p.lam - 0.5 for p in grid)]
    assert [s - t for t, s in pairwise(cdf)] == pytest.approx([(cdf[-1] - cdf[0]) / 12] * 12, rel=1e-9)
    far = zoo.EDM(sigma_min=1e-9, sigma_max=1e9)
    x = np.arange(1, 12) / 12
    log_sigma = 0.5 * -np.sign(x - 0.5) * -np.log(1 - 2 * np.abs(0.5 - x))  # ComfyUI's, of log sigma, beta = 0.5
    assert np.log(zoo.grid("laplace").make_grid(far, 12).times[1:-1]) == pytest.approx(log_sigma, abs=1e-7)


def test_laplace_far_from_the_steps_keeps_its_digits():
    for mu in (-60.0, 60.0):
        lams = [point.lam for point in zoo.grid("laplace", mu=mu).make_grid(zoo.EDM(), 8)]
        assert all(s > t for t, s in pairwise(lams))


def test_laplace_without_weight_is_refused():
    with pytest.raises(zoo.DomainError, match="no weight there"):
        zoo.grid("laplace", mu=90.0, b=0.01).make_grid(zoo.EDM(), 8)


def published_linear_quadratic(steps, threshold, linear):
    """infer.py of Mochi 1, on [0, 1]."""
    first = [i * threshold / linear for i in range(linear)]
    over, rest = linear - threshold * steps, steps - linear
    a, b = over / (linear * rest**2), threshold / linear - 2 * over / rest**2
    return [1 - y for y in (*first, *(a * i**2 + b * i + a * linear**2 for i in range(linear, steps)), 1.0)]


@pytest.mark.parametrize(
    ("steps", "threshold", "linear"), [(2, 0.025, None), (9, 0.025, None), (64, 0.025, None), (12, 0.3, 4)]
)
def test_linear_quadratic_as_published(steps, threshold, linear):
    times = zoo.grid("linear-quadratic", threshold=threshold, linear=linear).make_grid(FLOW, steps).times
    there = published_linear_quadratic(steps, threshold, linear or steps // 2)
    assert [(t - FLOW.t_min) / (1 - FLOW.t_min) for t in times] == pytest.approx(there, abs=1e-14)


def test_linear_quadratic_refuses_what_turns_back():
    with pytest.raises(zoo.OptionError, match="more than 9 steps"):
        zoo.grid("linear-quadratic", linear=9).make_grid(FLOW, 9)
    with pytest.raises(zoo.DomainError, match=r"turns back|outside"):
        zoo.grid("linear-quadratic", threshold=1.0, linear=1).make_grid(FLOW, 9)


# -- Align Your Steps -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "sde"),
    [("sd1", STABLE_DIFFUSION), ("sdxl", STABLE_DIFFUSION), ("svd", zoo.EDM(sigma_min=0.002, sigma_max=700.0))],
)
def test_ten_steps_are_the_published_table(model, sde):
    rhos = [point.rho for point in zoo.grid("align-your-steps", model=model).make_grid(sde, 10)]
    assert rhos == pytest.approx(TABLES[model], rel=2e-7)


def test_other_steps_are_interpolated_in_the_logarithm():
    sde = zoo.EDM(sigma_min=0.002, sigma_max=700.0)
    rhos = [point.rho for point in zoo.grid("align-your-steps", model="svd").make_grid(sde, 25)]
    there = np.exp(np.interp(np.linspace(0, 1, 26), np.linspace(0, 1, 11), np.log(TABLES["svd"])))
    assert rhos == pytest.approx(there, rel=1e-12)
    twice = zoo.grid("align-your-steps", model="svd").make_grid(sde, 20)
    assert [point.rho for point in twice[::2]] == pytest.approx(TABLES["svd"], rel=1e-12)


# -- GITS -----------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(data=st.data(), M=st.integers(1, 7), weight=st.sampled_from([0.8, 1.0, 1.15]))
def test_dynamic_programming_finds_the_least_cost(data, M, weight):
    steps = data.draw(st.integers(1, M))
    number = st.floats(0, 1, allow_subnormal=False)
    cost = [[data.draw(number) if j > i else math.nan for j in range(M + 1)] for i in range(M + 1)]

    def total(nodes):
        return sum(weight**k * cost[i][j] for k, (i, j) in enumerate(pairwise(nodes)))

    nodes = least_cost(cost, steps, weight)
    assert len(nodes) == steps + 1
    every = [(0, *inner, M) for inner in itertools.combinations(range(1, M), steps - 1)]
    assert nodes in every
    assert total(nodes) == pytest.approx(min(map(total, every)), abs=1e-12)


EDM = zoo.EDM()
MODEL = zoo.Mixture([0.3, 0.7], [[-1.0, 0.5], [1.2, -0.4]], [0.09, 0.25], sde=EDM)


def run(solver, grid, steps=8, **given):
    return zoo.sample(MODEL, solver=solver, grid=grid, steps=steps, n=16, dtype=torch.float64, **given)


def end_error(result):
    exact = run("dpm-solver-3", "karras", steps=300).x
    return float((result.x - exact).square().mean().sqrt())


@pytest.mark.parametrize("solver", ["ddim", "heun", "dpmpp-2m", "dpm-solver-3"])
def test_a_fitted_grid_is_better(solver):
    fitted, usual = run(solver, "gits"), run(solver, "karras")
    assert end_error(fitted) < 0.7 * end_error(usual)
    assert fitted.nfe == usual.nfe == zoo.solver(solver).nfe(8)
    fine = zoo.grid("karras").make_grid(EDM, 60).times
    assert set(fitted.grid) <= set(fine)
    assert (fitted.grid[0], fitted.grid[-1], len(fitted.grid)) == (fine[0], fine[-1], 9)


def test_the_fit_is_counted_apart():
    result = run("ddim", "gits(weight=1.15, fine=20)")
    # the teacher's 20 steps, and one prediction at the start of every leap: all leaps of DDIM from there share it
    assert result.stats["fit_nfe"] == 20 + 20
    assert result.nfe == result.stats["calls"] == 8
    # heun asks once more for each of the 210 leaps
    assert run("heun", "gits(weight=1.15, fine=20)").stats["fit_nfe"] == 20 + 20 + 210
    assert "fit_nfe" not in run("ddim", "karras").stats


def test_a_multistep_method_is_fitted_by_its_first_step():
    """Which is DDIM's, so that with one weight the grids are the same; with several the solver itself chooses."""
    one = "gits(weight=1.15, fine=30)"
    assert run("dpmpp-2m", one).grid == run("ddim", one).grid
    several = "gits(fine=30)"
    assert run("dpmpp-2m", several).grid != run("ddim", several).grid


def test_costs_are_errors_of_single_steps():
    fine = zoo.grid("karras").make_grid(EDM, 6)
    noise = zoo.SeededNoise(0, range(5), (2,), torch.float64)
    path = [noise.start().fresh() * 80.0]
    path += [state.x for state in zoo.solver("heun").solve(MODEL, path[0], fine, noise)]
    cost = step_costs(MODEL, zoo.solver("ddim"), fine, path, noise)
    step = path[2] + (fine[5].t - fine[2].t) * MODEL(path[2], fine[2]).eps
    error = (step - path[5]).norm(dim=1).mean() / math.sqrt(1 + fine[5].t ** 2)
    assert cost[2][5] == pytest.approx(float(error), rel=1e-12)
    assert all(cost[i][j] == 0.0 for i in range(7) for j in range(i + 1))


def test_the_grid_depends_on_no_batch():
    one = zoo.sample(MODEL, solver="ddim", grid="gits", steps=5, n=1)
    many = zoo.sample(MODEL, solver="ddim", grid="gits", steps=5, n=7, seed=3)
    assert one.grid == many.grid
    assert one.grid == zoo.sample(MODEL, solver="ddim", grid="gits", nfe=6, denoise=True).grid


def test_a_start_without_signal():
    model = zoo.Mixture([0.3, 0.7], [[-1.0, 0.5], [1.2, -0.4]], [0.09, 0.25], sde=FLOW)
    result = zoo.sample(model, solver="ddim", grid="gits", steps=6, n=4)
    assert (result.grid[0], result.grid[-1]) == (1.0, FLOW.t_min)
    with pytest.raises(zoo.IncompatibleError, match=r"cannot be fitted with heun on rectified-flow: alpha = 0"):
        zoo.sample(model, solver="heun", grid="gits", steps=6)


@pytest.mark.parametrize("sde", SDES, ids=str)
def test_a_grid_is_fitted_on_every_process(sde):
    model = zoo.Mixture([0.3, 0.7], [[-1.0, 0.5], [1.2, -0.4]], [0.09, 0.25], sde=sde)
    given = {"solver": "ddim", "n": 2, "dtype": torch.float64, "steps": 5}
    base = "uniform" if sde.alpha(sde.t_max) == 0 else "log-snr"
    result = zoo.sample(model, grid=f"gits(fine=25, base={base})", **given)
    assert (result.grid[0], result.grid[-1], len(result.grid)) == (sde.t_max, sde.t_min, 6)
    assert zoo.sample(model, grid="gits", **given).stats["fit_nfe"] > 0  # the process's own grid will do too


def test_leaps_that_blow_up_are_not_taken():
    x = torch.zeros(3, 2, dtype=torch.float64)
    for bad in (torch.nan, torch.inf):
        assert distance(x.index_fill(0, torch.tensor([1]), bad), x, EDM.at(1.0)) == math.inf
    far = math.inf  # every leap over more than one node
    assert least_cost([[0, 1, far, far], [0, 0, 2, far], [0, 0, 0, 1], [0] * 4], 3, 1.0) == (0, 1, 2, 3)
    assert least_cost([[0, far, 5, far], [0, 0, 2, 1], [0, 0, 0, 1], [0] * 4], 2, 1.0) == (0, 2, 3)


def test_conditions_reach_the_fit():
    class Labelled(zoo.ModelWrapper):
        """Wants a label for every row, and a guidance strength."""

        def __call__(self, x, point, **condition):
            assert set(condition) == {"label", "strength"}
            assert condition["label"].tolist() == ([0, 1, 2, 0, 1] if len(x) == 5 else [0, 1, 2])
            return self.model(x, point)

    condition = {"label": torch.arange(3), "strength": 2.0}
    result = zoo.sample(
        Labelled(MODEL), solver="ddim", grid="gits(samples=5, fine=12)", steps=4, n=3, condition=condition
    )
    assert len(result.grid) == 5


def test_what_cannot_be_fitted_is_refused_with_the_mend():
    with pytest.raises(zoo.IncompatibleError, match="give it to sample"):
        zoo.grid("gits").make_grid(EDM, 8)
    with pytest.raises(zoo.DomainError, match="raise its option fine"):
        run("ddim", "gits(fine=7)")
    with pytest.raises(zoo.IncompatibleError, match="stochastic"):
        run("ddpm", "gits")
    with pytest.raises(zoo.IncompatibleError, match="chooses its own steps"):
        run("adaptive", "gits")


def test_a_fitted_run_resumes_without_another_fit(tmp_path):
    whole = run("dpmpp-2m", "gits")
    stopped = run("dpmpp-2m", "gits", callback=lambda state: state.index == 3)
    assert stopped.stats["fit_nfe"] == whole.stats["fit_nfe"]
    result = zoo.sample(MODEL, resume=stopped.save(tmp_path / "stopped.npz"))
    assert torch.equal(result.x, whole.x)
    assert result.grid == whole.grid
    assert result.stats["fit_nfe"] == whole.stats["fit_nfe"]
