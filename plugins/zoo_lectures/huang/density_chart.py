"""The picture of the density's evolution."""

from __future__ import annotations

import altair as alt

from solvers_zoo.bench.experiment import Rows, column, where
from solvers_zoo.charts import across, chart, colour, dash, table, titled, up
from zoo_lectures.huang.numbers import ERRORS, PAIRS

LEGEND = "error of the score"


def evolution(curves: Rows, rows: Rows) -> alt.VConcatChart:
    """A row of panels for every size of error, a column for every time: the exact density filled, the estimates as lines."""
    times = sorted({row["t"] for row in curves}, reverse=True)
    tallest = {t: 1.12 * max(max(row["exact"], row["density"]) for row in where(curves, t=t)) for t in times}
    strips = []
    for steps, delta in PAIRS:
        side = f"δ = {delta:g}, N = {steps}"
        panels = []
        for t in times:
            below = f"t = {t:g}" if delta == PAIRS[-1][1] else ""
            x = across("x", below, -10, 10, log=False, values=[-8, -4, 0, 4, 8])
            y = up("density", side if t == times[0] else "", 0, tallest[t], log=False, tickCount=3)
            tv = max(column(rows, "tv", t=t, delta=delta))
            panels.append(_panel(where(curves, t=t, delta=delta), x, y, tv))
        strips.append(alt.hconcat(*panels, spacing=14))
    return titled(
        alt.vconcat(*strips, spacing=12),
        "From noise to five modes: the density of the first coordinate",
        "Filled: exact. Lines: kernel estimate of 40,000 particles of Heun's method, the score wrong by δ in one of three ways; smaller errors with more steps.",
        "Time runs to the right, from noise to data; in each panel the total variation, largest of the three.",
    )


def _panel(seen: Rows, x: alt.X, y: alt.Y, tv: float) -> alt.LayerChart:
    filled = chart(where(seen, form=ERRORS[0]), x=x, y=alt.Y("exact:Q")).mark_area(color="#cfd5de", line=False)
    look = {"color": colour("form", ERRORS, LEGEND, 3), "strokeDash": dash("form", ERRORS, LEGEND)}
    lines = alt.Chart(table(seen)).mark_line(strokeWidth=1.6, clip=True).encode(x=x, y=y, **look)
    word = chart([{"text": f"TV {tv:.3f}"}], text="text:N").mark_text(align="left")
    return (filled + lines + word.encode(x=alt.value(5), y=alt.value(9))).properties(width=190, height=130)
