"""ParaDiGMS: the steps of a run side by side, as a fixed point of all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo import (
    Draws,
    Grid,
    Interval,
    OptionError,
    Solver,
    SolverCard,
    Source,
    State,
    StepSolver,
    made_of_steps,
    option,
)

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Noise, Point, ScoreModel


class Reached(NamedTuple):
    """What is carried between rounds."""

    path: Tensor
    """The states at all times of the grid as far as they are known, (N + 1, B, ...); beyond the window, guesses."""
    done: Tensor
    """Steps that are final, for every sample: (B,)."""
    rounds: Tensor
    """Rounds that each sample took, (B,)."""


class Picard(Solver):
    r"""Picard iteration over a window of W steps of a one-step ``solver`` Phi, all of them in one model call a stage.

        x_(i+k+1) <- x_i + sum_(j<=k) (Phi_(i+j)(x_(i+j)) - x_(i+j)),     k = 0, ..., W - 1

    Then the window moves over every step whose change is at most ``tol``, in root mean square and in units of
    sqrt(alpha^2 + sigma^2), and over one step at least, as the first is always exact. With tol = 0 the result is the
    solver's own but for rounding; W rounds over one window make all of it exact. A stochastic solver sees in every round
    the noise of its own steps.

    Each sample has its own window and moves at its own speed. A model sees W times the batch: it is called once a stage
    and round, with a time for every row. ``Result.nfe`` counts these calls, which is how long it takes where a device has
    room for them; ``stats`` has the ``rounds`` and the ``evaluations`` that each sample took.
    """

    card = SolverCard(
        name="picard",
        title="ParaDiGMS (Picard iteration)",
        family="wrapper",
        aliases=("paradigms",),
        evaluations=None,
        source=Source(
            authors="Shih et al. 2023",
            title="Parallel Sampling of Diffusion Models",
            arxiv="2305.16317",
            where="Algorithm 1",
        ),
    )
    solver: Solver = option("heun", kind="solver", help="the one-step solver whose steps run side by side")
    window: int = option(8, help="steps side by side, W", low=1)
    tol: float = option(
        1e-6, help="change of a state that counts as none, in units of sqrt(alpha^2 + sigma^2)", low=0.0
    )

    def check(self) -> None:
        """Steps side by side cannot wait for each other's memory."""
        facts = self.solver.facts()
        reasons = {
            "it is not made of single steps": not isinstance(self.solver, StepSolver),
            "it remembers earlier steps": facts.memory > 0,
            "it couples the samples of a batch": facts.batch_coupled,
            "it does not move in time": facts.stationary,
        }
        for reason, holds in reasons.items():
            if holds:
                raise OptionError(f"picard: solver = {self.solver} is not possible; {reason}.")

    def facts(self) -> SolverCard:
        """The solver's card; what it costs only a run can tell."""
        card = self.card
        return replace(card.around(self.solver.facts()), aliases=card.aliases, evaluations=None)

    def nfe(self, steps: int) -> None:
        """Only a run can tell."""
        return

    def report(self, state: State) -> dict[str, Any]:
        """Rounds and evaluations of every sample."""
        rounds, steps = state.memory[2], len(state.memory[0]) - 1
        each = self.solver.facts().evaluations or 1
        return {"rounds": rounds, "evaluations": rounds * round(each) * min(self.window, steps)}

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """One State a round; its index counts rounds, its point is that of the sample furthest behind."""
        import torch

        N, W, B = grid.steps, min(self.window, grid.steps), len(x)
        if state is None:
            count = torch.zeros(B, dtype=torch.long, device=x.device)
            state = State(0, grid[0], x, Reached(x.expand(N + 1, *x.shape), count, count))
        column = (W * B, *[1] * (x.dim() - 1))
        times = torch.tensor(grid.times, dtype=torch.float64, device=x.device)
        sizes = torch.tensor([(p.alpha**2 + p.sigma**2) ** 0.5 for p in grid.points], device=x.device)
        sample, offset, place = (torch.arange(n, device=x.device) for n in (B, W, N + 1))
        path, done, rounds = state.memory
        stepper = made_of_steps(self.solver)
        while bool((done < N).any()):
            steps = done + offset[:, None]  # (W, B)
            inside = steps < N
            steps = steps.clamp(max=N - 1)  # at the end of the grid its last step is repeated, and left out
            old = path[steps, sample]
            t, s = (grid.sde.at(times[steps + k].reshape(column)) for k in (0, 1))
            (plan,) = stepper.plan(Grid(grid.sde, [t, s]))
            draws = _Stacked(noise, steps, grid)
            moved = stepper.step(model, old.flatten(0, 1), Interval(t, s, plan), None, draws).x.view_as(old)
            new = old[0] + (moved - old).cumsum(0)
            new[0] = moved[0]  # the same to the bit
            change = (new - path[steps + 1, sample]).reshape(W, B, -1).double().square().mean(2).sqrt()
            settled = (change <= self.tol * sizes[steps + 1]) & inside
            settled[0] = inside[0]
            unseen = (place[:, None] > done + W).reshape(N + 1, B, *column[1:])
            path = torch.where(unseen, new[-1], path)  # the best guess of what the window has not reached
            path[(steps + 1)[inside], sample.expand(W, B)[inside]] = new[inside]
            rounds = rounds + (done < N)
            done = done + settled.long().cumprod(0).sum(0)
            state = State(state.index + 1, grid[int(done.min())], path[done, sample], Reached(path, done, rounds))
            yield state


class _Stacked(Draws):
    """The draws of the steps that every sample takes side by side: ``steps`` is (W, B), and what is drawn (W B, ...)."""

    def __init__(self, noise: Noise, steps: Tensor, grid: Grid) -> None:
        self.noise, self.steps, self.grid = noise, steps, grid
        self.draws: dict[int, Draws] = {}

    def _each(self, draw: Callable[[Draws, int], Tensor]) -> Tensor:
        """What every step draws, for the samples that take it."""
        import torch

        numbers, which = torch.unique(self.steps, return_inverse=True)
        for i in numbers.tolist():
            self.draws.setdefault(i, self.noise.at(i))
        drawn = torch.stack([draw(self.draws[i], i) for i in numbers.tolist()])
        return drawn[which, torch.arange(self.steps.shape[1], device=which.device)].flatten(0, 1)

    def _point(self, point: Point, number: int) -> Point:
        """The one point of the rows of step ``number``, of a ``point`` for every row."""
        import torch

        row = int((self.steps.flatten() == number).nonzero()[0])
        return self.grid.sde.at(float(torch.as_tensor(point.t).flatten()[row]))

    def fresh(self) -> Tensor:
        """N(0, I)."""
        return self._each(lambda draws, i: draws.fresh())

    def between(self, t: Point, s: Point, area: bool = False) -> Any:
        """Every step's own increment, and its area."""
        if not area:
            return self._each(lambda draws, i: draws.between(self._point(t, i), self._point(s, i)))
        asked: dict[int, Any] = {}

        def increment(draws: Draws, i: int) -> Tensor:
            asked[i] = draws.between(self._point(t, i), self._point(s, i), area=True)
            return asked[i][0]

        return self._each(increment), self._each(lambda draws, i: asked[i][1])

    def uniform(self) -> Tensor:
        """Uniforms."""
        return self._each(lambda draws, i: draws.uniform())
