"""Checks that a solver runs on everything it may be given: dtypes, parametrisations, points, grids, processes."""

from __future__ import annotations

import torch
from torch import Tensor

from solvers_zoo import FunctionModel, Gaussian, GaussianPoint, GaussianSDE, Grid, ScoreModel, SeededNoise
from solvers_zoo.exact import gaussian_flow
from solvers_zoo.testing.problems import (
    FlowProblem,
    NotGaussian,
    gaussian,
    grid,
    hard_ou,
    mixture_1d,
    mixture_2d,
    processes,
)
from solvers_zoo.testing.report import NotApplicable, Refused
from solvers_zoo.testing.subject import Subject, check, require

_KINDS = ("x0", "eps", "score", "v", "flow")


class Native(ScoreModel):
    """An exact model that answers in another parametrisation."""

    def __init__(self, model: ScoreModel, kind: str) -> None:
        self.model, self.kind, self.sde, self.shape = model, kind, model.sde, model.shape

    def predict(self, x: Tensor, point: GaussianPoint, **condition: object) -> Tensor:
        """The model's prediction as ``kind``."""
        view: Tensor = getattr(self.model(x, point), self.kind)
        return view


@check(every=True)
def check_parametrisations(subject: Subject) -> str:
    """Models that predict x0, eps, score, v or the flow velocity give the same samples."""
    worst = 0.0
    for problem in (mixture_2d(), mixture_1d()):
        times = problem.grid(6)
        ends = [subject.run(Native(problem.model, kind), problem.x, times) for kind in _KINDS]
        for kind, end in zip(_KINDS, ends, strict=True):
            off = float((end - ends[0]).abs().max() / ends[0].abs().max())
            require(
                off <= _tolerance(subject, 1e-9),
                f"a model that predicts {kind} gives samples off by {off:.1e} from x0's.",
            )
            worst = max(worst, off)
    return f"five parametrisations agree to {worst:.1e}."


@check(every=True)
def check_precision(subject: Subject) -> str:
    """In float32 the states stay float32 and end within 1e-5 of those in float64."""
    worst = 0.0
    for problem in (mixture_2d(), gaussian()):
        times, x = problem.grid(16), problem.x.float()
        states = subject.states(problem.model, x, times)
        require(all(s.x.dtype is torch.float32 for s in states), "float32 comes back in another dtype.")
        require(all(s.x.shape == x.shape for s in states), "a state has another shape than the start.")
        exact = subject.run(problem.model, x.double(), times)
        off = float((states[-1].x - exact).abs().max() / exact.abs().max())
        allowed = _tolerance(subject, 1e-5)
        if subject.facts.adaptive and not subject.facts.stochastic:  # other steps may err as much the other way
            allowed = max(allowed, 2 * float((exact - problem.end).abs().max() / exact.abs().max()))
        require(off <= allowed, f"float32 is off by {off:.1e} from float64 on {problem.name}.")
        worst = max(worst, off)
    return f"float32 within {worst:.1e} of float64."


def _tolerance(subject: Subject, tolerance: float) -> float:
    """An adaptive method may take other steps after the least change of its input; then its own tolerance counts."""
    return max(tolerance, 1e-2) if subject.facts.adaptive else tolerance


@check(every=True)
def check_per_sample_points(subject: Subject) -> str:
    """Points that hold a time for every sample, as (B, 1) tensors, give what each sample alone gives with floats."""
    if not subject.steps_itself:
        raise NotApplicable("it brings its own loop, which takes a common grid")
    worst = 0.0
    for problem in (mixture_2d(), gaussian()):
        sde, x = problem.model.sde, problem.x[:2]
        rows = [problem.grid(6, "karras"), problem.grid(6, "uneven")]
        both = [sde.at(torch.tensor([[a.t], [b.t]], dtype=torch.float64)) for a, b in zip(*rows, strict=True)]
        if subject.solver.supports(sde, rows[0]):
            raise Refused(str(subject.solver.supports(sde, rows[0])))
        with torch.no_grad():  # whether a grid will do is asked of grids of floats
            *_, last = subject.solver.solve(problem.model, x, Grid(sde, both), _samples([0, 1], x))
        end = last.x
        for i, row in enumerate(rows):
            alone = subject.run(problem.model, x[i : i + 1], row, _samples([i], x))
            off = float((end[i] - alone[0]).abs().max() / alone.abs().max())
            if subject.facts.batch_coupled:
                continue
            require(off <= 1e-10, f"with a time for each sample, sample {i} is off by {off:.1e} on {problem.name}.")
            worst = max(worst, off)
    return f"two samples on two grids at once agree to {worst:.1e} with each alone."


def _samples(numbers: list[int], x: Tensor) -> SeededNoise:
    return SeededNoise(0, numbers, tuple(x.shape[1:]), x.dtype)


@check(every=True)
def check_shapes(subject: Subject) -> str:
    """Any shape of sample will do, from one number to an image."""
    sde = hard_ou()
    model = FunctionModel(lambda x, t: torch.tanh(1.3 * x), sde=sde, prediction="x0")
    shapes = ((), (1,), (5,), (2, 3), (3, 4, 4))
    for shape in shapes:
        x = torch.linspace(-2, 2, 3 * torch.Size(shape).numel(), dtype=torch.float64).reshape(3, *shape)
        end = subject.run(model, x, grid(sde, 3))
        require(end.shape == x.shape, f"samples of shape {shape} come back as {tuple(end.shape[1:])}.")
        if not subject.facts.stochastic and not subject.facts.batch_coupled and subject.facts.affine:
            flat = subject.run(model, x.reshape(-1, 1), grid(sde, 3)).reshape(x.shape)
            off = float((flat - end).abs().max())
            limit = (
                1e-9 if subject.facts.implicit else 1e-12
            )  # equations are solved to a residual, of the sample as a whole
            require(off <= limit, f"on an elementwise model, the shape {shape} changes the numbers by {off:.1e}.")
    return f"shapes {', '.join(map(str, shapes))}."


@check(every=True)
def check_processes(subject: Subject) -> str:
    """On every registered process it runs to finite samples near the exact ones, or declines with a reason."""
    ran: list[str] = []
    declined: dict[str, str] = {}
    for sde, times in processes():
        reason = subject.solver.supports(sde, times)
        if reason:
            declined[sde.spec_name()] = reason
            continue
        assert isinstance(sde, GaussianSDE)  # a solver that runs on others is measured by the check of drift alone
        exact = Gaussian(mean=[1.3, -0.7], cov=[[0.3, 0.12], [0.12, 0.2]], sde=sde)
        model = Native(exact, "flow" if times[0].alpha == 0 else "eps")
        top, end = times[0], times[-1]
        x = top.alpha * exact.mean + (top.sigma**2 + top.alpha**2) ** 0.5 * gaussian().x
        got = subject.run(model, x, times)
        require(
            torch.isfinite(got).all(), f"on {sde} with its own grid of {times.steps} steps the result is not finite."
        )
        ran.append(sde.spec_name())
        if subject.facts.order is not None or (subject.facts.adaptive and not subject.facts.stochastic):
            right = gaussian_flow(exact, x, top, end)
            off = float((got - right).square().mean().sqrt())
            if off > 0.1:  # a wide process and a low order: more steps must help
                finer = Grid(
                    sde, [t for a, b in times.intervals() for t in _split(float(a.t), float(b.t), 6)] + [end.t]
                )
                coarse, off = off, float((subject.run(model, x, finer) - right).square().mean().sqrt())
                require(
                    off <= 0.5 * coarse,
                    f"on {sde}, 48 steps end {coarse:.2g} (RMS) from the exact flow, 288 {off:.2g}.",
                )
            require(off <= 0.1, f"on {sde} it ends {off:.2g} (RMS) from the exact flow.")
    words = "; ".join(f"declines {name}: {reason}" for name, reason in declined.items())
    return f"runs on {', '.join(ran) or 'none'}{'; ' + words if words else ''}."


def _split(a: float, b: float, parts: int) -> list[float]:
    return [a + (b - a) * i / parts for i in range(parts)]


@check()
def check_drift_only(subject: Subject) -> str:
    """A solver that does not say it needs a Gaussian process runs on one that has only drift and diffusion."""
    sde = NotGaussian()
    times = Grid(sde, [0.4, 0.3, 0.2, 0.12, 0.05])
    model = FunctionModel(lambda x, t: -x * (1 + x * x), sde=sde, prediction="score")
    reason = subject.solver.supports(sde, times)
    if reason:
        raise Refused(reason)
    x = subject.run(model, gaussian().x * 0.5, times)
    require(torch.isfinite(x).all(), "on a process with a cubic drift the result is not finite.")
    return "runs with drift and diffusion alone."


@check(every=True)
def check_encoding(subject: Subject) -> str:
    """Forwards in time, from data to noise, a solver of the flow ends near the exact state, or declines."""
    if subject.facts.order is None:
        raise NotApplicable("it does not follow the flow")
    problem: FlowProblem = mixture_1d()
    times = problem.grid(64)
    up = Grid(times.sde, times.times[::-1])
    got = subject.run(problem.model, problem.end, up)
    off = float((got - problem.x).square().mean().sqrt())
    down = problem.error(subject.run(problem.model, problem.x, times))
    require(
        off <= 20 * down + 1e-9,
        f"encoding in 64 steps ends {off:.1e} from the exact state; sampling was {down:.1e} off.",
    )
    return f"encoding in 64 steps is {off:.1e} off, sampling {down:.1e}."
