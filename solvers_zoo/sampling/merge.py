"""Parts of a run put together to one result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from solvers_zoo.sampling.result import Result


def join_reports(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Join the reports of several parts: tensors with one entry a sample are concatenated, numbers are added."""
    columns = {key: [report[key] for report in reports] for key in (reports[0] if reports else ())}
    return {key: torch.cat(values) if isinstance(values[0], Tensor) else sum(values) for key, values in columns.items()}


def merged(parts: Sequence[Result], fit_nfe: int = 0) -> Result:
    """The result of all parts, in their order; its seconds and calls are sums.

    Args:
        parts: finished results of one solver, grid and seed.
        fit_nfe: evaluations that fitting the grid took, once for all.

    """
    stats = join_reports([part.stats for part in parts])
    if fit_nfe:
        stats["fit_nfe"] = fit_nfe
    return replace(parts[0], x=torch.cat([part.x for part in parts]), nfe=max(part.nfe for part in parts), stats=stats)
