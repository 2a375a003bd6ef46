"""One cell, from its words to its record."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

from solvers_zoo.bench.cell_parts import Parts, code_of, parts_of
from solvers_zoo.bench.machine import machine, now
from solvers_zoo.bench.metric_case import case_of
from solvers_zoo.bench.record import DONE, FAILED, SKIPPED, Record
from solvers_zoo.bench.store import Store
from solvers_zoo.bench.timing import timed
from solvers_zoo.errors import DomainError, IncompatibleError, NotFiniteError, OptionError, PluginError, ZooError
from solvers_zoo.registry.registry import load_plugins
from solvers_zoo.sampling.arguments import new_job
from solvers_zoo.sampling.job import DTYPES, Job
from solvers_zoo.sampling.run import Run
from solvers_zoo.sampling.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.bench.cell import Cell
    from solvers_zoo.metrics.base import Case

#: Samples kept of a cell, for galleries.
KEPT = 64


@dataclass(frozen=True)
class Busy:
    """Another process is at this cell."""

    key: str


@dataclass(frozen=True)
class Again:
    """Which finished cells are computed anew.

    Attributes:
        what: ``""``, ``failed`` or ``all``. Cells that failed for the machine's reasons (no memory, out of time, worker lost), which
            another run may not meet, always are.
        since: time of day, as in a record; what was finished later is new already.

    """

    what: str
    since: str

    def wants(self, record: Record) -> bool:
        """Whether the cell of a record is computed anew."""
        unlucky = record.result.get("kind") in ("memory", "timeout", "lost")
        stale = self.what == "all" or unlucky or (self.what == "failed" and record.status == FAILED)
        return stale and str(record.run.get("finished", "")) < self.since


def compute(item: tuple[Cell, str], *, folder: str, again: Again, plugins: tuple[str, ...] = ()) -> Record | Busy:
    """Run and measure a cell, and put it into the store at ``folder``; what is there already is not, unless ``again`` wants it.

    Args:
        item: the cell, and its key where it was asked for.
        folder: the store's.
        again: which finished cells are computed anew.
        plugins: Python files to load.

    Raises:
        PluginError: the code here is not that of who asks.
        NotFiniteError: samples that are not finite.
        Exception: whatever solver or model raise; the executor makes it a failure with its reason.

    """
    cell, key = item
    load_plugins(plugins)
    store, code = Store(Path(folder)), code_of(cell)
    if cell.key(code) != key:
        raise PluginError(
            "This worker has other source code than the process that leads the sweep; install the same versions of the zoo and "
            "its plugins on both."
        )
    with store.claim(key) as mine:
        if not mine:
            return Busy(key)
        there = store.get(key)
        if there is not None and not again.wants(there):
            return there
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            record, samples = _computed(cell, key, code, store)
        finally:
            torch.set_num_threads(threads)
        store.put(record, samples)
    return record


def _computed(cell: Cell, key: str, code: dict[str, str], store: Store) -> tuple[Record, Tensor | None]:
    began = time.perf_counter()
    try:
        parts = parts_of(cell)
        job = _job(cell, parts)
    except (IncompatibleError, DomainError, OptionError) as error:
        result: dict[str, Any] = {"status": SKIPPED, "kind": "", "reason": str(error), "figures": {}, "unmeasured": {}}
        return Record(key, cell, code, result, _took(began)), None
    done = Run(job).go()
    figures, unmeasured = _measured(parts.metrics, case_of(cell, job, done.x, store, code))
    facts = job.solver.facts()
    result = {
        "status": DONE,
        "kind": "",
        "reason": "",
        "nfe": done.nfe,
        "steps": job.grid.steps,
        "grid": job.grid.times,
        "family": facts.family,
        "order": facts.order,
        "stochastic": facts.stochastic,
        "fit_nfe": job.fit_nfe,
        "figures": figures,
        "unmeasured": unmeasured,
    }
    run = _took(began)
    if cell.repeats:
        repeats = timed(job, done.stats["calls"], cell.repeats)
        totals, alone = zip(*repeats, strict=True)
        run |= {
            "repeats": repeats,
            "seconds": median(totals),
            "seconds_min": min(totals),
            "model_seconds": median(alone),
        }
    return Record(key, cell, code, result, run), done.x[:KEPT].float().cpu()


def _measured(metrics: tuple[Any, ...], case: Case) -> tuple[dict[str, Any], dict[str, str]]:
    """Every figure by its metric, and why the others were not measured."""
    figures: dict[str, Any] = {}
    unmeasured: dict[str, str] = {}
    for metric in metrics:
        name, reason = str(metric), metric.supports(case)
        if not reason:
            try:
                figure = metric.measure(case)
            except ZooError as error:
                reason = str(error)
        if reason:
            unmeasured[name] = reason
            continue
        if not math.isfinite(figure.value):
            raise NotFiniteError(f"{name} of {case.solver} is {figure.value}: its samples are not usable.")
        figures[name] = asdict(figure) | {"z": figure.z, "ties": figure.ties}
    return figures, unmeasured


def _job(cell: Cell, parts: Parts) -> Job:
    settings = Settings(
        solver=parts.solver,
        grid=parts.grid,
        steps=cell.steps,
        nfe=cell.nfe,
        n=cell.n,
        seed=cell.seed,
        start=cell.start,
        denoise=cell.denoise,
        dtype=DTYPES[cell.dtype],
        device=cell.device,
    )
    return new_job(parts.model, settings)


def _took(began: float) -> dict[str, Any]:
    return {"took": time.perf_counter() - began, "finished": now(), "machine": machine()}
