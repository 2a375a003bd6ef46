"""Adaptive step size for any deterministic one-step solver, chosen for every sample by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo import (
    VARIABLES,
    Grid,
    Interval,
    ModelWrapper,
    OptionError,
    Solver,
    SolverCard,
    Source,
    State,
    Step,
    StepSolver,
    ZooError,
    combine,
    option,
    where,
)

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Noise, Prediction, ScoreModel

#: A step shorter than this fraction of the whole interval (in the clock) has underflowed.
SHORTEST = 1e-10
#: A step that would leave less than this fraction of itself goes to the end at once.
STRETCH = 0.01


class Progress(NamedTuple):
    """What is carried between attempts; every entry has one value a sample, (B, 1, ...) for the first three, else (B,)."""

    u: Any
    """Where the sample stands, on the clock."""
    h: Any
    """The step it tries next, signed."""
    error: Any
    """Error of its last accepted step, in units of the tolerance."""
    accepted: Any
    rejected: Any
    evaluations: Any
    """Model evaluations that served it: those of attempts made before it was done."""


class Once(ModelWrapper):
    """Answers the second question about the same state and point from memory: a step and its halves start alike."""

    def __init__(self, model: ScoreModel, x: Tensor, point: Any) -> None:
        super().__init__(model)
        self.x, self.point = x, point
        self.known: Prediction | None = None

    def __call__(self, x: Tensor, point: Any, **condition: Any) -> Prediction:
        """The model's prediction, kept if it is at the start of the step."""
        if x is not self.x or point is not self.point:
            return self.model(x, point, **condition)
        if self.known is None:
            self.known = self.model(x, point, **condition)
        return self.known


class Adaptive(Solver):
    r"""Choose every sample's steps so that each one's local error stays at the tolerance.

        err    = rms over coordinates of  error / (atol + rtol max(|x|, |x_s|));  accepted if err <= 1
        factor = safety err^(-(1 - 3/4 beta)/k) err_prev^(beta/k),  within [min_factor, max_factor];  h <- factor h

    k is the power of h in the error. It comes from the solver's own estimate (``Step.error``, k = its order p), or
    else from doubling: one step x1 against two half steps x2, (x2 - x1) / (2^p - 1) with k = p + 1; ``extrapolate`` then adds
    that to x2, which raises the order by one. After a rejected step beta is 0 and the step does not grow.

    Steps are measured on ``clock``: lam (half log-SNR, where a trained model's work is spread most evenly), sigma
    (sigma/alpha), or t, the one for a start where alpha = 0. The first is the grid's first interval; of the others
    only the grid's end matters, and it is hit exactly. A State is yielded after every attempt. Samples that are done
    are not changed any more; the model still sees them, at the first interval, so that its batch keeps its size.
    """

    card = SolverCard(
        name="adaptive",
        title="Adaptive step size",
        family="adaptive",
        evaluations=None,
        adaptive=True,
        affine=False,
        source=Source(
            authors="Hairer, Norsett & Wanner 1993",
            title="Solving Ordinary Differential Equations I",
            link="https://doi.org/10.1007/978-3-540-78862-1",
            where="eq. (II.4.7), (II.4.11) and (II.4.13); PI control: Hairer & Wanner 1996, eq. (IV.2.43)",
        ),
    )
    solver: Any = option("heun", kind="solver", help="the deterministic one-step solver whose steps are chosen")
    rtol: float = option(1e-3, help="tolerated error of a step, relative to the state", low=0.0)
    atol: float = option(1e-4, help="tolerated error of a step, absolute, in units of the data", above=0.0)
    clock: str = option("lam", help="the variable that step sizes are measured in", choices=tuple(VARIABLES))
    safety: float = option(0.9, help="aim at this fraction of the step that would just do", above=0.0, high=1.0)
    min_factor: float = option(0.2, help="largest shrinking from one attempt to the next", above=0.0, high=1.0)
    max_factor: float = option(5.0, help="largest growth from one attempt to the next", low=1.0)
    beta: float = option(0.2, help="weight of the previous error (PI control); 0 forgets it", low=0.0, high=1.0)
    extrapolate: bool = option(False, help="after step doubling, go on with the extrapolated state")
    max_attempts: int = option(10_000, help="give up after so many attempts", low=1)

    def check(self) -> None:
        """The solver must give steps whose error means something."""
        facts = self.solver.facts()
        reasons = {
            "is not made of single steps": not isinstance(self.solver, StepSolver),
            "chooses its own steps already": facts.adaptive,
            "is stochastic, so the difference of two steps is not their error": facts.stochastic,
            "is a multistep method, whose history would not survive a rejected step": facts.memory > 0,
            "couples the samples of a batch": facts.batch_coupled,
            "has no order on the probability flow": facts.order is None,
        }
        for reason, holds in reasons.items():
            if holds:
                raise OptionError(f"adaptive cannot choose the steps of {self.solver}: it {reason}.")

    def facts(self) -> SolverCard:
        """Needs and variable are the solver's, and what the clock needs."""
        inner = self.solver.facts()
        needs = tuple(dict.fromkeys((*inner.needs, *VARIABLES[self.clock].needs)))
        return replace(self.card, variable=inner.variable, needs=needs)

    def report(self, state: State) -> dict[str, Any]:
        """Accepted and rejected steps and the evaluations that served each sample."""
        progress = Progress(*state.memory)
        return {
            "accepted": progress.accepted,
            "rejected": progress.rejected,
            "evaluations": progress.evaluations,
        }

    def solve(
        self, model: ScoreModel, x: Tensor, grid: Grid, noise: Noise, state: State | None = None
    ) -> Iterator[State]:
        """Attempt steps until every sample is at grid[-1]."""
        clock = VARIABLES[self.clock]
        begin, first, end = (clock.clock(point) for point in (grid[0], grid[1], grid[-1]))
        if state is None:
            column = x.new_zeros((len(x), *[1] * (x.dim() - 1))).double()
            count = x.new_zeros(len(x)).long()
            start = Progress(column + begin, column + (first - begin), column + 1.0, count, count, count)
            state = State(0, grid[0], x, start)
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
            step, power, calls = self._attempt(model, state.x, (u, u + h / 2, target), grid, noise.at(state.index))
            error = self._size(step, state.x, u)
            good = (error <= 1) & ~done
            progress = self._judge(progress, error, power, h, target, good, done, calls)
            self._refuse_underflow(progress, ~(good | done), error, abs(end - begin))
            done = done | (good & last)
            point = grid[-1] if done.all() else self._point(grid, progress.u)
            state = State(state.index + 1, point, where(good, step.x, state.x), progress)
            yield state

    def _attempt(
        self, model: ScoreModel, x: Tensor, clocks: tuple[Any, ...], grid: Grid, noise: Draws
    ) -> tuple[Step, int, int]:
        """One step with an estimate of its error; the power of h in it, and the evaluations it took."""
        inner = self.solver.estimating()
        facts = inner.facts()
        u, half, target = clocks
        t, s = self._point(grid, u), self._point(grid, target)
        once = Once(model, x, t)
        full = self._inner_step(inner, once, x, t, s, noise)
        if full.error is not None:
            return full, facts.order, facts.evaluations
        m = self._point(grid, half)
        middle = self._inner_step(inner, once, x, t, m, noise)
        halves = self._inner_step(inner, once, middle.x, m, s, noise)
        share = 1 / (2.0**facts.order - 1)
        error = combine((share, halves.x), (-share, full.x))
        result = combine((1.0, halves.x), (1.0, error)) if self.extrapolate else halves.x
        return Step(result, error=error), facts.order + 1, 3 * facts.evaluations - 1

    @staticmethod
    def _inner_step(inner: StepSolver, model: ScoreModel, x: Tensor, t: Any, s: Any, noise: Draws) -> Step:
        (plan,) = inner.plan(Grid(model.sde, [t, s]))
        return inner.step(model, x, Interval(t, s, plan), None, noise)

    def _point(self, grid: Grid, u: Any) -> Any:
        """The points at clock ``u``; the grid's own, to the bit, at its ends, beyond which no model need be defined."""
        clock = VARIABLES[self.clock]
        t = clock.point(grid.sde, u).t
        for end in (grid[0], grid[-1]):
            t = where(u == clock.clock(end), end.t, t)
        return grid.sde.at(t)

    def _size(self, step: Step, x: Tensor, like: Tensor) -> Tensor:
        """The error of every sample in units of the tolerance, of the shape of ``like``; at least 1e-10, NaN as infinite."""
        assert step.error is not None
        tolerance = combine((self.rtol, x.abs().maximum(step.x.abs()))).add_(self.atol)
        size = (step.error / tolerance).double().reshape(len(x), -1).square().mean(1).sqrt()
        return size.nan_to_num(nan=float("inf")).clamp(min=1e-10).reshape(like.shape)

    def _judge(
        self, old: Progress, error: Any, power: int, h: Any, target: Any, good: Any, done: Any, calls: int
    ) -> Progress:
        """The progress after an attempt: accepted samples advance, all that are under way get a new step."""
        now, before = error.log() / power, old.error.log() / power
        accepted = (self.beta * before - (1 - 0.75 * self.beta) * now).exp() * self.safety
        rejected = (-now).exp().mul(self.safety).clamp(max=1.0)
        factor = where(good, accepted, rejected).clamp(self.min_factor, self.max_factor)
        yes, under_way = good.flatten(), (~done).flatten()
        return Progress(
            u=where(good, target, old.u),
            h=where(done, old.h, h * factor),
            error=where(good, error, old.error),
            accepted=old.accepted + yes,
            rejected=old.rejected + (under_way & ~yes),
            evaluations=old.evaluations + calls * under_way,
        )

    def _refuse_underflow(self, progress: Progress, rejected: Any, error: Any, span: float) -> None:
        short = rejected & (progress.h.abs() < SHORTEST * span)
        if not short.any():
            return
        row = int(short.flatten().nonzero()[0])
        u, h, size = (entry.flatten()[row].item() for entry in (progress.u, progress.h, error))
        where_and_what = f"{self}: the step of sample {row} shrank to {h:.2g} at {self.clock} = {u:g}"
        if size == float("inf"):
            raise ZooError(f"{where_and_what}, as the values there are not finite; check the model there.")
        raise ZooError(
            f"{where_and_what} without meeting rtol = {self.rtol:g}, atol = {self.atol:g}; the model is not smooth there, "
            "or the tolerance is below the rounding of the state: loosen it or use float64."
        )
