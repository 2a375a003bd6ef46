"""The solvers and the published figures of Tomczak's variance-exploding example."""

from __future__ import annotations

ARRIVAL, EXPLICIT, FLOW = "published loop (score at arrival)", "explicit Euler", "exact flow"
SOLVERS = {ARRIVAL: "euler-arrival", EXPLICIT: "euler(variable=t)"}
#: sd of the data -> final sd of the published loop, of explicit Euler, and of the exact flow to t = 0; from the published prior.
FIGURES = {
    1.0: (0.701764, 0.711105, 0.708866),
    0.5: (0.417838, 0.457043, 0.447658),
    0.1: (-0.265775, 0.158866, 0.099509),
}
#: sd of the data -> final sd of the published loop from the exact law at t = 1.
FROM_EXACT = {1.0: 0.9900, 0.5: 0.4667}
#: Where the chains start: from the book's prior, or from the exact law at t = 1.
PRIOR, EXACT = "published prior", "exact law"
INTERVALS = 19
#: Modes of the data in the picture of paths: the middle and the sides of the book's interval [-1, 1].
MODES, MODE_SD = (-0.75, 0.0, 0.75), 0.08
