"""Tableaus of phi functions: their algebra, order from the trees in N and L, stiff order, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch

from solvers_zoo import numerics
from solvers_zoo.numerics.exponential_tableau import ExponentialTableau, coloured_trees, phis

P1, P2, P3 = (phis(k) for k in (1, 2, 3))
H1, H2 = phis(1, 1 / 2), phis(2, 1 / 2)
ETDRK4 = {
    "A": ((), (H1 / 2,), (0.0, H1 / 2), (P1 - H1, 0.0, H1)),
    "b": (P1 - 3 * P2 + 4 * P3, 2 * P2 - 4 * P3, 2 * P2 - 4 * P3, 4 * P3 - P2),
    "c": (0.0, 1 / 2, 1 / 2, 1.0),
}


def test_numbers_of_trees():
    """a(n) = a(n - 1) + the number of forests of n - 1 vertices: a white root over a tree, or a black one over a forest."""
    counts = [len(coloured_trees(n)) for n in range(1, 7)]
    forests = [1]
    for n in range(1, 6):  # Euler's transform: n f_n = sum_k (sum_(d|k) d a_d) f_(n-k)
        power = [sum(d * counts[d - 1] for d in range(1, k + 1) if k % d == 0) for k in range(1, n + 1)]
        forests.append(sum(power[k - 1] * forests[n - k] for k in range(1, n + 1)) // n)
    assert counts == [(counts[n - 2] if n > 1 else 1) + forests[n - 1] for n in range(1, 7)]


@pytest.mark.parametrize("z", [-7.0, -0.3, 0.0, 1.2, torch.tensor([[-0.3], [2.0]], dtype=torch.float64)])
def test_entries_are_their_sums(z):
    entry = 2 * H1 - P2 / 3 + 1.5 - phis(0, 1 / 2) + (1 - P1)
    expected = 2 * numerics.phi(1, z / 2) - numerics.phi(2, z) / 3 + 2.5 - numerics.phi(0, z / 2) - numerics.phi(1, z)
    torch.testing.assert_close(torch.as_tensor(entry(z)), torch.as_tensor(expected), rtol=1e-14, atol=1e-14)
    assert not (entry - entry).terms


def test_series():
    entry = 3 * phis(2, 1 / 2) - 4 * phis(1)
    z = 0.1
    assert math.fsum(entry.series(m) * z**m for m in range(12)) == pytest.approx(entry(z), rel=1e-15)


def test_entries_in_words():
    assert str(P1 / 2 - 2 * phis(2, 1 / 2) + 1) == "1/2 phi_1(z) - 2 phi_2(1/2 z) + 1"
    assert str(-P1) == "-phi_1(z)"
    assert str(P1 - P1) == "0"


def test_orders():
    tableau = ExponentialTableau(**ETDRK4)
    assert (tableau.order, tableau.stiff_order, tableau.classical.order) == (4, 2, 4)


@pytest.mark.parametrize(
    ("changed", "order"),
    [
        ({"A": ((), (H1 / 2,), (0.0, H1 / 2), (0.0, 0.0, P1))}, 3),  # the last stage without its correction
        ({"A": ((), (P1 / 2,), (0.0, H1 / 2), (P1 - H1, 0.0, H1))}, 2),  # a phi at z for one at z/2
        ({"A": ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0))}, 2),  # the classical stages
        ({"b": (P1 / 6, P1 / 3, P1 / 3, P1 / 6)}, 2),
    ],
)
def test_order_is_of_the_phi_functions_not_of_what_they_are_at_zero(changed, order):
    """In each case the classical method at z = 0 still has order 4."""
    tableau = ExponentialTableau(**{**ETDRK4, **changed})
    assert tableau.classical.order == 4
    assert tableau.order == order


def test_order_is_what_a_scalar_equation_shows():
    """u' = L u + cos(u) + u t: the slope of the global error, by the tableau's own definition."""
    tableau = ExponentialTableau(**ETDRK4)

    def end(steps, L=-1.5):
        u, h = 0.3, 1.0 / steps
        A, b, _ = tableau.at(L * h)
        for n in range(steps):
            D = []
            for row, c in zip(A, tableau.c, strict=True):
                stage = math.exp(c * L * h) * u + h * sum(a * d for a, d in zip(row, D, strict=True))
                D.append(math.cos(stage) + stage * (n + c) * h)
            u = math.exp(L * h) * u + h * sum(w * d for w, d in zip(b, D, strict=True))
        return u

    exact = end(4096)
    errors = [abs(end(n) - exact) for n in (16, 32, 64)]
    assert math.log2(errors[0] / errors[2]) / 2 == pytest.approx(4, abs=0.15)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"A": ((), (H1 / 2, P1)), "b": (0.0, P1), "c": (0.0, 0.5)}, "Row 1 .* has 1 entries"),
        ({"A": ((), (H1,)), "b": (0.0, P1), "c": (0.0, 0.5)}, "Row 1 sums to 1.0, but its node c is 0.5"),
        ({"A": ((), (H1 / 2,)), "b": (0.0, P2), "c": (0.0, 0.5)}, "weights b sum to 0.5, not to 1"),
        ({"A": ((), (H1 / 2,)), "b": (P1,), "c": (0.0, 0.5)}, "b has 1 entries for 2 stages"),
    ],
)
def test_refused(numbers, message):
    with pytest.raises(ValueError, match=message):
        ExponentialTableau(**numbers)
