"""Paths of a sampler over the exact density behind them."""

from __future__ import annotations

import altair as alt

from solvers_zoo.bench.experiment import Rows
from solvers_zoo.charts import table


def over_density(
    density: Rows, paths: Rows, x: alt.X, y: alt.Y, shades: alt.Scale, ink: str, thick: float = 1.1
) -> alt.LayerChart:
    """A panel of paths over tiles.

    Args:
        density: a tile from ``t`` to ``t2`` and from ``x`` to ``x2``, with its ``shade``.
        paths: points ``t``, ``x`` of the paths, each with the number ``path`` of its own.
        x: the axis of the column ``t``.
        y: the axis of the column ``x``.
        shades: the colours of the tiles.
        ink: the colour of the paths.
        thick: their width.

    """
    tiles = alt.Chart(table(density)).mark_rect(clip=True)
    threads = alt.Chart(table(paths)).mark_line(strokeWidth=thick, color=ink, opacity=0.85, clip=True)
    shade = alt.Color("shade:Q", scale=shades, legend=None)
    return tiles.encode(x=x, x2="t2:Q", y=y, y2="x2:Q", color=shade) + threads.encode(x=x, y=y, detail="path:N")
