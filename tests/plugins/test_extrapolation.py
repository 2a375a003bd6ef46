"""Extrapolation: the tableaus are those of Aitken and Neville's scheme, and the orders what it promises."""

from __future__ import annotations

import pytest
import torch
from flow_cases import gaussian, slope, start
from zoo_runge_kutta.extrapolation import euler_steps, extrapolated, midpoint_steps

import solvers_zoo as zoo


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6])
def test_euler_gains_an_order_a_column(k):
    tableau = extrapolated(euler_steps, tuple(range(1, k + 1)), 1)
    assert tableau.order == k
    assert tableau.embedded_order == (k - 1 if k > 1 else None)
    assert tableau.stages == 1 + k * (k - 1) // 2


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_gragg_gains_two_orders_a_column(k):
    tableau = extrapolated(midpoint_steps, tuple(range(2, 2 * k + 1, 2)), 2)
    assert tableau.order == 2 * k
    assert tableau.stages == 1 + k * k


def test_any_sequence_of_substeps_will_do():
    """Romberg's 2, 4, 8 as well as the harmonic one; odd numbers would have no series in H^2."""
    assert extrapolated(midpoint_steps, (2, 4, 8), 2).order == 6
    assert extrapolated(euler_steps, (1, 2, 4, 8), 1).order == 4


def by_hand(model, x, grid, numbers, power, substeps):
    """Neville's table on states, in sigma: y = x/alpha, dy/drho = eps."""
    for t, s in grid.intervals():
        H, row = s.rho - t.rho, []

        def slope(y, rho):
            point = model.sde.at_rho(rho)
            return model(point.alpha * y, point).eps

        for j, n in enumerate(numbers):
            before, row = row, [substeps(slope, x / t.alpha, t.rho, H / n, n)]
            for k in range(j):
                ratio = (n / numbers[j - 1 - k]) ** power
                row.append(row[k] + (row[k] - before[k]) / (ratio - 1))
        x = s.alpha * row[-1]
    return x


def euler(slope, y, rho, h, n):
    for i in range(n):
        y = y + h * slope(y, rho + i * h)
    return y


def gragg(slope, y, rho, h, n):
    before, y = y, y + h * slope(y, rho)
    for i in range(1, n):
        before, y = y, before + 2 * h * slope(y, rho + i * h)
    return y


@pytest.mark.parametrize(
    ("spec", "numbers", "power", "substeps"),
    [
        ("extrapolated-euler", (1, 2, 3), 1, euler),
        ("extrapolated-euler(order=5)", (1, 2, 3, 4, 5), 1, euler),
        ("gbs(order=4)", (2, 4), 2, gragg),
        ("gragg-bulirsch-stoer", (2, 4, 6), 2, gragg),
    ],
)
def test_the_tableau_is_the_scheme(spec, numbers, power, substeps):
    sde = zoo.VP(t_min=0.01)
    model, x, grid = gaussian(sde, "x0"), start(3), zoo.Grid(sde, [0.9, 0.5, 0.3, 0.02])
    got = zoo.sample(model, solver=spec, grid=grid, x=x)
    torch.testing.assert_close(got.x, by_hand(model, x, grid, numbers, power, substeps), rtol=1e-10, atol=1e-10)
    assert got.nfe == 3 * zoo.solver(spec).facts().evaluations


@pytest.mark.parametrize(
    ("spec", "order"), [("extrapolated-euler", 3), ("extrapolated-euler(order=4)", 4), ("gbs(order=4)", 4)]
)
def test_measured_order(spec, order):
    assert zoo.solver(spec).facts().order == order
    assert slope(spec, (32, 64, 128)) == pytest.approx(order, abs=0.2)


def test_lowest_columns_are_known_methods():
    """T_11 of Gragg and T_22 of Euler are the midpoint rule, which has its own name; so orders begin above."""
    for tableau in (extrapolated(euler_steps, (1, 2), 1), extrapolated(midpoint_steps, (2,), 2)):
        assert (tuple(tableau.b), tuple(tableau.c)) == ((0.0, 1.0), (0.0, 0.5))
    with pytest.raises(zoo.OptionError, match="order = 2"):
        zoo.solver("extrapolated-euler", order=2)
    with pytest.raises(zoo.OptionError, match="one of 4, 6, 8"):
        zoo.solver("gbs", order=5)
