"""How figures are drawn: one theme, light and dark; lines, panels and pictures of samples; files and offline pages.

``save(lines(rows, "nfe", "error", "solver", slopes=(1, 2)), "figure.svg")`` draws and writes a chart of lines; `solvers_zoo.charts.panels`
has the parts that other figures are made of.
"""

from solvers_zoo.charts.lines import lines
from solvers_zoo.charts.save import save
from solvers_zoo.charts.theme import Styles, theme

__all__ = ["Styles", "lines", "save", "theme"]
