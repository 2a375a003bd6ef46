"""Figures of the ranking."""

from __future__ import annotations

import math

import altair as alt

from solvers_zoo.bench.experiment import Row, Rows, column
from solvers_zoo.charts import COLOURS, Styles, across, chart, inks, lines, titled, up
from zoo_lectures.ranking.numbers import BUDGETS, FID_AT_10, rank_correlation

#: Shifts of words that would lie on a neighbour's.
_SHIFTS = {"unipc-3": 6, "dpmpp-3m-published": -6, "ddim": -2}


def short(solver: str) -> str:
    """A solver's name without its options."""
    return solver.partition("(")[0]


def precision(rows: Rows) -> alt.LayerChart | alt.HConcatChart:
    """Errors over evaluations, and at ten of them beside the FIDs."""
    seen = [row | {"name": short(row["solver"])} for row in rows if not math.isnan(row["error"])]
    # the lines' own order at ten evaluations, so that the legend reads like the figure
    at_ten = {row["name"]: row["error"] for row in seen if row["nfe"] == 10}
    order = sorted({row["name"] for row in seen}, key=lambda name: -at_ten.get(name, 0.0))
    fids = {short(name): fid for name, fid in FID_AT_10.items() if short(name) in at_ten}
    whole: alt.LayerChart | alt.HConcatChart = _lines(seen, order)
    if len(fids) == len(FID_AT_10):
        beside = _beside([{"name": name, "error": at_ten[name], "fid": fid} for name, fid in fids.items()])
        whole = alt.hconcat(whole, beside, spacing=40)
        whole = whole.resolve_scale(color="independent", shape="independent", strokeDash="independent")
    return titled(
        whole,
        "Solvers rank on two Gaussian modes as they do on images",
        "Two modes in the plane, EDM from σ = 80 to 0.002, log-SNR grid, sixteen trajectories against the exact flow.",
        "Right: error at ten evaluations beside the published FID of 50,000 CIFAR-10 images with as many.",
    )


def _lines(rows: Rows, order: list[str]) -> alt.LayerChart:
    styles, key = Styles(order), alt.Legend(title="solver, worst first at 10", orient="right")
    x, y = across("nfe", "network evaluations", 4.6, 38, values=BUDGETS), up("error", "root mean square error")
    base = chart(rows, x=x, y=y, color=alt.Color("name:N", scale=inks(order), legend=key))
    shape = alt.Shape("name:N", scale=alt.Scale(domain=order, range=styles.shapes), legend=key)
    dash = alt.StrokeDash("name:N", scale=alt.Scale(domain=order, range=styles.dashes), legend=key)
    both = base.mark_line().encode(strokeDash=dash) + base.mark_point(opacity=1).encode(shape=shape)
    return both.properties(width=400, height=380)


def _beside(pairs: list[Row]) -> alt.LayerChart | alt.FacetChart:
    found = rank_correlation(column(pairs, "error"), column(pairs, "fid"))
    x = across("error", "error at NFE 10", 0.015, 1.9, values=[0.02, 0.05, 0.1, 0.2, 0.5, 1])
    y = up("fid", "FID at NFE 10, CIFAR-10", 2.3, 20, values=[3, 5, 10, 15])
    marks = chart(pairs, x=x, y=y).mark_point(size=90, color=COLOURS[0], opacity=1)
    words = [
        chart([row], x="error:Q", y="fid:Q", text="name:N").mark_text(
            color="#1a1f27", align="left", dx=9, dy=_SHIFTS.get(row["name"], 0)
        )
        for row in pairs
    ]
    rank = chart([{"text": f"Spearman {found:.2f}"}], text="text:N", x=alt.value(12), y=alt.value(16))
    italic = rank.mark_text(align="left", fontSize=14, fontStyle="italic")
    return alt.layer(marks, *words, italic).properties(width=330, height=380)


def best(rows: Rows) -> alt.LayerChart | alt.FacetChart:
    """The best found for every budget."""
    found = lines(
        rows, "nfe", "error", "grid", x_title="network evaluations", y_title="root mean square error", legend="grid"
    )
    return titled(
        found, "The five best of all solvers and grids", "For every budget of evaluations; the data name the solvers."
    )
