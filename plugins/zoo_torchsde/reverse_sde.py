"""The reverse SDE as torchsde wants it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from solvers_zoo import VARIABLES, combine
from solvers_zoo.numerics import sqrt

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from solvers_zoo import GaussianPoint, Grid, ScoreModel


@dataclass(frozen=True)
class Clock:
    """How the reverse SDE reads in one integration variable, for the scaled state and a clock that grows while sampling.

    Attributes:
        sign: of the clock against the variable.
        noise: what multiplies dW at a point, at level 1: g in t; sqrt(d(rho^2)/du) in the others, as g^2 = alpha^2 d(rho^2)/dt.
        needs: what a solver card needs.

    """

    sign: float
    noise: Callable[[Any], Any]
    needs: tuple[str, ...]


CLOCKS = {
    "t": Clock(-1.0, lambda point: point.g, ("finite-diffusion", "decreasing")),
    "sigma": Clock(-1.0, lambda point: sqrt(2 * point.rho), ("gaussian", "finite-lam", "decreasing")),
    "lam": Clock(1.0, lambda point: math.sqrt(2) * point.rho, ("gaussian", "finite-lam", "decreasing")),
}


class ReverseSDE:
    """Drift ``f`` and diffusion ``g`` for torchsde: time is the clock, and every coordinate is a row of its own, (B d, 1).

    Diffusion depends on time alone, so the noise is additive and Ito and Stratonovich integrals are the same. torchsde
    writes additive noise as a matrix (d, m) a row; with one coordinate a row it is 1 x 1, however large the images.

    torchsde asks for f at the start of every call to see its shape, and its srk asks for stages again: the last answer
    is kept, so that neither costs a model call.
    """

    noise_type = "additive"

    def __init__(self, model: ScoreModel, grid: Grid, variable: str, level: float, sde_type: str) -> None:
        self.model, self.sde, self.level, self.sde_type = model, grid.sde, level, sde_type
        self.variable, self.clock = VARIABLES[variable], CLOCKS[variable]
        self.shape: Any = (-1,)
        self.points = {self.at(point): point for point in grid}
        clocks, self.steps = list(self.points), grid.steps
        self.low, self.high = clocks[0], clocks[-1]
        self._last: tuple[float, Any, Any] = (math.nan, None, None)

    def at(self, point: GaussianPoint) -> float:
        """The clock at a point."""
        return self.clock.sign * float(self.variable.clock(point))

    def point(self, u: float) -> Any:
        """The point at a clock, never outside the grid's range."""
        u = min(max(u, self.low), self.high)
        known = self.points.get(u)
        return known if known is not None else self.variable.point(self.sde, self.clock.sign * u)

    def rows(self, x: Tensor, point: GaussianPoint) -> Tensor:
        """A state as rows of scaled coordinates, (B d, 1)."""
        self.shape = x.shape
        scale = self.variable.scale(point)
        return (x if scale == 1.0 else combine((1 / scale, x))).reshape(-1, 1)

    def state(self, y: Tensor, point: GaussianPoint) -> Tensor:
        """Rows as a state of the shape that `rows` saw last."""
        x, scale = y.reshape(self.shape), self.variable.scale(point)
        return x if scale == 1.0 else combine((scale, x))

    def f(self, u: Tensor, y: Tensor) -> Tensor:
        """Drift."""
        clock = float(u)
        if clock == self._last[0] and y is self._last[1]:
            kept: Tensor = self._last[2]
            return kept
        point = self.point(clock)
        now = self.model(self.state(y, point), point)
        if self.variable.name == "t":
            slope = now.drift(self.level)
        else:  # y = x/alpha moves along eps alone, and the score is eps too
            r, s = self.variable.slope(point)
            slope = now.mix(r, (1 + self.level**2) * s)
        out = (slope if self.clock.sign == 1.0 else slope.neg()).reshape(-1, 1)
        self._last = (clock, y, out)
        return out

    def g(self, u: Tensor, y: Tensor) -> Tensor:
        """Diffusion, (B d, 1, 1)."""
        value = self.level * self.clock.noise(self.point(float(u)))
        return y.new_full((1, 1, 1), value).expand(len(y), 1, 1)
