"""Names that the studies of the theory share with their charts."""

from __future__ import annotations

#: Laws on which the Fokker-Planck equation is checked.
LAWS = ("gaussian", "mixture-2d", "mixture-5")
#: The two backward equations that share the law's marginals.
SDE, FLOW = "reverse SDE", "flow"
#: Solvers of the exact transport, with their orders.
SOLVERS = {"euler": 1, "heun": 2, "rk4": 4}
