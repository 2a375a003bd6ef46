"""Multistep methods: exact weights, identities between them, and what the published ones get wrong."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_multistep.ipndm import ADAMS_BASHFORTH

import solvers_zoo as zoo
from solvers_zoo.numerics.exponential import exponential_weights
from solvers_zoo.numerics.interpolation import adams_moments, gauss_moments, weights
from solvers_zoo.testing.problems import mixture_1d, mixture_2d
from solvers_zoo.testing.subject import Subject

SCRIPT = Path(__file__).parents[2] / "docs" / "published_errors.py"

lengths = st.lists(st.floats(0.2, 2.0), min_size=1, max_size=5)


def run(solver, problem, steps=8, rule="karras"):
    return Subject(zoo.solver(solver)).run(problem.model, problem.x, problem.grid(steps, rule))


def same(a, b, steps=8, rule="karras", tolerance=1e-11):
    for problem in (mixture_2d(), mixture_1d()):
        x, y = run(a, problem, steps, rule), run(b, problem, steps, rule)
        assert (x - y).abs().max() <= tolerance * y.abs().max(), f"{a} and {b} differ on {problem.name}"


@given(lengths)
@settings(max_examples=60, deadline=None)
def test_adams_weights_integrate_powers_exactly(h):
    nodes = [-sum(h[:j]) for j in range(len(h) + 1)]
    w = weights(nodes, adams_moments(len(nodes)))
    for k in range(len(nodes)):
        terms = [w_j * v**k for w_j, v in zip(w, nodes, strict=True)]
        assert math.fsum(terms) == pytest.approx(1 / (k + 1), abs=1e-12 * (1 + sum(map(abs, terms))))


@given(lengths, st.floats(0.05, 1.5), st.floats(0.0, 1.5), st.sampled_from(["x0", "eps"]))
@settings(max_examples=60, deadline=None)
def test_exponential_weights_are_exact_for_polynomials_of_lam(gaps, h, level, form):
    from scipy.integrate import quad

    sde = zoo.EDM()
    t, s = sde.at_lam(-1.0), sde.at_lam(-1.0 + h)
    nodes = [sde.at_lam(-1.0 - sum(gaps[:j])) for j in range(min(len(gaps), 3) + 1)]
    b = exponential_weights(form, nodes, t, s, level)
    rate = 1 + level**2
    for k in range(len(nodes)):

        def integrand(v, k=k):
            kernel = s.alpha * math.exp(-rate * (h - v)) if form == "x0" else -s.sigma * math.exp(h - v)
            return rate * kernel * v**k

        exact = quad(integrand, 0, h, epsabs=1e-13, epsrel=1e-13)[0]
        terms = [b_j * (node.lam - t.lam) ** k for b_j, node in zip(b, nodes, strict=True)]
        assert math.fsum(terms) == pytest.approx(exact, abs=1e-10 * sum(map(abs, terms)))


def test_gauss_moments_are_exact_to_degree_15():
    for k in range(15):
        assert gauss_moments(2, lambda v, k=k: v**k)[1] == pytest.approx(1 / (k + 2), rel=1e-13)


@pytest.mark.parametrize("points", [2, 3, 4])
def test_ipndm_has_the_adams_weights_of_equal_steps(points):
    w = weights([-float(j) for j in range(points)], adams_moments(points))
    assert w == pytest.approx(ADAMS_BASHFORTH[points], abs=1e-12)


@pytest.mark.parametrize(
    ("one", "other", "rule"),
    [
        ("unip(order=1)", "ddim", "karras"),
        ("unip(b=vary)", "dpmpp-3m", "uneven"),
        ("unip(b=vary, of=eps)", "dpm-solver-3m", "uneven"),
        ("unip(order=2)", "dpmpp-2m", "uneven"),
        ("unip(order=2, of=eps)", "dpm-solver-2m", "uneven"),
        ("unip(order=2, b=vary)", "res-2m", "uneven"),
        ("unipc-2", "unipc(order=2)", "uneven"),
        ("gradient-estimation(gamma=1.5)", "ipndm-2", "uneven"),
        ("ipndm-2", "dpm-solver-2m", "log"),
    ],
)
def test_identities(one, other, rule):
    same(one, other, rule=rule)


def test_time_adams_is_lms_where_time_is_sigma():
    problem = mixture_2d()  # on EDM
    for a, b in (("deis-tab1", "lms-2"), ("deis-tab3", "lms-4")):
        assert (run(a, problem) - run(b, problem)).abs().max() < 1e-12
    assert (run("deis-tab3", mixture_1d()) - run("lms-4", mixture_1d())).abs().max() > 1e-4  # on OU it is not


def test_lower_order_final_ends_in_a_step_of_ddim():
    problem = mixture_2d()
    times = problem.grid(6)
    states = Subject(zoo.solver("dpmpp-3m", lower_order_final=True)).states(problem.model, problem.x, times)
    last = zoo.Grid(times.sde, times.times[-2:])
    assert (states[-1].x - Subject(zoo.solver("ddim")).run(problem.model, states[-2].x, last)).abs().max() < 1e-12
    assert (states[-1].x - run("dpmpp-3m", problem, 6)).abs().max() > 1e-6


@pytest.mark.parametrize("name", ["dpmpp-3m", "v-adams-3", "deis", "ipndm-4"])
def test_a_start_in_pure_noise_is_a_normal_case(name):
    model = zoo.Gaussian(mean=[1.0], cov=[0.25], sde=zoo.RectifiedFlow())
    result = zoo.sample(model, solver=name, steps=64, grid="uniform", n=4000, seed=0, dtype=torch.float64)
    assert abs(result.x.mean() - 1.0) < 0.04
    assert abs(result.x.std() - 0.5) < 0.04


def test_rectified_adams_keeps_the_first_prediction_of_a_start_in_pure_noise():
    """Its clock is finite there: on a straight flow, one step of order 2 is exact for a quadratic path."""
    sde = zoo.RectifiedFlow()
    grid = zoo.Grid(sde, [sde.t_max, 0.7, 0.4])
    assert len(zoo.solver("v-adams-2").plan(grid)[1].weights) == 1
    assert not zoo.solver("dpmpp-2m").plan(grid)[1].weights


@pytest.mark.slow
def test_published_errors_and_their_repairs():
    """Orders as docs/published-errors.md has them."""
    spec = importlib.util.spec_from_file_location("published_errors", SCRIPT)
    published_errors = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(published_errors)
    for case in published_errors.cases():
        wrong = published_errors.errors(case.published, case.start, case.rule)
        right = published_errors.errors(case.fixed, case.start, case.rule)
        orders = published_errors.slope(wrong), published_errors.slope(right)
        assert orders[1] >= orders[0] + 0.8, f"{case.title}: {orders}"
        assert right[-1] < wrong[-1] / 5, f"{case.title}: {wrong[-1]:.1e} against {right[-1]:.1e}"


@pytest.mark.parametrize("process", [zoo.EDM(), zoo.VP(), zoo.RectifiedFlow()], ids=lambda sde: sde.spec_name())
@pytest.mark.parametrize(
    "name", ["dpmpp-2m", "lms-4", "deis-tab3", "unipc", "unipc(lower_order_final=true)", "v-adams-3"]
)
def test_numbers_made_together_are_those_made_one_by_one(name, process, monkeypatch):
    solver, grid = zoo.solver(name), zoo.grid(process.default_grid).make_grid(process, 60)
    together = solver.plan(grid)
    monkeypatch.setattr("solvers_zoo.solving.multistep.LEAST", 1000)
    for a, b in zip(together, solver.plan(grid), strict=True):
        assert (a.R, a.S, a.c, *a.weights) == pytest.approx((b.R, b.S, b.c, *b.weights), rel=1e-10, abs=1e-13)
        assert {type(value) for value in (a.R, a.S, a.c, *a.weights)} == {float}
