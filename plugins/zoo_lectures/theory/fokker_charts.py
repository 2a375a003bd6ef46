"""Figures of the Fokker-Planck equation and of the marginals that both backward equations share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from solvers_zoo.bench.experiment import Row
from solvers_zoo.charts.panels import COLOURS, axis, chart, inks, scale, titled
from solvers_zoo.exact import Law
from zoo_lectures.theory.fokker_planck import LAWS


def both(pictures: Mapping[str, Any]) -> Any:
    """Paths of the reverse SDE and of the flow over the density that both have."""
    density = _density(pictures["model"])
    panels = [_paths(density, what, paths, what == "reverse SDE") for what, paths in pictures["paths"].items()]
    return titled(
        alt.hconcat(*panels, spacing=34),
        "Two ways back, one law at every time",
        "Paths of the reverse SDE (left) and of the probability flow (right) from the same starts at t = 8, over the density p_t of both.",
        "Three modes on the line, Ornstein-Uhlenbeck; time runs to the right, from noise to data.",
    )


def _density(model: Any) -> list[Row]:
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


def _paths(density: list[Row], what: str, paths: Mapping[float, Any], first: bool) -> Any:
    times = sorted(paths, reverse=True)
    kept = [t for i, t in enumerate(times) if i % max(1, len(times) // 400) == 0 and t >= 0.01]
    rows = [{"t": t, "x": float(x), "path": i} for t in kept for i, x in enumerate(paths[t])]
    x = alt.X(
        "t:Q",
        axis=axis("time t that is left", values=[8, 4, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02]),
        scale=alt.Scale(type="log", domain=[8, 0.01], nice=False),
    )
    y = alt.Y("x:Q", axis=axis(f"x, {what}", log=False), scale=scale(-8.5, 8.5, log=False))
    shade = alt.Color(
        "shade:Q", scale=alt.Scale(range=["#ffffff", "#b9cbf2"], domain=[0, 1], interpolate="rgb"), legend=None
    )
    tiles = chart(density, x=x, x2="t2:Q", y=y, y2="x2:Q", color=shade).mark_rect(clip=True)
    ink = COLOURS[1] if first else COLOURS[0]
    lines = chart(rows, x=x, y=y, detail="path:N").mark_line(strokeWidth=1.1, color=ink, opacity=0.85, clip=True)
    return (tiles + lines).properties(width=400, height=330)


def residuals(rows: Sequence[Row]) -> Any:
    """Residuals and errors of the variance of every process, far below what is accepted."""
    parts = (
        ("residual", "relative residual of the Fokker-Planck equation", 1e-9, LAWS),
        ("variance", "relative error of the variance", 1e-6, ("reverse SDE", "flow")),
    )
    panels = [
        _strip([row for row in rows if row["part"] == part and row["error"] > 0], words, limit, names, 3 * i)
        for i, (part, words, limit, names) in enumerate(parts)
    ]
    return titled(
        alt.hconcat(*panels, spacing=34).resolve_scale(color="independent"),
        "Every closed-form law solves its equation",
        "Left: d_t p + div(f x p) - g²/2 lap p by autodiff, over the sum of its terms' sizes, at draws of p_t. Right: backward equations on N(0, 1/4).",
        "A dot is one of five times; both axes reach up to what is accepted.",
    )


def _strip(rows: list[Row], words: str, limit: float, names: Sequence[str], first: int) -> Any:
    seen = [row | {"shown": max(row["error"], 1e-17)} for row in rows]
    x = alt.X("shown:Q", axis=axis(words), scale=scale(5e-18, 4 * limit))
    y = alt.Y("process:N", axis=axis("", log=False))
    colour = alt.Color("what:N", scale=inks(names, first), legend=alt.Legend(title=None))
    shift = alt.YOffset("what:N", sort=list(names))
    rule = chart([{"shown": limit}], x="shown:Q").mark_rule(strokeDash=[2, 3], color=COLOURS[1], strokeWidth=1.5)
    return (rule + chart(seen, x=x, y=y, color=colour, yOffset=shift).mark_point(size=34, opacity=0.8)).properties(
        width=330, height=360
    )
