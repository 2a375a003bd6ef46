"""DDPM's process with a beta schedule that another library made."""

from __future__ import annotations

import functools
import hashlib
import math
from itertools import pairwise
from typing import Any

from solvers_zoo.errors import OptionError
from solvers_zoo.processes.ddpm_betas import DDPMBetas
from solvers_zoo.registry.options import option


class GivenTable(DDPMBetas):
    """`DDPMBetas` with alpha^2 at every index as given, ``kept``: decreasing in (0, 1), and 0 at the last index at most.

    It is made from a table, and named by the table's digest.
    """

    kept: tuple[float, ...] = option((), help="alpha^2 at the indices", kind="floats")

    def __init__(self, kept: Any = (), **options: Any) -> None:
        """Take the table; ``num`` and ``zero_snr`` follow from it."""
        kept = tuple(float(value) for value in kept)
        facts = {"num": len(kept), "zero_snr": bool(kept) and kept[-1] == 0.0}
        super().__init__(**{**options, **facts, "kept": kept})

    def check(self) -> None:
        """A table that decreases."""
        kept = self.kept
        falls = all(a > b for a, b in pairwise(kept))
        if len(kept) < 2 or not falls or not (kept[0] < 1.0 and kept[-1] >= 0.0):
            raise OptionError("A table of alpha^2 decreases from below 1 to 0 or more, over at least two indices.")

    @functools.cached_property
    def table(self) -> tuple[float, ...]:
        """Log alpha at the indices."""
        return tuple(math.log(value) / 2 if value > 0 else -math.inf for value in self.kept)

    def betas(self) -> list[float]:
        """1 - alpha_i^2 / alpha_(i-1)^2."""
        return [1 - b / a for a, b in zip((1.0, *self.kept), self.kept, strict=False)]

    def __repr__(self) -> str:
        digest = hashlib.sha256(repr(self.kept).encode()).hexdigest()[:8]
        return f"{self.spec_name()}(table={digest}, num={self.num})"
