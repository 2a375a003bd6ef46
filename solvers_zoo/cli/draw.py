"""The run of ``zoo sample``: whole or in parts, and what is kept of one that is stopped."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import torch

from solvers_zoo.cli import common
from solvers_zoo.cli.progress import Progress
from solvers_zoo.cli.request import SOLVER, Dtype, Request
from solvers_zoo.errors import Interrupted, ModelError, StorageError
from solvers_zoo.sampling.driver import sample
from solvers_zoo.sampling.result import Result
from solvers_zoo.sampling.shards import model_of, sample_shards

if TYPE_CHECKING:
    from pathlib import Path

    from solvers_zoo.registry.registry import Registry
    from solvers_zoo.score_models.base import ScoreModel


def draw(request: Request, settings: dict[str, Any], progress: bool) -> tuple[ScoreModel, Result, bool]:
    """Build the model and sample from it; on Ctrl-C keep what is done and say how to go on.

    Returns:
        Model, result, and whether it was denoised at the end.

    """
    found = common.registry()
    model = model_of(request.model, request.sde, tuple(request.plugin))
    executor = settings.pop("executor")
    del settings["sde"]
    if request.resume is not None:
        denoised = _load_stopped(settings)
    else:
        denoised = settings["denoise"]
        settings["dtype"] = getattr(torch, request.dtype or Dtype.float32)
        if settings["grid"] is None:  # the process names its grid in short; the core's is meant, whoever else claims it
            settings["grid"] = found.make("grid", _own(found, "grid", model.sde.default_grid))
        _check_size(model, settings)
    if request.shards is not None:
        return model, _in_parts(request, request.shards, settings | {"executor": executor}, progress), denoised
    with Progress("sampling", progress) as bar:
        try:
            return model, sample(model, **settings, progress=bar), denoised
        except Interrupted as stopped:
            partial = stopped.result
    assert partial.pause is not None
    path = partial.save(request.partial)
    done = f"{len(partial.x):,} of {partial.pause.settings['n']:,}"
    raise common.Halt(
        f"Stopped with {done} samples finished, kept in {path}; go on with: {request.resuming(path)}", 130
    )


def _in_parts(request: Request, folder: Path, settings: dict[str, Any], progress: bool) -> Result:
    """Draw the samples in parts, and keep those that are finished."""
    given = settings | {"model": request.model, "sde": request.sde, "solver": request.solver or SOLVER}
    with Progress("sampling", progress, unit="parts") as bar:
        try:
            return sample_shards(**given, folder=folder, shard=request.shard, plugins=request.plugin, finished=bar)
        except KeyboardInterrupt:
            raise common.Halt(
                f"Stopped; the parts that are finished are kept in {folder}, and the same command goes on from there.",
                130,
            ) from None


def _load_stopped(settings: dict[str, Any]) -> bool:
    """Read the stopped run to resume; whether it ends with a denoise."""
    path = settings["resume"]
    settings["resume"] = stopped = Result.load(path)
    if stopped.pause is None:
        raise StorageError(f"{path} holds a run that is finished; there is nothing to resume.")
    return bool(stopped.pause.settings["denoise"])


def _own(found: Registry, kind: str, name: str) -> str:
    """The core's own of a name where others claim it too."""
    claims = [entry for entry in found.entries(kind) if name in (entry.card.name, *entry.card.aliases)]
    own = [entry for entry in claims if entry.dist == common.OWN]
    return own[0].qualified if len(claims) > 1 and own else name


def _check_size(model: ScoreModel, settings: dict[str, Any]) -> None:
    """Refuse a number of samples that the machine's memory cannot hold."""
    shape = settings["shape"] or model.shape
    if shape is None:
        raise common.misuse("The model does not say what shape its samples have: give --shape, as in --shape 3,32,32.")
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # a system that does not tell
        return
    wanted = (
        settings["n"] * math.prod(shape) * settings["dtype"].itemsize * 3
    )  # the samples, the parts and the exact ones
    if wanted > memory:
        raise ModelError(
            f"{settings['n']:,} samples of shape {tuple(shape)} take {wanted / 2**30:,.1f} GiB to hold, and this machine has "
            f"{memory / 2**30:,.1f}; draw them in several runs."
        )
