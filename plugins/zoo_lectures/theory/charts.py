"""Figures of the lemma on total variation, of early stopping and of the Fokker-Planck equation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from solvers_zoo.bench.experiment import Row
from solvers_zoo.charts.panels import axis, chart, curves, guide, inks, level, scale, titled
from solvers_zoo.charts.theme import BEHIND
from zoo_lectures.huang.particles import FORMS


def lemma(rows: Sequence[Row]) -> Any:
    """Both sides over time, over the window in which the score is wrong, and their ratio."""
    return titled(
        alt.hconcat(_in_time(rows), _windows(rows), _ratios(rows), spacing=30),
        "Total variation grows no faster than two flows part",
        "Three modes on the line, Ornstein-Uhlenbeck, the score wrong by δ e(x), δ = .05. Dashed: the bound, half the double integral of |div((U − U′) ρ)|. Points: TV by exact transport.",
        "Left: wrong all along. Middle and right: wrong in the last w only; the two sides meet as w falls, so the constant ½ is the best.",
    )


def _pair(rows: Sequence[Row], x: Any) -> Any:
    """The bound, dashed, and the colours of both sides."""
    colour = alt.Color("form:N", scale=inks(FORMS, 3), legend=alt.Legend(title="error of the score"))
    above = chart(rows, x=x, y=alt.Y("bound:Q"), color=colour).mark_line(strokeDash=[6, 4], strokeWidth=1.6, clip=True)
    return above, colour


def _in_time(rows: Sequence[Row]) -> Any:
    seen = [row for row in rows if row["part"] == "time"]
    start = [{"form": form, "end": 8.0, "grown": 0.0, "bound": 0.0} for form in FORMS]
    x = alt.X("end:Q", axis=axis("time t that is left", log=False), scale=alt.Scale(domain=[8, 0], nice=False))
    y = alt.Y("grown:Q", axis=axis("total variation, and its bound", log=False), scale=scale(0, 0.64, log=False))
    above, colour = _pair([*start, *seen], x)
    return (above + curves([*start, *seen], x=x, y=y, color=colour)).properties(width=300, height=280)


def _windows(rows: Sequence[Row]) -> Any:
    seen = [row for row in rows if row["part"] == "window"]
    x = alt.X("begin:Q", axis=axis("window w", values=[0.01, 0.1, 1, 8]), scale=scale(0.0085, 9.5))
    y = alt.Y("grown:Q", axis=axis("total variation, and its bound"), scale=scale(2e-4, 1.0))
    above, colour = _pair(seen, x)
    return (above + curves(seen, x=x, y=y, color=colour)).properties(width=250, height=280)


def _ratios(rows: Sequence[Row]) -> Any:
    seen = [row | {"ratio": row["grown"] / row["bound"]} for row in rows if row["part"] == "window"]
    x = alt.X("begin:Q", axis=axis("window w", values=[0.01, 0.1, 1, 8]), scale=scale(0.0085, 9.5))
    y = alt.Y("ratio:Q", axis=axis("TV / bound", log=False), scale=scale(0, 1.1, log=False))
    colour = alt.Color("form:N", scale=inks(FORMS, 3), legend=alt.Legend(title="error of the score"))
    return (
        level(1.0, "equality", "ratio", side="left", under=False) + curves(seen, x=x, y=y, color=colour)
    ).properties(width=250, height=280)


def stopping(rows: Sequence[Row]) -> Any:
    """W2 over tau for three laws with both bounds, and the printed bound's failure in every dimension."""
    laws = list(dict.fromkeys(row["law"] for row in rows))
    one = [row for row in rows if row["dim"] == 1]
    x = alt.X("tau:Q", axis=axis("stopping time τ"), scale=scale(7e-7, 0.14))
    y = alt.Y("w2:Q", axis=axis("Wasserstein-2 distance W"), scale=scale(5e-7, 1.0))
    colour = alt.Color("law:N", scale=inks(laws), legend=alt.Legend(title="law of the data", orient="right"))
    bounds = [
        {"tau": row["tau"], "w2": row[name], "bound": words}
        for row in one
        if row["law"] == laws[0]
        for name, words in (("mended", _MENDED), ("printed", _PRINTED))
    ]
    dash = alt.StrokeDash(
        "bound:N",
        scale=alt.Scale(domain=[_MENDED, _PRINTED], range=[[7, 4], [2, 3]]),
        legend=alt.Legend(title="bound", symbolSize=320, orient="right"),
    )
    behind = chart(bounds, x=x, y=y, strokeDash=dash).mark_line(color=BEHIND, strokeWidth=4, opacity=0.6, clip=True)
    left = (behind + curves(one, x=x, y=y, color=colour)).properties(width=330, height=330)
    two = [row | {"d": str(row["dim"]), "ratio": row["w2"] / row["printed"]} for row in rows if row["law"] == laws[0]]
    dims = list(dict.fromkeys(row["d"] for row in two))
    ratio = alt.Y("ratio:Q", axis=axis("W / (τ + d(τD)²), two points"), scale=scale(0.5, 3e4))
    inked = alt.Color("d:N", scale=inks(dims, 3), legend=alt.Legend(title="dimension", orient="right"))
    right = guide([1e-6, 1e-3], 600, -0.5, "1/√τ", ("tau", "ratio")) + curves(two, x=x, y=ratio, color=inked)
    return titled(
        alt.hconcat(left, right.properties(width=270, height=330), spacing=30).resolve_scale(color="independent"),
        "What early stopping costs: W² ≤ 2dτ + d(τD)²",
        "The Wasserstein-2 distance W between the data and where the reverse process is stopped. Points on a manifold pay √τ, a smooth density pays τ.",
        "Right: the bound as printed, W = O(τ + d(τD)²), is exceeded without limit as τ falls, and more so in more dimensions.",
    )


_MENDED, _PRINTED = "√(2dτ + d(τD)²)", "τ + d(τD)², as printed"
