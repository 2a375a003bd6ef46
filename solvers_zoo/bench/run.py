"""`bench`: compute what a sweep lacks, through any executor."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from solvers_zoo import registry
from solvers_zoo.bench.cell import Cell, canonical
from solvers_zoo.bench.cell_parts import code_of
from solvers_zoo.bench.compute import Again, Busy, compute
from solvers_zoo.bench.machine import machine, now
from solvers_zoo.bench.record import DONE, FAILED, SKIPPED, Record
from solvers_zoo.bench.store import Store
from solvers_zoo.bench.sweep import Sweep
from solvers_zoo.executors.base import Executor, Failure

#: Seconds between looks at cells that other processes are computing.
POLL = 0.25


@dataclass
class Outcome:
    """What a sweep gave.

    Attributes:
        records: of every cell of the sweep, in its order, as far as they are finished.
        fresh: how many of them were computed now.
        missing: cells that the store had no record of, as the present code would compute them.
        seconds: that the sweep took.

    """

    records: list[Record] = field(default_factory=list)
    fresh: int = 0
    missing: set[Cell] = field(default_factory=set)
    seconds: float = 0.0

    def count(self, status: str) -> int:
        """How many cells ended so: ``done``, ``failed`` or ``skipped``."""
        return sum(record.status == status for record in self.records)

    @property
    def done(self) -> int:
        """Cells with a result."""
        return self.count(DONE)

    @property
    def failed(self) -> int:
        """Cells that should have worked."""
        return self.count(FAILED)

    @property
    def skipped(self) -> int:
        """Cells that have no meaning."""
        return self.count(SKIPPED)


def bench(
    sweep: Sweep | Sequence[Sweep],
    store: Store,
    executor: Executor,
    *,
    name: str | None = None,
    again: str = "",
    finished: Callable[[Record, int, int], None] | None = None,
) -> Outcome:
    """Compute the cells that the store does not have.

    Several processes may run one sweep on one store: each cell is computed by one of them. A cell that fails is a record with its
    reason and stops nothing.

    Args:
        sweep: what is crossed; several are run as one.
        store: where finished cells are and go.
        executor: what runs them.
        name: what the sweep is called in the store; the beginning of its cells' common hash by default.
        again: ``all`` computes all cells anew, ``failed`` those that failed; see `Again`.
        finished: called with (record, how many are finished, how many there are) for every cell, found or computed.

    Raises:
        ZooError: an impossible sweep, a store that cannot be written, an executor that cannot run.

    """
    began = time.perf_counter()
    sweeps = (sweep,) if isinstance(sweep, Sweep) else tuple(sweep)
    plugins = tuple(dict.fromkeys(file for each in sweeps for file in each.plugins))
    registry.load_plugins(plugins)
    stale = Again(again, now())
    cells = list(dict.fromkeys(cell for each in sweeps for cell in each.cells(registry.default())))
    limit = max((each.limit for each in sweeps if each.limit is not None), default=None)
    keys = [cell.key(code_of(cell)) for cell in cells]
    label = (
        name
        if name is not None
        else hashlib.sha256(canonical([each.facts() for each in sweeps]).encode()).hexdigest()[:12]
    )
    store.save_sweep(label, canonical({"name": label, "sweeps": [each.facts() for each in sweeps], "keys": keys}))
    outcome = Outcome()
    records: dict[str, Record] = {}

    def take(record: Record) -> None:
        records[record.key] = record
        if finished is not None:
            finished(record, len(records), len(keys))

    missing: list[Cell] = []
    for cell, key in zip(cells, keys, strict=True):
        record = store.get(key)
        if record is None:
            outcome.missing.add(cell)
        if record is None or stale.wants(record):
            missing.append(cell)
        else:
            take(record)
    task = partial(compute, folder=str(store.folder), again=stale, plugins=plugins)
    while missing:
        elsewhere = []
        items = [(cell, cell.key(code_of(cell))) for cell in missing]
        for index, found in executor.run(task, items, limit):
            cell = missing[index]
            if isinstance(found, Busy):
                elsewhere.append(cell)
                continue
            if isinstance(found, Failure):
                found = _failed(cell, found)
                store.put(found)
            outcome.fresh += 1
            take(found)
        missing = _awaited(elsewhere, store, stale, take)
    outcome.records = [records[key] for key in keys]
    outcome.seconds = time.perf_counter() - began
    return outcome


def _awaited(cells: Iterable[Cell], store: Store, stale: Again, take: Callable[[Record], None]) -> list[Cell]:
    """Wait for cells that other processes compute; those that were left by one that died come back."""
    waiting = list(cells)
    left: list[Cell] = []
    while waiting and not left:
        time.sleep(POLL)
        still = []
        for cell in waiting:
            key = cell.key(code_of(cell))
            with store.claim(key) as free:  # nobody is at it any more: it is finished, or was left
                record = store.get(key)
            if not free:
                still.append(cell)
            elif record is None or stale.wants(record):
                left.append(cell)
            else:
                take(record)
        waiting = still
    return left + waiting


def _failed(cell: Cell, failure: Failure) -> Record:
    code = code_of(cell)
    result = {"status": FAILED, "kind": failure.kind, "reason": failure.reason, "figures": {}, "unmeasured": {}}
    run = {"finished": now(), "machine": machine(), "traceback": failure.traceback}
    return Record(cell.key(code), cell, code, result, run)
