"""Parts of figures: axes that name powers of ten, rows as a chart, guides of a known slope, levels, notes, one title for several panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

import altair as alt

from solvers_zoo.charts.theme import BEHIND, PALETTE

Row = Mapping[str, Any]
Figure = TypeVar("Figure", bound=alt.TopLevelMixin)

COLOURS = PALETTE["light"]
#: Labels of an axis of powers of ten: the powers alone.
_POWERS = "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6 ? (datum.value >= 0.001 && datum.value < 1e4 ? format(datum.value, '~r') : format(datum.value, '~e')) : ''"


def axis(title: str, *, log: bool = True, values: Sequence[float] | None = None, **more: Any) -> alt.Axis:
    """An axis that names powers of ten where it is logarithmic, or the ``values`` that are given."""
    if values is not None:
        more |= {"values": list(values), "format": "~g"}
    elif log:
        more["labelExpr"] = _POWERS
    return alt.Axis(title=title, **more)


def scale(low: float | None = None, high: float | None = None, *, log: bool = True) -> alt.Scale:
    """A scale from ``low`` to ``high``, or as wide as the data."""
    domain = alt.Undefined if low is None or high is None else [low, high]
    return alt.Scale(type="log" if log else "linear", nice=False, domain=domain)


def across(
    column: str, title: str, low: float | None = None, high: float | None = None, *, log: bool = True, **more: Any
) -> alt.X:
    """The abscissa of a column, from ``low`` to ``high`` or as wide as the data; more is of the `axis`."""
    return alt.X(f"{column}:Q", axis=axis(title, log=log, **more), scale=scale(low, high, log=log))


def up(
    column: str, title: str, low: float | None = None, high: float | None = None, *, log: bool = True, **more: Any
) -> alt.Y:
    """The ordinate of a column, from ``low`` to ``high`` or as wide as the data; more is of the `axis`."""
    return alt.Y(f"{column}:Q", axis=axis(title, log=log, **more), scale=scale(low, high, log=log))


def inks(names: Sequence[str], first: int = 0) -> alt.Scale:
    """Colours for names, from a place in the palette on."""
    return alt.Scale(domain=list(names), range=[COLOURS[(first + i) % len(COLOURS)] for i in range(len(names))])


def colour(column: str, names: Sequence[str], title: str | None, first: int = 0, **legend: Any) -> alt.Color:
    """The colour of a column's names, with a legend of this title."""
    return alt.Color(f"{column}:N", scale=inks(names, first), legend=alt.Legend(title=title, **legend))


def dash(column: str, names: Sequence[str], title: str, **legend: Any) -> alt.StrokeDash:
    """The dashes of a column's names, three at most, with a legend of this title."""
    pattern = alt.Scale(domain=list(names), range=[[1, 0], [7, 4], [2, 3]][: len(names)])
    return alt.StrokeDash(f"{column}:N", scale=pattern, legend=alt.Legend(title=title, **legend))


def chart(rows: Sequence[Row], **channels: Any) -> alt.Chart:
    """A chart of rows."""
    return alt.Chart(alt.InlineData(values=[dict(row) for row in rows])).encode(**channels)


def table(rows: Sequence[Row]) -> alt.InlineData:
    """Many rows of numbers and plain words, as text: Altair looks at every entry of every dict, which takes seconds for ten thousand."""
    lines = [list(rows[0]), *([v if isinstance(v, str) else f"{v:.5g}" for v in row.values()] for row in rows)]
    return alt.InlineData(values="\n".join(map(",".join, lines)), format=alt.CsvDataFormat(type="csv"))


def curves(rows: Sequence[Row], **channels: Any) -> alt.LayerChart:
    """Lines with points."""
    base = chart(rows, **channels)
    return base.mark_line(clip=True) + base.mark_point(opacity=1, clip=True)


def guide(x: Sequence[float], y: float, power: float, text: str, names: tuple[str, str]) -> alt.LayerChart:
    """A dashed line y (x / x_0)^power over ``x``, with ``text`` at its end; ``names`` are those of the axes' columns."""
    end = y * (x[-1] / x[0]) ** power
    line = chart(
        [dict(zip(names, at, strict=True)) for at in ((x[0], y), (x[-1], end))], x=f"{names[0]}:Q", y=f"{names[1]}:Q"
    )
    look = {"dx": -6, "dy": 0} if power < 0 else {"dx": 4, "dy": 14}
    word = note(x[-1], end, text, names, align="right", baseline="top", fontStyle="italic", fontSize=11, **look)
    return line.mark_line(strokeDash=[5, 4], color=BEHIND, strokeWidth=1.3, clip=True) + word


def level(
    y: float, text: str, name: str, side: Literal["left", "right"] = "right", under: bool = True
) -> alt.LayerChart:
    """A dotted line at a height with a word at one end, under it or above; ``name`` is that of the axis's column."""
    base = chart([{name: y, "text": text}], y=f"{name}:Q")
    end, dx = ("width", -4) if side == "right" else (0, 4)
    word = base.mark_text(align=side, baseline="top" if under else "bottom", dx=dx, dy=4 if under else -4, color=BEHIND)
    return base.mark_rule(strokeDash=[2, 3], color=BEHIND) + word.encode(x=alt.value(end), text="text:N")


def note(x: float, y: float, text: str, names: tuple[str, str], **look: Any) -> alt.Chart:
    """A word at a place."""
    place = chart([{names[0]: x, names[1]: y, "text": text}], x=f"{names[0]}:Q", y=f"{names[1]}:Q", text="text:N")
    return place.mark_text(**{"color": BEHIND, "align": "left", "fontSize": 12, **look})


def long(rows: Sequence[Row], names: Mapping[str, str], value: str, *kept: str) -> list[dict[str, Any]]:
    """A row for each of several columns: its value under ``value``, its name in words under ``what``, and the columns ``kept``."""
    return [
        {value: row[key], "what": words, **{name: row[name] for name in kept}}
        for row in rows
        for key, words in names.items()
    ]


def titled(figure: Figure, title: str, *subtitle: str, **look: Any) -> Figure:
    """A whole figure under its title."""
    look = look or {"anchor": "start", "fontSize": 17, "offset": 18}
    return figure.properties(title=alt.TitleParams(title, subtitle=list(subtitle), **look))
