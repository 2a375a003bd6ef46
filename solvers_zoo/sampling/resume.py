"""Going on with a run that was stopped."""

from __future__ import annotations

from dataclasses import fields, replace
from operator import index
from typing import TYPE_CHECKING, Any

from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.errors import IncompatibleError, OptionError, StorageError
from solvers_zoo.sampling.job import DTYPES, Job, usable_device
from solvers_zoo.sampling.result import Result
from solvers_zoo.sampling.settings import Settings
from solvers_zoo.sampling.tree import restore, tree_map
from solvers_zoo.solving.stepping import Solver
from solvers_zoo.time_grids.base import Grid

if TYPE_CHECKING:
    from pathlib import Path

    from solvers_zoo.score_models.base import ScoreModel

#: Settings that may be given beside ``resume``; the stopped run settles the others.
_FREE = {"noise", "condition", "device", "solver"}


def resumed_job(model: ScoreModel, given: Settings, resume: Result | str | Path) -> tuple[Job, Result]:
    """The job of a stopped run and where it stands.

    Args:
        model: the score model of that run.
        given: the other arguments of `sample`.
        resume: the stopped run, or the file it was saved in.

    Raises:
        OptionError: a run that is finished, or an argument that it settles itself or lacks.
        IncompatibleError: a model or a solver that is not the stopped run's.
        StorageError: a file that cannot be used.

    """
    stopped = resume if isinstance(resume, Result) else Result.load(resume)
    if stopped.pause is None:
        raise OptionError("That run is finished; there is nothing to resume.")
    asked = [field.name for field in fields(given) if not _same(getattr(given, field.name), field.default)]
    settled = [name for name in asked if name not in _FREE]
    if settled:
        raise OptionError(f"A resumed run keeps its settings: leave {', '.join(settled)} out.")
    try:
        job = _job(model, given, stopped.pause.settings, stopped.pause.x)
        return job, _on(job, stopped)
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # a file that was made by hand
        raise StorageError(f"The stopped run is not complete: {error!r}.") from None


def _same(value: object, default: object) -> bool:
    return value is default or (isinstance(value, str | int) and value == default)


def _job(model: ScoreModel, given: Settings, settings: dict[str, Any], x: Tensor | None) -> Job:
    noise = given.noise
    usual = model.default_condition(index(settings["seed"]), range(index(settings["n"])))
    condition = usual | dict(given.condition or {})
    if str(model.sde) != settings["sde"]:
        raise IncompatibleError(f"The stopped run was on {settings['sde']}; this model's process is {model.sde}.")
    if (noise is not None) != settings["noise"]:
        raise OptionError(
            "The stopped run had a noise of its own: give it again as noise=."
            if noise is None
            else "The stopped run drew its noise from its seed: leave noise out."
        )
    if sorted(condition) != settings["condition"]:
        names = ", ".join(settings["condition"]) or "nothing"
        raise OptionError(f"The stopped run was conditioned on {names}: give the same condition again.")
    brownian = settings["brownian"]
    return Job(
        model=model,
        solver=_solver(given.solver, settings["solver"]),
        noise=noise,
        condition=condition,
        x=x,
        grid=Grid(model.sde, settings["grid"], settings["smooth"]),
        n=index(settings["n"]),
        shape=tuple(settings["shape"]),
        seed=index(settings["seed"]),
        dtype=DTYPES[settings["dtype"]],
        start=settings["start"],
        denoise=settings["denoise"],
        device=usable_device(settings["device"] if given.device is None else given.device),
        chunk=index(settings["chunk"]),
        brownian=brownian if isinstance(brownian, str) else Grid(model.sde, brownian),
        trajectory=settings["trajectory"],
        fit_nfe=index(settings["fit_nfe"]),
    )


def _solver(given: str | Solver, spec: str) -> Solver:
    """The solver of the stopped run: the one given, where it is that, or else the registry's."""
    if given is Settings.solver or given == spec:
        return registry.default().make("solver", spec)
    solver = registry.default().make("solver", given)
    if str(solver) != spec:
        raise IncompatibleError(f"The stopped run was made by {spec}, not by {solver}: leave solver out.")
    return solver


def _on(job: Job, stopped: Result) -> Result:
    """The stopped run with its objects made again and its tensors on the job's device."""
    pause = restore(stopped.pause, job.solver)
    moved = tree_map(
        lambda leaf: leaf.to(job.device) if isinstance(leaf, Tensor) else leaf, (pause, stopped.x, stopped.trajectory)
    )
    return replace(stopped, pause=moved[0], x=moved[1], trajectory=moved[2])
