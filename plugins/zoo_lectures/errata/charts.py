"""Figures of the misprints, and of Tomczak's loop: its spread over time, and its paths over the exact density."""

from __future__ import annotations

from typing import Any

import altair as alt

from solvers_zoo.bench.experiment import Rows, column, where
from solvers_zoo.charts import BEHIND, INKS, across, chart, lines, titled, up
from zoo_lectures.errata.numbers import ARRIVAL, EXPLICIT, FIGURES, FLOW, MODE_SD, PRIOR
from zoo_lectures.paths_chart import over_density

#: Words of a formula and their mathematical signs.
_SIGNS = {"^2": "²", "<=": "≤", "sqrt(d)": "√d", "sigma": "σ", "delta": "δ", "sum": "Σ", "E_t": "E"}


def misses(rows: Rows) -> alt.LayerChart:
    """How far each formula misses, as printed and as meant, on one line, with the formulas beside it."""
    shown = [
        {**row, "words": _symbols(f"{row['printed']}   →   {row['right']}"), "erratum": _symbols(row["erratum"])}
        for row in rows
    ]
    ends = {"as meant": "right_miss", "as printed": "printed_miss"}
    dots = [{**row, "value": row[end], "what": name} for row in shown for name, end in ends.items()]
    look: dict[str, Any] = {
        "scale": alt.Scale(type="symlog", constant=0.1, domain=[0, 10], nice=False),
        "title": "distance of the measured figure from the true one",
        "axis": alt.Axis(values=[0, 0.1, 0.2, 0.5, 1, 2, 5], format="~g"),
    }
    legend = alt.Legend(title=None, orient="top", symbolType="circle")
    ink = alt.Color("what:N", scale=alt.Scale(domain=list(ends)), legend=legend)
    side = alt.Y("erratum:N", sort=column(shown, "erratum"), title=None)
    base = chart(shown, y=side)
    rule = base.mark_rule(color=BEHIND, strokeWidth=1.5, opacity=0.6)
    figure = (
        rule.encode(x=alt.X("right_miss:Q", **look), x2="printed_miss:Q")
        + chart(dots, y=side, x=alt.X("value:Q", **look), color=ink).mark_point(size=90, opacity=1)
        + base.mark_text(align="left").encode(x=alt.value(398), text="words:N")
    )
    return titled(
        figure.properties(width=380, height=36 * len(rows)),
        "What a misprint costs",
        "how far a figure misses 1, its true value, or rises above 1 if it is a KL over its bound",
        fontSize=15,
    )


def _symbols(words: str) -> str:
    """The words with their mathematical signs."""
    for plain, sign in _SIGNS.items():
        words = words.replace(plain, sign)
    return words


def spread(rows: Rows) -> alt.LayerChart | alt.FacetChart:
    """Signed sd over time, a panel for each width of the data."""
    started = where(rows, start=PRIOR)
    exact = {(row["data_sd"], row["t"]): row["sd"] for row in where(started, loop=FLOW)}
    shown = [
        {**row, "ratio": row["sd"] / exact[row["data_sd"], row["t"]], "data": f"data of sd {row['data_sd']:g}"}
        for row in started
    ]
    return lines(
        shown,
        "t",
        "ratio",
        "loop",
        order=[FLOW, EXPLICIT, ARRIVAL],
        panel="data",
        panels=[f"data of sd {sd:g}" for sd in FIGURES],
        columns=3,
        log="",
        reverse=True,
        width=240,
        height=260,
        x_title="time t",
        y_title="sd over the exact flow's",
        title="Nineteen Euler steps, and where the score is taken",
        subtitle="dX = 1.01^t dW on N(0, s²) from the published prior N(0, 1.01); below 0 the sign has turned; scales differ",
    ).resolve_scale(y="independent")


def paths(rows: Rows, density: Rows) -> alt.HConcatChart:
    """Paths of the flow and of the loop over the exact density of three modes; time runs to the left, from 1 to 0.

    Args:
        rows: points ``t``, ``x`` of the paths, each path with its number ``path`` and its ``loop``.
        density: tiles of `over_density`.

    """
    x, y = across("t", "time t", 1, 0, log=False), up("x", "x", -2.4, 2.4, log=False)
    shade = alt.Scale(range=["#ffffff", "#d9e6f4", "#9dbfe0", "#3f7ab5"], interpolate="rgb")
    panels = []
    for name in (FLOW, ARRIVAL):
        panel = over_density(density, where(rows, loop=name), x, y, shade, INKS["light"][0], 1)
        panels.append(titled(panel.properties(width=330, height=260), name, fontSize=12))
    return titled(
        alt.hconcat(*panels),
        "The flow to three modes, and nineteen steps towards them",
        f"modes at -0.75, 0, 0.75 with sd {MODE_SD:g}; behind the paths the exact density at each time",
        fontSize=15,
    )
