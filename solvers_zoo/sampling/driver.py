"""`sample`: the one driver. It makes grid and noise, counts calls, runs the loop and takes the last denoise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from solvers_zoo.registry.defaults import SOLVER
from solvers_zoo.sampling.arguments import new_job
from solvers_zoo.sampling.resume import resumed_job
from solvers_zoo.sampling.run import Run
from solvers_zoo.sampling.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor

    from solvers_zoo.noise.base import Noise
    from solvers_zoo.sampling.result import Result
    from solvers_zoo.sampling.settings import GridLike
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.solving.stepping import Solver, State
    from solvers_zoo.time_grids.base import Grid


def sample(
    model: ScoreModel,
    solver: str | Solver = SOLVER,
    *,
    steps: int | None = None,
    nfe: int | None = None,
    grid: GridLike = None,
    x: Tensor | None = None,
    n: int | None = None,
    shape: Sequence[int] | None = None,
    seed: int = 0,
    noise: Noise | None = None,
    brownian: str | Grid | Sequence[float] | Tensor = "independent",
    start: str = "prior",
    denoise: bool = False,
    dtype: torch.dtype | None = None,
    device: str | int | torch.device | None = None,
    condition: Mapping[str, object] | None = None,
    chunk: int | None = None,
    grad: bool = False,
    trajectory: bool = False,
    callback: Callable[[State], object] | None = None,
    progress: Callable[[int, int], None] | None = None,
    resume: Result | str | Path | None = None,
) -> Result:
    """Carry samples from noise to data.

    Args:
        model: the score model; it knows its process.
        solver: a name, a specification (``"ddim:eta=0.5"``) or a solver.
        steps: number of intervals; 20 if neither ``nfe`` nor explicit times say otherwise.
        nfe: a budget of network evaluations a sample; takes the most steps that cost at most this, denoise included.
        grid: name, specification, rule, `Grid`, or explicit times; by default the process's own.
        x: a given start at the first time, (n, ...), which is not changed; otherwise one is drawn.
        n: number of samples; 1 by default.
        shape: shape of one sample; the model's own by default.
        seed: any integer (64 bits count); sample i is the same for the same seed, in any batch.
        noise: any `Noise` instead of the seed's; the start is still drawn from the seed.
        brownian: how increments of different steps hang together. ``independent``; ``path``: increments of one Brownian
            path a sample in the log-SNR, the same for any grid (`PathNoise`); or a finest grid, as a `Grid` or times,
            whose increments are summed over the steps (`GridNoise`: one normal a step on that grid itself).
        start: ``prior``, or ``exact`` for the exact law at the first time (analytic models), which leaves solver error only.
        denoise: replace the result by its prediction of x0, one more call.
        dtype: of the state: float64, float32, bfloat16 or float16; torch's default if not given.
        device: of the state.
        condition: passed on to the model in every call; tensors of n rows follow their samples.
        chunk: samples a batch. The last one is padded, so the model sees one batch size only. By default as many
            as fit in about a gigabyte of state.
        grad: keep the graph; otherwise nothing is recorded.
        trajectory: keep the state after every step.
        callback: called with every `State`, padding included; a true answer stops the run, which can be resumed.
        progress: called with (steps done, steps in all).
        resume: a stopped result or the file it was saved in; goes on bit for bit with its settings. The model is given
            again, and so are ``noise``, ``condition`` and a ``solver`` outside the registry if the run had them.

    Returns:
        A `Result`.

    Raises:
        OptionError: an impossible argument.
        UnknownNameError: no such solver or grid.
        IncompatibleError: solver and process do not go together, with the reason.
        DomainError: an impossible grid.
        ModelError: the model or the solver produced values that are not finite (names the step), or of another shape.
        StorageError: ``resume`` names a file that cannot be used.
        Interrupted: on Ctrl-C, with the partial result.

    """
    settings = Settings(
        solver=solver,
        steps=steps,
        nfe=nfe,
        grid=grid,
        x=x,
        n=n,
        shape=shape,
        seed=seed,
        noise=noise,
        brownian=brownian,
        start=start,
        denoise=denoise,
        dtype=dtype,
        device=device,
        condition=condition,
        chunk=chunk,
        trajectory=trajectory,
    )
    job, stopped = (new_job(model, settings), None) if resume is None else resumed_job(model, settings, resume)
    return Run(job, grad, callback, progress).go(stopped)
