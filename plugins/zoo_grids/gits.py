"""Times chosen by dynamic programming along the trajectories of a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from solvers_zoo import DomainError, Grid, GridCard, GridRule, IncompatibleError, Once, Source, grid, option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import SDE, Fitting, GaussianPoint, Noise, ScoreModel, Solver

#: Weights of later costs that are tried where none is given.
WEIGHTS = (0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2)


class GITS(GridRule):
    r"""The N steps of least total cost among the points of a fine trajectory.

        c_ij = mean over samples of |one step of the solver from x_i to time t_j  -  x_j|,    x_0, x_1, ... the teacher's states
        V_i(k) = min over j > i of  c_ij + weight V_j(k - 1),    V_i(1) = c_iM

    The grid is the path of V_0(N). It is fitted once, to the model and to the solver that will run, before the run and in calls
    counted apart (``Result.stats["fit_nfe"]``). A multistep method takes its start-up step, so c is that of DDIM, as published;
    a single-step one takes its own. Differences are in units of sqrt(alpha^2 + sigma^2), the size of the state. Without a
    ``weight`` several are tried, and the path kept on which the solver itself ends nearest to the teacher.
    """

    card = GridCard(
        name="gits",
        title="GITS",
        aliases=("geometry-inspired",),
        formula="least sum of weight^k c_ij over N steps of a fine trajectory, c_ij the error of one step from i to j",
        needs=("gaussian",),
        smooth=False,
        fitted=True,
        source=Source(
            authors="Chen et al. 2024",
            title="On the Trajectory Regularity of ODE-based Diffusion Sampling",
            arxiv="2405.11326",
            where="geometry-inspired time scheduling; gits_utils.py of the authors' repository",
        ),
    )
    weight: float | None = option(
        None, kind="float", help="of later costs; 1.15 in the paper's code; the best of several if none", above=0.0
    )
    fine: int = option(60, help="steps of the teacher's trajectory, among whose points the grid is chosen", low=1)
    samples: int = option(64, help="trajectories that the fit looks at", low=1)
    seed: int = option(11326, help="their seed; the run's own samples are others")
    teacher: Any = option("dpmpp-2m", kind="solver", help="the solver that makes the fine trajectory")
    base: Any = option(None, kind="grid", help="the fine trajectory's grid; the process's own if none")
    student: Any = option(None, kind="solver", help="the solver whose steps are measured; the run's own if none")

    def times(self, sde: SDE, steps: int) -> Sequence[float]:
        """Refused: without a model there is nothing to fit."""
        raise IncompatibleError(
            f"The grid {self} is fitted to a model and a solver: give it to sample (grid={str(self)!r}), which has both."
        )

    def fit(self, fitting: Fitting, steps: int) -> Sequence[float]:
        """``steps`` + 1 of the fine grid's times."""
        sde, solver = fitting.model.sde, self.student if self.student is not None else fitting.solver
        fine = self._fine_grid(sde)
        if steps > fine.steps:
            raise DomainError(f"The grid {self} chooses among {fine.steps} steps, not {steps}: raise its option fine.")
        for one, way in ((self.teacher, fine), (solver, Grid(sde, fine.points, smooth=False))):
            if reason := _unfit(one, sde, way):
                raise IncompatibleError(f"The grid {self} cannot be fitted with {one} on {sde}: {reason}.")
        model, x, noise = fitting.start(self.samples, self.seed)
        path = [x, *(state.x for state in self.teacher.solve(model, x, fine, noise))]
        cost = step_costs(model, solver, fine, path, noise)
        weights = WEIGHTS if self.weight is None else (self.weight,)
        found = [
            Grid(sde, [fine[i] for i in nodes], smooth=False)
            for nodes in dict.fromkeys(least_cost(cost, steps, weight) for weight in weights)
        ]
        if len(found) > 1:
            found.sort(key=lambda chosen: distance(last(solver, model, x, chosen, noise), path[-1], fine[-1]))
        return found[0].times

    def _fine_grid(self, sde: SDE) -> Grid:
        rule = self.base if self.base is not None else grid(sde.default_grid)
        return rule.make_grid(sde, self.fine)


def _unfit(solver: Solver, sde: SDE, way: Grid) -> str | None:
    facts = solver.facts()
    if facts.stochastic:
        return "it is stochastic, so the error of a step is mostly noise"
    if facts.adaptive:
        return "it chooses its own steps"
    return solver.supports(sde, way)


def distance(x: Tensor, y: Tensor, point: GaussianPoint) -> float:
    """Mean distance between states at ``point``, in units of sqrt(alpha^2 + sigma^2); infinite where a step blew up."""
    mean = float((x - y).double().flatten(1).norm(dim=1).mean()) / math.hypot(point.alpha, point.sigma)
    return mean if math.isfinite(mean) else math.inf


def last(solver: Solver, model: ScoreModel, x: Tensor, way: Grid, noise: Noise) -> Tensor:
    """Where the solver ends."""
    for state in solver.solve(model, x, way, noise):
        x = state.x
    return x


def step_costs(
    model: ScoreModel, solver: Solver, fine: Grid, path: Sequence[Tensor], noise: Noise
) -> list[list[float]]:
    """cost[i][j], j > i: the error of one step of the solver along the trajectory ``path``; 0 elsewhere."""
    M = fine.steps
    cost = [[0.0] * (M + 1) for _ in range(M + 1)]
    for i in range(M):
        start = Once(model, path[i], fine[i])
        for j in range(i + 1, M + 1):
            leap = Grid(fine.sde, [fine[i], fine[j]], smooth=False)
            cost[i][j] = distance(last(solver, start, path[i], leap, noise), path[j], fine[j])
    return cost


def least_cost(cost: Sequence[Sequence[float]], steps: int, weight: float) -> tuple[int, ...]:
    """The nodes 0 = n_0 < ... < n_steps = M with the least c_01 + weight (c_12 + weight (c_23 + ...)).

    Args:
        cost: (M + 1) x (M + 1), of which j > i is read.
        steps: 1 to M.
        weight: of later costs against earlier ones.

    """
    M = len(cost) - 1
    value = [row[M] for row in cost]  # from node i in one step
    following = []
    for k in range(2, steps + 1):
        # k - 1 steps are left from j, so that j <= M - k + 1
        best = [
            min(((cost[i][j] + weight * value[j], j) for j in range(i + 1, M - k + 2)), default=(float("inf"), M))
            for i in range(M + 1)
        ]
        following.append([j for _, j in best])
        value = [v for v, _ in best]
    nodes = [0]
    for choice in reversed(following):
        nodes.append(choice[nodes[-1]])
    return (*nodes, M)
