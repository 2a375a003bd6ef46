"""Implicit Runge-Kutta: orders, the equations solved exactly, stiff flows, what it costs, and what cannot be solved."""

from __future__ import annotations

import math
import pickle

import pytest
import torch
from flow_cases import MEAN, VAR, exact_end, gaussian, karras, mixture, slope, start
from zoo_implicit.fixed_point import settle

import solvers_zoo as zoo
from solvers_zoo.exact import gaussian_flow
from solvers_zoo.numerics.tableau import Tableau

ORDERS = {
    "backward-euler": 1, "implicit-midpoint": 2, "trapezoid": 2, "sdirk2": 2, "pareschi-russo": 2, "qin-zhang": 2,
    "crouzeix": 3, "sdirk3": 3, "sdirk4": 4, "trbdf2": 2, "kvaerno3": 3, "kencarp3": 3, "kencarp4": 4, "kencarp5": 5,
    "gauss-legendre-4": 4, "gauss-legendre-6": 6, "radau-ia-3": 3, "radau-ia-5": 5, "radau-iia-3": 3, "radau-iia-5": 5,
    "lobatto-iiia-4": 4, "lobatto-iiib-4": 4, "lobatto-iiic-2": 2, "lobatto-iiic-4": 4,
}  # fmt: skip
NAMES = list(ORDERS)


def test_all_are_here_and_their_numbers_have_the_order():
    assert {card.name: card.order for card in zoo.solvers(family="implicit")} == ORDERS
    for name, order in ORDERS.items():
        assert zoo.solver(name).tableau.order == order
        assert all(0 <= c <= 1 for c in zoo.solver(name).tableau.c), f"{name} would call the model outside the grid"


@pytest.mark.parametrize("name", ["backward-euler", "trbdf2", "crouzeix", "sdirk4", "gauss-legendre-4", "radau-iia-3"])
@pytest.mark.slow
def test_measured_order(name):
    steps = (128, 256, 512) if ORDERS[name] == 1 else (16, 32, 64)
    assert slope(name, steps) == pytest.approx(ORDERS[name], abs=0.2)


def solved(tableau: Tableau, model, x, grid, variable):
    """The end of a run on `gaussian`, whose slopes are affine in the state: the stages by a direct solver."""
    u = zoo.VARIABLES[variable]
    for t, s in grid.intervals():
        y, h = x / u.scale(t), u.clock(s) - u.clock(t)
        p, q = [], []  # k_i = p_i Y_i + q_i with Y_i the scaled state
        for c in tableau.c:
            point = u.point(model.sde, u.clock(t) + c * h)
            r, e = u.slope(point)
            spread = point.alpha**2 * VAR + point.sigma**2
            gain = (r * point.alpha * VAR + e * point.sigma) / spread
            p.append(gain * u.scale(point))
            q.append(r * MEAN - gain * point.alpha * MEAN)
        size = tableau.stages
        A = torch.tensor([[*row, *[0.0] * (size - len(row))] for row in tableau.A], dtype=torch.float64)
        p, q = torch.tensor(p, dtype=torch.float64), torch.tensor(q, dtype=torch.float64)
        right = p[:, None] * y.flatten() + q[:, None]
        k = torch.linalg.solve(torch.eye(size, dtype=torch.float64) - h * p[:, None] * A, right)
        x = u.scale(s) * (y + h * (torch.tensor(tableau.b, dtype=torch.float64) @ k).reshape(y.shape))
    return x


@pytest.mark.parametrize("variable", list(zoo.VARIABLES))
@pytest.mark.parametrize("name", NAMES)
def test_the_equations_are_solved(name, variable):
    sde = zoo.VP(t_min=0.01)
    model, x, grid = gaussian(sde, "eps"), start(3), zoo.Grid(sde, [0.9, 0.5, 0.3, 0.02])
    got = zoo.sample(model, solver=f"{name}(variable={variable})", grid=grid, x=x)
    expected = solved(zoo.solver(name).tableau, model, x, grid, variable)
    torch.testing.assert_close(got.x, expected, rtol=1e-9, atol=1e-9)
    assert got.stats["residual"].max() <= 1e-10


@pytest.mark.slow
def test_the_reported_residual_is_the_true_one():
    """Backward Euler's one equation, put together from its own result."""
    model, x, _ = mixture()
    grid = karras(model.sde, 3)
    state = x
    for t, s in grid.intervals():
        got = zoo.sample(model, solver="backward-euler", grid=zoo.Grid(model.sde, [t.t, s.t]), x=state).x
        off = got - (state + (s.rho - t.rho) * model(got, s).eps)
        assert (off.square().mean(1).sqrt() / state.square().mean(1).sqrt().clamp(min=1)).max() <= 1e-10
        state = got


class TestStiff:
    """A mode of width 1e-3, twelve steps down to t = 1e-5: at the last stages |h dk/dy| is near 5e4."""

    sde = zoo.OU()
    model = zoo.Gaussian(mean=[1.0, -0.5], cov=[[1e-6, 0.0], [0.0, 1e-6]], sde=sde)
    grid = zoo.grid("uniform").make_grid(sde, 12)
    x = start(8)

    def error(self, name):
        end = gaussian_flow(self.model, self.x, self.grid[0], self.grid[-1])
        got = zoo.sample(self.model, solver=f"{name}(variable=t)", grid=self.grid, x=self.x)
        return float((got.x - end).square().mean().sqrt()), got

    @pytest.mark.parametrize("name", ["heun", "rk3", "rk4", "dormand-prince", "cooper-verner-8"])
    def test_explicit_methods_blow_up(self, name):
        assert self.error(name)[0] > 100

    @pytest.mark.parametrize("name", sorted({*NAMES} - {"lobatto-iiib-4"}))
    def test_implicit_ones_do_not(self, name):
        """Those that are stiffly accurate end on the narrow mode; the others carry some of the error that the last step makes."""
        error, got = self.error(name)
        tableau = zoo.solver(name).tableau
        assert error < (0.01 if tuple(tableau.b) == tuple(tableau.A[-1]) else 1.0)
        assert got.stats["residual"].max() <= 1e-10

    def test_a_last_stage_that_is_explicit_spoils_it(self):
        """Lobatto IIIB is A-stable where dk/dy is constant, and here it is not."""
        assert self.error("lobatto-iiib-4")[0] > 100


def damping(tableau: Tableau, z: float = -1e9) -> float:
    """R(z) = 1 + z b (I - z A)^-1 1."""
    size = tableau.stages
    A = torch.tensor([[*row, *[0.0] * (size - len(row))] for row in tableau.A], dtype=torch.float64)
    ones, b = torch.ones(size, dtype=torch.float64), torch.tensor(tableau.b, dtype=torch.float64)
    return float(1 + z * b @ torch.linalg.solve(torch.eye(size, dtype=torch.float64) - z * A, ones))


def test_stability_is_what_the_docstrings_say():
    for name in NAMES:
        solver = zoo.solver(name)
        words, R = type(solver).__doc__, abs(damping(solver.tableau))
        assert R < 1e-6 if "L-stable" in words else 1 - 1e-6 < R < 1.0001 or name == "crouzeix", (name, R)


@pytest.mark.parametrize("name", ["sdirk2", "gauss-legendre-4"])
def test_no_sample_knows_of_another(name):
    """A sample alone: the same bits, the same evaluations, although others of its batch need more rounds."""
    sde = zoo.VP(t_min=0.01, t_max=0.9)
    model = zoo.FunctionModel(lambda x, t: torch.tanh(1.3 * x) * (0.9 + 0.1 * x.cos()), sde=sde, prediction="x0")
    x = start(5, 3) * torch.tensor([0.1, 1, 2, 5, 9], dtype=torch.float64)[:, None]
    grid = karras(sde, 4)
    together = zoo.sample(model, solver=name, grid=grid, x=x)
    assert together.stats["evaluations"].unique().numel() > 1
    for i in range(5):
        alone = zoo.sample(model, solver=name, grid=grid, x=x[i : i + 1])
        assert torch.equal(alone.x[0], together.x[i])
        assert alone.nfe == alone.stats["evaluations"].item() == together.stats["evaluations"][i]


def test_float32_settles_to_its_own_rounding():
    model, x, _ = mixture()
    for name in ("sdirk4", "radau-iia-5"):
        got = zoo.sample(model, solver=name, grid=karras(model.sde, 8), x=x.float())
        exact = zoo.sample(model, solver=name, grid=karras(model.sde, 8), x=x)
        assert got.x.dtype is torch.float32
        assert (got.x - exact.x).abs().max() < 1e-5
        assert got.stats["residual"].max() < 64 * 2**-24


@pytest.mark.slow
def test_stages_that_do_not_settle_say_so():
    sde = zoo.EDM(sigma_min=0.05, sigma_max=2.0)
    model = zoo.FunctionModel(lambda x, t: -3 * x.sign(), sde=sde, prediction="x0")  # jumps over where x_s would lie
    with pytest.raises(zoo.ZooError, match=r"stages of step 1 did not settle in 500 rounds; sample \d has a residual"):
        zoo.sample(model, solver="backward-euler", grid=zoo.Grid(sde, [2.0, 0.05]), x=start(3))


def test_cost_is_not_claimed():
    solver = zoo.solver("sdirk2")
    assert solver.nfe(7) is None
    assert solver.facts().implicit
    with pytest.raises(zoo.OptionError, match="only a run can tell"):
        zoo.sample(gaussian(zoo.VP()), solver=solver, nfe=20, n=2)
    with pytest.raises(zoo.OptionError, match="solves equations in every step"):
        zoo.solver("adaptive", solver="sdirk2")


@pytest.mark.parametrize("sde", [zoo.RectifiedFlow(), zoo.Cosine()], ids=lambda sde: sde.card.name)
def test_alpha_zero(sde):
    """Refused in sigma, right in t."""
    grid = zoo.Grid(sde, [sde.t_max, *(sde.t_max * (1 - i / 32) for i in range(1, 32)), max(sde.t_min, 0.01)])
    model, x = gaussian(sde, "v"), start()
    with pytest.raises(zoo.IncompatibleError, match=r"alpha = 0 at t = 1.*variable=t"):
        zoo.sample(model, solver="sdirk2", grid=grid, x=x)
    got = zoo.sample(model, solver="sdirk2(variable=t)", grid=grid, x=x).x
    assert (got - exact_end(x, grid[0], grid[-1])).abs().max() < 1e-2


def test_solvers_pickle():
    solver = zoo.solver("radau5", variable="lam")
    assert pickle.loads(pickle.dumps(solver)) == solver


class TestFixedPoint:
    def test_an_affine_map_takes_few_rounds_more_than_unknowns(self):
        """However large the map's slopes are: 3 unknowns, |G'| up to 1000."""
        B = torch.tensor([[-1000.0, 3, 0], [1, -40, 2], [0, 5, 0.5]], dtype=torch.float64)
        c = torch.tensor([[1.0, -2, 3], [0.5, 0, 1]], dtype=torch.float64)

        def apply(X):
            return [X[0] @ B.T + c], X[0]

        small = torch.full((2,), 1e-10, dtype=torch.float64)
        found = settle(apply, [0 * c], [1.0], small, small, 50, 8)
        assert not found.missed.any()
        assert found.rounds.max() <= 8
        exact = torch.linalg.solve(torch.eye(3, dtype=torch.float64) - B, c.T).T
        torch.testing.assert_close(found.value, exact, rtol=1e-9, atol=1e-9)

    def test_plain_iteration_would_not_do(self):
        def apply(X):
            return [-50 * X[0] + 1], X[0]

        small, x = torch.full((1,), 1e-10, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
        assert settle(apply, [x], [1.0], small, small, 20, 0).missed.all()
        assert settle(apply, [x], [1.0], small, small, 20, 1).rounds.item() == 3

    def test_values_that_are_not_finite_end_it(self):
        def apply(X):
            return [X[0] * math.nan], X[0]

        small, x = torch.full((1,), 1e-10, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
        assert settle(apply, [x], [1.0], small, small, 20, 3).rounds.item() == 1


class TestTableau:
    def test_blocks(self):
        """Which stages need each other."""
        assert zoo.solver("rk4").tableau.blocks == tuple(range(i, i + 1) for i in range(4))
        assert zoo.solver("gauss-legendre-6").tableau.blocks == (range(3),)
        assert zoo.solver("lobatto-iiia-4").tableau.blocks == (range(1), range(1, 3))
        assert zoo.solver("lobatto-iiib-4").tableau.blocks == (range(2), range(2, 3))

    @pytest.mark.parametrize(
        ("A", "message"),
        [
            (((1.0,), (1.0,)), "Row 1 of a diagonally implicit tableau has 2 entries up to the diagonal, not 1"),
            (((0.5, 0.0), (0.5,)), "Row 1 of a full tableau has 2 entries in all, not 1"),
        ],
    )
    def test_rows_of_a_wrong_length(self, A, message):
        with pytest.raises(ValueError, match=message):
            Tableau(A=A, b=(0.5, 0.5), c=(0.5, 0.5))

    def test_it_writes_itself_out(self):
        assert zoo.solver("trapezoid").tableau.formulas().splitlines() == [
            "k_0 = k(u, y)",
            "k_1 = k(u + h, y + h (1/2 k_0 + 1/2 k_1))",
            "y' = y + h (1/2 k_0 + 1/2 k_1)",
        ]
