"""How figures are drawn: one theme, light and dark; lines, panels and pictures of samples; files and offline pages.

``save(lines(rows, "nfe", "error", "solver", slopes=(1, 2)), "figure.svg")`` draws and writes a chart of lines. A figure of another kind
is made of parts: `chart` and `curves` of rows, `across` and `up` for its axes, `colour` and `dash` for its names, `guide`, `level` and
`note` for what stands beside the data, `titled` for the whole.
"""

from solvers_zoo.charts.lines import lines
from solvers_zoo.charts.panels import (
    COLOURS,
    across,
    axis,
    chart,
    colour,
    curves,
    dash,
    guide,
    inks,
    level,
    long,
    note,
    scale,
    table,
    titled,
    up,
)
from solvers_zoo.charts.save import save
from solvers_zoo.charts.theme import BEHIND, INKS, Styles, theme

__all__ = [
    "BEHIND",
    "COLOURS",
    "INKS",
    "Styles",
    "across",
    "axis",
    "chart",
    "colour",
    "curves",
    "dash",
    "guide",
    "inks",
    "level",
    "lines",
    "long",
    "note",
    "save",
    "scale",
    "table",
    "theme",
    "titled",
    "up",
]
