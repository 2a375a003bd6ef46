"""On a GPU: the loop must not make the host wait, and must replay as one CUDA graph."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.bench.overhead.anatomy import loop_over
from solvers_zoo.bench.overhead.row import Row
from solvers_zoo.bench.overhead.sides import Ready, denoiser
from solvers_zoo.errors import ZooError

#: A loop from its start to its end.
Loop = Callable[[Tensor], Tensor]


def reason() -> str | None:
    """Why nothing can be measured on a GPU, or None if it can."""
    return None if torch.cuda.is_available() else "no GPU here"


def name(device: str) -> str:
    """``cpu``, or what the GPU is called."""
    return device if device == "cpu" else torch.cuda.get_device_name()


def inspect_loop(solver: str, form: str, shape: tuple[int, ...], steps: int) -> Row:
    """One row of a solver's loop on the GPU: whether it waits, whether it replays, and the kernels it launches a step.

    Stochastic solvers are asked only whether they wait; their noise is a buffer that lies ready.
    """
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to("cuda")
    noise = Ready(x)

    def run(start: Tensor, n: int = steps) -> Tensor:
        *_, last = loop_over(solver, form, n, start, denoiser, noise)
        return last.x

    row = Row(solver, shape, name("cuda"))
    try:
        run(x)  # kernels are loaded, coefficients made
        waits = waiting(lambda: run(x))
    except (ZooError, RuntimeError) as error:
        return replace(row, note=f"not measured: {error}")
    if waits or registry.default().make("solver", solver).facts().stochastic:
        return replace(row, host=waits)
    return replace(row, kernels=kernels(run, x, steps), note=replay_verdict(run, x))


@contextlib.contextmanager
def no_waiting() -> Iterator[None]:
    """Waiting for the GPU is an error."""
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def waiting(run: Callable[[], Any], guard: Callable[[], Any] = no_waiting) -> str:
    """What makes ``run`` wait under ``guard``, in torch's words; empty if nothing does."""
    try:
        with guard():
            run()
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return ""


def captured(run: Loop, x: Tensor) -> Loop:
    """The loop as one CUDA graph: a function that replays it from any start of the same shape."""
    start = x.clone()
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # a graph's memory comes from a pool of its own, which a few runs make ready
        for _ in range(3):
            run(start)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        end = run(start)

    def replay(x: Tensor) -> Tensor:
        start.copy_(x)
        graph.replay()
        return end.clone()

    return replay


def replay_verdict(run: Loop, x: Tensor, capture: Callable[[Loop, Tensor], Loop] = captured) -> str:
    """Whether the loop can be captured, and gives from two other starts what it gives eagerly, to the bit."""
    try:
        replay = capture(run, x)
    except RuntimeError as error:
        return f"not one CUDA graph: {str(error).splitlines()[0]}"
    same = all(torch.equal(replay(start), run(start)) for start in (-x, 2 * x))
    return "one CUDA graph, replay equals the loop" if same else "the CUDA graph gives other numbers than the loop"


def kernels(run: Callable[[Tensor, int], Tensor], x: Tensor, steps: int) -> float:
    """Kernels a step, the model's own left out: of a loop of so many steps beyond one of half as many."""
    half = steps // 2
    calls = [_kernels(partial(run, x, n)) for n in (half, steps)]
    return (calls[1] - calls[0]) / (steps - half)


def _kernels(run: Callable[[], Any]) -> int:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as seen:
        run()
        torch.cuda.synchronize()
    return sum(event.count for event in seen.key_averages() if event.device_type.name == "CUDA")
