"""Underdamped (kinetic) Langevin dynamics at one noise level: what all integrators of it share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from solvers_zoo import Draws, SolverCard, Source, Step, StepSolver, option

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import GaussianPoint, Grid, Interval, ScoreModel

#: score(x) at the level of the chain.
Force = Callable[["Tensor"], "Tensor"]


class Kinetic(StepSolver):
    r"""Langevin dynamics with a velocity, on the law p at the grid's last time, whatever the other times are.

        dx = v dt,    dv = (grad log p(x) - gamma v) dt + sqrt(2 gamma) dB,      stationary law p(x) N(v; 0, I)

    Every interval of the grid is one step of length ``h``, so the grid only counts them. The velocity travels in memory and begins
    at N(0, I). In units of x: h^2 compares with the variance of p, and gamma h = 1 or so mixes fastest.

    The chain's stationary law is p up to a power of h. On N(m, V) it has a closed form: with the force -x/V a step is a
    linear map M of (x, v) and of its normals, N, so that the covariance solves S = M S M' + N N'.
    """

    h: float = option(0.05, help="step size", above=0.0)
    gamma: float = option(2.0, help="friction", above=0.0)

    @abstractmethod
    def move(
        self, force: Force, x: Tensor, v: Tensor, f: Tensor | None, draws: Draws
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """One step of the chain: new x, v, and the force at the new x if it is already known.

        Args:
            force: grad log p.
            x: the state, (B, ...).
            v: the velocity.
            f: force(x), if the last step left it.
            draws: the normals of the step.

        """

    def plan_interval(self, grid: Grid, t: GaussianPoint, s: GaussianPoint) -> GaussianPoint:
        """The last point of the grid, for every interval."""
        return grid[-1]

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: Any, noise: Draws) -> Step:
        """One step of the chain."""
        v, f = memory if memory is not None else (noise.fresh(), None)
        x, v, f = self.move(lambda y: model(y, interval.plan).score, x, v, f, noise)
        return Step(x, (v, f))

    def finer(self) -> Kinetic:
        """With h/2."""
        return self.replace(h=self.h / 2)

    def stationary_variance(self, variance: float, grid: Grid) -> float:
        """The variance of x in the solution of S = M S M' + N N', M and N from a step of unit vectors."""
        import torch

        x, v, *z = torch.eye(2 + _DRAWS, dtype=torch.float64)
        x, v, _ = self.move(lambda y: -y / variance, x, v, None, _Units(z))
        moved = torch.stack([x, v])
        M, S = moved[:, :2], moved[:, 2:] @ moved[:, 2:].mT
        for _ in range(64):  # S is the sum of M^i N N' M'^i over 1, 2, 4, 8, ... steps
            S, M = S + M @ S @ M.mT, M @ M
        return float(S[0, 0])


#: Draws of a step, at most.
_DRAWS = 3


class _Units(Draws):
    """Unit vectors in place of normals."""

    def __init__(self, units: list[Tensor]) -> None:
        self._units = iter(units)

    def fresh(self) -> Tensor:
        """The next one."""
        return next(self._units)

    def uniform(self) -> Tensor:
        """Kinetic chains draw normals alone."""
        raise NotImplementedError


def kinetic_card(name: str, title: str, evaluations: int, bias: str, bias_order: float, source: Source) -> SolverCard:
    """The card of an integrator."""
    return SolverCard(
        name=name,
        title=title,
        family="langevin",
        evaluations=evaluations,
        stochastic=True,
        stationary=True,
        bias=bias,
        bias_order=bias_order,
        needs=(),
        source=source,
    )
