"""Which code the evidence of a solver was measured on, and whether that code is still what it was.

A solver's evidence is that the whole kit found all its claims to hold, and the figures that it measured; `measured` stores it
with a hash of the code that it depends on. Evidence is *stale* once that hash is another. The code is what these reach:

- the solver's class and its bases, the solvers that its options hold by default, and the solvers that its card says it equals,
  which the kit compares it with;
- the kit, its problems, and every process of the zoo with its own grid: all that the kit hands to a solver.

The registry is not followed: it finds things and computes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from solvers_zoo import Solver
from solvers_zoo.registry import registry
from solvers_zoo.registry.loading import Entry
from solvers_zoo.registry.reach import Code
from solvers_zoo.testing import measured

#: Where the reach ends.
_ENDS = ("", ".registry", ".loading", ".kinds", ".hookspecs", ".public", ".spec", ".source_hash", ".reach")
_KIT = ("solvers_zoo.testing.kit", "conform")


class Evidence:
    """The hashes that the registered solvers have now.

    Args:
        found: the registry; the default one if none.
        changed: text that stands in the place of a module's file.

    """

    def __init__(self, found: registry.Registry | None = None, changed: Mapping[str, str] | None = None) -> None:
        self.found = found or registry.default()
        packages = {entry.cls.__module__.partition(".")[0] for entry in self.found.entries("solver")}
        self.code = Code({"solvers_zoo", *packages}, (f"solvers_zoo.registry{end}" for end in _ENDS), changed)
        starts = [self.code.of_class(cls) for cls in self._handed()]
        self.kit = self.code.hash_of([_KIT, *(root for roots, _ in starts for root in roots)])

    def hash_of(self, entry: Entry) -> str:
        """16 hexadecimal digits of the code that a solver's evidence depends on."""
        starts = [self.code.of_class(cls) for cls in self._classes(entry.cls.make(), compared=True)]
        own = self.code.hash_of(
            (root for roots, _ in starts for root in roots), (row for _, rows in starts for row in rows)
        )
        return hashlib.sha256(f"{own} {self.kit}".encode()).hexdigest()[:16]

    def stale(self) -> list[Entry]:
        """The solvers without evidence, or with evidence of other code; a plugin that is one file has no place for any."""
        stored = measured.evidence(self.found.plugins)
        placed = {(p.dist, p.name) for p in self.found.plugins if measured.path_of(p) is not None}
        entries = [entry for entry in self.found.entries("solver") if (entry.dist, entry.plugin) in placed]
        return [entry for entry in entries if stored.get((entry.dist, entry.card.name)) != self.hash_of(entry)]

    def _handed(self) -> Iterator[type]:
        """The processes on which the kit examines a solver, and the rules of their grids."""
        for entry in self.found.entries("sde"):
            if entry.cls.__module__.startswith("solvers_zoo."):
                yield entry.cls
                yield type(self.found.make("grid", entry.cls.make().default_grid))

    def _classes(self, solver: Solver, compared: bool) -> Iterator[type]:
        yield type(solver)
        for name in solver.options():
            if isinstance(part := getattr(solver, name), Solver):
                yield from self._classes(part, compared=False)
        if compared:
            for name in {*solver.card.equivalents, *solver.facts().equivalents}:
                yield from self._classes(self.found.make("solver", name), compared=False)
