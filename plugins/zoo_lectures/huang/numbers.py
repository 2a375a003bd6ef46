"""The settings of Huang, Huang & Lin's numerical study, and what its authors print."""

from __future__ import annotations

from solvers_zoo import Source
from solvers_zoo.bench.experiment import table

STEPS = (96, 64, 48, 32, 24, 16)
#: Score errors that go with the steps, in the same order.
DELTAS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
#: Steps over which slopes are fitted: where the sampling floor does not show.
FITTED = (48, 32, 24, 16)
#: Forms of the score's error, as `ScoreError` calls them.
ERRORS = ("constant", "linear", "sinusoidal")
PARTICLES = 40_000
#: Total variation at N = 32 and 16, as the study's own mixtures and three others showed.
BANDS = {32: (0.045, 0.085), 16: (0.22, 0.45)}

#: Shares of T that are left when the density is looked at.
SHARES = (1.0, 1 / 2, 1 / 4, 1 / 8, 0.0)
#: Score errors of the picture of densities, with the steps that go with them.
PAIRS = ((96, 0.005), (32, 0.04), (16, 0.16))

#: Steps of the runs that the authors print.
PRINTED = (96, 48, 32, 24, 16)
#: What their notebook prints for their own draw of the mixture: dimension, then mean, TV, cov with the exact score for each N.
_EXACT = """
8   .0061 .0117 .0059  .0076 .0253 .0115  .0158 .0552 .0253  .0313 .1028 .0500  .0853 .2570 .1408
32  .0085 .0112 .0113  .0124 .0223 .0141  .0221 .0550 .0279  .0387 .1063 .0561  .0968 .2586 .1625
128 .0056 .0116 .0057  .0081 .0272 .0136  .0185 .0645 .0358  .0377 .1213 .0752  .1054 .2555 .2212
"""
#: The same with N = 16 and delta = .16, for each form of error in turn: dimension, then mean, TV, cov three times.
_TOTAL = """
8 .5215 .3328 .3026 1.2222 .2106 1.1140 .2810 .2566 .3013
32 .1862 .2499 .2253 .5775 .2248 .8251 .1255 .2188 .1954
128 .1297 .2269 .2317 .3059 .2315 .5188 .1144 .2337 .2230
"""

HUANG = Source(
    authors="Huang, Huang & Lin 2024",
    title="Convergence Analysis of Probability Flow ODE for Score-based Generative Models",
    arxiv="2404.09730",
    where="numerical study; lecture of D. Z. Huang, section Numerical Verification",
)


def authors_table() -> dict[tuple[int, str, int], tuple[float, ...]]:
    """(dimension, form, N) -> the authors' mean, TV and cov."""
    found: dict[tuple[int, str, int], tuple[float, ...]] = {}
    for dim, figures in table(_EXACT).items():
        found |= {(int(dim), "exact", n): figures[3 * i : 3 * i + 3] for i, n in enumerate(PRINTED)}
    for dim, figures in table(_TOTAL).items():
        found |= {(int(dim), form, 16): figures[3 * i : 3 * i + 3] for i, form in enumerate(ERRORS)}
    return found
