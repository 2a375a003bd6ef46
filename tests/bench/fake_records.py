"""Records that look like those of a sweep, without running one: errors fall with their orders onto the floor of exact samples."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterable, Iterator, Sequence

import torch

from solvers_zoo import registry
from solvers_zoo.bench.cell import Cell
from solvers_zoo.bench.record import DONE, FAILED, SKIPPED, Record
from solvers_zoo.bench.store import Store
from solvers_zoo.noise.seeded import SeededNoise

#: Order, family and evaluations a step.
KINDS = {
    "ddim": (1, "ddim", 1),
    "heun": (2, "runge-kutta", 2),
    "dpmpp-2m": (2, "dpm", 1),
    "unipc-3": (3, "unipc", 1),
    "ipndm-4": (4, "adams", 1),
    "ancestral": (1, "ancestral", 1),
}
METRICS = ("strong", "sliced-w1", "covariance")
FLOORS = {"strong": (0.0, 0.0), "sliced-w1": (0.021, 0.0012), "covariance": (0.03, 0.004)}
MACHINE = {
    "host": "bench-1",
    "cpu": "Imaginary CPU @ 2.00GHz",
    "cores": 2,
    "threads": 1,
    "device": "cpu",
    "system": "Linux-6.1-x86_64",
    "python": "3.11.7",
    "torch": "2.13.0+cpu",
    "numpy": "2.4.6",
    "solvers_zoo": "0.1.0",
}


def key_of(*words: object) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(repr(words).encode()).hexdigest()


def fake(
    solvers: Sequence[str] = tuple(KINDS),
    models: Sequence[str] = ("digits", "ring"),
    grids: Sequence[str] = ("karras",),
    nfe: Sequence[int] = (5, 8, 10, 20),
    seeds: Sequence[int] = (0, 1),
) -> Iterator[Record]:
    """A finished cell of every combination."""
    for model in models:
        for grid in grids:
            for solver in solvers:
                for budget in nfe:
                    yield from (done(model, grid, solver, budget, seed) for seed in seeds)


def cell_of(model: str, grid: str, solver: str, budget: int | None, seed: int = 0) -> Cell:
    """A cell of the fake sweep."""
    return Cell(
        model=model, sde="edm", solver=solver, grid=grid, nfe=budget, seed=seed, n=2000, start="exact", metrics=METRICS
    )


def done(model: str, grid: str, solver: str, budget: int, seed: int = 0) -> Record:
    """A finished cell."""
    order, family, each = KINDS.get(solver, (1 + sum(map(ord, solver)) % 4, "family", 1))
    draw = random.Random(f"{model} {grid} {solver}")
    size, noise = draw.uniform(0.4, 3.0), random.Random(f"{model} {grid} {solver} {budget} {seed}")
    steps = max(1, budget // each)
    wrong = size * (steps / 2.2) ** -order * math.exp(noise.gauss(0, 0.06))
    figures = {}
    for metric in METRICS:
        floor, sd = FLOORS[metric]
        value = math.hypot(wrong * draw.uniform(0.7, 1.2), floor) + noise.gauss(0, 1) * sd
        z = (value - floor) / sd if sd else None
        figures[metric] = {
            "value": value,
            "n": 2000,
            "floor": floor,
            "sd": sd,
            "p": math.erfc(z / math.sqrt(2)) / 2 if z is not None else None,
            "z": z,
            "ties": z is not None and z < 1.645,
        }
    alone = 0.004 * steps * each * (8 if model == "digits" else 1) * draw.uniform(0.9, 1.1)
    result = {
        "status": DONE,
        "kind": "",
        "reason": "",
        "nfe": steps * each,
        "steps": steps,
        "grid": [80.0, 10.0, 1.0, 0.002],
        "family": family,
        "order": float(order),
        "stochastic": family == "ancestral",
        "fit_nfe": 0,
        "figures": figures,
        "unmeasured": {"exact-tv": "the model has 64 dimensions, and the density is carried in at most 10"}
        if model == "digits"
        else {},
    }
    run = {
        "seconds": alone * 1.2,
        "seconds_min": alone * 1.15,
        "model_seconds": alone,
        "repeats": [[alone * 1.2, alone]],
        "took": 1.0,
        "finished": "2026-11-22T10:00:00.000+00:00",
        "attempts": 1,
        "machine": MACHINE,
    }
    return Record(
        key_of(model, grid, solver, budget, seed),
        cell_of(model, grid, solver, budget, seed),
        {"solver": "ab12"},
        result,
        run,
    )


def broken(
    solver: str,
    model: str,
    budget: int,
    status: str = FAILED,
    reason: str = "the samples are not finite",
    kind: str = "error",
) -> Record:
    """A cell without a result."""
    result = {
        "status": status,
        "kind": kind if status == FAILED else "",
        "reason": reason,
        "figures": {},
        "unmeasured": {},
    }
    run = {
        "finished": "2026-11-22T10:00:00.000+00:00",
        "machine": MACHINE,
        "traceback": "Traceback (most recent call last): ...",
    }
    return Record(key_of(solver, model, budget, reason), cell_of(model, "karras", solver, budget), {}, result, run)


def a_sweep(**crossed: Sequence[object]) -> list[Record]:
    """Finished, failed and skipped cells; one reason would break out of a page that did not escape it."""
    return [
        *fake(**crossed),  # type: ignore[arg-type]
        broken("sabotage", "ring", 8, reason="</script><script>document.title='broken out'</script><!-- <b>bold</b>"),
        broken("sabotage", "ring", 10, reason="it ran longer than its limit of 5 s", kind="timeout"),
        broken("rk4", "ring", 5, SKIPPED, "a budget of 5 does not pay for a step of rk4, which costs 4 and a denoise"),
    ]


def put_all(store: Store, records: Iterable[Record], samples: bool = True) -> None:
    """Write records to a store, those of the first seed with samples that are the worse the larger their error."""
    found, models = registry.default(), {}
    for record in records:
        x = None
        if samples and record.status == DONE and record.cell.seed == 0:
            name = record.cell.model
            if name not in models:
                models[name] = found.make("model", name).build(found.make("sde", record.cell.sde))
            model = models[name]
            draws = SeededNoise(record.cell.seed, range(64), model.shape, torch.float32).data()
            x = model.analytic.draw(model.sde.at(0.002), draws)
            x = x + 0.5 * record.result["figures"]["strong"]["value"] * draws.fresh()
        store.put(record, x)
