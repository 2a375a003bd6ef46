"""Writes many small cells and reads them back: every checksum verified, all grouped.

python tests/bench/read_many.py 100000
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from pathlib import Path

from cells import SOLVERS, cell, place, record

from solvers_zoo.bench.ranking import pick_metric, ranked
from solvers_zoo.bench.results import Results
from solvers_zoo.bench.store import Store


def fill(folder: Path, count: int) -> None:
    """A store of ``count`` cells."""
    every = itertools.product(range(count), range(1, 21), SOLVERS)
    for seed, nfe, solver in itertools.islice(every, count):
        place(folder, record(cell(solver, nfe, seed)))


def main(count: int) -> None:
    """Time it three times."""
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        fill(Path(name), count)
        print(f"wrote {count:,} cells in {time.perf_counter() - began:.1f} s")
        for _ in range(3):
            began, work = time.perf_counter(), time.process_time()
            with Results(Store(name)) as results:
                read = time.perf_counter() - began
                metric = pick_metric(results)
                assert metric is not None
                groups = ranked(results, metric)
                assert sum(group["cells"] for group in groups) == count == results.count()
            took, work = time.perf_counter() - began, time.process_time() - work
            print(
                f"read and verified in {read:.2f} s, with {len(groups)} groups {took:.2f} s ({work:.2f} s of processor)"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
