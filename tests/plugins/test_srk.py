"""Stochastic Runge-Kutta, stabilised, adaptive and underdamped methods."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from zoo_srk.additive import AdditiveTableau
from zoo_srk.methods import METHODS, SEA, SRA1, EulerHeun, ShARK, StochasticHeun
from zoo_srk.sk_rock import Chebyshev

import solvers_zoo as zoo
from solvers_zoo.testing.check_law import edm_gaussian, probe, target
from solvers_zoo.testing.problems import grid, mixture_1d, mixture_2d
from solvers_zoo.testing.subject import Subject


@pytest.mark.parametrize(
    ("method", "strong", "weak"), [("sra1", 1.5, 2), ("shark", 1.5, 2), ("sea", 1, 1), ("stochastic-heun", 1, 2), ("euler-heun", 1, 1), ("dri1", 1, 2)]
)  # fmt: skip
def test_orders_follow_from_the_numbers(method, strong, weak):
    card = zoo.solver(method).facts()
    assert (card.strong_order, card.weak_order) == (strong, weak)
    assert card.evaluations == {"sea": 1, "euler-heun": 1, "dri1": 3}.get(method, 2)


@pytest.mark.parametrize("method", [SRA1, ShARK])
@pytest.mark.parametrize("field", ["b", "w", "a", "c"])
def test_every_number_of_a_tableau_matters(method, field):
    """Move one number and the order is gone."""
    T = method.tableau
    values = list(getattr(T, field))
    values[-1] += 0.01
    changes = {field: tuple(values)}
    if field == "c":
        changes["A"] = ((), (values[-1],))
    if field == "b":
        with pytest.raises(ValueError, match="sum"):
            replace(T, **changes)
    else:
        assert replace(T, **changes).strong_order < 1.5


def test_a_tableau_refuses_rows_that_do_not_fit():
    with pytest.raises(ValueError, match="sum to c"):
        AdditiveTableau(
            A=((), (0.4,)), b=(0.5, 0.5), c=(0.0, 1.0), w=(0.0, 1.0), a=(0.0, 0.0), noise=((0.0, 1.0, 0.0),)
        )
    with pytest.raises(ValueError, match="one a stage"):
        AdditiveTableau(A=((),), b=(1.0,), c=(0.0, 1.0), w=(0.0,), a=(0.0,), noise=((0.0, 1.0, 0.0),))


def test_sra1_is_its_formula():
    """One step, from Roessler's table, in y = x/alpha over lam."""
    problem = mixture_2d()
    sde, x = problem.model.sde, problem.x
    times = zoo.Grid(sde, [1.0, 0.7])
    t, s = times
    noise = zoo.SeededNoise(5, range(len(x)), (2,), x.dtype)
    W, H = noise.at(0).between(t, s, area=True)
    h = s.lam - t.lam
    I1, I10 = math.sqrt(h) * W, h**1.5 * (W / 2 + H)
    g = [math.sqrt(2) * p.rho for p in (t, s)]

    def k(y, point):
        return -2 * point.rho * problem.model(point.alpha * y, point).eps

    y = x / t.alpha
    k1 = k(y, t)
    k2 = k(y + 0.75 * h * k1 + 1.5 * g[1] * I10 / h, sde.at_lam(t.lam + 0.75 * h))
    due = s.alpha * (y + h * (k1 / 3 + 2 * k2 / 3) + g[1] * I1 + (g[0] - g[1]) * I10 / h)
    (state,) = zoo.solver("sra1").solve(problem.model, x, times, noise)
    assert torch.allclose(state.x, due, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("theirs", ["srk", "heun", "euler_heun"])
def test_the_same_law_as_torchsde_in_the_limit(theirs):
    """In t, one step of the reverse SDE of a Gaussian has the mean and variance of torchsde's method of that name."""
    ours = {"srk": "sra1", "heun": "stochastic-heun", "euler_heun": "euler-heun"}[theirs]
    model = edm_gaussian()
    times = zoo.Grid(model.sde, [1.0, 0.9])
    a, b = (
        probe(Subject(solver), model, times)
        for solver in (zoo.solver(ours, clock="t"), zoo.solver(f"torchsde-{theirs.replace('_', '-')}"))
    )
    assert pytest.approx(b.A, rel=1e-12) == a.A
    assert a.b == pytest.approx(b.b, rel=1e-12)
    assert float(a.C.square().sum()) == pytest.approx(
        float(b.C.square().sum()), rel=1e-2 if theirs == "euler_heun" else 2e-3
    )


def test_sea_errs_less_than_euler_heun_along_a_path():
    problem = mixture_1d()
    fine = problem.grid(512, "log")
    x = problem.x.repeat(4, 1)
    noise = zoo.GridNoise(zoo.SeededNoise(3, range(len(x)), (1,), torch.float64), fine)
    exact = Subject(SRA1()).run(problem.model, x, fine, noise)
    coarse = zoo.Grid(fine.sde, fine.points[::16])
    errors = [
        float((Subject(cls()).run(problem.model, x, coarse, noise) - exact).square().mean().sqrt())
        for cls in (ShARK, SRA1, StochasticHeun, EulerHeun)
    ]
    assert errors[0] < 0.25 * errors[2]
    assert errors[1] < 0.5 * errors[2]
    assert errors[2] < 0.5 * errors[3]
    assert len({m.card.name for m in METHODS}) == len(METHODS)
    assert SEA.tableau.area


@pytest.mark.parametrize("s", [1, 2, 5, 20])
def test_chebyshev_ends_at_the_end_with_all_of_the_noise(s):
    T = Chebyshev.of(s, 0.05)
    assert T.c[-1] == pytest.approx(1, rel=1e-12)
    weights = [0.0, T.first[2]]
    for _, nu in T.later:
        weights.append(nu * weights[-1] + (1 - nu) * weights[-2])
    assert weights[-1] == pytest.approx(1, rel=1e-12)


def test_sk_rock_of_two_stages_is_its_formula():
    """eta = 0.05: T_2(w) = 2 w^2 - 1, T_2' = 4 w."""
    problem = mixture_2d()
    sde, x = problem.model.sde, problem.x
    t, s = times = zoo.Grid(sde, [1.0, 0.7])
    noise = zoo.SeededNoise(5, range(len(x)), (2,), x.dtype)
    h, w0 = s.lam - t.lam, 1 + 0.05 / 4
    w1 = (2 * w0**2 - 1) / (4 * w0)
    mu, nu, mu2, nu2 = w1 / w0, w1, 2 * w1 * w0 / (2 * w0**2 - 1), 2 * w0 * w0 / (2 * w0**2 - 1)
    Q = (t.rho + s.rho) / 2 * math.sqrt(2 * h) * noise.at(0).between(t, s)

    def k(y, point):
        return -2 * point.rho * problem.model(point.alpha * y, point).eps

    y = x / t.alpha
    K1 = y + mu * h * k(y + nu * Q, t) + 2 * mu * Q
    K2 = mu2 * h * k(K1, sde.at_lam(t.lam + mu * h)) + nu2 * K1 + (1 - nu2) * y
    (state,) = zoo.solver("sk-rock(stages=2)").solve(problem.model, x, times, noise)
    assert torch.allclose(state.x, s.alpha * K2, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("clock", ["lam", "t"])
def test_a_step_of_gotta_go_fast_is_heun_along_its_path(clock):
    """With a tolerance that anything meets, and the error is the distance to Euler-Maruyama."""
    problem = mixture_1d()
    sde, x = problem.model.sde, problem.x
    t, s = times = zoo.Grid(sde, [sde.at_rho(1.0).t, sde.at_rho(0.7).t])
    noise = zoo.SeededNoise(5, range(len(x)), (1,), x.dtype)
    u, v = (t.lam, s.lam) if clock == "lam" else (t.t, s.t)
    low, high = sorted((u, v))
    path = noise.path(low, high, (high - low) * 2.0 ** (-10 if clock == "lam" else -20))
    dB = path.increment(u, v)

    def slope(x, p):
        now = problem.model(x, p)
        return -2 * p.rho * now.eps if clock == "lam" else now.drift(1.0)

    def g(p):
        return math.sqrt(2) * p.rho if clock == "lam" else p.g

    a, b = (t.alpha, s.alpha) if clock == "lam" else (1.0, 1.0)
    k = slope(x, t)
    euler = b * (x / a + (v - u) * k + g(t) * dB)
    heun = b * (x / a + (v - u) * (k + slope(euler, s)) / 2 + (g(t) + g(s)) / 2 * dB)
    solver = zoo.solver("gotta-go-fast", rtol=1e3, atol=1e3, clock=clock)
    (state,) = solver.solve(problem.model, x, times, noise)
    assert torch.allclose(state.x, heun, rtol=1e-9, atol=1e-9)
    size = ((heun - euler) / (1e3 + 1e3 * x.abs().maximum(heun.abs()))).abs()
    assert torch.allclose(state.memory.error, size.clamp(min=1e-10), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_sk_rock_is_stable_where_euler_is_not(steps):
    """What one deviation of the start becomes on N(0, 0.05), over steps of 1.7 to 6.9 in lam."""
    model = zoo.Gaussian([0.0], 0.05, zoo.EDM(sigma_min=0.02, sigma_max=20.0))
    times = grid(model.sde, steps, "log")
    rock, euler = (
        abs(probe(Subject(zoo.solver(name)), model, times).A) for name in ("sk-rock(stages=10)", "euler-heun")
    )
    assert rock < 1.25
    assert euler > 3.5


@pytest.mark.parametrize(("name", "order"), [("align", 2), ("should", 3), ("quicsort", 3)])
def test_stationary_bias_of_kinetic_chains_shrinks_at_its_order(name, order):
    bias = [zoo.solver(name, h=h).stationary_variance(0.5, None) / 0.5 - 1 for h in (0.05, 0.025)]
    assert math.log2(bias[0] / bias[1]) == pytest.approx(order, abs=0.12)


def test_baoab_is_exact_on_a_gaussian_at_any_stable_step():
    for h in (0.1, 0.5, 1.3):
        assert zoo.solver("baoab", h=h).stationary_variance(0.5, None) == pytest.approx(0.5, rel=1e-12)


def test_a_kinetic_chain_of_free_flight_has_the_exact_law():
    """Without force x' - x and v' are jointly Gaussian with the Ornstein-Uhlenbeck process's own covariance."""
    from zoo_srk.kinetic import _Units

    h, gamma = 0.7, 1.9
    c = math.exp(-gamma * h)
    due = torch.tensor(
        [
            [(2 * gamma * h - 3 + 4 * c - c * c) / gamma**2, (1 - c) ** 2 / gamma],
            [(1 - c) ** 2 / gamma, 1 - c * c],
        ],
        dtype=torch.float64,
    )
    for name, rtol in (("align", 7e-3), ("should", 1e-4), ("quicsort", 1.3e-2)):
        chain = zoo.solver(name, h=h, gamma=gamma)
        x, v, *z = torch.eye(5, dtype=torch.float64)
        x, v, _ = chain.move(lambda y: 0 * y, x, v, None, _Units(z))
        moved = torch.stack([x, v])
        assert torch.allclose(
            moved[:, :2], torch.tensor([[1, (1 - c) / gamma], [0, c]], dtype=torch.float64), rtol=1e-12, atol=0
        )
        assert torch.allclose(moved[:, 2:] @ moved[:, 2:].mT, due, rtol=rtol, atol=0), name


@pytest.mark.slow
def test_gotta_go_fast_meets_its_tolerance_and_repeats():
    problem = mixture_2d()
    times, words = problem.grid(8), []
    for rtol in (0.1, 0.02):
        result = zoo.sample(problem.model, f"gotta-go-fast(rtol={rtol}, atol={rtol})", grid=times, x=problem.x)
        again = zoo.sample(problem.model, f"gotta-go-fast(rtol={rtol}, atol={rtol})", grid=times, x=problem.x[:3])
        assert torch.allclose(result.x[:3], again.x, rtol=1e-9, atol=1e-9)  # no sample sees its neighbours
        words.append(float(result.stats["evaluations"].double().mean()))
        assert result.stats["rejected"].sum() > 0
    assert words[0] < words[1]


@pytest.mark.slow
def test_gotta_go_fast_stays_on_one_path_when_it_rejects():
    """A finer tolerance comes nearer to the strong solution of the very same path; the median, as some change modes."""
    problem = mixture_1d()
    runs = [
        zoo.sample(problem.model, f"gotta-go-fast(rtol={tol}, atol={tol})", grid=problem.grid(8), x=problem.x).x
        for tol in (0.1, 0.02, 0.005)
    ]
    errors = [float((run - runs[-1]).abs().median()) for run in runs[:-1]]
    assert errors[1] < 0.5 * errors[0]


def test_exact_target_is_what_the_probe_says():
    """The weak order-2 methods end near the exact law at 64 steps."""
    model = edm_gaussian()
    times = grid(model.sde, 64)
    mean, variance = target(times)
    for name in ("sra1", "shark", "stochastic-heun", "dri1"):
        law = probe(Subject(zoo.solver(name)), model, times)
        assert law.mean == pytest.approx(mean, abs=0.01)
        assert law.variance == pytest.approx(variance, rel=0.012), name
