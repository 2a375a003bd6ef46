"""Figure of the exact total variation on the line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from solvers_zoo.bench.experiment import Row
from solvers_zoo.charts.panels import axis, chart, curves, guide, inks, level, scale, titled
from zoo_lectures.huang.particles import DELTAS, FORMS

SIZE = {"width": 270, "height": 290}
SOLVERS = ("euler", "heun", "rk4")


def convergence(rows: Sequence[Row]) -> Any:
    """TV over N from N(0, 1) and from the exact p_T, and over the score's error."""
    last = max(row["steps"] for row in rows)
    runs = [row for row in rows if row["form"] == "exact" and row["T"] == 8.0]
    panels = [_steps([row for row in runs if row["start"] == start], start) for start in ("prior", "exact")]
    errors = [row for row in rows if row["form"] != "exact" and row["steps"] == last]
    total = [row for row in rows if row["form"] != "exact" and row["steps"] != last]
    return titled(
        alt.hconcat(*panels, _score(errors, total, last), spacing=30).resolve_scale(color="independent"),
        "Total variation of the probability flow, without a random number",
        "Three modes on the line, Ornstein-Uhlenbeck from T = 8, uniform steps in t: the image under the numerical map against the exact law.",
        "Where a map folds there is no point. Right: Heun with fine steps, so that the score's error is left alone (lines), or with h² ~ δ (crosses).",
    )


def _steps(rows: Sequence[Row], start: str) -> Any:
    seen = [row for row in rows if not row["folds"]]
    most = max(row["steps"] for row in rows)
    word = "N(0, 1)" if start == "prior" else "the exact law at T"
    x = alt.X("steps:Q", axis=axis(f"steps N, from {word}", values=[16, 64, 256, 1024]), scale=scale(13, 1.25 * most))
    y = alt.Y("tv:Q", axis=axis("total variation"), scale=scale(3e-9 if most > 512 else 1e-5, 1.0))
    if start == "prior":
        behind = [level(min(row["tv"] for row in seen), "error of the prior", "tv")]
    else:
        found = {(row["solver"], row["steps"]): row["tv"] for row in rows}
        behind = [
            guide([most / 4, most], found[solver, most // 4] / 3, -p, f"h{sign}", ("steps", "tv"))
            for solver, p, sign in (("euler", 1, ""), ("heun", 2, "²"), ("rk4", 4, "⁴"))
        ]
    colour = alt.Color("solver:N", scale=inks(SOLVERS), legend=alt.Legend(title="solver") if start == "exact" else None)
    return alt.layer(*behind, curves(seen, x=x, y=y, color=colour)).properties(**SIZE)


def _score(errors: Sequence[Row], total: Sequence[Row], last: int) -> Any:
    x = alt.X("delta:Q", axis=axis("score error δ", values=DELTAS), scale=scale(0.0043, 0.186))
    y = alt.Y("tv:Q", axis=axis("total variation"), scale=scale(0.006, 1.2))
    colour = alt.Color("form:N", scale=inks(FORMS, 3), legend=alt.Legend(title="error of the score"))
    crosses = chart([row for row in total if not row["folds"]], x=x, y=y, color=colour).mark_point(
        shape="cross", size=60, opacity=1
    )
    return (
        guide([0.01, 0.16], 0.016, 1, "δ", ("delta", "tv")) + curves(errors, x=x, y=y, color=colour) + crosses
    ).properties(**SIZE)
