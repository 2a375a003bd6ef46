"""`sample_shards`: many samples, drawn in parts by any executor; finished parts are kept, so that a stopped run goes on."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from solvers_zoo import registry
from solvers_zoo.errors import OptionError, StorageError, ZooError
from solvers_zoo.executors.base import Executor, Failure
from solvers_zoo.registry.defaults import SOLVER
from solvers_zoo.sampling.arguments import new_job
from solvers_zoo.sampling.job import DTYPES, Job
from solvers_zoo.sampling.merge import merged
from solvers_zoo.sampling.result import Result
from solvers_zoo.sampling.run import Run
from solvers_zoo.sampling.settings import Settings
from solvers_zoo.score_models.build import build_model, file_of
from solvers_zoo.storage.files import make_folder
from solvers_zoo.time_grids.base import Grid

if TYPE_CHECKING:
    from solvers_zoo.score_models.base import ScoreModel

#: Samples a batch where neither the caller nor the memory says otherwise. It is the same for any number of samples and shards, so
#: that the model sees batches of one size.
CHUNK = 1024
#: Shards of a run where the caller does not say how long they are: at most this many.
_SHARDS = 256
#: What a worker has no part in, or what makes no sense in parts.
_WHOLE = ("model", "x", "noise", "condition", "grad", "trajectory", "callback", "progress", "resume")


@dataclass(frozen=True)
class Shards:
    """A run that is drawn in parts, in words and numbers that can be sent.

    Attributes:
        model: specification of the model.
        sde: specification of the process asked for, or None for the model's own.
        plugins: Python files to load.
        settings: of the whole run, without its grid and its number of steps.
        times: of the grid; fitted grids are made once, before the run.
        smooth: whether the times are a smooth map of i/N.
        key: of all that settles a sample, 64 hexadecimal digits.
        folder: where shards are kept.

    """

    model: str
    sde: str | None
    plugins: tuple[str, ...]
    settings: Settings
    times: tuple[float, ...]
    smooth: bool
    key: str
    folder: str

    def path(self, span: tuple[int, int]) -> Path:
        """The file of the samples from ``span[0]`` to before ``span[1]``."""
        return Path(self.folder) / f"{span[0]:010}-{span[1]:010}-{self.key[:32]}.npz"

    def finished(self, span: tuple[int, int]) -> Result | None:
        """The result in a shard's file, or None if the file is missing or damaged."""
        with suppress(StorageError):
            found = Result.load(self.path(span))
            if found.finished and len(found.x) == span[1] - span[0]:
                return found
        return None

    def draw(self, span: tuple[int, int]) -> None:
        """Draw a shard and keep it."""
        registry.load_plugins(self.plugins)
        model = model_of(self.model, self.sde, self.plugins)
        grid = Grid(model.sde, self.times, self.smooth)
        job = new_job(model, replace(self.settings, grid=grid, n=span[1] - span[0]), first=span[0])
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # the sums of a matrix product depend on their number
        try:
            Run(job).go().save(self.path(span))
        finally:
            torch.set_num_threads(threads)


def sample_shards(
    model: str,
    solver: str = SOLVER,
    *,
    n: int,
    folder: str | Path,
    executor: str | Executor = "processes",
    shard: int | None = None,
    sde: str | None = None,
    plugins: Sequence[str] = (),
    finished: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Result:
    """Draw many samples in parts, in as many processes as an executor has.

    Sample i is that of `sample` with the same seed and ``chunk`` and one thread, bit for bit on the CPU, however the run is cut and wherever its
    parts are drawn. A finished part is a file in ``folder`` named after all that settles it, the source of solver and model
    included: a run that was stopped goes on from them, and one with more samples takes over those that it shares.

    Args:
        model: name or specification of a registered model, or ``path/to/file.py:name``; workers make it anew.
        solver: name or specification.
        n: number of samples.
        folder: where parts are kept; on a cluster, one that all machines see.
        executor: what draws them; name, specification or an executor.
        shard: samples a part, rounded up to whole batches; by default as many as make at most 256 parts.
        sde: specification of the process; the model's own by default.
        plugins: Python files to load, here and in every worker.
        finished: called with (parts done, parts in all).
        options: ``steps``, ``nfe``, ``grid``, ``shape``, ``seed``, ``start``, ``denoise``, ``dtype``, ``device``, ``brownian`` and
            ``chunk`` as in `sample`; ``chunk`` is 1,024 by default, or fewer if they do not fit in the memory.

    Returns:
        All samples in one `Result`; seconds and calls are sums over all workers.

    Raises:
        OptionError: an impossible argument.
        IncompatibleError: an executor that cannot run here, or a solver that cannot run on the process.
        ZooError: some parts could not be drawn; the others are kept.
        StorageError: ``folder`` cannot be written.

    """
    settings = _settings(solver, n, options)
    return draw_shards(
        model, settings, folder=folder, executor=executor, shard=shard, sde=sde, plugins=plugins, finished=finished
    )


def draw_shards(
    model: str,
    settings: Settings,
    *,
    folder: str | Path,
    executor: str | Executor,
    shard: int | None,
    sde: str | None,
    plugins: Sequence[str],
    finished: Callable[[int, int], None] | None,
) -> Result:
    """`sample_shards` with the settings of the whole run; they can be sent to a worker."""
    registry.load_plugins(plugins)
    built = model_of(model, sde, tuple(plugins))
    job = _checked(built, settings)
    shards = Shards(
        model,
        sde,
        tuple(plugins),
        replace(settings, grid=None, steps=None, nfe=None, chunk=job.chunk),
        tuple(job.grid.times),
        job.grid.smooth,
        _key(job, built, model, plugins),
        str(folder),
    )
    spans = _spans(job.n, job.chunk, shard)
    make_folder(Path(folder))
    _draw_missing(shards, spans, registry.default().make("executor", executor), finished)
    return merged([_kept(shards, span) for span in spans], fit_nfe=job.fit_nfe)


def _draw_missing(
    shards: Shards, spans: list[tuple[int, int]], executor: Executor, finished: Callable[[int, int], None] | None
) -> None:
    missing = [span for span in spans if shards.finished(span) is None]
    done = len(spans) - len(missing)
    lost: list[Failure] = []
    with closing(executor.run(shards.draw, missing)) as running:
        for _, what in running:
            if isinstance(what, Failure):
                lost.append(what)
                if what.kind in ("error", "nan"):  # the others would end in the same way
                    break
            else:
                done += 1
            if finished is not None:
                finished(done, len(spans))
    if lost:
        raise ZooError(
            f"{done} of {len(spans)} parts are finished and kept in {shards.folder}, but one failed: "
            f"{lost[0].reason.rstrip('.')}. Once that is fixed the same call goes on from there."
        )


def _settings(solver: str, n: int, given: dict[str, Any]) -> Settings:
    """The settings of the whole run; ``dtype`` may be a name."""
    refused = [name for name in _WHOLE if name in given]
    if refused:
        raise OptionError(f"Samples that are drawn in parts take no {', '.join(refused)}; use sample() for that.")
    unknown = given.keys() - {field.name for field in fields(Settings)}
    if unknown:
        raise OptionError(f"There is no argument {', '.join(name for name in given if name in unknown)}.")
    if isinstance(given.get("dtype"), str):
        given = {**given, "dtype": DTYPES[given["dtype"]]}
    return Settings(solver=solver, n=n, **given)


def _checked(model: ScoreModel, settings: Settings) -> Job:
    """The whole run as one job: what is impossible is refused before any worker is started."""
    job = new_job(model, settings)
    if settings.chunk is None and job.chunk > CHUNK:
        job = new_job(model, replace(settings, chunk=CHUNK))
    return job


def _spans(n: int, chunk: int, shard: int | None) -> list[tuple[int, int]]:
    """(first, end) of every shard: whole batches, so that a batch has the same samples however the run is cut."""
    if shard is not None and shard < 1:
        raise OptionError(f"shard = {shard} is not possible; it takes a whole number >= 1.")
    batches = -(-(shard if shard is not None else n / _SHARDS) // chunk)
    size = int(batches) * chunk
    return [(first, min(first + size, n)) for first in range(0, n, size)]


def _key(job: Job, model: ScoreModel, spec: str, plugins: Sequence[str]) -> str:
    """64 hexadecimal digits that change with whatever settles a sample."""
    from solvers_zoo.registry.source_hash import hash_of

    found = registry.default()
    target = file_of(spec) or found.make("model", spec)
    files = [Path(file) for file in (*getattr(model, "checkpoints", ()), *plugins)]
    source = hash_of("solvers_zoo.sampling.driver", job.solver, target, model, model.sde, *files)
    settings = {key: value for key, value in job.settings().items() if key not in ("n", "fit_nfe")}
    text = json.dumps(settings | {"model": spec, "source": source}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _kept(shards: Shards, span: tuple[int, int]) -> Result:
    found = shards.finished(span)
    if found is None:
        raise StorageError(f"{shards.path(span)} was finished, and is gone or damaged; the same call draws it again.")
    return found


@functools.lru_cache(maxsize=2)
def model_of(spec: str, sde: str | None, plugins: tuple[str, ...]) -> ScoreModel:
    """The model of a specification, made once; ``plugins`` are loaded already and tell cases apart."""
    found = registry.default()
    return build_model(found, spec, found.make("sde", sde) if sde is not None else None)
