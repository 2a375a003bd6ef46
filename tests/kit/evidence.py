"""What this run measures of the bundled solvers: stale evidence first, then a little of what is fresh; drawn by the hash of the tree."""

from __future__ import annotations

from draw import drawn

from solvers_zoo import registry
from solvers_zoo.testing import measured
from solvers_zoo.testing.evidence import Evidence

BUNDLED = [entry for entry in registry.default().entries("solver") if entry.dist == "solvers-zoo"]
STORED = measured.stored(registry.default().plugins)
_STALE = {entry.card.name for entry in Evidence().stale() if entry.dist == "solvers-zoo"}
#: The solvers whose code changed since their claims were last measured and stored; at most so many are measured in a run.
STALE = drawn([entry.card.name for entry in BUNDLED if entry.card.name in _STALE], 20, "stale evidence")
NOT_MEASURED = sorted(_STALE - set(STALE))
#: Solvers that solve equations or choose their steps take ten seconds to a minute each, and are no part of the small sample.
_QUICK = [e.card.name for e in BUNDLED if e.card.name not in _STALE and not (e.card.implicit or e.card.adaptive)]
FRESH = drawn(_QUICK, 6, "fresh evidence")
