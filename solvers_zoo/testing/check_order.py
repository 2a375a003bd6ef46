"""Checks of the order on the probability flow, against exact maps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from solvers_zoo import Grid, Interval, Noise, State, StepSolver
from solvers_zoo.testing.problems import FlowProblem, gaussian, mixture_1d, mixture_2d
from solvers_zoo.testing.report import Broken, NotApplicable, Refused
from solvers_zoo.testing.subject import Subject, check, require

#: Numbers of steps that are tried.
_LADDER = (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
#: The same for one-step methods from order `HIGH` on, where a few halvings of the step lead from errors that are not asymptotic
#: to rounding.
_FINE_LADDER = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
#: From this order on float64 often shows the next order, as pairs are built to have a leading error that is small; how far below its
#: claim a slope may lie stays 0.2. Above order 6 float64 tells them from order 5 at best: between errors that are not asymptotic yet
#: and rounding lies a factor of two in the steps. It is the order conditions of the tableau that count there.
HIGH = 5


class Fit:
    """Errors over numbers of steps, until three lie between 100 times the floor and ``largest``, and their slope.

    Where the slope of the last three is not between ``order - below`` and ``order + above`` yet, finer grids decide, as long as
    there are errors above the floor: the order is what remains.

    Args:
        measure: the error of N steps.
        order: what is claimed; lower orders begin with more steps.
        floor: error of the exact answer itself.
        largest: above it an error is not asymptotic.
        last: the number of steps to reach at least.
        cycle: numbers of steps are rounded down to its multiples.
        below: how far under the claimed order a slope may lie.
        above: and how far over it.
        ladder: numbers of steps to try, instead of powers of two.

    """

    def __init__(
        self,
        measure: Callable[[int], float],
        order: float,
        floor: float,
        largest: float = 1e-2,
        last: int = 128,
        cycle: int = 1,
        below: float = math.inf,
        above: float = math.inf,
        ladder: Sequence[int] = (),
    ) -> None:
        self.points: list[tuple[int, float]] = []
        self.band: list[tuple[int, float]] = []
        for steps in ladder or _LADDER[3 if order < 2 else 2 if order < 3 else 0 :]:
            whole = steps - steps % cycle
            self.points.append((whole, measure(whole)))
            self.band = [(n, e) for n, e in self.points if 100 * floor <= e <= largest][-3:]
            settled = len(self.band) >= 3 and order - below <= self.slope <= order + above
            if not self.points[-1][1] >= 100 * floor or (settled and steps >= last):
                break

    @property
    def slope(self) -> float:
        """Minus the least-squares slope of log error over log steps; NaN with fewer than three points."""
        if len(self.band) < 3:
            return math.nan
        n, e = (torch.tensor(values, dtype=torch.float64).log() for values in zip(*self.band, strict=True))
        return -float(((n - n.mean()) * (e - e.mean())).sum() / (n - n.mean()).square().sum())

    @property
    def bend(self) -> float:
        """How far the slopes between neighbours lie from the fitted one: an error that changes sign, or stalls, bends."""
        pairs = pairwise(self.band)
        return max(abs(math.log(a / b) / math.log(m / n) - self.slope) for (n, a), (m, b) in pairs)

    def __str__(self) -> str:
        return ", ".join(f"{e:.1e} at {n}" for n, e in (self.band if len(self.band) >= 3 else self.points))


def _claimed(subject: Subject) -> float:
    order = subject.facts.order
    if order is None:
        raise NotApplicable("it claims no order on the flow")
    return order


def _order_on(
    subject: Subject, problem: FlowProblem, rule: str, order: float, below: float, above: float
) -> tuple[str, float]:
    def error(steps: int) -> float:
        return problem.error(subject.run(problem.model, problem.x, problem.grid(steps, rule)))

    ladder: Sequence[int] = ()
    if order >= HIGH:
        above += 1.2
        ladder = () if subject.facts.memory else _FINE_LADDER
        below = below if order <= 6 else order - 5.5
    last = (
        (512 if order < 3 else 1024) if subject.facts.memory else 128 if order < HIGH else 24
    )  # a start-up shows late
    fit = Fit(
        error, order, problem.floor, last=last, cycle=subject.facts.cycle, below=below, above=above, ladder=ladder
    )
    return _judge(fit, order, below, above, f"{problem.name}, {rule} grid")


def _judge(fit: Fit, order: float, below: float, above: float, where: str) -> tuple[str, float]:
    slope = fit.slope
    if math.isnan(slope):
        raise Broken(f"on {where} it does not come near the exact flow fast enough to show an order: {fit}.")
    words = f"order {slope:.2f} on {where} (errors {fit}), the card says {order:g}"
    require(order - below <= slope <= order + above, f"{words}.")
    require(order >= 5 or fit.bend <= 0.6, f"{words}, and its errors do not lie on a line.")
    return f"{words}.", slope


@check(every=True)
def check_order_gaussian(subject: Subject) -> tuple[str, float]:
    """At least the order of the card on a correlated Gaussian, whose flow is linear and known in closed form."""
    return _order_on(subject, gaussian(), "karras", _claimed(subject), 0.2, math.inf)


@check(every=True)
def check_order_transport(subject: Subject) -> tuple[str, float]:
    """The order of the card on a 1-D mixture, whose flow is the monotone transport."""
    return _order_on(subject, mixture_1d(), "log", _claimed(subject), 0.2, 0.3)


@check(every=True)
def check_order_mixture(subject: Subject) -> tuple[str, float]:
    """The order of the card on a 2-D mixture from sigma = 2, where start-up shows."""
    return _order_on(subject, mixture_2d(), "karras", _claimed(subject), 0.2, 0.2)


@check(every=True)
def check_order_uneven(subject: Subject) -> tuple[str, float]:
    """The order survives a grid whose neighbouring steps differ, or is what the card says of such grids."""
    order = _claimed(subject)
    rough = subject.facts.rough_order
    return _order_on(subject, mixture_2d(), "uneven", order if rough is None else rough, 0.3, 0.5)


@check(every=True)
def check_order_exact_history(subject: Subject) -> tuple[str, float]:
    """The nominal order of a multistep method, whose first states are replaced by exact ones."""
    order = subject.facts.exact_start_order
    if order is None or not subject.facts.memory:
        raise NotApplicable("it has no history to start up")
    if not subject.steps_itself:
        raise NotApplicable("it brings its own loop")
    problem = mixture_2d()

    def error(steps: int) -> float:
        return problem.error(exactly_started(subject, problem, steps))

    above = 0.5 if order < 5 else 1.7
    fit = Fit(error, order, problem.floor, below=0.3, above=above)
    return _judge(fit, order, 0.3, above, f"{problem.name} with exact history")


def exactly_started(subject: Subject, problem: FlowProblem, steps: int, rule: str = "karras") -> Tensor:
    """The end of a run whose first states, as many as it remembers, are put back on the exact flow."""
    times, state = problem.grid(steps, rule), None
    noise = _silent(problem)
    runs = subject.solver.solve
    with torch.no_grad():
        for k in range(1, min(subject.facts.memory, steps - 1) + 1):
            state = next(iter(runs(problem.model, problem.x, times, noise, state)))
            state = State(state.index, state.point, problem.exact(times[k].t), state.memory)
    return subject.run(problem.model, problem.x, times, noise, state)


def _silent(problem: FlowProblem) -> Noise:
    from solvers_zoo.testing.probe import ProbeNoise

    return ProbeNoise(problem.x)


@check(every=True)
def check_tolerance(subject: Subject) -> str:
    """An adaptive method ends near the exact flow, nearer with a smaller tolerance, and spends more for it."""
    facts, solver = subject.facts, subject.solver
    if not facts.adaptive or facts.stochastic:
        raise NotApplicable("it does not choose its own steps")
    problem = mixture_2d()
    times = problem.grid(4)
    error = problem.error(subject.run(problem.model, problem.x, times))
    if "rtol" not in solver.options():
        require(error <= 1e-2, f"with its defaults it ends {error:.1e} from the exact flow.")
        return f"ends {error:.1e} from the exact flow."
    measured = []
    for shrink in (1.0, 1e-1, 1e-2):
        changes = {name: getattr(solver, name) * shrink for name in ("rtol", "atol") if name in solver.options()}
        finer = Subject(solver.replace(**changes))
        measured.append((changes["rtol"], problem.error(finer.run(problem.model, problem.x, times))))
    words = ", ".join(f"{e:.1e} at rtol {r:.0e}" for r, e in measured)
    require(all(e <= 300 * r + 1e-9 for r, e in measured), f"its error is far above its tolerance: {words}.")
    require(measured[-1][1] <= max(0.3 * measured[0][1], 1e-11), f"a smaller tolerance does not help: {words}.")
    return f"errors {words}."


@check(every=True)
def check_error_estimate(subject: Subject) -> str:
    """The error estimate of a step, where it gives one, shrinks as the step's order says and is not below the true error."""
    if not isinstance(subject.solver, StepSolver) or subject.facts.order is None:
        raise NotApplicable("it takes no steps on the flow")
    solver, problem, order = subject.solver.estimating(), mixture_1d(), subject.facts.order
    sde = problem.model.sde
    if Subject(solver).solver.supports(sde, problem.grid(2)):
        raise Refused(str(solver.supports(sde, problem.grid(2))))
    middle = sde.t_of_lam(0.5 * (sde.lam(sde.t_max) + sde.lam(sde.t_min)))
    x, sizes, estimates, errors = problem.exact(middle), (0.2, 0.1, 0.05), [], []
    for size in sizes:
        times = Grid(sde, [middle, sde.t_of_lam(sde.lam(middle) + size)])
        interval = Interval(times[0], times[1], solver.plan(times)[0], 0)
        with torch.no_grad():
            step = solver.step(problem.model, x, interval, None, _silent(problem).at(0))
        if step.error is None:
            raise NotApplicable("its steps give no error estimate")
        estimates.append(float(step.error.square().mean().sqrt()))
        errors.append(float((step.x - problem.exact(times[1].t)).square().mean().sqrt()))
    slope = math.log(estimates[0] / estimates[-1], sizes[0] / sizes[-1])
    text = f"the estimate shrinks at order {slope:.2f} of the step"
    below = 0.4 if order < HIGH else 0.6
    require(order - below <= slope <= order + 1.4, f"{text}; a solver of order {order:g} needs about {order:g}.")
    require(
        estimates[-1] >= 0.5 * errors[-1],
        f"the estimate {estimates[-1]:.1e} lies below the true error {errors[-1]:.1e}.",
    )
    return f"{text}, and is {estimates[-1]:.1e} where the true error is {errors[-1]:.1e}."
