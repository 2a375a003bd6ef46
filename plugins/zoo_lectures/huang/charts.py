"""Figures of the study on particles."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

import altair as alt

from solvers_zoo.bench.experiment import Row, Rows, column, where
from solvers_zoo.charts import COLOURS, across, axis, chart, colour, curves, dash, guide, level, titled, up
from zoo_lectures.huang.numbers import BANDS, DELTAS, ERRORS, authors_table

FIGURES = {
    "tv": "total variation, first coordinate",
    "mean": "relative error of the mean",
    "cov": "relative error of the covariance",
}
SIZE = {"width": 255, "height": 235}


def errors(rows: Rows) -> alt.VConcatChart:
    """Discretisation error over h above total error over delta, for three figures."""
    full = set(column(rows, "mixture", form="samples"))
    seen = [row for row in rows if row["mixture"] in full]
    dims = [str(dim) for dim in sorted({row["dim"] for row in rows})]
    strips = [
        alt.hconcat(*(draw(seen, name, dims) for name in FIGURES), spacing=26) for draw in (_discretisation, _total)
    ]
    random = f"Mean of {len(full)} random mixtures, shaded from the smallest to the largest"
    return titled(
        alt.vconcat(*strips, spacing=30).resolve_scale(color="independent", strokeDash="independent"),
        "The error of the probability flow is O(δ + h²), in any dimension",
        "Heun's method on five correlated Gaussian modes, Ornstein-Uhlenbeck from T = 8. Above: exact score. Below: score error δ, with h² ~ δ.",
        f"{random if len(full) > 1 else 'One mixture'}; at the dotted line, what exact samples show.",
    )


def averages(rows: Rows, x: str, figure: str, forms: Sequence[str]) -> list[Row]:
    """Mean over mixtures for every dimension, form and x, with the smallest and largest."""
    groups: dict[tuple[int, str, float], list[float]] = {}
    for row in rows:
        if row["form"] in forms:
            groups.setdefault((row["dim"], row["form"], row[x]), []).append(row[figure])
    return [
        {"d": str(dim), "form": form, x: at, "y": mean(v), "low": min(v), "high": max(v)}
        for (dim, form, at), v in groups.items()
    ]


def _discretisation(rows: Rows, figure: str, dims: list[str]) -> alt.LayerChart:
    seen, floor = averages(rows, "h", figure, ["exact"]), mean(column(rows, figure, form="samples"))
    x = across("h", "step h", 0.075, 0.56, values=[0.1, 0.2, 0.3, 0.5])
    y = up("y", FIGURES[figure], floor / 3, 1.3 * max(column(seen, "high")))
    ink = colour("d", dims, "dimension", symbolOpacity=1)
    return (
        chart(seen, x=x, y=alt.Y("low:Q"), y2="high:Q", color=ink).mark_area(opacity=0.12, clip=True)
        + guide([0.16, 0.5], 0.18 * mean(column(seen, "y", h=0.25)), 2, "h²", ("h", "y"))
        + level(floor, "exact samples", "y")
        + curves(seen, x=x, y=y, color=ink)
    ).properties(**SIZE)


def _total(rows: Rows, figure: str, dims: list[str]) -> alt.LayerChart:
    seen, floor = averages(rows, "delta", figure, ERRORS), mean(column(rows, figure, form="samples"))
    x = across("delta", "score error δ", 0.0043, 0.186, values=DELTAS)
    y = up("y", FIGURES[figure], floor / 3, 1.3 * max(column(seen, "y")))
    base = chart(seen, x=x, y=y, color=colour("form", ERRORS, "error of the score", 3))
    lines = base.mark_line(strokeWidth=1.7, clip=True).encode(dash("d", dims, "dimension", symbolSize=320))
    return (
        guide([0.01, 0.16], 0.09 * mean(column(seen, "y", delta=0.04)), 1, "δ", ("delta", "y"))
        + level(floor, "exact samples", "y")
        + lines
        + base.mark_point(size=26, opacity=1)
    ).properties(**SIZE)


def draws(rows: Rows) -> alt.HConcatChart:
    """Total variation of every mixture at N = 32 and 16, beside the accepted bands and the authors' own draw."""
    dims = [str(dim) for dim in sorted({row["dim"] for row in rows})]
    return titled(
        alt.hconcat(*(_draws(where(rows, form="exact", steps=steps), steps, dims) for steps in BANDS), spacing=36),
        "How much the error depends on the draw of the mixture",
        "A dot is a random mixture of five modes, the orange bar their median, the black diamond the draw of the authors' own table.",
        "Shaded: the band that was accepted, set from three draws.",
    )


def _draws(rows: Rows, steps: int, dims: list[str]) -> alt.LayerChart:
    printed, (low, high) = authors_table(), BANDS[steps]
    seen = [{"d": str(row["dim"]), "tv": row["tv"], "shift": row["mixture"] * 0.618034 % 1} for row in rows]
    theirs = [{"d": d, "tv": printed[key][1]} for d in dims if (key := (int(d), "exact", steps)) in printed]
    x = alt.X("d:N", sort=dims, axis=axis("dimension", log=False, labelAngle=0))
    y = up("tv", f"total variation at N = {steps}", 0, 1.12 * max(high, *column(seen, "tv")), log=False)
    jitter = alt.XOffset("shift:Q", scale=alt.Scale(domain=[-0.6, 1.6]))
    return (
        chart([{"low": low, "high": high}], y=alt.Y("low:Q"), y2="high:Q").mark_rect(color=COLOURS[2], opacity=0.13)
        + chart(seen, x=x, y=y, xOffset=jitter).mark_point(size=44, opacity=0.6)
        + chart(seen, x=x, y="median(tv):Q").mark_tick(thickness=3, size=70, color=COLOURS[1])
        + chart(theirs, x=x, y="tv:Q").mark_point(shape="diamond", size=130, color="#1a1f27", opacity=1)
    ).properties(width=330, height=300)
