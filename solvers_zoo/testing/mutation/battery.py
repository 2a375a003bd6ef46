"""A fingerprint of all that a solver does: two solvers with the same fingerprint count as the same solver.

It holds cards, options, refusals, costs, error estimates, and every bit of runs over processes, grids, directions, numbers of
steps, dtypes and points, for the defaults and for every option moved off them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor

from solvers_zoo import SDE, Grid, Interval, ScoreModel, SeededNoise, Solver, registry
from solvers_zoo.testing.check_inputs import Native
from solvers_zoo.testing.problems import NotGaussian, gaussian, mixture_1d, mixture_2d, processes
from solvers_zoo.testing.subject import Subject, costly, tensors, variants


def fingerprint(name: str, brief: bool = False) -> str:
    """A digest of the solver ``name`` of the default registry; a ``brief`` one holds two runs of each setting only."""
    digest = hashlib.blake2b(digest_size=16)
    main = registry.default().make("solver", name)
    settings = [main, *variants(main)]
    cheap = [solver for solver in settings if not costly(solver)]
    digest.update(repr([(str(s), s.facts(), [s.nfe(n) for n in (1, 2, 3, 4, 7, 13)]) for s in settings]).encode())
    digest.update(repr(main.options()).encode())
    for solver in cheap or settings:
        for part in _glance(solver) if brief else _parts(solver):
            digest.update(part)
    return digest.hexdigest()


def _glance(solver: Solver) -> Iterator[bytes]:
    for problem, rule in ((mixture_2d(), "karras"), (mixture_1d(), "uneven")):
        yield _run(solver, problem.model, problem.x, problem.grid(4, rule))
    yield _error(solver)


def _parts(solver: Solver) -> Iterator[bytes]:
    yield repr([_said(solver, sde, times) for sde, times in _places()]).encode()
    for case in _runs():
        yield _run(solver, *case)
    yield from _together(solver)
    yield _error(solver)


def _places() -> Iterator[tuple[SDE, Grid | None]]:
    yield NotGaussian(), None
    for sde, times in processes():
        yield sde, None
        yield sde, times
        yield sde, Grid(sde, times.times[::-1])


def _said(solver: Solver, sde: SDE, times: Grid | None) -> str:
    try:
        return str(solver.supports(sde, times))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _runs() -> Iterator[tuple[ScoreModel, Tensor, Grid]]:
    """Model, start and grid of every run."""
    for problem in (mixture_2d(), mixture_1d(), gaussian()):
        for rule, steps in (("karras", 6), ("uneven", 5), ("uniform", 1), ("log", 2), ("log", 3)):
            yield problem.model, problem.x, problem.grid(steps, rule)
    problem = mixture_1d()
    yield problem.model, problem.end, Grid(problem.model.sde, problem.grid(5).times[::-1])
    yield problem.model, problem.x.float(), problem.grid(5)
    for sde, times in processes():
        if sde.gaussian:
            model = type(gaussian().model)(mean=[1.3, -0.7], cov=[[0.3, 0.12], [0.12, 0.2]], sde=sde)
            kind = "flow" if times[0].alpha == 0 else "eps"
            yield Native(model, kind), gaussian().x * times[0].sigma, Grid(sde, times.times[::8])
    sde = NotGaussian()
    from solvers_zoo import FunctionModel

    cubic = FunctionModel(lambda x, t: -x * (1 + x * x), sde=sde, prediction="score")
    yield cubic, gaussian().x * 0.5, Grid(sde, [0.4, 0.3, 0.05])


def _run(solver: Solver, model: ScoreModel, x: Tensor, times: Grid) -> bytes:
    try:
        states = Subject(solver).states(model, x, times)
    except Exception as error:
        return f"{type(error).__name__}: {error}".encode()
    seen = [part for state in states for part in (state.x, *tensors(state.memory))]
    report = sorted((key, str(value)) for key, value in solver.report(states[-1]).items())
    return b"".join(t.contiguous().numpy().tobytes() for t in seen) + repr((len(states), report)).encode()


def _together(solver: Solver) -> Iterator[bytes]:
    """Two samples on two grids at once, and a run resumed in the middle."""
    problem = mixture_2d()
    x, sde = problem.x[:2], problem.model.sde
    rows = [problem.grid(4, "karras"), problem.grid(4, "uneven")]
    both = [sde.at(torch.tensor([[a.t], [b.t]], dtype=torch.float64)) for a, b in zip(*rows, strict=True)]
    try:
        with torch.no_grad():
            for state in solver.solve(problem.model, x, Grid(sde, both), SeededNoise(0, [0, 1], (2,), x.dtype)):
                yield state.x.numpy().tobytes()
            states = Subject(solver).states(problem.model, x, rows[0])
            for state in Subject(solver).states(problem.model, x * 0, rows[0], state=states[1]):
                yield state.x.numpy().tobytes()
    except Exception as error:
        yield f"{type(error).__name__}: {error}".encode()


def _error(solver: Solver) -> bytes:
    """The error estimate of a first step, which no state carries."""
    step = getattr(solver, "step", None)
    if step is None:
        return b""
    problem = mixture_2d()
    times = problem.grid(4)
    try:
        plans = solver.plan(times)  # type: ignore[attr-defined]
        noise = SeededNoise(0, range(16), (2,), problem.x.dtype)
        with torch.no_grad():
            error = step(problem.model, problem.x, Interval(times[0], times[1], plans[0], 0), None, noise.at(0)).error
        return b"" if error is None else bytes(error.numpy().tobytes())
    except Exception as problem_met:
        return f"{type(problem_met).__name__}: {problem_met}".encode()
