"""Extrapolation methods: the same step with ever more substeps, and the limit that the results point to.

T_j1 is the step with n_j substeps of a base method whose error is a series in H^e, H = h / n_j. Aitken and Neville's scheme

    T_(j,k+1) = T_jk + (T_jk - T_(j-1,k)) / ((n_j / n_(j-k))^e - 1)

removes one term of the series after the other (Hairer, Norsett & Wanner, "Solving Ordinary Differential Equations I", Section
II.9). All of it is linear in the slopes, so a method of fixed order is an explicit Runge-Kutta method, and its tableau is
what this module computes: T_11, ..., T_kk as weights of the slopes that they use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from solvers_zoo import option
from solvers_zoo.numerics.tableau import Tableau
from zoo_runge_kutta.runge_kutta import RungeKutta, book, method_card

#: The states that the substeps of length 1/n lead to: ``substeps(n, stage)``, where a state is its weights of the slopes and
#: ``stage(state, c)`` evaluates the slope at a state and gives its number.
State = dict[int, float]
Substeps = Callable[[int, Callable[[State, float], int]], State]


def euler_steps(n: int, stage: Callable[[State, float], int]) -> State:
    """n Euler steps, y_(i+1) = y_i + H f_i; the error is a series in H."""
    y: State = {}
    for i in range(n):
        y = {**y, stage(y, i / n): 1 / n}
    return y


def midpoint_steps(n: int, stage: Callable[[State, float], int]) -> State:
    """Gragg's n steps, y_1 = y_0 + H f_0, y_(i+1) = y_(i-1) + 2 H f_i; with even n the error is a series in H^2."""
    before: State = {}
    y: State = {stage({}, 0.0): 1 / n}
    for i in range(1, n):
        before, y = y, {**before, stage(y, i / n): 2 / n}
    return y


@cache
def extrapolated(substeps: Substeps, numbers: Sequence[int], power: int) -> Tableau:
    """The tableau of T_kk for n_1, ..., n_k = ``numbers`` and e = ``power``.

    T_(k,k-1) is of order ``power`` less, so it serves as the embedded result where that is 1.
    """
    A: list[State] = []
    c: list[float] = []

    def stage(y: State, node: float) -> int:
        if node == 0 and A:  # the slope at the start serves all
            return 0
        A.append(y)
        c.append(node)
        return len(A) - 1

    row: list[State] = []
    for j, n in enumerate(numbers):
        row_before, row = row, [substeps(n, stage)]
        for k in range(j):
            share = 1 / ((n / numbers[j - 1 - k]) ** power - 1)
            row.append(_mix(1 + share, row[k], -share, row_before[k]))
    stages = len(A)
    b = [[y.get(i, 0.0) for i in range(stages)] for y in row]
    rows = [[y.get(j, 0.0) for j in range(i)] for i, y in enumerate(A)]
    return Tableau(rows, b[-1], c, b[-2] if power == 1 and len(b) > 1 else None)


def _mix(p: float, y: State, q: float, z: State) -> State:
    return {i: p * y.get(i, 0.0) + q * z.get(i, 0.0) for i in y.keys() | z.keys()}


def _by_euler(order: int) -> Tableau:
    return extrapolated(euler_steps, tuple(range(1, order + 1)), 1)


def _by_midpoint(order: int) -> Tableau:
    return extrapolated(midpoint_steps, tuple(range(2, order + 1, 2)), 2)


class ExtrapolatedEuler(RungeKutta):
    """Euler with 1, 2, ..., order substeps, extrapolated in H: T_kk with k = order."""

    order: int = option(3, help="order, and the most substeps", low=3, high=6)
    card = method_card(
        "extrapolated-euler",
        "Extrapolated Euler",
        _by_euler(3),
        book("Section II.9, the explicit Euler method with the harmonic sequence"),
    )

    @property
    def tableau(self) -> Tableau:  # type: ignore[override]
        """The numbers for ``order``."""
        return _by_euler(self.order)


class GraggBulirschStoer(RungeKutta):
    """Gragg's midpoint rule with 2, 4, ..., order substeps, extrapolated in H^2: T_kk with k = order/2, without smoothing."""

    order: int = option(6, help="order, and the most substeps", choices=(4, 6, 8))
    card = method_card(
        "gragg-bulirsch-stoer",
        "Gragg-Bulirsch-Stoer",
        _by_midpoint(6),
        book("Section II.9, the GBS method with twice the harmonic sequence"),
        aliases=("gbs",),
    )

    @property
    def tableau(self) -> Tableau:  # type: ignore[override]
        """The numbers for ``order``."""
        return _by_midpoint(self.order)
