"""The run of ``zoo sample``: whole or in parts, and what is kept of one that is stopped."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from solvers_zoo.cli import common
from solvers_zoo.cli.progress import Progress
from solvers_zoo.cli.request import SOLVER, Dtype, Request
from solvers_zoo.errors import Interrupted, ModelError, StorageError
from solvers_zoo.sampling.arguments import new_job
from solvers_zoo.sampling.result import Result
from solvers_zoo.sampling.resume import resumed_job
from solvers_zoo.sampling.run import Run
from solvers_zoo.sampling.shards import draw_shards, model_of

if TYPE_CHECKING:
    from pathlib import Path

    from solvers_zoo.executors.base import Executor
    from solvers_zoo.registry.registry import Registry
    from solvers_zoo.sampling.settings import Settings
    from solvers_zoo.score_models.base import ScoreModel


def draw(
    request: Request, settings: Settings, executor: Executor | None, progress: bool
) -> tuple[ScoreModel, Result, bool]:
    """Build the model and sample from it; on Ctrl-C keep what is done and say how to go on.

    Returns:
        Model, result, and whether it was denoised at the end.

    """
    found = common.registry()
    model = model_of(request.model, request.sde, tuple(request.plugin))
    if request.resume is not None:
        job, stopped = resumed_job(model, settings, _load_stopped(request.resume))
    else:
        settings = replace(settings, dtype=getattr(torch, request.dtype or Dtype.float32))
        if settings.grid is None:  # the process names its grid in short; the core's is meant, whoever else claims it
            settings = replace(settings, grid=found.make("grid", _own(found, "grid", model.sde.default_grid)))
        _check_size(model, settings)
        if request.shards is not None:
            return model, _in_parts(request, request.shards, settings, executor, progress), settings.denoise
        job, stopped = new_job(model, settings), None
    with Progress("sampling", progress) as bar:
        try:
            return model, Run(job, progress=bar).go(stopped), job.denoise
        except Interrupted as interrupted:
            partial = interrupted.result
    assert partial.pause is not None
    path = partial.save(request.partial)
    done = f"{len(partial.x):,} of {partial.pause.settings['n']:,}"
    raise common.Halt(
        f"Stopped with {done} samples finished, kept in {path}; go on with: {request.resuming(path)}", 130
    )


def _in_parts(request: Request, folder: Path, settings: Settings, executor: Executor | None, progress: bool) -> Result:
    """Draw the samples in parts, and keep those that are finished."""
    settings = replace(settings, solver=request.solver or SOLVER)
    with Progress("sampling", progress, unit="parts") as bar:
        try:
            return draw_shards(
                request.model,
                settings,
                folder=folder,
                executor=executor or "processes",
                shard=request.shard,
                sde=request.sde,
                plugins=request.plugin,
                finished=bar,
            )
        except KeyboardInterrupt:
            raise common.Halt(
                f"Stopped; the parts that are finished are kept in {folder}, and the same command goes on from there.",
                130,
            ) from None


def _load_stopped(path: Path) -> Result:
    """The stopped run to resume."""
    stopped = Result.load(path)
    if stopped.pause is None:
        raise StorageError(f"{path} holds a run that is finished; there is nothing to resume.")
    return stopped


def _own(found: Registry, kind: str, name: str) -> str:
    """The core's own of a name where others claim it too."""
    claims = [entry for entry in found.entries(kind) if name in (entry.card.name, *entry.card.aliases)]
    own = [entry for entry in claims if entry.dist == common.OWN]
    return own[0].qualified if len(claims) > 1 and own else name


def _check_size(model: ScoreModel, settings: Settings) -> None:
    """Refuse a number of samples that the machine's memory cannot hold."""
    n, shape = settings.n or 1, settings.shape or model.shape
    if shape is None:
        raise common.misuse("The model does not say what shape its samples have: give --shape, as in --shape 3,32,32.")
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return
    wanted = (
        n * math.prod(shape) * (settings.dtype or torch.float32).itemsize * 3
    )  # the samples, the parts and the exact ones
    if wanted > memory:
        raise ModelError(
            f"{n:,} samples of shape {tuple(shape)} take {wanted / 2**30:,.1f} GiB to hold, and this machine has "
            f"{memory / 2**30:,.1f}; draw them in several runs."
        )
