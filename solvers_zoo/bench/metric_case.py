"""A finished run as metrics see it: its references are worked out when first asked for, and kept in the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from solvers_zoo.bench.cell import Cell, canonical
from solvers_zoo.exact.dispatch import exact_flow
from solvers_zoo.exact.flows import reference_flow
from solvers_zoo.metrics.base import Case, Clean
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.sampling.driver import sample
from solvers_zoo.score_models.wrappers.conditioned import Conditioned

if TYPE_CHECKING:
    from solvers_zoo.bench.store import Store
    from solvers_zoo.sampling.job import Job
    from solvers_zoo.score_models.base import ScoreModel

#: Starts that the reference flow takes together: all share its steps, whose error is a mean over them. Samples that stand for
#: an unknown law need less care, and come in larger batches.
TOGETHER, TOGETHER_SAMPLES, SAMPLES_RTOL = 64, 1024, 1e-6


def case_of(cell: Cell, job: Job, x: Tensor, store: Store, code: dict[str, str]) -> Case:
    """The run as metrics see it, with its references at hand."""
    start = torch.cat([job.begin(number)[1][: len(job.samples(number))] for number in range(job.chunks)])
    final = None if cell.denoise else job.grid[-1]
    about = {
        "model": cell.model,
        "sde": cell.sde,
        "code": code["model"],
        "from": job.grid[0].t,
        "to": job.grid[-1].t,
        "denoise": cell.denoise,
        "seed": cell.seed,
        "device": cell.device,
    }

    def carried(name: str, states: Callable[[], Tensor], n: int, together: int, rtol: float, seed: int) -> Tensor:
        def make() -> Tensor:
            batches = torch.split(states().double(), together)
            ends = [
                _flow(job, _under(job.model, seed, range(i * together, i * together + len(batch))), batch, final, rtol)
                for i, batch in enumerate(batches)
            ]
            return torch.cat(ends).cpu()

        return store.reference(
            canonical(about | {"what": name, "n": n, "start": cell.start, "dtype": cell.dtype}), make
        )

    def flow(n: int) -> Tensor:
        known = job.model.analytic is not None
        rtol = 1e-13 if known else 1e-9  # a network rounds above 1e-9
        return carried("flow", lambda: start[:n], n, TOGETHER, rtol, cell.seed)

    def exact(n: int) -> Tensor:
        draws = SeededNoise(cell.seed, range(n), job.shape, torch.float64).data()
        law = job.model.analytic
        if law is not None:
            return law.draw(final if final is not None else Clean(), draws)
        std = job.model.sde.prior_std(job.grid[0].t)

        def starts() -> Tensor:
            return draws.fresh().to(job.device) * std

        return carried("exact", starts, n, TOGETHER_SAMPLES, SAMPLES_RTOL, ~cell.seed)

    def push(states: Tensor) -> Tensor:
        return sample(
            job.model,
            solver=job.solver,
            grid=job.grid,
            x=states,
            seed=cell.seed,
            denoise=cell.denoise,
            dtype=states.dtype,
            device=cell.device,
            grad=True,
        ).x

    return Case(
        model=job.model,
        solver=job.solver,
        grid=job.grid,
        x=x.detach(),
        start=start,
        seed=cell.seed,
        denoised=cell.denoise,
        exact_start=cell.start == "exact",
        push=push,
        exact=exact,
        flow=flow,
    )


def _under(model: ScoreModel, seed: int, samples: range) -> ScoreModel:
    """The model with the classes that a run of that seed would give the samples, where it knows classes."""
    condition = model.default_condition(seed, samples)
    return Conditioned(model, condition, list(condition)) if condition else model


def _flow(job: Job, model: ScoreModel, states: Tensor, final: Any, rtol: float) -> Tensor:
    """The exact probability flow, and the exact last denoise where there is one."""
    end = final if final is not None else job.grid[-1]
    carry = exact_flow if job.model.analytic is not None else reference_flow
    ends = carry(model, states, job.grid[0], end, rtol)
    if final is None:
        with torch.no_grad():
            ends = model(ends, end).x0
    return ends
