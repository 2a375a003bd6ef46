"""Compare solvers from Python: which one gives the best samples for a budget?

    python examples/compare.py                # one cell after the other, here
    python examples/compare.py processes      # on all cores

It is `zoo bench` with the parts in hand: a sweep says what is crossed, an executor computes the cells, and a store keeps them, so the
second run computes nothing. `zoo report --store compare-results` makes a page of them.
"""

import sys

from solvers_zoo import registry
from solvers_zoo.bench.ranking import pick_metric, ranked
from solvers_zoo.bench.results import Results
from solvers_zoo.bench.run import bench
from solvers_zoo.bench.store import Store
from solvers_zoo.bench.sweep import Sweep

SWEEP = Sweep(
    solvers=("ddim", "heun", "dpmpp-2m", "unipc-3", "ipndm-4"),
    models=("ring",),
    grids=("log-snr",),
    nfe=(6, 12, 24),
    metrics=("sliced-w1",),
    n=2000,
    repeats=1,
)


def main(executor: str = "serial") -> list[dict]:
    """Compute what is missing, and print the ranking of every budget; ties with exact samples are marked."""
    store = Store("compare-results")
    outcome = bench(SWEEP, store, registry.default().make("executor", executor))
    print(f"{outcome.fresh} of {len(outcome.records)} cells computed now, {outcome.failed} failed")
    with Results(store) as results:
        rows = ranked(results, pick_metric(results, "sliced-w1"))
    for row in rows:
        mark = "≈ exact samples" if row["ties"] else ""
        print(
            f"at most {row['budget']:>6}   {row['rank']}. {row['solver']:10} {row['nfe']:3.0f} evaluations   {row['value']:.4f} {mark}"
        )
    return rows


if __name__ == "__main__":
    rows = main(*sys.argv[1:])
