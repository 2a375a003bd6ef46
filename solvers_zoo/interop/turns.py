r"""A solver whose model is somebody else's loop: it stops where it needs an answer, and goes on when it is given.

A solver calls its model inside a step. Where the loop belongs to another library the call has to be left and come back to. No
thread is used for it, nor greenlets. A step of the zoo is a pure function of state, memory and addressed noise, so a call that
has no answer yet raises, the step is thrown away, and once the answer is there that one step is begun anew, with the answers it
was given before put in again. Steps that are done are never repeated: the run goes on from the state that the last one left,
as a resumed run does.

So there is nothing that could be left running: all there is between two calls is a state and a few tensors, which can be copied,
dropped or pickled; an error in a solver is raised where the answer was given; grad mode, autocast, default dtype and the CUDA
stream, which torch keeps by thread, are those of the caller; and the order of all operations is fixed. The price is the
arithmetic of the stages before the one asked for, k (k - 1)/2 of them in a step of k calls, which no network notices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.interop.pipeline_noise import DrawnNoise
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.score_models.base import ScoreModel
from solvers_zoo.solving.stepping import Interval, Solver, State, StepSolver

if TYPE_CHECKING:
    from solvers_zoo.noise.base import Noise
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianPoint, GaussianSDE
    from solvers_zoo.time_grids.base import Grid


class Question(NamedTuple):
    """What the model is asked: its prediction at the state ``x`` and ``point``; ``begins`` says if a step starts from there."""

    x: Tensor
    point: GaussianPoint
    begins: bool


class _Asked(BaseException):
    """A call without an answer yet. No `Exception`: a solver that catches those lets it pass."""

    def __init__(self, x: Tensor, point: GaussianPoint) -> None:
        super().__init__()
        self.x, self.point = x, point


class _Answers(ScoreModel):
    """A model that knows the answers of the step under way so far."""

    def __init__(self, sde: GaussianSDE, kind: str) -> None:
        self.sde, self.kind = sde, kind
        self.given: list[tuple[Scalar, Tensor]] = []
        self.used = 0

    def predict(self, x: Tensor, point: GaussianPoint, **condition: object) -> Tensor:
        """The next answer."""
        if x.requires_grad or torch._C._functorch.is_functorch_wrapped_tensor(x):
            raise IncompatibleError("it differentiates the model, of which only answers are known here")
        if self.used == len(self.given):
            raise _Asked(x, point)
        t, answer = self.given[self.used]
        if t != point.t:
            raise IncompatibleError("a step that is begun anew does not call the model at the same times")
        self.used += 1
        return answer


class Turns:
    """A run of ``solver`` that is given its model's answers one by one.

    Attributes:
        question: what is to be answered next; None when the run is over.
        x: the state after the last whole step; the result when the run is over.

    Args:
        solver: the solver; it must be resumable.
        sde: the model's process.
        kind: what the answers are.
        grid: the points to go through; None only takes the last denoise, at ``last``.
        x: the start.
        noise: randomness; a step asked twice must answer the same.
        denoise: whether to end at the prediction of x0.
        last: where the denoise takes place if there is no grid.

    Raises:
        IncompatibleError: (also from `answer`) the solver needs more of its model than answers.

    """

    def __init__(
        self,
        solver: Solver,
        sde: GaussianSDE,
        kind: str,
        grid: Grid | None,
        x: Tensor,
        noise: Noise,
        denoise: bool,
        last: GaussianPoint | None = None,
    ) -> None:
        self.solver, self.grid, self.noise, self.denoise = solver, grid, noise, denoise
        self._start, self._state = x, None if grid is not None or last is None else State(0, last, x)
        self._model = _Answers(sde, kind)
        self._plans: Sequence[object] | None = None
        if grid is not None and isinstance(solver, StepSolver) and type(solver).solve is StepSolver.solve:
            self._plans = solver.plan(grid)  # its `solve` is the plain loop over its steps, so they are made once
        self.question: Question | None = None
        self._over = False
        self._advance()

    @property
    def x(self) -> Tensor:
        """The state after the last whole step."""
        return self._start if self._state is None else self._state.x

    def move(self, x: Tensor) -> None:
        """Go on from ``x`` instead of the state that the question is about; only where a step begins."""
        if self.question is None or not self.question.begins:
            raise IncompatibleError(
                f"{self.solver} was given another state inside a step; it can only be changed where a step begins."
            )
        if self._state is None:
            self._start = x
        else:
            self._state = replace(self._state, x=x)
        self.question = self.question._replace(x=x)

    def answer(self, out: Tensor) -> None:
        """Answer the question, and go on to the next."""
        assert self.question is not None, "the run is over"
        self._model.given.append((self.question.point.t, out))
        self._advance()

    def _advance(self) -> None:
        while not self._over:
            self._model.used = 0
            try:
                state = self._step()
            except _Asked as asked:
                begins = not self._model.given and asked.x is self.x
                self.question = Question(asked.x, asked.point, begins)
                return
            self._model.given.clear()
            if isinstance(self.noise, DrawnNoise):
                self.noise.forget()
            if state is None:
                self._over = True
            else:
                self._state = state
        self.question = None

    def _step(self) -> State | None:
        """The state after one more step, or None after the last."""
        state, grid, model = self._state, self.grid, self._model
        if grid is None:
            return self._end()
        if self._plans is not None:
            index = 0 if state is None else state.index
            if index == grid.steps:
                return self._end()
            interval = Interval(grid[index], grid[index + 1], self._plans[index], index)
            memory = None if state is None else state.memory
            assert isinstance(self.solver, StepSolver)  # it has plans
            x, memory, _ = self.solver.step(model, self.x, interval, memory, self.noise.at(index))
            return State(index + 1, interval.s, x, memory)
        following = next(self.solver.solve(model, self._start, grid, self.noise, state), None)
        return self._end() if following is None else following

    def _end(self) -> State | None:
        """The last denoise, once."""
        if not self.denoise or self._state is None:
            return None
        state, self.denoise = self._state, False
        point = state.point if self.grid is None else self.grid[-1]
        try:
            return replace(state, x=self._model(state.x, point).x0)
        except _Asked:
            self.denoise = True
            raise


class Call(NamedTuple):
    """A call of the model in a run: where, if a step begins with it, and if it is spare: its answer is for nobody.

    A loop that calls its network before it asks anybody does so at the start. A solver that changes the state before its own first
    call has a spare one there.
    """

    point: GaussianPoint
    begins: bool
    spare: bool = False


def calls(
    solver: Solver, sde: GaussianSDE, kind: str, grid: Grid | None, denoise: bool, last: GaussianPoint | None = None
) -> list[Call]:
    """Where ``solver`` calls its model on ``grid``: found by two runs on small made-up answers, which must agree.

    Raises:
        IncompatibleError: the calls are not known from the grid, or need more than one state after the other.

    """
    facts = solver.facts()
    why = (
        "its calls depend on the model's answers"
        if facts.adaptive or facts.implicit
        else "what it needs of earlier steps stays inside another library"
        if not facts.resumable
        else solver.supports(sde, grid)
    )
    if why:
        raise IncompatibleError(f"{solver} cannot be run from outside here: {why}.")

    def rehearsed(seed: int) -> list[Call]:
        """The calls of a run on three rows of two numbers, in the precision of most runs: times may be rounded to it."""
        noise, start = SeededNoise(seed, range(3), (2,), torch.float32), last if grid is None else grid[0]
        assert start is not None  # one of the two is given
        x = noise.start().fresh() * sde.prior_std(float(start.t))
        run = Turns(solver, sde, kind, grid, x, noise, denoise, last)
        found: list[Call] = []
        asked = None if run.question is None else run.question.x
        if asked is None or (asked.shape == x.shape and not torch.allclose(asked, x, rtol=1e-5)):
            found.append(Call(start, True, True))
        while run.question is not None:
            asked, point, begins = run.question
            if asked.shape != x.shape or type(point.t) is not float:
                raise IncompatibleError(
                    "it asks for several states of a sample, or times of each sample's own, in one call"
                )
            found.append(Call(point, begins))
            run.answer(torch.tanh(asked / (1 + point.sigma)) + 0.1 * seed)
        return found

    try:
        first, second = rehearsed(0), rehearsed(1)
        if [call.point.t for call in first] != [call.point.t for call in second]:
            raise IncompatibleError("its calls depend on the model's answers")
    except IncompatibleError as error:
        raise IncompatibleError(f"{solver} cannot be run from outside here: {str(error).rstrip('.')}.") from None
    return first
