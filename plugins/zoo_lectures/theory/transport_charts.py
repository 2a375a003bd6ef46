"""Figure of the exact total variation on the line."""

from __future__ import annotations

import altair as alt

from solvers_zoo.bench.experiment import Rows, column, only, where
from solvers_zoo.charts import across, chart, colour, curves, guide, inks, level, titled, up
from zoo_lectures.huang.numbers import DELTAS, ERRORS
from zoo_lectures.theory.numbers import SOLVERS

SIZE = {"width": 270, "height": 290}


def convergence(rows: Rows) -> alt.HConcatChart:
    """TV over N from N(0, 1) and from the exact p_T, and over the score's error."""
    last = max(column(rows, "steps"))
    panels = [_steps(where(rows, form="exact", T=8.0, start=start), start) for start in ("prior", "exact")]
    wrong = [row for row in rows if row["form"] != "exact"]
    total = [row for row in wrong if row["steps"] != last]
    return titled(
        alt.hconcat(*panels, _score(where(wrong, steps=last), total), spacing=30).resolve_scale(color="independent"),
        "Total variation of the probability flow, without a random number",
        "Three modes on the line, Ornstein-Uhlenbeck from T = 8, uniform steps in t: the image under the numerical map against the exact law.",
        "Where a map folds there is no point. Right: Heun with fine steps, so that the score's error is left alone (lines), or with h² ~ δ (crosses).",
    )


def _steps(rows: Rows, start: str) -> alt.LayerChart | alt.FacetChart:
    seen, most = [row for row in rows if not row["folds"]], max(column(rows, "steps"))
    word = "N(0, 1)" if start == "prior" else "the exact law at T"
    x = across("steps", f"steps N, from {word}", 13, 1.25 * most, values=[16, 64, 256, 1024])
    y = up("tv", "total variation", 3e-9 if most > 512 else 1e-5, 1.0)
    if start == "prior":
        behind = [level(min(column(seen, "tv")), "error of the prior", "tv")]
    else:
        middle = {name: only(rows, solver=name, steps=most // 4)["tv"] for name in SOLVERS}
        behind = [
            guide([most / 4, most], middle[name] / 3, -p, f"h{'²' * (p == 2)}{'⁴' * (p == 4)}", ("steps", "tv"))
            for name, p in SOLVERS.items()
        ]
    legend = alt.Legend(title="solver") if start == "exact" else None
    ink = alt.Color("solver:N", scale=inks(list(SOLVERS)), legend=legend)
    return alt.layer(*behind, curves(seen, x=x, y=y, color=ink)).properties(**SIZE)


def _score(errors: Rows, total: Rows) -> alt.LayerChart:
    look = {
        "x": across("delta", "score error δ", 0.0043, 0.186, values=DELTAS),
        "y": up("tv", "total variation", 0.006, 1.2),
        "color": colour("form", ERRORS, "error of the score", 3),
    }
    crosses = chart([row for row in total if not row["folds"]], **look).mark_point(shape="cross", size=60, opacity=1)
    return (guide([0.01, 0.16], 0.016, 1, "δ", ("delta", "tv")) + curves(errors, **look) + crosses).properties(**SIZE)
