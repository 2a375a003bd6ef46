"""Steps chosen by their error, for every sample by itself: the loop and the controller, written once.

A subclass says which solver takes the steps:

    class DormandPrinceAdaptive(AdaptiveSteps):
        card = SolverCard(..., evaluations=None, adaptive=True, affine=False)

        @property
        def stepper(self):
            return DormandPrince()          # its estimating() form gives Step.error
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo.errors import NotFiniteError, OptionError, ZooError
from solvers_zoo.numerics.combine import combine
from solvers_zoo.numerics.scalar import absolute, where
from solvers_zoo.processes.variable import VARIABLES
from solvers_zoo.registry.options import option
from solvers_zoo.score_models.base import ModelWrapper
from solvers_zoo.solving.stepping import Interval, Solver, State, Step, StepSolver
from solvers_zoo.time_grids.base import Grid

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.noise.base import Draws, Noise
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.processes.prediction import Prediction
    from solvers_zoo.registry.card import SolverCard
    from solvers_zoo.score_models.base import ScoreModel

#: A step shorter than this fraction of the whole interval (in the clock) has underflowed.
SHORTEST = 1e-10
#: A step that would leave less than this fraction of itself goes to the end at once.
STRETCH = 0.01


class Progress(NamedTuple):
    """What is carried between attempts; every entry has one value a sample, (B, 1, ...) for the first four, else (B,)."""

    u: Tensor
    """Where the sample stands, on the clock."""
    h: Tensor
    """The step it tries next, signed."""
    error: Tensor
    """Error of its last accepted step, in units of the tolerance."""
    earlier: Tensor
    """Error of the accepted step before that."""
    accepted: Tensor
    rejected: Tensor
    evaluations: Tensor
    """Model evaluations that served it: those of attempts made before it was done."""
    out: Tensor | None = None
    """The model's output at the state, (B, ...), where an attempt has left it; else None."""


class Attempt(NamedTuple):
    """One attempted step, with an estimate ``step.error`` of its local error."""

    step: Step
    power: float
    """The power of h in the error."""
    evaluations: int
    """Model evaluations it takes, had none of them been made before."""


class Recall(ModelWrapper):
    """Answers for the start ``x`` of an attempt from ``out`` where that is known, and remembers what an attempt asks.

    A rejected sample stands where it stood; an accepted one often stands where the last stage was evaluated (first same as last).
    Either way the model has been asked there already.

    Attributes:
        saved: calls that were answered from memory.
        start: the output at ``x``.

    """

    def __init__(self, model: ScoreModel, x: Tensor, out: Tensor | None) -> None:
        super().__init__(model)
        self.x, self.start, self.saved = x, out, 0
        self.last: Prediction | None = None

    def __call__(self, x: Tensor, point: GaussianPoint, **condition: Any) -> Prediction:
        """The model's prediction, from memory where it was asked before."""
        if x is self.x and self.start is not None:
            self.saved += 1
            return self.sde.predict(self.kind, x, point, self.start)
        self.last = self.model(x, point, **condition)
        if x is self.x:
            self.start = self.last.out
        return self.last

    def next_start(self, good: Tensor, x: Tensor, t: Tensor) -> Tensor | None:
        """The output where every sample stands next: at ``x`` and time ``t`` if it was accepted; None if it is not known there."""
        if self.start is None or self.last is None or not self.last.x.equal(x) or bool(t.ne(self.last.point.t).any()):
            return None
        return where(good, self.last.out, self.start)


class AdaptiveSteps(Solver):
    r"""Choose every sample's steps so that each one's local error stays at the tolerance.

        err    = rms over coordinates of  error / (atol + rtol max(|x|, |x_s|));  accepted if err <= 1
        factor = safety err^(-(P + I + D)/k) err_1^((P + 2 D)/k) err_2^(-D/k),  within [min_factor, max_factor];  h <- factor h

    k is the power of h in the error; err_1 and err_2 are the errors of the last two accepted steps. P = D = 0 and I = 1 is the
    textbook's h err^(-1/k); P > 0 damps the steps (PI control), D looks at their trend (PID). After a rejected step the
    factor is the textbook's, which is below 1.

    Steps are measured on ``clock``: lam (half log-SNR, where a trained model's work is spread most evenly), sigma
    (sigma/alpha), or t, the one for a start where alpha = 0. The first is the grid's first interval; of the others
    only the grid's end matters, and it is hit exactly. A State is yielded after every attempt. Samples that are done
    are not changed any more; the model still sees them, at the first interval, so that its batch keeps its size.

    What the model said at the end of an accepted step, or at the start of a rejected one, is not asked again: pairs whose last
    stage is at their result cost one evaluation an attempt less from the second on.

    A subclass names the ``stepper``, or makes its own `attempt`.
    """

    rtol: float = option(1e-3, help="tolerated error of a step, relative to the state", low=0.0)
    atol: float = option(1e-4, help="tolerated error of a step, absolute, in units of the data", above=0.0)
    clock: str = option("lam", help="the variable that step sizes are measured in", choices=tuple(VARIABLES))
    safety: float = option(0.9, help="aim at this fraction of the step that would just do", above=0.0, high=1.0)
    pcoeff: float = option(0.2, help="P of the PID control, the weight of the error's last change")
    icoeff: float = option(0.65, help="I of the PID control, the weight of the error itself", above=0.0)
    dcoeff: float = option(0.0, help="D of the PID control, the weight of the change of that change")
    min_factor: float = option(0.2, help="largest shrinking from one attempt to the next", above=0.0, high=1.0)
    max_factor: float = option(5.0, help="largest growth from one attempt to the next", low=1.0)
    max_attempts: int = option(10_000, help="give up after so many attempts", low=1)

    @property
    @abstractmethod
    def stepper(self) -> StepSolver:
        """The deterministic one-step solver whose steps are chosen; its ``estimating()`` form gives `Step.error`."""

    def check(self) -> None:
        """A larger error must make a smaller step."""
        if self.pcoeff + self.icoeff + self.dcoeff <= 0:
            raise OptionError(
                f"{self.spec_name()}: pcoeff + icoeff + dcoeff must be > 0, or errors would not shorten steps."
            )

    def facts(self) -> SolverCard:
        """Needs and variable are the stepper's, and what the clock needs."""
        inner = self.stepper.facts()
        card = replace(self.card, variable=inner.variable, needs=inner.needs)
        return card.also_needing(*VARIABLES[self.clock].needs)

    def report(self, state: State) -> dict[str, object]:
        """Accepted and rejected steps and the evaluations that served each sample."""
        progress = Progress(*state.memory)
        return {name: getattr(progress, name) for name in ("accepted", "rejected", "evaluations")}

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """Attempt steps until every sample is at grid[-1].

        Raises:
            NotFiniteError: values that are not finite, however short the step.
            ZooError: a tolerance that cannot be met, or too many attempts.

        """
        clock = VARIABLES[self.clock]
        begin, first, end = (clock.clock(point) for point in (grid[0], grid[1], grid[-1]))
        if state is None:
            column = x.new_zeros((len(x), *[1] * (x.dim() - 1))).double()
            count = x.new_zeros(len(x)).long()
            one = column + 1.0
            state = State(
                0, grid[0], x, Progress(column + begin, column + (first - begin), one, one, count, count, count)
            )
        progress = Progress(*state.memory)
        done = progress.u == end
        while not done.all():
            if state.index >= self.max_attempts:
                raise ZooError(
                    f"{self} made {state.index} attempts and {int((~done).sum())} of {len(done)} samples are still under way; "
                    "loosen rtol and atol, or raise max_attempts."
                )
            h = where(done, first - begin, progress.h)
            u = where(done, begin, progress.u)
            last = (1 + STRETCH) * h.abs() >= (end - u).abs()
            h = where(last, end - u, h)
            target = where(last, end, u + h)
            recall = Recall(model, state.x, progress.out)
            attempt = self.attempt(recall, state.x, grid, (u, target), noise.at(state.index))
            error = self._size(attempt.step, state.x, u)
            good = (error <= 1) & ~done
            out = recall.next_start(good, attempt.step.x, self.time(grid, target))
            attempt = attempt._replace(evaluations=attempt.evaluations - recall.saved)
            progress = self._judge(progress, attempt, error, h, target, good, done)._replace(out=out)
            self._refuse_underflow(grid, progress, ~(good | done), error, absolute(end - begin))
            done = done | (good & last)
            point = grid[-1] if done.all() else self.point(grid, progress.u)
            state = State(state.index + 1, point, where(good, attempt.step.x, state.x), progress)
            yield state

    def attempt(self, model: ScoreModel, x: Tensor, grid: Grid, clocks: tuple[Tensor, Tensor], noise: Draws) -> Attempt:
        """One step of the stepper between two ``clocks``, with its own estimate of the error."""
        t, s = (self.point(grid, u) for u in clocks)
        return self.over(model, x, t, s, noise)

    def over(self, model: ScoreModel, x: Tensor, t: GaussianPoint, s: GaussianPoint, noise: Draws) -> Attempt:
        """One step of the stepper from ``t`` to ``s``, with an error if it estimates one."""
        inner = self.stepper.estimating()
        facts = inner.facts()
        assert facts.order
        assert facts.evaluations
        return Attempt(self.one_step(inner, model, x, t, s, noise), facts.order, round(facts.evaluations))

    @staticmethod
    def one_step(
        inner: StepSolver, model: ScoreModel, x: Tensor, t: GaussianPoint, s: GaussianPoint, noise: Draws
    ) -> Step:
        """A step of ``inner`` from ``t`` to ``s``, as on a grid of that one interval."""
        (plan,) = inner.plan(Grid(model.sde, [t, s]))
        return inner.step(model, x, Interval(t, s, plan), None, noise)

    def point(self, grid: Grid, u: Tensor) -> GaussianPoint:
        """The points at clock ``u``."""
        return grid.sde.at(self.time(grid, u))

    def time(self, grid: Grid, u: Tensor) -> Tensor:
        """The times at clock ``u``; the grid's own, to the bit, at its ends, beyond which no model need be defined."""
        clock = VARIABLES[self.clock]
        t: Any = clock.time(grid.sde, u)
        for end in (grid[0], grid[-1]):
            t = where(u == clock.clock(end), end.t, t)
        return t

    def _size(self, step: Step, x: Tensor, like: Tensor) -> Tensor:
        """The error of every sample in units of the tolerance, of the shape of ``like``; at least 1e-10, NaN as infinite."""
        assert step.error is not None
        tolerance = combine((self.rtol, x.abs().maximum(step.x.abs()))).add_(self.atol)
        size = (step.error / tolerance).double().reshape(len(x), -1).square().mean(1).sqrt()
        return size.nan_to_num(nan=float("inf")).clamp(min=1e-10).reshape(like.shape)

    def _judge(
        self, old: Progress, attempt: Attempt, error: Tensor, h: Tensor, target: Tensor, good: Tensor, done: Tensor
    ) -> Progress:
        """The progress after an attempt: accepted samples advance, all that are under way get a new step."""
        p, i, d = self.pcoeff, self.icoeff, self.dcoeff
        now, before, earlier = (e.log() / attempt.power for e in (error, old.error, old.earlier))
        accepted = ((p + 2 * d) * before - d * earlier - (p + i + d) * now).exp() * self.safety
        rejected = (-now).exp() * self.safety  # below 1: the error is above 1
        factor = where(good, accepted, rejected).clamp(self.min_factor, self.max_factor)
        yes, under_way = good.flatten(), (~done).flatten()
        return Progress(
            u=where(good, target, old.u),
            h=where(done, old.h, h * factor),
            error=where(good, error, old.error),
            earlier=where(good, old.error, old.earlier),
            accepted=old.accepted + yes,
            rejected=old.rejected + (under_way & ~yes),
            evaluations=old.evaluations + attempt.evaluations * under_way,
        )

    def _refuse_underflow(self, grid: Grid, progress: Progress, rejected: Tensor, error: Tensor, span: Scalar) -> None:
        short = rejected & (progress.h.abs() < SHORTEST * span)
        if not short.any():
            return
        row = int(short.flatten().nonzero()[0])
        u, h, size = (entry.flatten()[row].item() for entry in (progress.u, progress.h, error))
        if size == float("inf"):
            t = self.time(grid, progress.u).flatten()[row].item()
            raise NotFiniteError(
                f"{self} gave values that are not finite in sample {row}, from t = {t:g} on, however short the step. "
                "Check the model there."
            )
        raise ZooError(
            f"{self}: the step of sample {row} shrank to {h:.2g} at {self.clock} = {u:g} without meeting rtol = {self.rtol:g}, "
            f"atol = {self.atol:g}; the model is not smooth there, or the tolerance is below the rounding of the state: "
            "loosen it or use float64."
        )
