"""Records made up without computing anything, for tests of where they are kept and how they are read."""

from __future__ import annotations

import itertools
import json
import math
import random
from pathlib import Path
from typing import Any

from solvers_zoo.bench.cell import Cell, canonical
from solvers_zoo.bench.record import DONE, Record
from solvers_zoo.bench.store import Store
from solvers_zoo.storage.files import seal

CODE = {part: part.encode().hex()[:16].ljust(16, "0") for part in ("driver", "grid", "metrics", "model", "solver")}
MACHINE = {
    "host": "here",
    "cpu": "A processor @ 2.50GHz",
    "cores": 2,
    "threads": 1,
    "device": "cpu",
    "system": "Linux-6.1-x86_64",
    "python": "3.11.7",
    "torch": "2.6.0",
    "numpy": "2.1.0",
    "solvers_zoo": "0.1.0",
}
SOLVERS = ("ddim", "heun", "dpmpp-2m", "unipc-3", "ipndm-4")


def cell(solver: str = "heun", nfe: int | None = 8, seed: int = 0, model: str = "mixture-5", **fields: Any) -> Cell:
    """A cell of a small sweep."""
    metrics = fields.pop("metrics", ("strong", "sliced-w1"))
    return Cell(
        model=model, sde="vp", solver=solver, grid="uniform-lam", nfe=nfe, seed=seed, n=2000, metrics=metrics, **fields
    )


def figure(value: float, floor: float = 0.0, sd: float = 0.0, n: int = 2000) -> dict[str, Any]:
    """A figure as records have it, of a normal law where it is sampled."""
    z = (value - floor) / sd if sd else None
    p = math.erfc(z / math.sqrt(2)) / 2 if z is not None else None
    return {
        "value": value,
        "n": n,
        "floor": floor,
        "sd": sd,
        "p": p,
        "error": 0.0,
        "z": z,
        "ties": p is not None and p > 0.05,
    }


def record(
    of: Cell, code: dict[str, str] | None = None, finished: str = "2026-01-01T10:00:00.000+00:00", **figures: Any
) -> Record:
    """A finished cell with ``figures``, or with some that follow from the cell."""
    rng = random.Random(str(of))
    code = CODE if code is None else code
    nfe = of.nfe or 1
    figures = figures or {
        "strong": figure(rng.uniform(0.5, 2) / nfe**2),
        "sliced-w1": figure(rng.uniform(0.5, 2) / nfe**2 + 0.02, 0.02, 0.004),
    }
    result = {
        "status": DONE,
        "kind": "",
        "reason": "",
        "nfe": nfe,
        "steps": nfe,
        "grid": [1.0 - i / (nfe + 1) for i in range(nfe + 1)],
        "family": "runge-kutta",
        "order": 2.0,
        "stochastic": False,
        "fit_nfe": 0,
        "figures": figures,
        "unmeasured": {"exact-tv": "the model has 64 dimensions, and it takes 10 at most"},
    }
    seconds = rng.uniform(0.01, 0.02) * nfe
    run = {
        "took": 3 * seconds,
        "finished": finished,
        "machine": MACHINE,
        "repeats": [[seconds, seconds / 2]] * 3,
        "seconds": seconds,
        "seconds_min": seconds * 0.9,
        "model_seconds": seconds / 2,
    }
    return Record(of.key(code), of, code, result, run)


def failed(
    of: Cell, status: str = "failed", kind: str = "nan", reason: str = "step 3 gave NaN", code: Any = None
) -> Record:
    """A cell that came to nothing."""
    result = {"status": status, "kind": kind, "reason": reason, "figures": {}, "unmeasured": {}}
    code = CODE if code is None else code
    return Record(
        of.key(code), of, code, result, {"took": 0.1, "finished": "2026-01-01T10:00:00.000+00:00", "machine": MACHINE}
    )


def place(folder: Path, one: Record) -> None:
    """Put a record into a store as `Store.put` does, but without waiting for the disk."""
    facts = one.facts()
    key = facts.pop("key")
    path = folder / "cells" / key[:2] / f"{key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(seal("record", f'{{"key":"{key}",{canonical(facts)[1:]}'.encode()))


SEEDS, BUDGETS, MODELS = (0, 1, 2), (5, 10, 20), ("digits", "mixture-5")


def build(folder: Path) -> None:
    """A store of a sweep: 5 solvers, 3 budgets, 2 models, 3 seeds, and some cells that came to nothing."""
    store = Store(folder)
    for model, nfe, seed, solver in itertools.product(MODELS, BUDGETS, SEEDS, SOLVERS):
        place(store.folder, record(cell(solver, nfe, seed, model)))
    for seed in SEEDS:
        store.put(failed(cell("bad(x=1, y='|&_%')", 5, seed)))
    store.put(failed(cell("heun", 1), "skipped", "", "a budget of 1 does not pay for a step of heun"))
    only = record(cell("heun", 40))
    only.result["figures"].pop("strong")
    only.result["unmeasured"]["strong"] = "the flow is not known"
    store.put(only)
    keys = [one.key for one in store.records() if one.cell.model == "digits"]
    store.save_sweep("digits-only", json.dumps({"name": "digits-only", "keys": keys}))
