"""Finished runs, small and quick, as metrics see them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.exact import exact_flow
from solvers_zoo.metrics.base import Case

F64 = torch.float64


def metric(spec: str) -> Any:
    """A registered metric."""
    return registry.default().make("metric", spec)


def case(model: Any = "mixture-2d", solver: str = "heun", steps: int = 20, n: int = 200, **given: Any) -> Case:
    """A run through the driver; ``given``: seed, start, denoise, dtype, and ``x``, results to put in place of its own."""
    law = zoo.model(model) if isinstance(model, str) else model
    taken, x = registry.default().make("solver", solver), given.pop("x", None)
    asked = {"seed": 0, "start": "exact", "denoise": False, "dtype": F64} | given
    done = zoo.sample(law, solver=taken, steps=steps, n=n, **asked)
    grid = zoo.Grid(law.sde, done.grid)
    draws = zoo.SeededNoise(asked["seed"], range(n), law.shape, F64).start()
    start = law.draw(grid[0], draws) if asked["start"] == "exact" else draws.fresh() * law.sde.prior_std(grid[0].t)
    fixed = {"denoise": asked["denoise"], "seed": asked["seed"], "solver": taken, "grid": grid}
    made = Case(
        model=law,
        solver=taken,
        grid=grid,
        x=done.x if x is None else x,
        start=start,
        seed=asked["seed"],
        denoised=asked["denoise"],
        exact_start=asked["start"] == "exact",
        push=lambda states: zoo.sample(law, x=states, dtype=states.dtype, grad=True, **fixed).x,
        exact=lambda count: torch.empty(0),
        flow=lambda count: exact_flow(law, start[:count], grid[0], grid[-1]),
    )
    noise = zoo.SeededNoise(asked["seed"], range(20_000), law.shape, F64)
    return replace(made, exact=lambda count: law.draw(made.point, noise.data())[:count])
