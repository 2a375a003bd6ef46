"""A cell: one solver on one grid, model, process, budget, seed and dtype. Everything that settles its result, in words."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is to be run and measured. All fields are plain, so that equal cells have equal texts.

    Attributes:
        model: specification, or ``path/to/file.py:name``.
        sde: specification of the process the model is seen through.
        solver: specification, options included.
        grid: specification of the rule, or times as ``"80,10,1"``.
        nfe: budget of evaluations a sample, or None.
        steps: number of steps, or None where ``nfe`` is given or the solver chooses.
        seed: of the start and all noise; cells of one seed share them.
        dtype: ``float32`` ...
        n: number of samples.
        start: ``prior`` or ``exact``.
        denoise: whether a last denoise ends the run.
        metrics: specifications of the figures to be measured.
        repeats: timed repeats.
        device: ``cpu``, ``cuda`` ...

    """

    model: str
    sde: str
    solver: str
    grid: str
    nfe: int | None = None
    steps: int | None = None
    seed: int = 0
    dtype: str = "float32"
    n: int = 1000
    start: str = "prior"
    denoise: bool = False
    metrics: tuple[str, ...] = ()
    repeats: int = 3
    device: str = "cpu"

    def facts(self) -> dict[str, Any]:
        """The fields as JSON has them."""
        return asdict(self) | {"metrics": list(self.metrics)}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Cell:
        """The cell that `facts` came from."""
        return cls(**facts | {"metrics": tuple(facts["metrics"])})

    def key(self, code: dict[str, str]) -> str:
        """The name of its file: 64 hexadecimal digits that change with any field and with the code that computes it."""
        return hashlib.sha256(canonical({"cell": self.facts(), "code": code}).encode()).hexdigest()


def is_times(grid: str) -> bool:
    """Whether a cell's grid is a list of times, ``"80,10,1"``, rather than a rule."""
    try:
        return len([float(word) for word in grid.split(",")]) > 1
    except ValueError:
        return False


def canonical(value: Any) -> str:
    """JSON in one way only: sorted keys, no blanks, every float by its shortest digits, NaN and infinities refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
