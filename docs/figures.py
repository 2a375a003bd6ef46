"""Measure what the site draws: of every registered solver its convergence and its place among the others.

    python docs/figures.py                # all solvers and the figures of the concepts: some ten minutes on one core
    python docs/figures.py heun ddim      # some solvers again
    python docs/figures.py concepts       # the figures of the concepts alone

The numbers go to ``docs/data/``; the site draws them when it is built. What each number is:

flow: error against the exact probability flow over steps, on the 2-D mixture of the conformance kit (EDM, sigma 2 to 0.05).
law: error of mean and variance over steps, probed exactly on N(1.3, 0.25) (EDM, sigma 10 to 0.02).
work: error against the exact flow over evaluations, on the mixture of ``zoo study ranking`` (EDM, sigma 80 to 0.002, log-SNR grid).
samples: sliced Wasserstein-1 distance of 4,000 samples of that mixture to as many exact ones, over evaluations.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from zoo_lectures.ranking.study import problem as plane

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.metrics import sliced_w1
from solvers_zoo.testing.check_law import edm_gaussian, probe, target
from solvers_zoo.testing.problems import grid, mixture_2d
from solvers_zoo.testing.report import Broken, Refused
from solvers_zoo.testing.subject import Subject

DATA = Path(__file__).resolve().parent / "data"
STEPS = (4, 8, 16, 32, 64, 128)
BUDGETS = (5, 6, 8, 10, 12, 16, 20, 28, 40, 60)
SAMPLED = (10, 20, 40, 80)
#: Times the solver's own tolerances.
TOLERANCES = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
N = 4000

Curve = list[tuple[float, float]]


def main(wanted: list[str]) -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    names = [entry.card.name for entry in registry.default().entries("solver")]
    chosen = [name for name in wanted if name != "concepts"] or ([] if wanted else names)
    path = DATA / "solvers.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {"solvers": {}}
    for name in chosen:
        found["solvers"][name] = _measure(zoo.solver(name))
        sys.stderr.write(f"{name}: {', '.join(found['solvers'][name]) or 'nothing'}\n")
    if chosen:
        found["floor"] = _floor()
        found["solvers"] = {name: found["solvers"][name] for name in sorted(names) if name in found["solvers"]}
        _write(path, found)
    if not wanted or "concepts" in wanted:
        from concept_figures import concepts

        _write(DATA / "concepts.json", concepts())


def _measure(solver: Any) -> dict[str, Curve]:
    facts = solver.facts()
    curves: dict[str, Curve] = {}
    if _tolerances_of(solver) and not facts.stochastic:
        curves["flow"] = list(_tolerances(solver))
    elif facts.order is not None or not (facts.stochastic or facts.stationary):
        curves["flow"] = list(_over(STEPS, lambda steps: _flow_error(solver, steps)))
    if facts.weak_order is not None and facts.affine:
        curves["law"] = list(_over(STEPS[:-1], lambda steps: _law_error(solver, steps)))
    if not facts.stochastic:
        curves["work"] = list(_work(solver))
    if not facts.implicit:
        curves["samples"] = list(_sampled(solver))
    return {name: _rounded(curve) for name, curve in curves.items() if curve}


def _over(steps: tuple[int, ...], error: Callable[[int], float]) -> Iterator[tuple[float, float]]:
    for n in steps:
        try:
            yield n, error(n)
        except (zoo.ZooError, Broken, Refused):
            continue


def _flow_error(solver: Any, steps: int) -> float:
    problem = mixture_2d()
    return problem.error(Subject(solver).run(problem.model, problem.x, problem.grid(steps)))


def _law_error(solver: Any, steps: int) -> float:
    model = edm_gaussian()
    times = grid(model.sde, steps)
    law, (mean, variance) = probe(Subject(solver), model, times), target(times)
    return max(abs(law.mean - mean) / variance**0.5, abs(law.variance / variance - 1))


def _tolerances_of(solver: Any) -> list[str]:
    """The options that are the solver's tolerances, if it chooses its own steps."""
    names = [name for name in ("rtol", "atol") if name in solver.options() and solver.facts().adaptive]
    return names if len(names) == 2 else []


def _finer(solver: Any) -> Iterator[Any]:
    """The solver at several tolerances."""
    names = _tolerances_of(solver)
    for factor in TOLERANCES:
        yield solver.replace(**{name: getattr(solver, name) * factor for name in names})


def _tolerances(solver: Any) -> Iterator[tuple[float, float]]:
    problem = mixture_2d()
    for finer in _finer(solver):
        done = zoo.sample(problem.model, finer, grid=problem.grid(4), x=problem.x)
        yield done.nfe, problem.error(done.x)


def _runs(solver: Any, budgets: tuple[int, ...], **given: Any) -> Iterator[tuple[float, torch.Tensor]]:
    """Evaluations and ends of runs of at most ``budgets`` evaluations, or as many steps where the cost is not known."""
    model, adaptive = plane()[0], bool(_tolerances_of(solver))
    variants = _finer(solver) if adaptive else (solver for _ in budgets)
    for variant, budget in zip(variants, budgets, strict=False):
        for size in ({"steps": 8},) if adaptive else ({"nfe": budget}, {"steps": budget}):
            try:
                done = zoo.sample(model, variant, grid="log-snr", **size, **given)
            except zoo.ZooError:
                continue
            yield done.nfe, done.x
            break


def _work(solver: Any) -> Iterator[tuple[float, float]]:
    _, x, end = plane()
    for nfe, ends in _runs(solver, BUDGETS, x=x):
        yield nfe, float((ends - end).square().mean().sqrt())


def _sampled(solver: Any) -> Iterator[tuple[float, float]]:
    exact = _exact(1)
    for nfe, x in _runs(solver, SAMPLED, n=N, start="exact", seed=0, dtype=torch.float64):
        yield nfe, float(sliced_w1(x, exact))


def _exact(seed: int) -> torch.Tensor:
    """Exact samples where the runs end."""
    model: Any = plane()[0]
    noise = zoo.SeededNoise(seed, range(N), (2,), torch.float64)
    return model.draw(model.sde.at(model.sde.t_min), noise.data())


def _floor() -> list[float]:
    """The least and the largest that exact samples show in 20 draws."""
    seen = [float(sliced_w1(_exact(seed), _exact(1))) for seed in range(2, 22)]
    return [float(f"{value:.3g}") for value in (min(seen), max(seen))]


def _rounded(curve: Curve) -> Curve:
    points = dict(sorted(curve))  # budgets that give the same number of evaluations are one point
    good = ((round(n, 1), float(f"{e:.3g}")) for n, e in points.items() if math.isfinite(e) and 1e-16 < e < 1e6)
    return [(int(n) if n == int(n) else n, e) for n, e in good]


def _write(path: Path, data: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in data.get("solvers", {}).items())
    rest = {name: value for name, value in data.items() if name != "solvers"}
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in rest.items())
    path.write_text(f'{{\n{text},\n"solvers": {{\n{rows}\n}}\n}}\n' if rows else f"{{\n{text}\n}}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
