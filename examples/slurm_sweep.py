"""A sweep on Slurm: jobs outlive this script, finished cells are kept, and running it again computes what is missing.

    pip install "solvers-zoo[slurm]"
    python examples/slurm_sweep.py                                     # in the cluster's default partition
    python examples/slurm_sweep.py "slurm(partition=gpu, time=30)"     # `zoo show slurm` lists the options
    python examples/slurm_sweep.py serial                              # the same, here

The folders `sweep-results` and `zoo-jobs` must be seen by all machines. On the command line it is

    zoo bench --solvers ddim,dpmpp-2m --models ring --nfe 5,10 --seeds 0,1 --executor slurm --store sweep-results
"""

import sys

from solvers_zoo import registry
from solvers_zoo.bench.ranking import pick_metric, ranked
from solvers_zoo.bench.record import Record
from solvers_zoo.bench.results import Results
from solvers_zoo.bench.run import bench
from solvers_zoo.bench.store import Store
from solvers_zoo.bench.sweep import Sweep

SWEEP = Sweep(solvers=("ddim", "dpmpp-2m"), models=("ring",), nfe=(5, 10), seeds=(0, 1), metrics=("sliced-w1",), n=500)


def tell(record: Record, done: int, cells: int) -> None:
    """One line a cell, as it is finished."""
    print(f"{done}/{cells}  {record.status}  {record.cell.solver}, at most {record.cell.nfe} evaluations")


def main(executor: str = "slurm(batch=4)") -> list[dict]:
    """Submit, wait, and print means over the seeds."""
    store = Store("sweep-results")
    outcome = bench(SWEEP, store, registry.default().make("executor", executor), finished=tell)
    print(f"{outcome.fresh} cells computed now, {outcome.failed} failed, in {outcome.seconds:.0f} s")
    with Results(store) as results:
        rows = ranked(results, pick_metric(results, "sliced-w1"))
    for row in rows:
        print(f"{row['solver']:9} at most {row['budget']:6}  {row['value']:.4f} ± {row['se']:.4f}")
    return rows


if __name__ == "__main__":
    rows = main(*sys.argv[1:])
