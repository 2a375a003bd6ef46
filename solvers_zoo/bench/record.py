"""A record: what became of a cell. Its ``result`` is the same on every machine of a kind; its ``run`` is what that run took.

    {"key": "9f...", "cell": {...}, "code": {"solver": "..", "model": "..", ...},
     "result": {"status": "done" | "failed" | "skipped", "kind": "", "reason": "", "nfe": 8, "steps": 4, "grid": [80.0, ...],
                "family": "runge-kutta", "stochastic": false, "fit_nfe": 0,
                "figures": {"strong": {"value": .., "floor": .., "sd": .., "z": .., "p": .., "n": ..}, ...},
                "unmeasured": {"exact-tv": "the model has 64 dimensions, .."}},
     "run": {"seconds": .., "seconds_min": .., "model_seconds": .., "repeats": [[total, model], ..], "took": .., "finished":
             "2026-11-22T10:00:00+00:00", "attempts": 1, "machine": {"host": .., "cpu": .., "cores": .., "threads": 1,
             "device": .., "system": .., "python": .., "torch": .., "numpy": .., "solvers_zoo": ..}}}

``skipped`` is a cell that has no meaning (a budget that does not pay for one step, a solver that refuses the process);
``failed`` is one that should have worked. Times are in seconds of a wall clock, ``seconds`` the median repeat, ``model_seconds``
the median of as many calls of the model alone, taken in turn with it; they are absent where nothing was timed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from solvers_zoo.bench.cell import Cell

DONE, FAILED, SKIPPED = "done", "failed", "skipped"


@dataclass(frozen=True)
class Record:
    """A cell and what became of it; see the module's text for the parts."""

    key: str
    cell: Cell
    code: dict[str, str]
    result: dict[str, Any]
    run: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """``done``, ``failed`` or ``skipped``."""
        return str(self.result["status"])

    def facts(self) -> dict[str, Any]:
        """The record as JSON has it."""
        return {"key": self.key, "cell": self.cell.facts(), "code": self.code, "result": self.result, "run": self.run}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Record:
        """The record that `facts` came from."""
        return cls(facts["key"], Cell.of(facts["cell"]), facts["code"], facts["result"], facts["run"])
