"""What a cell's words mean, and the hashes of the source behind them."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solvers_zoo import registry
from solvers_zoo.bench.cell import Cell, is_times
from solvers_zoo.registry.source_hash import hash_of
from solvers_zoo.score_models.build import build_model, file_of


@dataclass(frozen=True)
class Parts:
    """What a cell's words mean."""

    model: Any
    solver: Any
    grid: Any
    metrics: tuple[Any, ...]


def parts_of(cell: Cell) -> Parts:
    """Model, solver, grid and metrics of a cell; models are made once a process."""
    found = registry.default()
    grid: Any = [float(word) for word in cell.grid.split(",")] if is_times(cell.grid) else found.make("grid", cell.grid)
    metrics = tuple(found.make("metric", spec) for spec in cell.metrics)
    return Parts(_model(cell.model, cell.sde), found.make("solver", cell.solver), grid, metrics)


@functools.lru_cache(maxsize=16)
def _model(spec: str, sde: str) -> Any:
    found = registry.default()
    process = found.make("sde", sde)
    if file_of(spec) is None:
        return build_model(found, spec, process)
    model = build_model(found, spec, None)
    return model if str(model.sde) == sde else build_model(found, spec, process)


def code_of(cell: Cell) -> dict[str, str]:
    """The hashes of all source behind a cell, by part; checkpoints that a model names are part of it."""
    return _code(cell.model, cell.sde, cell.solver, cell.grid, cell.metrics)


@functools.lru_cache(maxsize=4096)
def _code(model: str, sde: str, solver: str, grid: str, metrics: tuple[str, ...]) -> dict[str, str]:
    cell = Cell(model=model, sde=sde, solver=solver, grid=grid, metrics=metrics)
    parts = parts_of(cell)
    found, path = registry.default(), file_of(model)
    target = path if path is not None else found.make("model", model)
    checkpoints = [Path(file) for file in getattr(parts.model, "checkpoints", ())]
    return {
        "driver": hash_of("solvers_zoo.sampling.driver", "solvers_zoo.bench.compute"),
        "grid": hash_of(*([] if isinstance(parts.grid, list) else [parts.grid])),
        "metrics": hash_of(*parts.metrics, *_files_of(parts.metrics)),
        "model": hash_of(target, parts.model, parts.model.sde, *checkpoints),
        "solver": hash_of(parts.solver),
    }


def _files_of(metrics: tuple[Any, ...]) -> Iterator[Path]:
    """Python files that options of metrics name: a feature network's, for one."""
    for metric in metrics:
        for name in metric.options():
            value = getattr(metric, name)
            path = file_of(value) if isinstance(value, str) else None
            if path is not None:
                yield path
