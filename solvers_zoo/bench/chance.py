"""Chances of several seeds as one."""

from __future__ import annotations

import math
from collections.abc import Sequence


def chance(ps: Sequence[float]) -> float | None:
    """One chance of several independent ones: P(chi^2 with 2k degrees of freedom > -2 sum log p) (Fisher 1925); None of none."""
    if not ps:
        return None
    half = -sum(math.log(max(p, 1e-300)) for p in ps)
    terms = (
        i * math.log(half) - math.lgamma(i + 1) - half if half else (0.0 if i == 0 else -math.inf)
        for i in range(len(ps))
    )
    return min(1.0, sum(map(math.exp, terms)))
