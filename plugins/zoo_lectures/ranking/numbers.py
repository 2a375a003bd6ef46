"""Budgets, published errors and FIDs of the ranking of solvers."""

from __future__ import annotations

import math
from collections.abc import Sequence

BUDGETS = (5, 6, 8, 10, 12, 16, 20, 35)

#: Errors of the published implementations (diff-sampler, dpm-solver, k-diffusion) on the log-SNR grid, at `BUDGETS`.
PUBLISHED: dict[str, tuple[float, ...]] = {
    "ddim": (0.29, 0.24, 0.18, 0.14, 0.12, 0.087, 0.070, 0.040),
    "heun": (math.nan, 3.3, 1.8, 0.80, 0.46, 0.20, 0.12, math.nan),
    "dpm-solver-2": (math.nan, 1.3, 0.68, 0.26, 0.24, 0.10, 0.057, math.nan),
    "ipndm-3": (0.12, 0.032, 0.016, 0.012, 0.010, 0.0071, 0.0051, 0.0019),
    "dpmpp-2m": (0.13, 0.075, 0.074, 0.056, 0.040, 0.022, 0.014, 0.0042),
    "dpmpp-3m-published(lower_order_final=true)": (0.35, 0.30, 0.14, 0.042, 0.017, 0.0070, 0.0043, 0.0012),
    "unipc-2(lower_order_final=true)": (0.14, 0.090, 0.075, 0.046, 0.027, 0.011, 0.0057, 0.0013),
    "unipc-3(lower_order_final=true)": (0.41, 0.34, 0.12, 0.050, 0.025, 0.0095, 0.0047, 0.00046),
    "lms-3": (0.26, 0.20, 0.13, 0.085, 0.061, 0.035, 0.021, 0.0058),
    "exp-adams-4": (0.12, 0.29, 0.18, 0.021, 0.033, 0.012, 0.0042, 0.00031),
}

#: FID of 50,000 CIFAR-10 images at ten evaluations with the unconditional EDM network: README of zju-pi/diff-sampler.
FID_AT_10 = {
    "ddim": 15.69,
    "heun": 15.93,
    "dpm-solver-2": 5.01,
    "dpmpp-3m-published(lower_order_final=true)": 3.00,
    "unipc-3(lower_order_final=true)": 2.89,
    "deis-tab3": 4.09,
    "ipndm-4": 2.77,
}

#: Grids among which the best is looked for.
GRIDS = ("log-snr", "karras", "flow-shift(shift=1)", "beta", "gits", "gits(base=log-snr)")

#: Sixteen draws z of N(0, I) in the plane, so that the figures need no generator.
STARTS = (
    *((-2.3104, -0.3733), (-1.0608, 0.9995), (-0.8840, -1.2755), (-0.6232, -0.8664)),
    *((-1.2956, 1.5236), (0.3237, 2.0177), (1.1357, -1.2269), (0.0714, 0.3380)),
    *((0.1535, -0.6333), (-1.2609, -0.7270), (-0.0200, 0.2103), (0.1772, -0.8305)),
    *((1.0112, -0.2427), (-0.7730, -1.5952), (-0.6870, 1.4881), (-0.4484, -0.8910)),
)


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Spearman's coefficient of two sequences without ties."""
    ranks = [[sorted(values).index(value) for value in values] for values in (x, y)]
    n = len(x)
    return 1 - 6 * sum((a - b) ** 2 for a, b in zip(*ranks, strict=True)) / (n * (n * n - 1))
