"""Figures of the lemma on total variation, of early stopping and of the Fokker-Planck equation."""

from __future__ import annotations

import altair as alt

from solvers_zoo.bench.experiment import Rows, where
from solvers_zoo.charts import BEHIND, across, chart, colour, curves, guide, level, long, titled, up
from zoo_lectures.huang.numbers import ERRORS

_CORRECTED, _PRINTED = "√(2dτ + d(τD)²)", "τ + d(τD)², as printed"


def lemma(rows: Rows) -> alt.HConcatChart:
    """Both sides over time, over the window in which the score is wrong, and their ratio."""
    return titled(
        alt.hconcat(_in_time(rows), _windows(rows), _ratios(rows), spacing=30),
        "Total variation grows no faster than two flows part",
        "Three modes on the line, Ornstein-Uhlenbeck, the score wrong by δ e(x), δ = .05. Dashed: the bound, half the double integral of |div((U − U′) ρ)|. Points: TV by exact transport.",
        "Left: wrong all along. Middle and right: wrong in the last w only; the two sides meet as w falls, so the constant ½ is the best.",
    )


def _errors() -> alt.Color:
    return colour("form", ERRORS, "error of the score", 3)


def _sides(rows: Rows, x: alt.X, y: alt.Y, width: int) -> alt.LayerChart:
    """The bound, dashed, and the points that it holds for."""
    bound = chart(rows, x=x, y=alt.Y("bound:Q"), color=_errors())
    points = curves(rows, x=x, y=y, color=_errors())
    return (bound.mark_line(strokeDash=[6, 4], strokeWidth=1.6, clip=True) + points).properties(width=width, height=280)


def _in_time(rows: Rows) -> alt.LayerChart:
    start = [{"form": form, "end": 8.0, "grown": 0.0, "bound": 0.0} for form in ERRORS]
    x = across("end", "time t that is left", 8, 0, log=False)
    y = up("grown", "total variation, and its bound", 0, 0.64, log=False)
    return _sides([*start, *where(rows, part="time")], x, y, 300)


def _window() -> alt.X:
    return across("begin", "window w", 0.0085, 9.5, values=[0.01, 0.1, 1, 8])


def _windows(rows: Rows) -> alt.LayerChart:
    return _sides(where(rows, part="window"), _window(), up("grown", "total variation, and its bound", 2e-4, 1.0), 250)


def _ratios(rows: Rows) -> alt.LayerChart:
    seen = [row | {"ratio": row["grown"] / row["bound"]} for row in where(rows, part="window")]
    y = up("ratio", "TV / bound", 0, 1.1, log=False)
    points = curves(seen, x=_window(), y=y, color=_errors())
    return (level(1.0, "equality", "ratio", side="left", under=False) + points).properties(width=250, height=280)


def stopping(rows: Rows) -> alt.HConcatChart:
    """W2 over tau for three laws with both bounds, and the printed bound's failure in every dimension."""
    laws = list(dict.fromkeys(row["law"] for row in rows))
    one, points = where(rows, dim=1), where(rows, law=laws[0])
    x, y = across("tau", "stopping time τ", 7e-7, 0.14), up("w2", "Wasserstein-2 distance W", 5e-7, 1.0)
    bounds = long(where(points, dim=1), {"corrected": _CORRECTED, "printed": _PRINTED}, "w2", "tau")
    dashes = alt.StrokeDash(
        "what:N",
        scale=alt.Scale(domain=[_CORRECTED, _PRINTED], range=[[7, 4], [2, 3]]),
        legend=alt.Legend(title="bound", symbolSize=320, orient="right"),
    )
    behind = chart(bounds, x=x, y=y, strokeDash=dashes).mark_line(color=BEHIND, strokeWidth=4, opacity=0.6, clip=True)
    left = behind + curves(one, x=x, y=y, color=colour("law", laws, "law of the data", orient="right"))
    two = [row | {"d": str(row["dim"]), "ratio": row["w2"] / row["printed"]} for row in points]
    dims = list(dict.fromkeys(row["d"] for row in two))
    ratio, ink = (
        up("ratio", "W / (τ + d(τD)²), two points", 0.5, 3e4),
        colour("d", dims, "dimension", 3, orient="right"),
    )
    right = guide([1e-6, 1e-3], 600, -0.5, "1/√τ", ("tau", "ratio")) + curves(two, x=x, y=ratio, color=ink)
    sides = alt.hconcat(left.properties(width=330, height=330), right.properties(width=270, height=330), spacing=30)
    return titled(
        sides.resolve_scale(color="independent"),
        "What early stopping costs: W² ≤ 2dτ + d(τD)²",
        "The Wasserstein-2 distance W between the data and where the reverse process is stopped. Points on a manifold pay √τ, a smooth density pays τ.",
        "Right: the bound as printed, W = O(τ + d(τD)²), is exceeded without limit as τ falls, and more so in more dimensions.",
    )
