"""Checks of how a solver behaves: its cost, its randomness, its state, its batch."""

from __future__ import annotations

import dataclasses
import random
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from solvers_zoo import (
    SDE,
    FunctionModel,
    GaussianPoint,
    IncompatibleError,
    Interval,
    ModelError,
    Point,
    Prediction,
    SeededNoise,
    State,
    ZooError,
    sample,
)
from solvers_zoo.testing.probe import ModelSpy, NoiseRecorder
from solvers_zoo.testing.problems import (
    FlowProblem,
    elementwise,
    gaussian,
    grid,
    hard_ou,
    mixture_1d,
    mixture_2d,
    spread,
)
from solvers_zoo.testing.report import Broken, NotApplicable, Refused
from solvers_zoo.testing.subject import Subject, check, require, same_bits, tensors, variants

_STEPS = 7


def _start(count: int = 5, dim: int = 3) -> Tensor:
    return spread(count, dim, 2.0)


def _noise(x: Tensor, seed: int = 11, first: int = 0) -> SeededNoise:
    return SeededNoise(seed, range(first, first + len(x)), tuple(x.shape[1:]), x.dtype)


@check(every=True)
def check_evaluations(subject: Subject) -> str:
    """Model calls are counted and must be what nfe() says, for one step, two, three and more, and what a run reports."""
    problem, facts = mixture_2d(), subject.facts
    counted = []
    for steps in (1, 2, 3, 4, 5, 8, 13):
        spy = ModelSpy(problem.model)
        last = subject.states(spy, problem.x, problem.grid(steps))[-1]
        require(torch.isfinite(last.x).all(), f"the result of {steps} steps is not finite.")
        counted.append((steps, spy.calls))
        claimed = subject.solver.nfe(steps)
        require(
            claimed in (None, spy.calls),
            f"{steps} steps made {spy.calls} model calls, and nfe({steps}) says {claimed}.",
        )
    _reported(subject, problem)
    steps, calls = counted[-1]
    if facts.evaluations is None:
        return f"{calls} calls in {steps} steps; only a run can tell."
    earlier, before = counted[-2]  # start-up may cost more
    require(
        abs(calls - before - facts.evaluations * (steps - earlier)) <= facts.evaluations + 1,
        f"{steps - earlier} further steps made {calls - before} calls, and the card says {facts.evaluations:g} a step.",
    )
    return f"{', '.join(f'{calls} calls in {steps}' for steps, calls in counted)} steps, as declared."


def _reported(subject: Subject, problem: FlowProblem) -> None:
    """What a run reports as a sample's evaluations is what the model saw of it, when it is alone."""
    rows: list[int] = []
    spy = ModelSpy(problem.model, lambda x, point: rows.append(len(x)))
    last = subject.states(spy, problem.x[:1], problem.grid(5))[-1]
    told: Any = subject.solver.report(last).get("evaluations")
    require(
        told is None or int(told[0]) == sum(rows),
        f"of a sample alone it reports {told} evaluations, and {sum(rows)} were made.",
    )


@check(every=True)
def check_domain(subject: Subject) -> str:
    """The model is called only at times within the grid, at points of the process."""
    seen: list[float] = []
    for problem, rule in ((mixture_2d(), "karras"), (mixture_1d(), "uniform"), (gaussian(), "uneven")):
        sde = problem.model.sde
        slack = 1e-9 * (sde.t_max - sde.t_min)

        def see(x: Tensor, point: Point, sde: SDE = sde, slack: float = slack) -> None:
            t = torch.as_tensor(point.t, dtype=torch.float64)
            require(
                t.min() >= sde.t_min - slack and t.max() <= sde.t_max + slack,
                f"the model was called at t = {t.flatten()[0].item():g}, outside [{sde.t_min:g}, {sde.t_max:g}].",
            )
            true = sde.at(point.t)
            off = max(
                float(torch.as_tensor(getattr(true, f) - getattr(point, f)).abs().max()) for f in ("alpha", "sigma")
            )
            require(off <= 1e-9, f"the model was called with a point that is not the process's: off by {off:.1e}.")
            seen.append(float(t.flatten()[0]))

        for steps in (1, 5):
            subject.run(ModelSpy(problem.model, see), problem.x, problem.grid(steps, rule))
    return f"{len(seen)} calls, all within the grid."


@check(every=True)
def check_seed(subject: Subject) -> str:
    """The same seed gives the same bits twice; another seed changes the result of a stochastic solver and of no other."""
    problem, x = mixture_2d(), mixture_2d().x
    times = problem.grid(_STEPS)
    spy = NoiseRecorder(_noise(x))
    first, again = subject.run(problem.model, x, times, spy), subject.run(problem.model, x, times, _noise(x))
    require(same_bits(first, again), "the same seed gave different bits.")
    other = subject.run(problem.model, x, times, _noise(x, seed=12))
    differs = not same_bits(first, other)
    if subject.facts.stochastic:
        require(differs, "it is declared stochastic, and another seed changes nothing.")
        fixed = (first == other).flatten(1).any(1).float().mean().item()
        require(fixed < 0.5, f"another seed leaves {fixed:.0%} of the samples as they were.")
        return f"same seed, same bits; {spy.asked} draws in {_STEPS} steps."
    require(not differs, "it is declared deterministic, and another seed changes the result.")
    require(spy.asked == 0, f"it is declared deterministic and draws {spy.asked} times.")
    return "same bits for every seed, and no draw."


@check(every=True)
def check_global_state(subject: Subject) -> str:
    """The global generators of torch, numpy and random, torch's defaults and its grad mode are as before."""
    problem = mixture_2d()

    def snapshot() -> list[object]:
        numpy = np.random.get_state(legacy=False)["state"]
        return [
            torch.get_rng_state().numpy().tobytes(),
            numpy["key"].tobytes(),
            numpy["pos"],
            random.getstate(),
            torch.get_default_dtype(),
            torch.is_grad_enabled(),
            torch.get_num_threads(),
        ]

    before = snapshot()
    subject.run(problem.model, problem.x, problem.grid(_STEPS))
    names = (
        "torch's generator",
        "numpy's generator",
        "numpy's generator",
        "random's generator",
        "torch's default dtype",
        "torch's grad mode",
        "torch's number of threads",
    )
    changed = [name for name, old, new in zip(names, before, snapshot(), strict=True) if old != new]
    require(
        not changed, f"a run changes {changed[0] if changed else ''}; take random numbers from the noise it is given."
    )
    return "no generator moved."


@check(every=True)
def check_purity(subject: Subject) -> str:
    """The start, the states given out and the memories are never changed afterwards, and the model's answer neither."""
    problem, x = mixture_2d(), mixture_2d().x.clone()
    times = problem.grid(_STEPS)
    answers: list[tuple[Tensor, Tensor]] = []

    class Keep(ModelSpy):
        def __call__(self, x: Tensor, point: GaussianPoint, **condition: object) -> Prediction:
            prediction = self.model(x, point)
            answers.append((prediction.out, prediction.out.clone()))
            answers.append((x, x.clone()))
            return prediction

    kept: list[tuple[Tensor, Tensor]] = []
    reason = subject.solver.supports(problem.model.sde, times)
    require(reason is None, str(reason))
    with torch.no_grad():
        for number, state in enumerate(subject.solver.solve(Keep(problem.model), x, times, _noise(x)), 1):
            kept += [(tensor, tensor.clone()) for tensor in (state.x, *tensors(state.memory))]
            if subject.steps_itself:
                require(state.index == number, f"state {number} says it is number {state.index}.")
                due = times[number].t
                require(
                    state.point.t == due,
                    f"the state after step {number} says t = {state.point.t}, the grid says {due}.",
                )
    require(same_bits(x, problem.x), "it changes its start in place.")
    require(all(same_bits(a, b) for a, b in kept), "it changes a state or a memory that it gave out earlier.")
    require(all(same_bits(a, b) for a, b in answers), "it changes the model's input or answer in place.")
    require(state.point.t == times[-1].t and number >= 1, f"it ends at t = {state.point.t}, not at {times[-1].t}.")
    return f"{len(kept) + len(answers)} tensors as they were."


@check(every=True)
def check_reuse(subject: Subject) -> str:
    """Two interleaved runs of one solver object do not see each other, and the object stays as it was."""
    problem, solver = mixture_2d(), subject.solver
    x, y, times = problem.x, 0.7 * problem.x.flip(0), problem.grid(_STEPS)
    before = dict(vars(solver))
    alone, other = (
        subject.run(problem.model, x, times, _noise(x)),
        subject.run(problem.model, y, times, _noise(y, seed=5)),
    )
    with torch.no_grad():
        one = solver.solve(problem.model, x, times, _noise(x))
        started = list(islice(one, 2))
        two = list(solver.solve(problem.model, y, times, _noise(y, seed=5)))
        ended = [*started, *one]
    require(
        same_bits(ended[-1].x, alone) and same_bits(two[-1].x, other),
        "a run changes when another one of the same object goes on beside it: it keeps state outside its memory.",
    )
    require(
        vars(solver) == before,
        f"running changes its attributes: {sorted(set(vars(solver)) ^ set(before)) or 'values'}.",
    )
    try:
        solver.something = 1
    except (AttributeError, dataclasses.FrozenInstanceError):
        return "interleaved runs are the same bits; the object is frozen."
    raise Broken(
        "the object accepts new attributes, so it can keep state; do not give it __setattr__ or mutable slots."
    )


@check(every=True)
def check_batch(subject: Subject) -> str:
    """A sample alone is bitwise the sample in a batch of 2, 3 and 7, on a model of elementwise operations."""
    sde = hard_ou()
    model, times, x = elementwise(sde), grid(sde, _STEPS), _start(7)
    alone = [subject.run(model, x[i : i + 1], times, _noise(x[i : i + 1], first=i)) for i in range(7)]
    coupled = [
        (size, i)
        for size in (2, 3, 7)
        for i, row in enumerate(subject.run(model, x[:size], times, _noise(x[:size])))
        if not same_bits(row[None], alone[i])
    ]
    if subject.facts.batch_coupled:
        require(coupled, "it is declared batch_coupled, and no sample changes with its batch.")
        return f"coupled as declared: {len(coupled)} of 12 samples change with their batch."
    require(
        not coupled, "sample {1} in a batch of {0} differs from the sample alone.".format(*(coupled or [(0, 0)])[0])
    )
    return "12 of 12 samples are the same alone and in a batch."


@check(every=True)
def check_memory(subject: Subject) -> str:
    """Memory holds tensors and numbers, stops growing, and is what the card says; forgetting it changes the result."""
    problem, facts = mixture_2d(), subject.facts
    times = problem.grid(12)
    states = subject.states(problem.model, problem.x, times)
    sizes = [sum(t.numel() for t in tensors(state.memory)) for state in states]
    if subject.steps_itself:
        require(max(sizes) == sizes[-1] == sizes[len(sizes) // 2], f"its memory grows with the steps: {sizes} numbers.")
    held = sum(t.shape == problem.x.shape for t in tensors(states[-1].memory))
    require(
        facts.memory <= held <= facts.memory + 3 or not subject.steps_itself,
        f"it carries {held} tensors of the state's shape, and the card says {facts.memory} past evaluations.",
    )
    if not subject.steps_itself:
        return f"carries {held} tensors between steps."
    middle = states[6]
    forgetful = subject.run(problem.model, problem.x, times, state=State(middle.index, middle.point, middle.x))
    matters = not same_bits(forgetful, states[-1].x)
    require(matters or facts.memory == 0, f"the card says it remembers {facts.memory}, and forgetting changes nothing.")
    require(not matters or held, "forgetting its memory changes the result, yet it holds no tensor.")
    return f"carries {held} tensors between steps, the card says {facts.memory} past evaluations."


@check(every=True)
def check_resume(subject: Subject) -> str:
    """Stopped after any step and resumed from that state alone, the end is the same bit for bit."""
    problem = mixture_2d()
    x, times = problem.x, problem.grid(_STEPS)
    states = subject.states(problem.model, x, times, _noise(x))
    wrong: list[str] = []
    stops = states[:-1] if len(states) <= 2 * _STEPS else states[: -1 : len(states) // 6]
    for state in stops:
        try:
            ends = subject.states(problem.model, torch.full_like(x, torch.nan), times, _noise(x), state)
        except Exception as error:
            wrong.append(f"resuming after step {state.index} raised {type(error).__name__}: {error}")
            continue
        if not ends or not same_bits(ends[-1].x, states[-1].x):
            wrong.append(f"resumed after step {state.index}, the end differs")
    if not subject.facts.resumable:
        require(wrong or len(states) == 1, "it is declared not resumable, and resumes bit for bit.")
        return f"does not resume, as declared: {wrong[0] if wrong else 'it gives one state, the last'}."
    require(not wrong, f"{wrong[0] if wrong else ''}.")
    return f"the same bits from each of {len(stops)} states."


@check()
def check_settings(subject: Subject) -> str:
    """Each choice and switch among the options changes something: the numbers, the cost, or what a step estimates."""
    solver = subject.solver
    if subject.facts.adaptive and any(facts.kind == "solver" for facts in solver.options().values()):
        raise NotApplicable("some of its settings concern only some of the solvers that it can hold")
    named = [name for name, facts in solver.options().items() if facts.choices is not None or facts.kind == "bool"]
    others = [s for s in variants(solver) if any(getattr(s, name) != getattr(solver, name) for name in named)]
    if not others:
        raise NotApplicable("it has no choices or switches")
    ours = _seen(subject)
    for other in others:
        require(_seen(Subject(other)) != ours, f"{other} does exactly what {solver} does.")
    return f"{len(others)} other settings do other things."


def _seen(subject: Subject) -> list[object]:
    """All that a short run shows."""
    seen: list[object] = [subject.solver.nfe(3)]
    for problem in (mixture_1d(), mixture_2d()):
        states = subject.states(problem.model, problem.x, problem.grid(3))
        seen += [tensor.numpy().tobytes() for state in states for tensor in (state.x, *tensors(state.memory))]
        if subject.steps_itself:
            times = problem.grid(2)
            interval = Interval(times[0], times[1], subject.solver.plan(times)[0])  # type: ignore[attr-defined]
            with torch.no_grad():
                step = subject.solver.step(problem.model, problem.x, interval, None, _noise(problem.x).at(0))  # type: ignore[attr-defined]
            seen.append(step.error is None or step.error.numpy().tobytes())
    return seen


def _named(subject: Subject) -> range:
    """The steps in which a NaN at the fourth time may first be met.

    As the end of the third, as the start of the fourth, in the fifth where every step first goes back up, or in the second by a
    step that looks ahead to the end of the next.
    """
    return range(1, _STEPS + 1) if subject.facts.stationary or not subject.steps_itself else range(2, 6)


@check()
def check_nan(subject: Subject) -> str:
    """A model that answers NaN ends in a ModelError that names the step."""
    problem = mixture_2d()
    times = problem.grid(_STEPS)
    tau = times[3].t * (1 + 1e-9)

    def answer(x: Tensor, t: Tensor) -> Tensor:
        out = problem.model.predict(x, problem.model.sde.at(float(t[0])))
        return torch.where(t[0] <= tau, torch.nan, out)

    model = FunctionModel(answer, sde=problem.model.sde, prediction="x0")
    try:
        sample(model, subject.solver, grid=times, x=problem.x)
    except IncompatibleError as error:
        raise Refused(str(error)) from error
    except ZooError as error:
        if subject.facts.adaptive and "step" in str(error):  # it may give up on its step before the driver looks
            return f"reported: {error}"
        require(isinstance(error, ModelError), f"NaN is reported as a {type(error).__name__}: {error}")
        named = [k for k in _named(subject) if f"step {k} of" in str(error)]
        require(named, f"NaN from the fourth time on is reported as: {error}")
        return f"reported: {error}"
    raise Broken("a model that answers NaN goes unnoticed: its answers do not reach the result.")
