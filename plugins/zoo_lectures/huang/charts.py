"""Figures of the study on particles."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import Any

import altair as alt

from solvers_zoo.bench.experiment import Row
from solvers_zoo.charts.panels import COLOURS, axis, chart, curves, guide, inks, level, scale, titled
from zoo_lectures.huang.particles import BANDS, DELTAS, FORMS, authors_table

FIGURES = {
    "tv": "total variation, first coordinate",
    "mean": "relative error of the mean",
    "cov": "relative error of the covariance",
}
SIZE = {"width": 255, "height": 235}


def errors(rows: Sequence[Row]) -> Any:
    """Discretisation error over h above total error over delta, for three figures."""
    dims = [str(dim) for dim in sorted({row["dim"] for row in rows})]
    full = {row["mixture"] for row in rows if row["form"] == "samples"}
    above = alt.hconcat(*(_discretisation(rows, figure, dims, full) for figure in FIGURES), spacing=26)
    below = alt.hconcat(*(_total(rows, figure, dims, full) for figure in FIGURES), spacing=26)
    many = (
        f"Mean of {len(full)} random mixtures, shaded from the smallest to the largest"
        if len(full) > 1
        else "One mixture"
    )
    return titled(
        alt.vconcat(above, below, spacing=30).resolve_scale(color="independent", strokeDash="independent"),
        "The error of the probability flow is O(δ + h²), in any dimension",
        "Heun's method on five correlated Gaussian modes, Ornstein-Uhlenbeck from T = 8. Above: exact score. Below: score error δ, with h² ~ δ.",
        f"{many}; at the dotted line, what exact samples show.",
    )


def averages(rows: Sequence[Row], x: str, figure: str, full: set[int], forms: Sequence[str]) -> list[Row]:
    """Mean over mixtures for every dimension, form and x, with the smallest and largest."""
    groups: dict[tuple[Any, ...], list[float]] = {}
    for row in rows:
        if row["mixture"] in full and row["form"] in forms:
            groups.setdefault((row["dim"], row["form"], row[x]), []).append(row[figure])
    return [
        {"d": str(dim), "form": form, x: at, "y": mean(v), "low": min(v), "high": max(v)}
        for (dim, form, at), v in groups.items()
    ]


def _floor(rows: Sequence[Row], figure: str) -> float:
    return mean(row[figure] for row in rows if row["form"] == "samples")


def _discretisation(rows: Sequence[Row], figure: str, dims: list[str], full: set[int]) -> Any:
    seen, floor = averages(rows, "h", figure, full, ["exact"]), _floor(rows, figure)
    x = alt.X("h:Q", axis=axis("step h", values=[0.1, 0.2, 0.3, 0.5]), scale=scale(0.075, 0.56))
    y = alt.Y("y:Q", axis=axis(FIGURES[figure]), scale=scale(floor / 3, 1.3 * max(row["high"] for row in seen)))
    colour = alt.Color("d:N", scale=inks(dims), legend=alt.Legend(title="dimension", symbolOpacity=1))
    middle = mean(row["y"] for row in seen if row["h"] == 0.25)
    return (
        chart(seen, x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour).mark_area(opacity=0.12, clip=True)
        + guide([0.16, 0.5], 0.18 * middle, 2, "h²", ("h", "y"))
        + level(floor, "exact samples", "y")
        + curves(seen, x=x, y=y, color=colour)
    ).properties(**SIZE)


def _total(rows: Sequence[Row], figure: str, dims: list[str], full: set[int]) -> Any:
    seen, floor = averages(rows, "delta", figure, full, FORMS), _floor(rows, figure)
    x = alt.X("delta:Q", axis=axis("score error δ", values=DELTAS), scale=scale(0.0043, 0.186))
    y = alt.Y("y:Q", axis=axis(FIGURES[figure]), scale=scale(floor / 3, 1.3 * max(row["y"] for row in seen)))
    colour = alt.Color("form:N", scale=inks(FORMS, 3), legend=alt.Legend(title="error of the score"))
    dashes = alt.Scale(domain=dims, range=[[1, 0], [7, 4], [2, 3]][: len(dims)])
    middle = mean(row["y"] for row in seen if row["delta"] == 0.04)
    base = chart(seen, x=x, y=y, color=colour)
    lines = base.mark_line(strokeWidth=1.7, clip=True).encode(
        strokeDash=alt.StrokeDash("d:N", scale=dashes, legend=alt.Legend(title="dimension", symbolSize=320))
    )
    return (
        guide([0.01, 0.16], 0.09 * middle, 1, "δ", ("delta", "y"))
        + level(floor, "exact samples", "y")
        + lines
        + base.mark_point(size=26, opacity=1)
    ).properties(**SIZE)


def draws(rows: Sequence[Row]) -> Any:
    """Total variation of every mixture at N = 32 and 16, beside the accepted bands and the authors' own draw."""
    dims = [str(dim) for dim in sorted({row["dim"] for row in rows})]
    return titled(
        alt.hconcat(*(_draws(rows, steps, dims) for steps in BANDS), spacing=36),
        "How much the error depends on the draw of the mixture",
        "A dot is a random mixture of five modes, the orange bar their median, the black diamond the draw of the authors' own table.",
        "Shaded: the band that was accepted, set from three draws.",
    )


def _draws(rows: Sequence[Row], steps: int, dims: list[str]) -> Any:
    printed = authors_table()
    (low, high), part = (
        BANDS[steps],
        [row for row in rows if row["form"] == "exact" and row["steps"] == steps and row["mixture"] != "authors"],
    )
    seen = [{"d": str(row["dim"]), "tv": row["tv"], "shift": row["mixture"] * 0.618034 % 1} for row in part]
    theirs = [{"d": d, "tv": printed[key][1]} for d in dims if (key := (int(d), "exact", steps)) in printed]
    x = alt.X("d:N", sort=dims, axis=axis("dimension", log=False, labelAngle=0))
    y = alt.Y(
        "tv:Q",
        axis=axis(f"total variation at N = {steps}", log=False),
        scale=scale(0, 1.12 * max(high, *(row["tv"] for row in seen)), log=False),
    )
    jitter = alt.XOffset("shift:Q", scale=alt.Scale(domain=[-0.6, 1.6]))
    return (
        chart([{"low": low, "high": high}], y=alt.Y("low:Q"), y2="high:Q").mark_rect(color=COLOURS[2], opacity=0.13)
        + chart(seen, x=x, y=y, xOffset=jitter).mark_point(size=44, opacity=0.6)
        + chart(seen, x=x, y="median(tv):Q").mark_tick(thickness=3, size=70, color=COLOURS[1])
        + chart(theirs, x=x, y="tv:Q").mark_point(shape="diamond", size=130, color="#1a1f27", opacity=1)
    ).properties(width=330, height=300)
