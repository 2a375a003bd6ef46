"""Tableaus: order from the rooted-tree conditions, and what is refused."""

from __future__ import annotations

import math

import mpmath
import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo import numerics
from solvers_zoo.numerics.tableau import Tableau, rooted_trees

RK4 = {
    "A": ((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)),
    "b": (1 / 6, 1 / 3, 1 / 3, 1 / 6),
    "c": (0.0, 1 / 2, 1 / 2, 1.0),
}


def test_numbers_of_rooted_trees():
    """Butcher's counts (OEIS A000081)."""
    assert [len(rooted_trees(n)) for n in range(1, 9)] == [1, 1, 2, 4, 9, 20, 48, 115]


def butcher6() -> Tableau:
    """Butcher's seven stages of order 6 (Butcher 1964, "On Runge-Kutta processes of high order")."""
    return Tableau(
        A=(
            (),
            (1 / 3,),
            (0.0, 2 / 3),
            (1 / 12, 1 / 3, -1 / 12),
            (-1 / 16, 9 / 8, -3 / 16, -3 / 8),
            (0.0, 9 / 8, -3 / 8, -3 / 4, 1 / 2),
            (9 / 44, -9 / 11, 63 / 44, 18 / 11, 0.0, -16 / 11),
        ),
        b=(11 / 120, 0.0, 27 / 40, 27 / 40, -4 / 15, -4 / 15, 11 / 120),
        c=(0.0, 1 / 3, 2 / 3, 1 / 3, 1 / 2, 1 / 2, 1.0),
    )


@pytest.mark.parametrize(
    ("tableau", "order"),
    [
        (Tableau(A=((),), b=(1.0,), c=(0.0,)), 1),
        (Tableau(A=((), (2 / 3,)), b=(1 / 4, 3 / 4), c=(0.0, 2 / 3)), 2),
        (Tableau(A=((), (2 / 3,)), b=(1 / 2, 1 / 2), c=(0.0, 2 / 3)), 1),
        (Tableau(**RK4), 4),
        (butcher6(), 6),
    ],
)
def test_order(tableau, order):
    assert tableau.order == order


def test_order_is_that_of_the_numbers_not_of_their_name():
    """Nodes, row sums and quadrature of rk4 hold here; only a coupling condition (b A c = 1/6) is broken."""
    changed = {**RK4, "A": ((), (1 / 2,), (1 / 4, 1 / 4), (0.0, 0.0, 1.0))}
    assert Tableau(**changed).order == 2


def test_bundled_pairs():
    """The embedded result is one order lower, which the step-size control relies on."""
    cards = [card for card in zoo.solvers(family="runge-kutta") if hasattr(zoo.solver(card.name), "tableau")]
    orders = {card.name: card.order for card in cards}
    for name, order in orders.items():
        tableau = zoo.solver(name).tableau
        assert tableau.order == order
        if tableau.b_hat is not None:
            assert tableau.embedded_order == order - 1, name
    assert orders["dormand-prince"] == 5
    assert orders["bogacki-shampine"] == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"A": ((), (1 / 2,), (0.0, 1 / 2), (0.0, 1.0))}, "Row 3 of an explicit tableau has 3 entries"),
        ({"b": (1 / 6, 1 / 3, 1 / 3, 1 / 3)}, "The weights b sum to"),
        ({"b_hat": (1.0, 0.0, 0.1, 0.0)}, "The weights b_hat sum to"),
        ({"b": (1 / 2, 1 / 2)}, "b has 2 entries for 4 stages"),
        ({"c": (0.0, 1 / 2, 1 / 2)}, "c has 3 entries for 4 stages"),
        ({"c": (0.0, 1 / 3, 1 / 2, 1.0)}, "Row 1 sums to 0.5, but its node c is 0.333"),
    ],
)
def test_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Tableau(**{**RK4, **changes})


def test_stages_used_leaves_out_the_last_stage_of_a_pair():
    assert zoo.solver("dormand-prince").tableau.stages_used == 6
    assert Tableau(**RK4).stages_used == 4


@pytest.mark.parametrize("k", [0, 1, 2, 3, 4, 5])
def test_phi(k):
    """Against 40-digit arithmetic on both sides of the switch from series to recurrence, floats and tensors alike."""
    points = [-700.0, -30.0, -3.0, -1.0, -0.999, -1e-3, -1e-9, 0.0, 1e-12, 1e-4, 0.5, 0.999, 1.0, 2.0, 20.0]
    with mpmath.workdps(40):
        exact = [float(mpmath.hyp1f1(1, k + 1, mpmath.mpf(z)) / mpmath.factorial(k)) for z in points]
    got = [numerics.phi(k, z) for z in points]
    assert got == pytest.approx(exact, rel=2e-14)
    assert numerics.phi(k, torch.tensor(points, dtype=torch.float64)).tolist() == pytest.approx(exact, rel=2e-14)
    assert numerics.phi(k, -math.inf) == 0


def test_a_tableau_writes_itself_out():
    kutta = Tableau(A=((), (1 / 2,), (-1.0, 2.0)), b=(1 / 6, 2 / 3, 1 / 6), c=(0.0, 1 / 2, 1.0))
    assert kutta.formulas().splitlines() == [
        "k_0 = k(u, y)",
        "k_1 = k(u + 1/2 h, y + h (1/2 k_0))",
        "k_2 = k(u + h, y + h (- k_0 + 2 k_1))",
        "y' = y + h (1/6 k_0 + 2/3 k_1 + 1/6 k_2)",
    ]
