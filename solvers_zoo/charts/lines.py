"""Lines through points, on logarithmic axes: errors over costs, with bands, the floor of exact samples and reference slopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from solvers_zoo.charts.theme import BEHIND, FONT, Styles

Row = Mapping[str, Any]
#: Rows that are given to the finished chart under this name; see `lines`.
LATER = "rows"
#: Parameter of such a chart: the value of ``colour`` that stands out, or an empty text.
FOCUS = "focus"


def lines(
    rows: Sequence[Row] | None,
    x: str,
    y: str,
    colour: str,
    *,
    order: Sequence[str] | None = None,
    low: str | None = None,
    high: str | None = None,
    floor: tuple[str, str] | None = None,
    slopes: Sequence[float] = (),
    panel: str | None = None,
    panels: Sequence[str] | None = None,
    columns: int = 2,
    log: str = "xy",
    reverse: bool = False,
    points: bool = True,
    along: str | None = None,
    x_title: str | None = None,
    y_title: str | None = None,
    legend: str | None = "",
    title: str = "",
    subtitle: str | Sequence[str] = "",
    tooltip: Sequence[tuple[str, str, str]] = (),
    width: int | str = 420,
    height: int = 320,
) -> alt.LayerChart | alt.FacetChart:
    """A line and points for each value of a column, in colours, shapes and dashes that agree.

    Args:
        rows: flat observations. What is not positive is left out on a logarithmic axis. None makes a chart without data:
            its rows, which then bring ``colour`` (a name) and ``ink``, ``shape``, ``dash`` (how that name is drawn), are given
            to the finished chart as the data set `LATER`; its parameter `FOCUS` makes one line stand out.
        x: column of the abscissa.
        y: column of the ordinate.
        colour: column that tells lines apart.
        order: its values as the legend lists them; by first appearance if None.
        low: column of the lower end of a band about the line.
        high: column of its upper end.
        floor: columns of the lower and the upper end of what exact samples show; the widest range of them is drawn across.
        slopes: orders p of guides y ~ x^-p, which start in the upper left corner of the data.
        panel: column that is spread over panels.
        panels: its values in order.
        columns: panels in a row.
        log: axes that are logarithmic: ``xy``, ``x``, ``y`` or nothing.
        reverse: the abscissa runs from right to left.
        points: mark the observations.
        along: column in whose order a line runs through its points; the abscissa if None.
        x_title: title of the abscissa; the column's name if None.
        y_title: title of the ordinate.
        legend: its title; None draws no legend.
        title: what the chart shows.
        subtitle: a line or several below the title.
        tooltip: (column, title, format) of what is shown of the point under the pointer; all that is drawn if empty.
        width: of a panel in pixels, or ``container``.
        height: of a panel in pixels.

    Returns:
        An Altair chart without a theme; `save` adds it, and ``chart.configure(**theme())`` does for other uses.

    """
    names = list(order) if order is not None else list(dict.fromkeys(str(row[colour]) for row in rows or ()))
    styles = Styles(names)
    dashes = dict(zip(names, styles.dashes, strict=True))
    data = (
        alt.NamedData(name=LATER)
        if rows is None
        else alt.InlineData(values=[{**r, "dash": dashes[str(r[colour])]} for r in rows])
    )
    across = alt.X(f"{x}:Q", title=x_title or x, scale=_scale("x" in log, reverse), axis=_axis("x", log))
    up = alt.Y(f"{y}:Q", title=y_title or y, scale=_scale("y" in log), axis=_axis("y", log))
    base = alt.Chart().transform_filter(_drawable({x: "x" in log, y: "y" in log}))
    dash = alt.StrokeDash("dash:N", scale=None)  # its legend would draw dashes about the symbols
    ink, shape, picked, stands_out = _styles(rows is None, colour, names, styles, legend)
    opacity = alt.when(stands_out).then(alt.value(1.0)).otherwise(alt.value(0.08))
    detail = alt.Detail(f"{colour}:N")
    layers: list[alt.Chart] = []
    if floor is not None:
        layers += _floor(base, floor, x, y)
    if slopes:
        layers += _guides(base, x, y, slopes, reverse)
    if low is not None and high is not None and along is None:  # a band has no meaning about a line that turns back
        band = base.transform_filter(_drawable({low: "y" in log, high: "y" in log})).mark_area(opacity=0.16, line=False)
        faint = alt.when(stands_out).then(alt.value(0.16)).otherwise(alt.value(0.02))
        layers.append(
            band.encode(across, alt.Y(f"{low}:Q", title=y_title or y), alt.Y2(f"{high}:Q"), ink, detail, opacity=faint)
        )
    line = base.mark_line().encode(across, up, ink, dash, detail, opacity=opacity)
    layers.append(line if along is None else line.encode(order=alt.Order(f"{along}:Q")))
    if points:
        shown = base.encode(across, up, tooltip=_tooltip(tooltip, x, y, colour))
        layers.append(shown.mark_point().encode(ink, shape, opacity=opacity))
        if rows is None:  # what the pointer meets is larger than what is seen
            layers.append(shown.mark_point(size=320, opacity=0))
    if legend is not None or rows is None:
        layers[-1] = layers[-1].add_params(picked)
    whole: alt.LayerChart | alt.FacetChart = alt.layer(*layers, data=data).properties(width=width, height=height)
    if panel is not None:
        facet = alt.Facet(f"{panel}:N", title=None, sort=list(panels) if panels else None)
        whole = whole.facet(facet, columns=columns)
    return whole.properties(title=alt.TitleParams(title, subtitle=subtitle)) if title else whole


def _scale(log: bool, reverse: bool = False) -> alt.Scale:
    own = {"type": "log"} if log else {"zero": False}
    return alt.Scale(**own, nice=False, reverse=reverse or alt.Undefined, padding=6)


def _axis(name: str, log: str) -> alt.Axis:
    """Few words. A logarithmic axis names powers of ten, on a short one 2 and 5 between them, on a very short one all."""
    if name not in log:
        return alt.Axis(tickCount=6)
    place, span = "log(datum.value) / LN10 + 1e-9", f"abs(log(domain('{name}')[1] / domain('{name}')[0]) / LN10)"
    digit = f"round(datum.value / pow(10, floor({place})))"
    named = f"({digit} == 1 || {span} < 0.75 || {span} < 2.2 && ({digit} == 2 || {digit} == 5))"
    words = "format(datum.value, datum.value >= 0.001 && datum.value < 100000 ? '~r' : '~e')"
    faint = {"condition": {"test": named, "value": 1}, "value": 0.4}
    return alt.Axis(labelExpr=f"{named} ? {words} : ''", gridOpacity=faint, tickOpacity=faint)


def _drawable(columns: dict[str, bool]) -> str:
    tests = [f"isFinite(datum['{name}']) && datum['{name}'] !== null" for name in columns]
    return " && ".join(tests + [f"datum['{name}'] > 0" for name, log in columns.items() if log])


def _styles(later: bool, colour: str, names: Sequence[str], styles: Styles, legend: str | None) -> tuple[Any, ...]:
    """Encodings of colour and shape; the parameter by which a line is made to stand out; and the test of it."""
    if later:
        focus = alt.param(name=FOCUS, value="")
        test = f"{FOCUS} == '' || datum['{colour}'] == {FOCUS}"
        return alt.Color("ink:N", scale=None), alt.Shape("shape:N", scale=None), focus, test
    key = alt.Legend(title=legend or None, symbolOpacity=1) if legend is not None else None
    field = f"{colour}:N"
    picked = alt.selection_point(fields=[colour], bind="legend", name="picked")
    return (
        alt.Color(field, scale=alt.Scale(domain=names), legend=key),
        alt.Shape(field, scale=alt.Scale(domain=names, range=styles.shapes), legend=key),
        picked,
        picked if legend is not None else "true",
    )


def _tooltip(wanted: Sequence[tuple[str, str, str]], x: str, y: str, colour: str) -> list[alt.Tooltip]:
    shown = wanted or [(colour, colour, ""), (x, x, ".4~g"), (y, y, ".3~g")]
    return [
        alt.Tooltip(f"{name}:Q", title=words, format=form) if form else alt.Tooltip(f"{name}:N", title=words)
        for name, words, form in shown
    ]


def _floor(base: alt.Chart, floor: tuple[str, str], x: str, y: str) -> list[alt.Chart]:
    """What exact samples show, from side to side, with its name; nothing to be seen where they show nothing."""
    ends = base.transform_aggregate(low=f"min({floor[0]})", high=f"max({floor[1]})", x0=f"min({x})", y0=f"min({y})")
    there = "isValid(datum.high) && datum.high > 0"
    ends = ends.transform_calculate(  # never empty: a scale of nothing is a warning
        bottom=f"{there} ? max(datum.low, datum.high / 1e3) : datum.y0",
        top=f"{there} ? datum.high : datum.y0",
        words=f"{there} ? 'exact samples' : ''",
    )
    return [
        ends.mark_rect(color=BEHIND, opacity=0.2, clip=True).encode(alt.Y("bottom:Q"), alt.Y2("top:Q")),
        ends.mark_text(align="left", baseline="bottom", dy=-3, color=BEHIND, font=FONT).encode(
            alt.X("x0:Q"), alt.Y("top:Q"), alt.Text("words:N")
        ),
    ]


def _guides(base: alt.Chart, x: str, y: str, slopes: Sequence[float], reverse: bool) -> list[alt.Chart]:
    """Lines y ~ x^-p from the corner of the data from which errors fall, as far as the data go."""
    ends = (
        base.transform_aggregate(x0=f"min({x})", x1=f"max({x})", y0=f"min({y})", y1=f"max({y})")
        .transform_calculate(p=str([float(p) for p in slopes]))
        .transform_flatten(["p"])
        .transform_calculate(xe="min(datum.x1, datum.x0 * pow(datum.y1 / datum.y0, 1 / datum.p))")
        .transform_calculate(ye="datum.y1 * pow(datum.xe / datum.x0, -datum.p)")
        .transform_calculate(words="datum.x1 > datum.x0 && datum.y1 > datum.y0 ? 'order ' + datum.p : ''")
    )
    return [
        ends.mark_rule(color=BEHIND, strokeDash=[2, 4], strokeWidth=1, opacity=0.9).encode(
            alt.X("x0:Q"), alt.Y("y1:Q"), alt.X2("xe:Q"), alt.Y2("ye:Q")
        ),
        ends.mark_text(align="left" if reverse else "right", dy=11, color=BEHIND, font=FONT, fontSize=10).encode(
            alt.X("xe:Q"), alt.Y("ye:Q"), alt.Text("words:N")
        ),
    ]
