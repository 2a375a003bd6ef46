"""Heun++: a step that looks ahead to the end of the next one. The published blend of slopes, and the one that is a quadrature."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo import VARIABLES, SolverCard, Source, Step, StepSolver, combine

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Grid, Interval, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar


class Plan(NamedTuple):
    """One interval's numbers; h_i = w_i h with the weights w of the slopes eps_1, eps_2, eps_3 that the step takes."""

    ahead: Any
    """The point where eps_3 is taken; None where the step does without."""
    a: tuple[Any, Any]
    """The row of its state, y + a_1 h eps_1 + a_2 h eps_2."""
    w: tuple[Any, Any, Any]
    h: Scalar


def _source(where: str) -> Source:
    return Source(
        authors="Carzit",
        title="sd-webui-samplers-scheduler, sampler Heun++ 2 (heunpp2 in ComfyUI)",
        link="https://github.com/Carzit/sd-webui-samplers-scheduler",
        where=where,
    )


class LookAhead(StepSolver):
    """Three slopes, at t, at s, and at a point further on, in sigma: y = x/alpha, rho = sigma/alpha, dy/drho = eps.

    Subclasses give the point further on and the weights a and w of

        x_2 = alpha_s (y + h eps_1),  x_3 = alpha_3 (y + a_1 h eps_1 + a_2 h eps_2),  h = rho_s - rho_t,
        x_s = alpha_s (y + h (w_1 eps_1 + w_2 eps_2 + w_3 eps_3)).
    """

    @abstractmethod
    def plan(self, grid: Grid) -> Sequence[Plan]:
        """What is ahead of every interval, and the weights there."""

    def step(self, model: ScoreModel, x: Tensor, interval: Interval, memory: object, noise: Draws) -> Step:
        """One step, with as many evaluations as there are weights that count."""
        t, s, (ahead, (a_1, a_2), (w_1, w_2, w_3), h), _ = interval
        first = model(x, t)
        slopes: list[tuple[Any, Tensor]] = []
        if ahead is not None or type(w_2) is not float or w_2:
            eps_2 = model(first.mix(s.alpha, s.sigma), s).eps
            slopes.append((s.alpha * h * w_2, eps_2))
        if ahead is not None:
            to_3 = first.terms(ahead.alpha, ahead.alpha * (t.rho + a_1 * h))
            eps_3 = model(combine(*to_3, (ahead.alpha * h * a_2, eps_2)), ahead).eps
            slopes.append((s.alpha * h * w_3, eps_3))
        return Step(combine(*first.terms(s.alpha, s.alpha * (t.rho + w_1 * h)), *slopes))


class Heunpp2(LookAhead):
    r"""Heun++ with the weights that its three points call for, of order 3 on any grid.

    With c = 1 + r, r the next step over this one, the slopes lie at 0, 1 and c of the step. The weights integrate a quadratic,

        w_3 = -1 / (6 r c),   w_2 = 1/2 - c w_3,   w_1 = 1 - w_2 - w_3,

    and a_2 = 1/(6 w_3) = -r c, a_1 = c - a_2 = c^2 bring the third state where the remaining condition of order 3 wants it: where
    the quadratic through y, eps_1 and eps_2 is at c. The last step has nothing ahead and looks half way back, r = -1/2, which
    makes it the step of ssprk3. The published sampler blends with weights in proportion to sigma, which are no quadrature, and
    takes two Euler steps to the third state (``heunpp2-published``).
    """

    card = SolverCard(
        name="heunpp2",
        title="Heun++ 2, mended",
        family="runge-kutta",
        order=3,
        evaluations=3,
        variable="sigma",
        needs=("gaussian", "finite-lam"),
        source=_source("sample_heunpp2, with weights from the conditions of order 3"),
    )

    def plan(self, grid: Grid) -> Sequence[Plan]:
        """Weights for the ratio of each step to the one before."""
        points = grid.points
        plans = []
        for i, (t, s) in enumerate(grid.intervals()):
            h = s.rho - t.rho
            if i + 2 < len(points):
                ahead = points[i + 2]
                r = (ahead.rho - s.rho) / h
            else:
                ahead, r = VARIABLES["sigma"].point(grid.sde, t.rho + h / 2), -0.5
            c = 1 + r
            w_3 = -1 / (6 * r * c)
            w_2 = 0.5 - c * w_3
            plans.append(Plan(ahead, (c * c, -r * c), (1 - w_2 - w_3, w_2, w_3), h))
        return plans


class Heunpp2Published(LookAhead):
    r"""Heun++ as published: slopes blended in proportion to where they lie, w_2 = rho_s / (3 rho_0), w_3 = rho_3 / (3 rho_0).

    rho_0 is the grid's first value; w_1 = 1 - w_2 - w_3, and x_3 is two Euler steps on. The last step but one does without eps_3,
    w_2 = rho_s / (2 rho_0), and the last is Euler's. The blend is no quadrature, so the order is 1 whatever it costs; at few steps
    it damps the early steps, where rho_s is near rho_0 and the blend nearly the mean.
    """

    card = SolverCard(
        name="heunpp2-published",
        title="Heun++ 2 as published",
        family="runge-kutta",
        order=1,
        evaluations=3,
        variable="sigma",
        needs=("gaussian", "finite-lam", "decreasing"),
        source=_source("sample_heunpp2, as copied in ComfyUI's comfy/k_diffusion/sampling.py"),
    )

    def nfe(self, steps: int) -> int:
        """Three calls a step, two in the last but one, one in the last."""
        return max(3 * steps - 3, 1)

    def plan(self, grid: Grid) -> Sequence[Plan]:
        """The published blends."""
        points, top = grid.points, grid.points[0].rho
        plans = []
        for i, (t, s) in enumerate(grid.intervals()):
            h, left = s.rho - t.rho, grid.steps - i
            if left == 1:
                plans.append(Plan(None, (0.0, 0.0), (1.0, 0.0, 0.0), h))
            elif left == 2:
                w = s.rho / (2 * top)
                plans.append(Plan(None, (0.0, 0.0), (1 - w, w, 0.0), h))
            else:
                ahead = points[i + 2]
                w_2, w_3 = s.rho / (3 * top), ahead.rho / (3 * top)
                plans.append(Plan(ahead, (1.0, (ahead.rho - s.rho) / h), (1 - w_2 - w_3, w_2, w_3), h))
        return plans
