"""Figures of the studies that are no line charts: scatters, intervals about a truth, paths over a density, misses side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from solvers_zoo.charts.theme import BEHIND, INKS

Row = Mapping[str, Any]


def _titled(chart: Any, title: str, subtitle: str) -> Any:
    import altair as alt

    return chart.properties(title=alt.TitleParams(title, subtitle=subtitle))


def _data(rows: Sequence[Row]) -> Any:
    import altair as alt

    return alt.InlineData(values=[dict(row) for row in rows])


def _table(rows: Sequence[Row]) -> Any:
    """Many rows of numbers, as text: Altair looks at every entry of every dict, which takes seconds for ten thousand."""
    import altair as alt

    head = list(rows[0])
    text = "\n".join([",".join(head), *(",".join(f"{row[name]:.5g}" for name in head) for row in rows)])
    return alt.InlineData(values=text, format=alt.CsvDataFormat(type="csv"))


def scatter(
    rows: Sequence[Row],
    x: str,
    y: str,
    colour: str,
    *,
    panel: str,
    panels: Sequence[str],
    reach: float,
    title: str,
    subtitle: str,
) -> Any:
    """Points of the plane in square panels from -reach to reach, side by side."""
    import altair as alt

    scale = alt.Scale(domain=[-reach, reach], nice=False)
    axis = alt.Axis(values=[-5, 0, 5], title=None)
    chart = (
        alt.Chart(_data(rows))
        .mark_circle(size=8, opacity=0.5, clip=True)
        .encode(
            x=alt.X(f"{x}:Q", scale=scale, axis=axis),
            y=alt.Y(f"{y}:Q", scale=scale, axis=axis),
            color=alt.Color(f"{colour}:N", legend=None),
        )
        .properties(width=190, height=190)
        .facet(alt.Facet(f"{panel}:N", title=None, sort=list(panels)), columns=len(panels))
    )
    return _titled(chart, title, subtitle)


def intervals(
    rows: Sequence[Row], x: str, y: str, *, low: str, high: str, truth: float, x_title: str, title: str, subtitle: str
) -> Any:
    """A value with an interval for each name, beside the line of the truth."""
    import altair as alt

    base = alt.Chart(_data(rows)).encode(y=alt.Y(f"{y}:N", sort=[row[y] for row in rows], title=None))
    axis = alt.Axis(tickCount=8, format=".2f")
    across = alt.X(f"{low}:Q", title=x_title, axis=axis, scale=alt.Scale(zero=False, nice=True, padding=12))
    bars = base.mark_bar(height=4).encode(x=across, x2=f"{high}:Q")
    dots = base.mark_point(size=60, opacity=1).encode(x=f"{x}:Q")
    words = base.mark_text(align="left", dx=10, dy=-9).encode(x=f"{high}:Q", text=alt.Text(f"{x}:Q", format=".4f"))
    line = (
        alt.Chart(_data([{"truth": truth}]))
        .mark_rule(color=BEHIND, strokeDash=[4, 3], strokeWidth=1.5)
        .encode(x="truth:Q")
    )
    return _titled((line + bars + dots + words).properties(width=520, height=40 * len(rows)), title, subtitle)


def paths(
    rows: Sequence[Row],
    density: Sequence[Row],
    x: str,
    y: str,
    *,
    panel: str,
    panels: Sequence[str],
    title: str,
    subtitle: str,
) -> Any:
    """Paths (a line for each value of ``path``) over the density of each time, in panels; time runs to the left, from 1 to 0.

    Args:
        rows: points of the paths.
        density: ``density`` on a regular mesh of x and y.
        x: column of the time.
        y: column of the state.
        panel: column of ``rows`` that is spread over panels.
        panels: its values in order.
        title: what the chart shows.
        subtitle: a line below the title.

    """
    import altair as alt

    times, places = (sorted({row[name] for row in density}) for name in (x, y))
    # cells overlap a little: where they only touch, a renderer leaves seams
    wide, high = 0.65 * (times[1] - times[0]), 0.65 * (places[1] - places[0])
    cells = [
        {
            "left": row[x] + wide,
            "right": row[x] - wide,
            "low": row[y] - high,
            "high": row[y] + high,
            "depth": row["density"] ** 0.5,
        }
        for row in density
    ]
    across, up = alt.Scale(domain=[1, 0], nice=False), alt.Scale(domain=[places[0], places[-1]], nice=False)
    ground = (
        alt.Chart(_table(cells))
        .mark_rect(clip=True)
        .encode(
            x=alt.X("left:Q", scale=across, title="time t"),
            x2="right:Q",
            y=alt.Y("low:Q", scale=up, title="x"),
            y2="high:Q",
            color=alt.Color("depth:Q", legend=None).scale(
                range=["#ffffff", "#d9e6f4", "#9dbfe0", "#3f7ab5"], interpolate="rgb"
            ),
        )
    )
    charts = []
    for name in panels:
        own = [row for row in rows if row[panel] == name]
        lines = (
            alt.Chart(_data(own))
            .mark_line(clip=True, strokeWidth=1, color=INKS["light"][0], opacity=0.85)
            .encode(x=alt.X(f"{x}:Q", scale=across), y=alt.Y(f"{y}:Q", scale=up), detail="path:N")
        )
        charts.append((ground + lines).properties(width=330, height=260, title=alt.TitleParams(name, fontSize=12)))
    return _titled(alt.hconcat(*charts), title, subtitle)


def misses(
    rows: Sequence[Row],
    y: str,
    *,
    ends: Sequence[str],
    names: Sequence[str],
    words: str,
    x_title: str,
    title: str,
    subtitle: str,
) -> Any:
    """Two distances from the truth for each name, on one line, with words beside it.

    Args:
        rows: one for each name.
        y: column of the name.
        ends: columns of the two distances.
        names: what the legend calls them.
        words: column of what is written at the right.
        x_title: title of the abscissa.
        title: what the chart shows.
        subtitle: a line below the title.

    """
    import altair as alt

    width, order = 380, [row[y] for row in rows]
    side = alt.Y(f"{y}:N", sort=order, title=None)
    axis = alt.Axis(values=[0, 0.1, 0.2, 0.5, 1, 2, 5], format="~g")
    across: dict[str, Any] = {
        "scale": alt.Scale(type="symlog", constant=0.1, domain=[0, 10], nice=False),
        "title": x_title,
        "axis": axis,
    }
    base = alt.Chart(_data(rows)).encode(y=side)
    rule = base.mark_rule(color=BEHIND, strokeWidth=1.5, opacity=0.6).encode(
        x=alt.X(f"{ends[0]}:Q", **across), x2=f"{ends[1]}:Q"
    )
    long = [{y: row[y], "value": row[end], "what": name} for row in rows for end, name in zip(ends, names, strict=True)]
    key = alt.Color(
        "what:N", scale=alt.Scale(domain=list(names)), legend=alt.Legend(title=None, orient="top", symbolType="circle")
    )
    dots = alt.Chart(_data(long)).mark_point(size=90, opacity=1).encode(y=side, x=alt.X("value:Q", **across), color=key)
    beside = base.mark_text(align="left").encode(x=alt.value(width + 18), text=f"{words}:N")
    return _titled((rule + dots + beside).properties(width=width, height=36 * len(rows)), title, subtitle)
