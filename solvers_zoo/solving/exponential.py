"""Exponential Runge-Kutta methods in the half log-SNR: one class for every tableau of phi functions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.numerics.phi import phi
from solvers_zoo.processes.prediction import FORMS
from solvers_zoo.solving.columns import each_interval
from solvers_zoo.solving.stages import Row, Stage, StagePlan, StageSolver

if TYPE_CHECKING:
    from solvers_zoo.numerics.exponential_tableau import ExponentialTableau
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianPoint, GaussianSDE
    from solvers_zoo.time_grids.base import Grid


class ExponentialRungeKutta(StageSolver):
    r"""Integrate the linear part of the flow in lam exactly, and a prediction D = x0 or eps along a tableau of phi functions.

        x0:   d(x/alpha)/dlam = -x/alpha + x0      z = -h,   m_i = alpha_i h
        eps:  d(x/sigma)/dlam =  x/sigma - eps     z =  h,   m_i = -sigma_i h        h = lam_s - lam_t

        x_i = alpha_i x0 + sigma_i eps + m_i [ (A_i0 - c_i phi_1(c_i z)) D_0 + sum_(j>0) A_ij D_j ]

    and x_s likewise from b at c = 1. The first two terms, of x0 and eps at t, are DDIM's step to the stage, exact for a D that
    does not change; in all but Lawson's methods the bracket is the sum of A_ij (D_j - D_0). An embedded result gives
    ``Step.error`` where `estimates` says so.
    """

    @property
    @abstractmethod
    def form(self) -> str:
        """The prediction that is integrated: ``x0`` or ``eps``."""

    @property
    @abstractmethod
    def tableau(self) -> ExponentialTableau:
        """The method's numbers."""

    @property
    def estimates(self) -> bool:
        """Whether steps give the difference from the embedded result as their error."""
        return False

    def plan(self, grid: Grid) -> Sequence[StagePlan]:
        """For every interval: the rows of the later stages, of the result, and of the error if there is one."""
        sde = grid.sde.as_gaussian()
        return each_interval(lambda t, s: self._interval(sde, t, s), grid)

    def _interval(self, sde: GaussianSDE, t: GaussianPoint, s: GaussianPoint) -> StagePlan:
        T, h = self.tableau, s.lam - t.lam
        z = -h if self.form == "x0" else h
        A, b, b_hat = T.at(z)
        points = {0.0: t, 1.0: s}
        stages: list[Stage] = []
        for c, row in zip(T.c[1:], A[1:], strict=True):
            if c not in points:
                points[c] = sde.at_lam(t.lam + c * h)
            stages.append((points[c], FORMS[self.form](points[c]), self._exact_and(row, c, z, h, points[c])))
        error = None
        if self.estimates and b_hat is not None:
            error = self._row(0.0, 0.0, [x - y for x, y in zip(b, b_hat, strict=True)], h, s)
        return stages, self._exact_and(b, 1.0, z, h, s), error

    def _exact_and(self, weights: Sequence[Scalar], c: float, z: Scalar, h: Scalar, point: GaussianPoint) -> Row:
        """DDIM's step and what the weights change of it."""
        change = [weights[0] - c * phi(1, c * z), *weights[1:]]
        return self._row(point.alpha, point.sigma, change, h, point)

    def _row(self, R: Scalar, S: Scalar, weights: Sequence[Scalar], h: Scalar, point: GaussianPoint) -> Row:
        """R x0 + S eps at t, and m times the weighted D."""
        data = self.form == "x0"
        m = point.alpha * h if data else -point.sigma * h
        later = [(j, m * w) for j, w in enumerate(weights[1:]) if type(w) is not float or w]
        first = m * weights[0]
        return (R + first, S, later) if data else (R, S + first, later)
