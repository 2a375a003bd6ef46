"""Exponential Runge-Kutta: orders from the numbers, the papers' formulas as printed, and what is whose special case."""

from __future__ import annotations

import math

import pytest
import torch
from flow_cases import exact_end, gaussian, karras, slope, start

import solvers_zoo as zoo
from solvers_zoo.numerics.exponential_tableau import ExponentialTableau, phis

#: Name: (classical order, stiff order as Hochbruck and Ostermann count it).
METHODS = {
    "res-2s": (2, 2),
    "res-3s": (3, 3),
    "etdrk2": (2, 2),
    "etdrk3": (3, 2),
    "etdrk4": (4, 2),
    "krogstad": (4, 3),
    "strehmel-weiner": (4, 3),
    "friedli": (4, 3),
    "hochbruck-ostermann-4": (4, 4),
    "cfree4": (4, 2),
    "munthe-kaas-4": (4, 2),
    "minchev": (4, 2),
    "exprk5s8": (5, 4),  # stiff conditions are tried up to 4
    "lawson2": (2, 1),
    "lawson4": (4, 1),
    "generalized-lawson4": (4, 2),
}
OTHERS = ["res-2s(c2=0.3)", "res-2s(c2=1)", "res-3s(c2=0.3333333333333333,c3=0.75)", "res-3s(c2=1,c3=0.5)"]


@pytest.mark.parametrize("name", METHODS)
def test_the_card_is_read_off_the_numbers(name):
    solver = zoo.solver(name)
    order, stiff = METHODS[name]
    assert solver.card.order == solver.tableau.order == solver.tableau.classical.order == order
    assert solver.tableau.stiff_order == stiff
    assert solver.card.evaluations == solver.tableau.stages == solver.nfe(1)
    assert f"stiff order {stiff}" in type(solver).describe()


@pytest.mark.parametrize(
    "spec", [s for name in ("res-2s", "res-3s", "etdrk4", "lawson4") for s in (name, f"{name}(of=eps)")]
)
def test_order_as_measured(spec):
    solver = zoo.solver(spec)
    assert slope(solver, (64, 128, 256) if solver.card.order < 4 else (16, 32, 64)) == pytest.approx(
        solver.card.order, abs=0.2
    )


@pytest.mark.parametrize("spec", OTHERS)
def test_other_places_keep_the_order(spec):
    solver = zoo.solver(spec)
    assert solver.tableau.order == solver.card.order


def test_a_misprint_lowers_the_order():
    """Minchev's third stage with phi_k(z/2) for phi_k(z/2)/2^k, as a copy of the table has it."""
    right = zoo.solver("minchev").tableau
    wrong = 4 / 25 * phis(1, 1 / 2) + 24 / 25 * phis(2, 1 / 2)
    rows = [*right.A[:2], (phis(1, 1 / 2) / 2 - wrong, wrong), right.A[3]]
    assert ExponentialTableau(A=rows, b=right.b, c=right.c).order == 2


def test_every_condition_of_stiff_order_4_counts():
    """Hochbruck and Ostermann's second and third stage cancel each other's errors; another third stage breaks that alone."""
    right = zoo.solver("hochbruck-ostermann-4").tableau
    other = 0.9 * phis(2, 1 / 2)
    rows = [*right.A[:2], (phis(1, 1 / 2) / 2 - other, other), *right.A[3:]]
    assert ExponentialTableau(A=rows, b=right.b, c=right.c).stiff_order == 3


def cox_matthews(model, x, grid):
    """Cox & Matthews 2002, ETD4RK, for u = x/alpha, c = -1 and F = x0, with the coefficients written out."""
    u = x / grid[0].alpha
    for t, s in grid.intervals():
        h, half = s.lam - t.lam, model.sde.at_lam((t.lam + s.lam) / 2)
        e, e2 = math.exp(-h), math.exp(-h / 2)

        def F(u, p):
            return model(p.alpha * u, p).x0

        Fu = F(u, t)
        a = e2 * u + (1 - e2) * Fu
        Fa = F(a, half)
        b = e2 * u + (1 - e2) * Fa
        Fb = F(b, half)
        c = e2 * a + (1 - e2) * (2 * Fb - Fu)
        Fc = F(c, s)
        L = -h
        w0 = h * (-4 - L + e * (4 - 3 * L + L**2)) / L**3
        w1 = h * (2 + L + e * (L - 2)) / L**3
        w2 = h * (-4 - 3 * L - L**2 + e * (4 - L)) / L**3
        u = e * u + w0 * Fu + 2 * w1 * (Fa + Fb) + w2 * Fc
    return grid[-1].alpha * u


@pytest.mark.parametrize("kind", ["x0", "eps", "v"])
@pytest.mark.parametrize("sde", [zoo.VP(t_min=0.01), zoo.EDM(sigma_min=0.02, sigma_max=5.0)], ids=lambda s: s.card.name)
def test_cox_matthews_as_printed(sde, kind):
    model, x = gaussian(sde, kind), start(4)
    grid = zoo.Grid(sde, [f * sde.t_max for f in (1.0, 0.6, 0.5, 0.1, 0.02)])
    got = zoo.sample(model, solver="etdrk4", grid=grid, x=x)
    torch.testing.assert_close(got.x, cox_matthews(model, x, grid), rtol=1e-10, atol=1e-10)
    assert got.nfe == 16


@pytest.mark.parametrize("sde", [zoo.VP(t_min=0.01), zoo.EDM(sigma_min=0.02, sigma_max=5.0)], ids=lambda s: s.card.name)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("etdrk2", "res-2s(c2=1)"),
        ("lawson2(of=eps)", "midpoint(variable=lam)"),  # e^(-h u) x/sigma is x/alpha
        ("lawson4(of=eps)", "rk4(variable=lam)"),
        ("res-3s(c2=0.3333333333333333,c3=0.6666666666666666)", "dpmpp-3s"),  # gamma = 0 there
        ("res-3s(c2=0.3333333333333333,c3=0.6666666666666666,of=eps)", "dpm-solver-3"),
    ],
)
def test_one_method_under_two_names(one, other, sde):
    model, grid, x = gaussian(sde, "v"), karras(sde, 7), start(4)
    a, b = (zoo.sample(model, solver=spec, grid=grid, x=x).x for spec in (one, other))
    torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


def test_the_two_stage_methods_of_the_dpm_family_differ_in_one_weight():
    """DPM-Solver++(2S) has phi_1/2 where RES has phi_2: the same order, other numbers."""
    res, dpm = zoo.solver("res-2s").tableau, zoo.solver("dpmpp-2s").tableau
    assert str(res.A[1][0]) == str(dpm.A[1][0]) == "1/2 phi_1(1/2 z)"
    assert str(res.b[1]) == "2 phi_2(z)"
    assert str(dpm.b[1]) == "phi_1(z)"


@pytest.mark.parametrize("of", ["x0", "eps"])
@pytest.mark.parametrize("name", METHODS)
def test_a_constant_prediction_is_integrated_exactly(name, of):
    """By all but Lawson's methods, whose error is far from rounding."""
    sde = zoo.VP(t_min=0.01, t_max=0.9)
    model = zoo.FunctionModel(lambda x, t: torch.full_like(x, 0.7), sde=sde, prediction=of)
    grid, x = karras(sde, 3), start(4)
    got = zoo.sample(model, solver=f"{name}(of={of})", grid=grid, x=x).x
    a, b = grid[0], grid[-1]
    if of == "x0":
        end = b.sigma / a.sigma * (x - a.alpha * 0.7) + b.alpha * 0.7
    else:
        end = b.alpha / a.alpha * (x - a.sigma * 0.7) + b.sigma * 0.7
    error = (got - end).abs().max()
    assert error > 1e-4 if name.startswith("lawson") else error < 1e-12


@pytest.mark.parametrize("of", ["x0", "eps"])
@pytest.mark.parametrize("name", METHODS)
def test_encoding(name, of):
    """An increasing grid runs the flow the other way."""
    sde = zoo.VP(t_min=0.01, t_max=0.9)
    up = zoo.Grid(sde, zoo.grid("log-snr").make_grid(sde, 200).times[::-1])
    x = start()
    got = zoo.sample(gaussian(sde, "eps"), solver=f"{name}(of={of})", grid=up, x=x).x
    assert (got - exact_end(x, up[0], up[-1])).abs().max() < {2: 6e-3, 3: 1e-4, 4: 1e-5, 5: 1e-8}[METHODS[name][0]]


def test_alpha_zero_is_refused():
    sde = zoo.RectifiedFlow(t_min=0.01)
    for name in METHODS:
        with pytest.raises(zoo.IncompatibleError, match="alpha = 0 at t = 1"):
            zoo.sample(gaussian(sde, "v"), solver=name, grid=[1.0, 0.5, 0.1], x=start(2))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("res-3s(c2=0.6666666666666666)", "no weights have order 3 there"),
        ("res-3s(c2=0.5,c3=0.5)", "no weights have order 3 there"),
        ("res-2s(c2=0)", "option c2 = 0.0 is not possible"),
        ("krogstad(of=v)", "one of x0, eps"),
    ],
)
def test_impossible_options(spec, message):
    with pytest.raises(zoo.OptionError, match=message):
        zoo.solver(spec)
