"""torchsde's solvers as solvers of the zoo: one call of sdeint an interval of the grid."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from solvers_zoo import Interval, Solver, SolverCard, State, option
from zoo_torchsde.increments import Increments
from zoo_torchsde.reverse_sde import CLOCKS, ReverseSDE

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Grid, Noise, ScoreModel

#: The calculus each method of torchsde is written for.
CALCULUS = {
    "euler": "ito",
    "milstein": "ito",
    "srk": "ito",
    "heun": "stratonovich",
    "midpoint": "stratonovich",
    "euler_heun": "stratonovich",
    "log_ode": "stratonovich",
}


class TorchSDE(Solver):
    """The reverse SDE dx = [f - (1 + l^2)/2 g^2 score] dt + l g dW, l = ``level``, in a clock of ``variable`` that grows."""

    card: ClassVar[SolverCard]
    variable: str = option(
        "t", help="integration variable: t, sigma (x/alpha over sigma/alpha) or lam", choices=tuple(CLOCKS)
    )
    level: float = option(1.0, help="noise level: 1 is the reverse SDE, towards 0 the probability flow", above=0.0)

    def facts(self) -> SolverCard:
        """Variable, needs and noise as the options make them."""
        return replace(self.card, variable=self.variable, needs=CLOCKS[self.variable].needs, noise_level=self.level)

    @property
    @abstractmethod
    def method(self) -> str:
        """The method's name in torchsde."""

    @abstractmethod
    def integrate(self, sde: ReverseSDE, x: Tensor, interval: Interval, draws: Draws) -> Tensor:
        """The state at the end of the interval."""

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """One call of sdeint an interval of the grid."""
        sde = ReverseSDE(model, grid, self.variable, self.level, CALCULUS[self.method])
        if state is None:
            state = State(0, grid[0], x)
        for index in range(state.index, grid.steps):
            interval = Interval(grid[index], grid[index + 1], number=index)
            state = State(index + 1, interval.s, self.integrate(sde, state.x, interval, noise.at(index)))
            yield state


class FixedStep(TorchSDE):
    """One step of a method an interval of the grid."""

    method: ClassVar[str]

    def facts(self) -> SolverCard:
        """Equivalents as the options make them; an order above 1 needs areas in the clock itself, and the zoo's paths run in lam."""
        facts, both = super().facts(), f"level={self.level}, variable={self.variable}"
        same = [f"{name}({both})" for name in self.card.equivalents if name != "euler-maruyama"]
        if self.variable == "t" and "euler-maruyama" in self.card.equivalents:
            same.append(f"euler-maruyama(level={self.level})")
        strong = self.card.strong_order
        if strong is not None and strong > 1 and self.variable != "lam":
            strong = None
        return replace(facts, strong_order=strong, equivalents=tuple(same))

    def integrate(self, sde: ReverseSDE, x: Tensor, interval: Interval, draws: Draws) -> Tensor:
        """One call of sdeint, whose step is longer than the interval: torchsde cuts it to the end exactly."""
        import torch
        from torchsde import sdeint

        t, s = interval.t, interval.s
        a, b = sde.at(t), sde.at(s)
        y = sde.rows(x, t)

        def ask(start: float, end: float, area: bool) -> Any:
            assert (start, end) == (a, b), "a method of one step asks for one increment"
            root, drawn = math.sqrt(b - a), draws.between(t, s, area)
            return tuple(root * part for part in drawn) if area else root * drawn

        ends = torch.tensor([a, b], dtype=torch.float64, device=x.device)
        return sde.state(sdeint(sde, y, ends, bm=Increments(ask, y), method=self.method, dt=math.inf)[-1], s)


class EulerStep(FixedStep):
    """A method with Euler's drift. In lam its leading errors nearly cancel and no order shows below a thousand steps: not offered."""

    variable: str = option(
        "t", help="integration variable: t or sigma (x/alpha over sigma/alpha)", choices=("t", "sigma")
    )
