"""Figures of the two far modes: samples in the plane, and the share of the smaller mode."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt

from solvers_zoo.bench.experiment import Rows, column, only
from solvers_zoo.charts import BEHIND, chart, titled


def samples(rows: Rows, shown: Mapping[str, list[list[float]]]) -> alt.FacetChart:
    """Samples of several ways side by side in the square from -9 to 9, as in the lecture."""
    points, panels = [], []
    for name, places in shown.items():
        weight = only(rows, sampler=name)["weight"]
        panels.append(f"{name}, {100 * weight:.0f} : {100 * (1 - weight):.0f}")
        points += [{"x": a, "y": b, "panel": panels[-1], "mode": "lower" if a + b < 0 else "upper"} for a, b in places]
    scale = alt.Scale(domain=[-9, 9], nice=False)
    axis = alt.Axis(values=[-5, 0, 5], title=None)
    x, y = alt.X("x:Q", scale=scale, axis=axis), alt.Y("y:Q", scale=scale, axis=axis)
    base = chart(points, x=x, y=y, color=alt.Color("mode:N", legend=None))
    dots = base.mark_circle(size=8, opacity=0.5, clip=True).properties(width=190, height=190)
    return titled(
        dots.facet(alt.Facet("panel:N", title=None, sort=panels), columns=len(panels)),
        "Langevin dynamics cannot weigh far modes",
        "1/5 N((-5, -5), I) + 4/5 N((5, 5), I); chains start uniform on a square, the flow from the exact law at σ = 80; shares in %",
        fontSize=15,
    )


def weights(rows: Rows, truth: float) -> alt.LayerChart:
    """Share of the lower mode with two standard errors, against the true one."""
    shown = [
        {
            "sampler": row["sampler"],
            "weight": row["weight"],
            "low": row["weight"] - 2 * row["standard_error"],
            "high": row["weight"] + 2 * row["standard_error"],
        }
        for row in rows
        if "steps" not in row
    ]
    base = chart(shown, y=alt.Y("sampler:N", sort=column(shown, "sampler"), title=None))
    axis, scale = alt.Axis(tickCount=8, format=".2f"), alt.Scale(zero=False, nice=True, padding=12)
    low = alt.X("low:Q", title="share of samples in the mode of 1/5", axis=axis, scale=scale)
    figure = (
        chart([{"truth": truth}], x="truth:Q").mark_rule(color=BEHIND, strokeDash=[4, 3], strokeWidth=1.5)
        + base.mark_bar(height=4).encode(x=low, x2="high:Q")
        + base.mark_point(size=60, opacity=1).encode(x="weight:Q")
        + base.mark_text(align="left", dx=10, dy=-9).encode(x="high:Q", text=alt.Text("weight:Q", format=".4f"))
    )
    return titled(
        figure.properties(width=520, height=40 * len(shown)),
        "The share of the smaller mode",
        "two standard errors; the line is the truth",
        fontSize=15,
    )
