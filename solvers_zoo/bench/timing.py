"""How long a run takes, and how much of that is the model."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from solvers_zoo.sampling.run import Run

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.sampling.job import Job

#: Seconds of timed repeats after which no further one begins.
TIMING = 2.0


def timed(job: Job, calls: int, repeats: int) -> list[list[float]]:
    """Seconds of whole runs and of as many calls of the model alone, in turn; the run before them was the warm-up."""
    found: list[list[float]] = []
    x = job.begin(0)[1]
    began = time.perf_counter()
    while len(found) < repeats and (not found or time.perf_counter() - began < TIMING):
        total = _seconds(lambda: Run(job).go(), job)
        alone = _seconds(lambda: _calls(job, x, calls), job)
        found.append([total, alone])
    return found


def _calls(job: Job, x: Tensor, calls: int) -> None:
    model = job.conditioned(0)
    with torch.no_grad():
        for number in range(calls):
            model(x, job.grid[number % job.grid.steps])


def _seconds(work: Callable[[], Any], job: Job) -> float:
    began = time.perf_counter()
    work()
    if job.device.type == "cuda":
        torch.cuda.synchronize(job.device)
    return time.perf_counter() - began
