"""Panels that the studies' figures are made of: Altair charts on logarithmic axes, guides of a known slope, accepted bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from solvers_zoo.bench.experiment import Row
from solvers_zoo.charts.theme import BEHIND, PALETTE

COLOURS = PALETTE["light"]
#: What an axis of powers of ten says: the powers alone.
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
    more: dict[str, Any] = {} if low is None else {"domain": [low, high]}
    return alt.Scale(type="log" if log else "linear", nice=False, **more)


def chart(rows: Sequence[Row], **channels: Any) -> alt.Chart:
    """A chart of rows."""
    return alt.Chart(alt.InlineData(values=list(rows))).encode(**channels)


def curves(rows: Sequence[Row], **channels: Any) -> alt.LayerChart:
    """Lines with points."""
    base = chart(rows, **channels)
    return base.mark_line(clip=True) + base.mark_point(opacity=1, clip=True)


def guide(x: Sequence[float], y: float, power: float, text: str, names: tuple[str, str]) -> alt.LayerChart:
    """A dashed line y (x / x_0)^power over ``x``, with ``text`` at its end; ``names`` are those of the axes' columns."""
    ends = [{names[0]: at, names[1]: y * (at / x[0]) ** power, "text": text} for at in (x[0], x[-1])]
    line = chart(ends, x=f"{names[0]}:Q", y=f"{names[1]}:Q").mark_line(
        strokeDash=[5, 4], color=BEHIND, strokeWidth=1.3, clip=True
    )
    word = chart(ends[1:], x=f"{names[0]}:Q", y=f"{names[1]}:Q", text="text:N")
    return line + word.mark_text(
        align="right",
        baseline="top",
        dx=-6 if power < 0 else 4,
        dy=0 if power < 0 else 14,
        color=BEHIND,
        fontStyle="italic",
    )


def level(y: float, text: str, name: str, side: str = "right", under: bool = True) -> alt.LayerChart:
    """A dotted line at a height with a word at one end, under it or above; ``name`` is that of the axis's column."""
    base = chart([{name: y, "text": text}], y=f"{name}:Q")
    word = base.mark_text(
        align="right" if side == "right" else "left",
        baseline="top" if under else "bottom",
        dx=-4 if side == "right" else 4,
        dy=4 if under else -4,
        color=BEHIND,
    )
    return base.mark_rule(strokeDash=[2, 3], color=BEHIND) + word.encode(
        x=alt.value("width" if side == "right" else 0), text="text:N"
    )


def note(x: float, y: float, text: str, names: tuple[str, str], colour: str = BEHIND, **more: Any) -> alt.Chart:
    """A word at a place."""
    place = chart([{names[0]: x, names[1]: y, "text": text}], x=f"{names[0]}:Q", y=f"{names[1]}:Q", text="text:N")
    return place.mark_text(color=colour, **{"align": "left", "fontSize": 12, **more})


def inks(names: Sequence[str], first: int = 0) -> alt.Scale:
    """Colours for names, from a place in the palette on."""
    return alt.Scale(domain=list(names), range=[COLOURS[(first + i) % len(COLOURS)] for i in range(len(names))])


def titled(figure: Any, title: str, *subtitle: str) -> Any:
    """A whole figure under its title."""
    return figure.properties(
        title=alt.TitleParams(title, subtitle=list(subtitle), anchor="start", fontSize=17, offset=18)
    )
