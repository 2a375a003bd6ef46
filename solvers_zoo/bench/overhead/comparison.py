"""The comparison: it runs all sides of a row in turn and computes ratios from their times."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.bench.overhead import gpu
from solvers_zoo.bench.overhead.anatomy import anatomy
from solvers_zoo.bench.overhead.clock import interleaved
from solvers_zoo.bench.overhead.host import host_reads
from solvers_zoo.bench.overhead.pairs import PAIRS, Pair, pairs_for
from solvers_zoo.bench.overhead.row import Cost, Row
from solvers_zoo.bench.overhead.sides import FORMULATIONS, Ready, denoiser, form_of, grid, peer_side, zoo_side
from solvers_zoo.errors import IncompatibleError, OptionError, ZooError
from solvers_zoo.interop.libraries import LIBRARIES, installed, needed

SHAPES = ((64, 2), (64, 3, 32, 32))
#: Steps of the shorter run: as many as any start-up takes, and 2 modulo 3, where DPM-Solver-fast is the same everywhere.
FIRST = 5
#: Calls of the model, and updates of the floor, that are timed as one.
MANY = 20


class _Case(NamedTuple):
    """What one row compares."""

    solver: str
    pair: Pair | None
    form: str


def measure(
    solvers: Sequence[str] = (),
    shapes: Sequence[Sequence[int]] = SHAPES,
    peers: Sequence[str] | None = None,
    repeats: int = 50,
    progress: Callable[[int, int], None] | None = None,
    *,
    steps: int = 18,
    device: str | None = None,
) -> list[Row]:
    """Measure solvers beside every implementation of the same algorithm that is installed, or alone.

    It takes about ``repeats`` / 20 seconds a solver, peer and shape.

    Args:
        solvers: specifications; by default all that a peer has too. A peer's is the same where all options are.
        shapes: of the whole state, batch first.
        peers: of `LIBRARIES`; by default those that are installed, and a row says which is not.
        repeats: rounds in which everything runs in turn.
        progress: called with (rows done, rows in all).
        steps: N; runs have N + 5 steps, and 5. A multiple of 6, so that no method ends in the middle of a cycle.
        device: ``cpu`` or ``cuda``; by default both, and where there is no GPU a row a solver says so.

    Raises:
        OptionError: an impossible argument.
        UnknownNameError: no such solver.
        PluginError: a peer that is named and not installed.

    """
    if steps < 1 or steps % 6:
        raise OptionError(f"steps = {steps} is not possible; it takes a multiple of 6.")
    if repeats < 1:
        raise OptionError(f"repeats = {repeats} is not possible; it takes one or more.")
    if device not in (None, "cpu", "cuda"):
        raise OptionError(f"device = {device!r} is not possible; it is cpu or cuda.")
    states = [_checked(shape) for shape in shapes]
    cases = _cases(solvers, _libraries(peers))
    devices = ["cpu", "cuda"] if device is None else [device]
    on_gpu = "cuda" in devices and gpu.reason() is None
    plan = [(case, shape, where) for where in devices if where == "cpu" or on_gpu for shape in states for case in cases]
    rows = []
    with _quiet():
        for done, (case, shape, where) in enumerate(plan):
            if progress is not None:
                progress(done, len(plan))
            rows.append(_measured(case, shape, steps, repeats, where))
        names = {case.solver: case.form for case in cases}
        if on_gpu:
            rows += [gpu.inspect_loop(name, form, shape, steps) for shape in states for name, form in names.items()]
        elif "cuda" in devices:
            rows += [Row(name, (), "cuda", note=f"not measured: {gpu.reason()}") for name in names]
    if progress is not None:
        progress(len(plan), len(plan))
    missing = [] if peers is not None else [name for name in LIBRARIES if not installed(name)]
    return rows + [Row("", (), library=name, note=f"not measured: {name} is not installed") for name in missing]


def _checked(shape: Sequence[int]) -> tuple[int, ...]:
    if len(shape) < 1 or min(shape) < 1:
        raise OptionError(
            f"shape = {','.join(map(str, shape))} is not possible; it takes sizes of 1 or more, batch first."
        )
    return tuple(shape)


def _libraries(peers: Sequence[str] | None) -> list[str]:
    for name in peers or ():
        if name not in LIBRARIES:
            raise OptionError(f"peer {name!r} is not known; it is one of {', '.join(LIBRARIES)}.")
        needed(name)
    return [name for name in LIBRARIES if installed(name)] if peers is None else list(peers)


def _cases(solvers: Sequence[str], libraries: Sequence[str]) -> list[_Case]:
    if not solvers:
        return [_Case(pair.solver, pair, form_of(pair)) for pair in PAIRS if pair.library in libraries]
    cases = []
    for solver in solvers:
        pairs = pairs_for(solver, libraries)
        cases += [_Case(pair.solver, pair, form_of(pair)) for pair in pairs] or [alone(solver)]
    return cases


def alone(solver: str) -> _Case:
    """A solver that no peer has, in the first form that it can run in."""
    made = registry.default().make("solver", solver)
    usable = (form for form, (sde, _) in FORMULATIONS.items() if made.supports(sde, grid(form, FIRST)) is None)
    return _Case(str(made), None, next(usable, "edm"))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """One thread, no gradients, no warnings, and a memory allocator as networks leave it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    # Freeing one block as large as a network's activations ends glibc's returning of small ones to the system, which
    # otherwise costs either side a page fault for every 4 kB of state it touches.
    torch.empty(30 * 2**20, dtype=torch.uint8)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # diffusers warns of settings that it will drop
            yield
    finally:
        torch.set_num_threads(threads)


class _Counting:
    """The model, counting its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        self.calls += 1
        return denoiser(x, t)


def _measured(case: _Case, shape: tuple[int, ...], steps: int, repeats: int, device: str) -> Row:
    """One row; a solver that will not run on a plain function, or on this device, is a row with its reason."""
    pair = case.pair
    library, peer, target = (pair.library, pair.name, pair.target) if pair else ("", "", None)
    row = Row(case.solver, shape, gpu.name(device), library, peer, target=target)
    try:
        return _timed(row, case, steps, repeats, device)
    except (ZooError, RuntimeError) as error:
        return replace(row, note=f"not measured: {error}")


def _timed(row: Row, case: _Case, steps: int, repeats: int, device: str) -> Row:
    x = torch.randn(row.shape, generator=torch.Generator().manual_seed(0)).to(device)
    times, noise = torch.ones(row.shape[0], device=device), Ready(x)
    short, long = FIRST, FIRST + steps
    inside = anatomy(case.solver, case.form, steps)
    with contextlib.ExitStack() as silent:
        sides: dict[str, Callable[[Any, int], Any]] = {"zoo": zoo_side(case.solver, case.form, x, noise)}
        if case.pair is not None:
            sides["other"] = peer_side(case.pair, x, noise, silent)
        calls: dict[Any, int] = {}
        parts: dict[Any, Callable[[], Any]] = {"model": partial(_repeat, denoiser, x, times)}
        for side, run in sides.items():
            for n in (short, long):
                counting = _Counting()
                run(counting, n)
                calls[side, n] = counting.calls
                parts[side, n] = partial(run, denoiser, n)
            if calls[side, short] == calls[side, long] or not inside.evaluations:
                raise IncompatibleError(
                    "evaluations that do not grow with the grid's steps cannot be told from the start"
                )
        parts |= floors(x)
        rounds = interleaved(parts, repeats, device)

    def a_call(side: str, seconds: Mapping[Any, float]) -> float:
        above = [seconds[side, n] - calls[side, n] * seconds["model"] / MANY for n in (short, long)]
        return (above[1] - above[0]) / (calls[side, long] - calls[side, short])

    def start(side: str, seconds: Mapping[Any, float]) -> float:
        return seconds[side, short] - calls[side, short] * (seconds["model"] / MANY + a_call(side, seconds))

    def cost(side: str) -> Cost:
        per_step = functools.partial(a_call, side)
        scale = 1e6 * inside.evaluations
        return Cost(scale * rounds.fastest(per_step), scale * rounds.median(per_step))

    return replace(
        row,
        zoo=cost("zoo"),
        other=cost("other") if "other" in sides else None,
        zoo_start=1e6 * rounds.fastest(partial(start, "zoo")),
        other_start=1e6 * rounds.fastest(partial(start, "other")) if "other" in sides else None,
        one_pass=1e6 * rounds.fastest(partial(update, 2)),
        passes=1e6 * sum(number * rounds.fastest(partial(update, arrays)) for arrays, number in inside.updates.items()),
        kernels=inside.kernels,
        host=host_reads(case.solver, case.form),
    )


def _repeat(function: Callable[..., Any], *arguments: Any) -> None:
    for _ in range(MANY):
        function(*arguments)


def floors(x: Tensor) -> dict[str, Callable[[], Any]]:
    """The passes over a state that updates are made of, `MANY` of each."""
    other = x.mul(0.25)
    total = x.mul(0.9)
    return {
        "lerp": partial(_repeat, x.lerp, other, 0.1),
        "mul": partial(_repeat, x.mul, 0.9),
        "add_": partial(_repeat, partial(total.add_, alpha=1e-9), other),
    }


def update(arrays: int, seconds: Mapping[Any, float]) -> float:
    """Seconds of an update that combines so many arrays, in as few passes as torch has: one for two."""
    passes = seconds["lerp"] if arrays <= 2 else seconds["mul"] + (arrays - 1) * seconds["add_"]
    return passes / MANY


def setup_milliseconds(solver: Any, rule: Any, sde: Any, steps: int = 1000, repeats: int = 10) -> float:
    """Milliseconds to make a grid of ``steps`` intervals and the solver's coefficients for it."""
    rounds = interleaved({"": lambda: solver.plan(rule.make_grid(sde, steps))}, repeats, turn=0.0)
    return 1e3 * rounds.fastest(lambda seconds: seconds[""])
