"""Names and step sizes that the studies of bounds share with their charts."""

from __future__ import annotations

from functools import partial

from solvers_zoo import Source

BENTON = Source(
    authors="Benton et al. 2024",
    title="Nearly d-Linear Convergence Bounds for Diffusion Models via Stochastic Localization",
    arxiv="2308.03686",
    where="Theorem 2",
)
#: Where the flow and its likelihood come from.
FLOWS = partial(
    Source,
    authors="Song et al. 2021",
    title="Score-Based Generative Modeling through Stochastic Differential Equations",
    arxiv="2011.13456",
)
KAPPAS = (0.4, 0.2, 0.1, 0.05, 0.025)

#: Targets of the path KL.
ONE_POINT, NARROW, UNIT, THREE = "one point", "N(0, 1/4)", "N(0, 1)", "three modes"
#: Variance of the data of every Gaussian target.
VARIANCES = {ONE_POINT: 0.0, NARROW: 0.25, UNIT: 1.0}
