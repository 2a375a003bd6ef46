"""Runs that go down the grid in legs and, between them, back up by fresh noise."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from solvers_zoo import Draws, Noise, OptionError, Solver, SolverCard, State, combine, option
from solvers_zoo.numerics import sqrt

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import GaussianPoint, Grid, ScoreModel


class Legs(Solver):
    r"""The ``solver`` run over one grid after the other, each from where noise has lifted the end of the one before.

        x_up = alpha_up/alpha x + alpha_up sqrt(rho_up^2 - rho^2) z,    rho = sigma/alpha

    is the forward process's own transition, so the law at x_up is as exact as the one at x. Every leg starts without memory.
    """

    solver: Solver = option("heun", kind="solver", help="the solver of every leg")

    @abstractmethod
    def legs(self, grid: Grid) -> Sequence[Grid]:
        """The grids to run, each beginning above the end of the one before."""

    @property
    def runner(self) -> Solver:
        """What runs the legs: the solver, unless a subclass adds to its steps."""
        return self.solver

    def check(self) -> None:
        """Legs are run by something that moves in time."""
        if self.solver.facts().stationary:
            raise OptionError(f"{self.spec_name()}: solver = {self.solver} is not possible; it does not move in time.")

    def inherited(self) -> SolverCard:
        """The card with what any such run takes over from its solver."""
        inner, own = self.solver.facts(), self.card
        return replace(
            own,
            evaluations=None,
            needs=tuple(dict.fromkeys((*inner.needs, *own.needs))),
            weak_order=inner.weak_order or inner.order,
            variable=inner.variable,
            adaptive=inner.adaptive,
            affine=inner.affine,
            batch_coupled=inner.batch_coupled,
            resumable=inner.resumable,
            bias=inner.bias or own.bias,
        )

    def cost(self, steps: int) -> int | None:
        """Model calls of ``steps`` steps in any number of legs; None where a start costs more than a step."""
        each = self.solver.facts().evaluations
        return round(each * steps) if each is not None and self.solver.nfe(1) == each else None

    def report(self, state: State) -> dict[str, Any]:
        """The solver's own, on the last leg."""
        return self.solver.report(replace(state, memory=state.memory[2]))

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """Run the legs. Every step of every leg gives a State, with memory (leg, index where it began, the solver's own)."""
        legs = self.legs(grid)
        leg, begun, inner = 0, 0, None
        if state is not None:
            leg, begun, memory = state.memory
            x, inner = state.x, State(state.index - begun, state.point, state.x, memory)
        while True:
            # leg l is at address index + l, and the lift before it at the one left free: no number serves twice
            draws = Again(noise, begun + leg) if leg else noise
            index = begun + (inner.index if inner else 0)
            for now in self.runner.solve(model, x, legs[leg], draws, inner):
                x, index = now.x, begun + now.index
                yield State(index, now.point, x, (leg, begun, now.memory))
            leg, begun, inner = leg + 1, index, None
            if leg == len(legs):
                return
            x = lift(x, legs[leg - 1][-1], legs[leg][0], noise.at(begun + leg - 1).fresh())


def lift(x: Tensor, low: GaussianPoint, up: GaussianPoint, z: Tensor) -> Tensor:
    """The forward transition from point ``low`` to the noisier point ``up``."""
    carried = up.alpha / low.alpha
    return combine((carried, x), (sqrt(up.sigma**2 - (carried * low.sigma) ** 2), z))  # also where alpha_up = 0


class Again(Noise):
    """Noise for going over times once more: other addresses, and increments that no Brownian path has used."""

    def __init__(self, noise: Noise, offset: int) -> None:
        self.noise, self.offset = noise, offset

    def at(self, index: int) -> Draws:
        """The draws of step ``index`` of the leg."""
        return _Fresh(self.noise.at(index + self.offset))


class _Fresh(Draws):
    """The draws of a step, but for its increments: they are fresh, whatever was drawn between these points on an earlier leg."""

    def __init__(self, draws: Draws) -> None:
        self.draws = draws

    def fresh(self) -> Tensor:
        """N(0, I)."""
        return self.draws.fresh()

    def uniform(self) -> Tensor:
        """Uniforms, (B,)."""
        return self.draws.uniform()
