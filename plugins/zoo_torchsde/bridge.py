"""torchsde's solvers as solvers of the zoo: one call of sdeint an interval of the grid."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from solvers_zoo import Solver, SolverCard, State, option
from zoo_torchsde.increments import Increments
from zoo_torchsde.reverse_sde import CLOCKS, ReverseSDE

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Grid, Noise, ScoreModel

#: The calculus each method of torchsde is written for.
CALCULUS = {
    "euler": "ito", "milstein": "ito", "srk": "ito", "heun": "stratonovich", "midpoint": "stratonovich",
    "euler_heun": "stratonovich", "log_ode": "stratonovich", "reversible_heun": "stratonovich",
}  # fmt: skip


class TorchSDE(Solver):
    """The reverse SDE dx = [f - (1 + l^2)/2 g^2 score] dt + l g dW, l = ``level``, in a clock of ``variable`` that grows."""

    card: ClassVar[SolverCard]
    variable: str = option(
        "t", help="integration variable: t, sigma (x/alpha over sigma/alpha) or lam", choices=tuple(CLOCKS)
    )
    level: float = option(1.0, help="noise level: 1 is the reverse SDE, towards 0 the probability flow", above=0.0)

    def facts(self) -> SolverCard:
        """Variable and needs as the option makes them."""
        return replace(self.card, variable=self.variable, needs=CLOCKS[self.variable].needs)

    @abstractmethod
    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """Integrate interval by interval."""


class FixedStep(TorchSDE):
    """One step of a method an interval of the grid."""

    method: ClassVar[str]
    start: ClassVar[int] = 0
    """Model calls before the first step."""

    def nfe(self, steps: int) -> int:
        """Those of the steps, and of the start."""
        return round(self.card.evaluations or 0) * steps + self.start

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """One call of sdeint an interval, whose step is longer than it: torchsde cuts it to the end exactly."""
        sde = ReverseSDE(model, grid, self.variable, self.level, CALCULUS[self.method])
        if state is None:
            state = State(0, grid[0], x)
        for index in range(state.index, grid.steps):
            t, s = grid[index], grid[index + 1]
            x, memory = self._integrate(sde, state.x, (t, s), state.memory, noise.at(index))
            state = State(index + 1, s, x, memory)
            yield state

    def _integrate(
        self, sde: ReverseSDE, x: Tensor, interval: tuple[Any, Any], memory: Any, draws: Draws
    ) -> tuple[Tensor, Any]:
        """The state at the interval's end, and what the method carries on."""
        import torch
        from torchsde import sdeint

        t, s = interval
        a, b = sde.at(t), sde.at(s)
        y = sde.rows(x, t)

        def ask(start: float, end: float, area: bool) -> Any:
            assert (start, end) == (a, b), "a method of one step asks for one increment"
            root, drawn = math.sqrt(b - a), draws.between(t, s, area)
            return tuple(root * part for part in drawn) if area else root * drawn

        extra = None
        if memory is not None:
            f, z = (sde.rows(part, t) for part in memory)
            extra = (f, sde.g(torch.tensor(a), y), z)
            sde.keep(a, y, f)
        ends = torch.tensor([a, b], dtype=torch.float64, device=x.device)
        ys, carried = sdeint(
            sde, y, ends, bm=Increments(ask, y), method=self.method, dt=math.inf, extra=True, extra_solver_state=extra
        )
        kept = tuple(sde.state(part, s) for part in (carried[0], carried[2])) if carried else None
        return sde.state(ys[-1], s), kept
