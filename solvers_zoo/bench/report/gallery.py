"""Samples for the report: a few of every contestant and budget, exact ones beside them, in as few bytes as will do."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from solvers_zoo.bench.cell_parts import parts_of
from solvers_zoo.bench.ranking import Contestant, budget_of, contestant
from solvers_zoo.bench.record import Record
from solvers_zoo.bench.report.data import Arena
from solvers_zoo.charts.samples import bulk
from solvers_zoo.errors import ZooError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

#: Reads the samples of a cell by its key.
Read = Callable[[str], "Tensor | None"]

#: Points or images of a picture, exact points behind all of them, and exact values of a histogram.
POINTS, IMAGES, CROWD, DENSITY = 64, 16, 600, 20_000
#: Bytes of all pictures together, and contestants at each budget of a problem, the best first.
BUDGET, MOST = 3_000_000, 48
#: Margin of a picture, as a part of its width.
_MARGIN = 0.12


@dataclass(frozen=True)
class Picture:
    """Samples of one cell: a text of base64, 16 bits a coordinate or 8 bits a pixel."""

    who: Contestant
    budget: str
    data: str


@dataclass(frozen=True)
class Gallery:
    """Pictures of one problem.

    Attributes:
        kind: ``plane``, ``images`` or ``line``.
        shape: of an image (height, width, channels); empty for others.
        low: what the lowest number stands for, by coordinate.
        high: what the highest stands for.
        exact: exact samples as pictures have them; empty where they cannot be had.
        crowd: more of them, to lie behind points; of a line the exact density in equal bins, the highest of them 255.
        pictures: the best contestants first.
        left: how many cells of the problem have no picture.

    """

    kind: str
    shape: tuple[int, ...]
    low: list[float]
    high: list[float]
    exact: str
    crowd: str
    pictures: list[Picture]
    left: int


def galleries(arenas: Sequence[Arena], read: Read, step: Callable[[int, int], None]) -> list[Gallery | None]:
    """A gallery for each problem, None where no samples were kept.

    Args:
        arenas: the problems.
        read: gives the samples of a cell, if any were kept.
        step: called with (cells read, cells to be read).

    """
    wanted = [_chosen(arena) for arena in arenas]
    total, done = sum(map(len, wanted)), 0
    found = []
    for arena, chosen in zip(arenas, wanted, strict=True):
        kept: list[tuple[Record, Tensor]] = []
        for record in chosen:
            done += 1
            step(done, total)
            if (x := read(record.key)) is not None:
                kept.append((record, x))
        found.append(_gallery(kept, len(arena.records), BUDGET // len(arenas)) if kept else None)
    return found


def _gallery(kept: Sequence[tuple[Record, Tensor]], cells: int, room: int) -> Gallery:
    exact = _exact(kept[0][0])
    kind, shape = _kind(kept[0][1])
    ground = _coordinates(exact if exact is not None else kept[0][1], kind)
    low, high = _limits(ground)
    pictures: list[Picture] = []
    for record, x in kept:
        data = _encoded(_coordinates(x, kind)[: _count(kind)], low, high, kind)
        room -= len(data)
        if room < 0 and pictures:
            break
        pictures.append(Picture(contestant(record), _at(record), data))
    shown = _encoded(ground[: _count(kind)], low, high, kind) if exact is not None else ""
    crowd = _crowd(ground, low, high, kind) if exact is not None else ""
    return Gallery(kind, shape, low.tolist(), high.tolist(), shown, crowd, pictures, cells - len(pictures))


def _chosen(arena: Arena) -> list[Record]:
    """One cell for each contestant and budget, that of the least seed; the best contestants first, `MOST` at each budget."""
    board = next(iter(arena.boards.values()), None)
    ranks = {who: rank for rank, who in enumerate(board.table.scores)} if board is not None else {}
    cells: dict[tuple[Contestant, str], Record] = {}
    for record in sorted(arena.records, key=lambda record: record.cell.seed):
        cells.setdefault((contestant(record), _at(record)), record)
    taken: dict[str, int] = {}
    found = []
    for (_, budget), record in sorted(cells.items(), key=lambda item: ranks.get(item[0][0], len(ranks))):
        taken[budget] = taken.get(budget, 0) + 1
        if taken[budget] <= MOST:
            found.append(record)
    return found


def _at(record: Record) -> str:
    """The budget; the specification, tolerance included, of a solver that chose its own steps."""
    budget = budget_of(record)
    return record.cell.solver if budget == "any" else budget


def _exact(record: Record) -> Tensor | None:
    """Exact samples of the law that a cell's results should have, where it is known in closed form."""
    import torch

    from solvers_zoo.metrics.base import Clean
    from solvers_zoo.noise.seeded import SeededNoise

    try:
        model: Any = parts_of(record.cell).model
        if model.analytic is None:
            return None
        n = DENSITY if _kind_of(model.shape) == "line" else CROWD
        draws = SeededNoise(record.cell.seed, range(n), model.shape, torch.float32).data()
        point = Clean() if record.cell.denoise else model.sde.at(record.result["grid"][-1])
        return model.analytic.draw(point, draws)
    except ZooError:  # of a plugin that is not loaded here
        return None


def _kind_of(shape: Sequence[int]) -> str:
    if len(shape) >= 2 and shape[-1] == shape[-2]:
        return "images"
    return "plane" if tuple(shape) == (2,) else "line"


def _kind(x: Tensor) -> tuple[str, tuple[int, ...]]:
    kind = _kind_of(x.shape[1:])
    if kind != "images":
        return kind, ()
    colours = 3 if x.dim() == 4 and x.shape[1] >= 3 else 1
    return kind, (x.shape[-2], x.shape[-1], colours)


def _coordinates(x: Tensor, kind: str) -> NDArray[Any]:
    """Samples as (n, 2) points, (n, 1) first coordinates or (n, height, width, channels) images."""
    values = np.asarray(x.detach().cpu().double().numpy())
    if kind == "images":
        stacked = values[:, None] if values.ndim == 3 else values
        stacked = stacked.reshape(len(values), -1, *values.shape[-2:])
        return np.moveaxis(stacked[:, :3] if stacked.shape[1] >= 3 else stacked[:, :1], 1, -1)
    return values.reshape(len(values), -1)[:, : 2 if kind == "plane" else 1]


def _count(kind: str) -> int:
    return IMAGES if kind == "images" else POINTS


def _limits(ground: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Bounds that hold nearly all exact samples: one pair for images, a square for points."""
    flat = ground.reshape(-1, 1) if ground.ndim == 4 else ground
    low, high = bulk(flat)
    if ground.ndim == 4:
        return low, np.maximum(high, low + 1e-9)
    middle, half = (low + high) / 2, max(float((high - low).max()), 1e-9) * (0.5 + _MARGIN)
    return middle - half, middle + half


def _encoded(values: NDArray[Any], low: NDArray[Any], high: NDArray[Any], kind: str) -> str:
    """Numbers in equal steps from low to high; what lies outside is at the edge, where 0 of 16 bits means not there."""
    scaled = (values - low) / (high - low)
    if kind == "images":
        return _text(np.clip(np.rint(np.nan_to_num(scaled) * 255), 0, 255).astype(np.uint8))
    inside = np.all((scaled >= 0) & (scaled <= 1), axis=-1, keepdims=True)
    return _text(np.where(inside, 1 + np.rint(np.clip(np.nan_to_num(scaled), 0, 1) * 65534), 0).astype("<u2"))


def _crowd(ground: NDArray[Any], low: NDArray[Any], high: NDArray[Any], kind: str) -> str:
    if kind == "plane":
        return _encoded(ground, low, high, kind)
    if kind == "images":
        return ""
    table, _ = np.histogram(ground[:, 0], bins=64, range=(float(low[0]), float(high[0])))
    return _text(np.rint(255 * table / max(int(table.max()), 1)).astype(np.uint8))


def _text(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
