"""The solvers and grids that the zoo takes where nobody names one: the only table of the core that knows any by name."""

from __future__ import annotations

#: Samples, edits and interop: the solver of Karras et al. (2022), good at 10 to 40 steps on every process that has alpha and sigma.
SOLVER = "heun"
