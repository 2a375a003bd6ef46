"""Charts: one theme, light and dark; lines in log-log; files of pictures, and pages that need no network.

``save(lines(rows, "nfe", "error", "solver", slopes=(1, 2)), "figure.svg")`` is all there is to it.
"""

from solvers_zoo.charts.lines import lines
from solvers_zoo.charts.save import save
from solvers_zoo.charts.theme import Styles, theme

__all__ = ["Styles", "lines", "save", "theme"]
