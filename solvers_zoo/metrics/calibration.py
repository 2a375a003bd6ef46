"""How often a sampled metric calls samples different: exact ones in 5 % of cases, wrong ones nearly always.

    python -m solvers_zoo.metrics.calibration            exact samples against exact samples, every metric and several models
    python -m solvers_zoo.metrics.calibration --blind    the same as if no law had a closed form: permutation tests
    python -m solvers_zoo.metrics.calibration --power    runs whose total variation from the exact law is about .02, n = 40,000

They print tables of the shares. Permutation tests of a thousand samples take minutes: give fewer, or name some metrics.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.metrics.base import LEVEL, Case
from solvers_zoo.metrics.density import ExactTV
from solvers_zoo.metrics.reference import Reference, flat, reference
from solvers_zoo.metrics.sampled import SampledMetric
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.registry.defaults import SOLVER

#: Numbers drawn at once.
_DRAWN = 2**22

#: Model and steps of Heun's method on the model's own grid, whose total variation from the exact law is about .02.
WRONG = (("mixture-1d", 36), ("mixture-2d", 24), ("mixture-5", 60))


def chances(
    metric: SampledMetric,
    law: Reference,
    n: int,
    comparisons: int,
    *,
    blind: bool = False,
    seed: int = 0,
    spoil: Callable[[Tensor], Tensor] = lambda x: x,
) -> list[float]:
    """p of ``comparisons`` sets of n exact samples, each beside an exact set of its own.

    Args:
        metric: which figure.
        law: what is drawn from.
        n: samples in a set.
        comparisons: how many.
        blind: as if the law had no closed form.
        seed: of the samples.
        spoil: makes the samples (n, D) wrong, to measure the power.

    """
    known, found = None if blind else law, []
    for x, y in _sets(law, n, comparisons, seed):
        found.append(metric.against(known, spoil(x), lambda _, exact=y: exact).p)  # type: ignore[misc]
    return [p for p in found if p is not None]


def _sets(law: Reference, n: int, comparisons: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs of independent exact sets, (n, D) each."""
    each = max(1, _DRAWN // (2 * n * len(law.mean)))
    for first in range(0, comparisons, each):
        count = min(each, comparisons - first)
        numbers = range(2 * n * first, 2 * n * (first + count))
        for pair in flat(_exact(law, seed, numbers)).view(count, 2, n, -1):
            yield pair[0], pair[1]


def _exact(law: Reference, seed: int, numbers: range) -> Tensor:
    return law.law.draw(law.point, SeededNoise(seed, numbers, law.law.shape, torch.float64).data())


def different(found: list[float]) -> float:
    """Share of chances that are called different."""
    return sum(p <= LEVEL for p in found) / len(found)


def ran(model: Any, solver: Any, grid: Any, n: int, seed: int) -> Case:
    """A run of a deterministic solver from the exact law, in float64."""
    noise = SeededNoise(seed, range(n), model.shape, torch.float64)
    start = model.draw(grid[0], noise.start())

    def push(x: Tensor) -> Tensor:
        *_, last = solver.solve(model, x, grid, SeededNoise(seed, range(len(x)), model.shape, torch.float64))
        return last.x

    law = reference(model, grid[-1])
    with torch.no_grad():
        x = push(start)
    return Case(
        model=model,
        solver=solver,
        grid=grid,
        x=x,
        start=start,
        seed=seed,
        denoised=False,
        exact_start=True,
        push=push,
        exact=lambda count: _exact(law, seed, range(count)),
        flow=lambda count: _no_flow(),
    )


def _no_flow() -> Tensor:
    raise NotImplementedError("metrics of samples ask for no flow")


def sampled_metrics() -> list[Any]:
    """Every registered metric whose figure is estimated from samples, as it is by default."""
    known = registry.default()
    made = (known.make("metric", entry.card.name) for entry in known.entries("metric"))
    return [metric for metric in made if isinstance(metric, SampledMetric)]


def main() -> None:
    """Print a table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--models", default="mixture-1d,mixture-2d,mixture-5,digits", help="comma-separated")
    asked.add_argument("--metrics", default="", help="comma-separated names; all sampled ones by default")
    asked.add_argument("-n", type=int, help="samples in a set, 1000; with --power 40000")
    asked.add_argument("--comparisons", type=int, help="1000; with --power 20 runs")
    asked.add_argument("--blind", action="store_true", help="as if no law had a closed form: permutation tests")
    asked.add_argument("--power", action="store_true", help="wrong samples in place of exact ones")
    asked.add_argument("--seed", type=int, default=0)
    given = asked.parse_args()
    known = registry.default()
    metrics = [known.make("metric", name) for name in given.metrics.split(",") if name] or sampled_metrics()
    if given.power:
        _show(*_power(metrics, given.n or 40_000, given.comparisons or 20, given.seed))
        return
    n, comparisons = given.n or 1000, given.comparisons or 1000
    columns: dict[str, dict[str, float]] = {}
    for name in given.models.split(","):
        model = _model(name)
        law = reference(model, model.sde.at(model.sde.t_min))
        fit = [metric for metric in metrics if not metric.refuses(None if given.blind else model)]
        columns[name] = {
            str(metric): different(chances(metric, law, n, comparisons, blind=given.blind, seed=given.seed))
            for metric in fit
        }
    spread = 100 * math.sqrt(LEVEL * (1 - LEVEL) / comparisons)
    _show(
        columns,
        f"Exact sets of {n:,} called different, in % of {comparisons:,} comparisons; {100 * LEVEL:g} +- {spread:.1f} is right",
    )


def _power(metrics: list[Any], n: int, runs: int, seed: int) -> tuple[dict[str, dict[str, float]], str]:
    columns: dict[str, dict[str, float]] = {}
    for name, steps in WRONG:
        model, solver = _model(name), registry.default().make("solver", SOLVER)
        grid = registry.default().make("grid", model.sde.default_grid).make_grid(model.sde, steps)
        cases = [ran(model, solver, grid, n, seed + run) for run in range(runs)]
        exact = ExactTV().measure(cases[0])
        column = columns[f"{name}, TV {exact.value:.4f}"] = {}
        for metric in metrics:
            if not metric.supports(cases[0]):
                column[str(metric)] = different([metric.measure(case).p or 0.0 for case in cases])
    return columns, f"Runs of Heun's method called different, in % of {runs}, n = {n:,}"


def _model(name: str) -> Any:
    target = registry.default().make("model", name)
    return target.build(target.default_sde())


def _show(columns: dict[str, dict[str, float]], title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    table.add_column("metric", style="green")
    for name in columns:
        table.add_column(name, justify="right")
    for metric in sorted({name for column in columns.values() for name in column}):
        row = [column.get(metric) for column in columns.values()]
        table.add_row(metric, *("" if share is None else f"{100 * share:.1f}" for share in row))
    Console().print(table)


if __name__ == "__main__":
    main()
