"""The picture of the density's evolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from solvers_zoo.bench.experiment import Row
from solvers_zoo.charts.panels import axis, chart, inks, scale, titled
from zoo_lectures.huang.density import PAIRS
from zoo_lectures.huang.particles import FORMS


def evolution(curves: Sequence[Row], rows: Sequence[Row]) -> Any:
    """A row of panels for every size of error, a column for every time: the exact density filled, the estimates as lines."""
    times = sorted({row["t"] for row in curves}, reverse=True)
    tallest = {t: 1.12 * max(max(row["exact"], row["density"]) for row in curves if row["t"] == t) for t in times}
    strips = [
        alt.hconcat(*(_panel(curves, rows, steps, delta, t, tallest[t], t == times[0]) for t in times), spacing=14)
        for steps, delta in PAIRS
    ]
    return titled(
        alt.vconcat(*strips, spacing=12),
        "From noise to five modes: the density of the first coordinate",
        "Filled: exact. Lines: kernel estimate of 40,000 particles of Heun's method, the score wrong by δ in one of three ways; smaller errors with more steps.",
        "Time runs to the right, from noise to data; in each panel the total variation, largest of the three.",
    )


def _panel(
    curves: Sequence[Row], rows: Sequence[Row], steps: int, delta: float, t: float, top: float, first: bool
) -> Any:
    seen = [row for row in curves if row["t"] == t and row["delta"] == delta]
    tv = max(row["tv"] for row in rows if row["t"] == t and row["delta"] == delta)
    x = alt.X(
        "x:Q",
        axis=axis(f"t = {t:g}" if delta == PAIRS[-1][1] else "", log=False, values=[-8, -4, 0, 4, 8]),
        scale=scale(-10, 10, log=False),
    )
    y = alt.Y(
        "density:Q",
        axis=axis(f"δ = {delta:g}, N = {steps}" if first else "", log=False, tickCount=3),
        scale=scale(0, top, log=False),
    )
    exact = [row for row in seen if row["form"] == FORMS[0]]
    filled = chart(exact, x=x, y=alt.Y("exact:Q")).mark_area(color="#cfd5de", line=False)
    colour = alt.Color("form:N", scale=inks(FORMS, 3), legend=alt.Legend(title="error of the score"))
    dash = alt.StrokeDash(
        "form:N",
        scale=alt.Scale(domain=list(FORMS), range=[[1, 0], [7, 4], [2, 3]]),
        legend=alt.Legend(title="error of the score"),
    )
    lines = chart(seen, x=x, y=y, color=colour, strokeDash=dash).mark_line(strokeWidth=1.6, clip=True)
    word = (
        chart([{"text": f"TV {tv:.3f}"}], text="text:N").mark_text(align="left").encode(x=alt.value(5), y=alt.value(9))
    )
    return (filled + lines + word).properties(width=190, height=130)
