"""Figures of the Fokker-Planck equation and of the marginals that both backward equations share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np

from solvers_zoo import AnalyticModel
from solvers_zoo.bench.experiment import Row, Rows, where
from solvers_zoo.charts import COLOURS, across, axis, chart, colour, titled, up
from solvers_zoo.exact import Law
from zoo_lectures.paths_chart import over_density
from zoo_lectures.quadrature import Array
from zoo_lectures.theory.numbers import FLOW, LAWS, SDE


def both(model: AnalyticModel, paths: Mapping[str, Mapping[float, Array]]) -> alt.HConcatChart:
    """Paths of the reverse SDE and of the flow, time -> states, over the density that both have."""
    density = _density(model)
    panels = [_paths(density, what, paths[what], COLOURS[i]) for what, i in ((SDE, 1), (FLOW, 0))]
    return titled(
        alt.hconcat(*panels, spacing=34),
        "Two ways back, one law at every time",
        "Paths of the reverse SDE (left) and of the probability flow (right) from the same starts at t = 8, over the density p_t of both.",
        "Three modes on the line, Ornstein-Uhlenbeck; time runs to the right, from noise to data.",
    )


def _density(model: AnalyticModel) -> list[Row]:
    """p_t in tiles, as a share of its largest value at that time."""
    edges, xs = np.geomspace(model.sde.t_max, 0.01, 97), np.linspace(-8.5, 8.5, 121)
    rows: list[Row] = []
    half = (xs[1] - xs[0]) / 2
    for late, early in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        shade = np.exp(Law.of(model, model.sde.at((late * early) ** 0.5)).log_pdf(xs))
        shade = np.sqrt(shade / shade.max())
        rows += [
            {"t": late, "t2": early, "x": x - half, "x2": x + half, "shade": s}
            for x, s in zip(xs.tolist(), shade.round(3).tolist(), strict=True)
            if s > 0.02
        ]
    return rows


def _paths(density: list[Row], what: str, paths: Mapping[float, Array], ink: str) -> alt.LayerChart:
    times = sorted(paths, reverse=True)
    kept = [t for i, t in enumerate(times) if i % max(1, len(times) // 400) == 0 and t >= 0.01]
    rows = [{"t": t, "x": x, "path": i} for t in kept for i, x in enumerate(paths[t].tolist())]
    x = across("t", "time t that is left", 8, 0.01, values=[8, 4, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02])
    y = up("x", f"x, {what}", -8.5, 8.5, log=False)
    shades = alt.Scale(range=["#ffffff", "#b9cbf2"], domain=[0, 1], interpolate="rgb")
    return over_density(density, rows, x, y, shades, ink).properties(width=400, height=330)


def residuals(rows: Rows) -> alt.HConcatChart:
    """Residuals and errors of the variance of every process, far below what is accepted."""
    parts = (
        ("residual", "relative residual of the Fokker-Planck equation", 1e-9, LAWS),
        ("variance", "relative error of the variance", 1e-6, (SDE, FLOW)),
    )
    panels = [
        _strip([row for row in where(rows, part=part) if row["error"] > 0], words, limit, names, 3 * i)
        for i, (part, words, limit, names) in enumerate(parts)
    ]
    return titled(
        alt.hconcat(*panels, spacing=34).resolve_scale(color="independent"),
        "Every closed-form law solves its equation",
        "Left: d_t p + div(f x p) - g²/2 lap p by autodiff, over the sum of its terms' sizes, at draws of p_t. Right: backward equations on N(0, 1/4).",
        "A dot is one of five times; both axes reach up to what is accepted.",
    )


def _strip(rows: list[Row], words: str, limit: float, names: Sequence[str], first: int) -> alt.LayerChart:
    seen = [row | {"shown": max(row["error"], 1e-17)} for row in rows]
    x, y = across("shown", words, 5e-18, 4 * limit), alt.Y("process:N", axis=axis("", log=False))
    shift = alt.YOffset("what:N", sort=list(names))
    rule = chart([{"shown": limit}], x="shown:Q").mark_rule(strokeDash=[2, 3], color=COLOURS[1], strokeWidth=1.5)
    dots = chart(seen, x=x, y=y, color=colour("what", names, None, first), yOffset=shift)
    return (rule + dots.mark_point(size=34, opacity=0.8)).properties(width=330, height=360)
