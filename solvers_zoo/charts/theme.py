"""How charts look: colours that colour-blind readers tell apart, shapes and dashes that say the same, quiet axes.

Colours of a scheme differ by at least 20 in CIELAB, for normal sight and for each of the three dichromacies (as simulated by
Machado et al. 2009), and have a contrast of 3 to the background. More series than colours differ in dash and shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Scheme = Literal["light", "dark"]

#: Blue, orange, green, purple, pink, light blue, brown, slate; on dark ground the last two are red and yellow.
PALETTE: dict[str, tuple[str, ...]] = {
    "light": ("#2151c7", "#d56621", "#008059", "#8d3696", "#d772a0", "#1d98f2", "#6e2c17", "#2e424d"),
    "dark": ("#6e9bed", "#e59c2e", "#1be19f", "#925aff", "#d85097", "#e2fbff", "#db403b", "#fff038"),
}
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
DASHES: tuple[tuple[int, ...], ...] = ((1, 0), (7, 3), (2, 2), (8, 3, 2, 3), (12, 3, 2, 2, 2, 3))

#: Ink, quiet ink, grid, ground.
INKS = {
    "light": ("#1a1f27", "#5b6472", "#e6e9ee", "#ffffff"),
    "dark": ("#e9edf3", "#9aa5b4", "#2a303a", "#14171d"),
}
#: What stands behind the data in either scheme: guides and floors.
BEHIND = "#8590a0"
#: Found on all systems, or in their place by the renderer.
FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"


@dataclass(frozen=True)
class Styles:
    """The shape and dash of each of a list of series, in their order; colours are the scheme's, in turn."""

    names: Sequence[str]

    @property
    def colours(self) -> list[int]:
        """Places in the palette."""
        return [index % len(SHAPES) for index in range(len(self.names))]

    @property
    def shapes(self) -> list[str]:
        """Symbols: the first eight in turn, then shifted by one so that equal colours have other shapes."""
        return [SHAPES[(index + index // len(SHAPES)) % len(SHAPES)] for index in range(len(self.names))]

    @property
    def dashes(self) -> list[list[int]]:
        """Dashes: solid for the first eight."""
        return [list(DASHES[index // len(SHAPES) % len(DASHES)]) for index in range(len(self.names))]


def theme(scheme: Scheme = "light", font: str = FONT) -> dict[str, Any]:
    """The Vega-Lite configuration of a scheme."""
    ink, quiet, grid, ground = INKS[scheme]
    palette = list(PALETTE[scheme])
    words = {"labelFont": font, "titleFont": font, "labelColor": quiet, "titleColor": ink, "labelFontSize": 11}
    return {
        "background": ground,
        "font": font,
        "padding": 8,
        "view": {"stroke": None, "continuousWidth": 420, "continuousHeight": 320},
        "axis": {
            **words,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 9,
            "domainColor": quiet,
            "domainWidth": 0.8,
            "tickColor": quiet,
            "tickWidth": 0.8,
            "tickSize": 4,
            "gridColor": grid,
            "gridWidth": 0.8,
            "labelPadding": 5,
            "labelOverlap": "greedy",
            "labelSeparation": 4,
        },
        "legend": {
            **words,
            "labelColor": ink,
            "titleFontSize": 12,
            "titleFontWeight": "bold",
            "symbolSize": 70,
            "symbolStrokeWidth": 2,
            "labelLimit": 260,
            "rowPadding": 4,
            "offset": 14,
        },
        "header": {**words, "labelColor": ink, "labelFontSize": 12, "labelFontWeight": "bold", "labelAnchor": "start"},
        "title": {
            "font": font,
            "fontSize": 15,
            "fontWeight": 600,
            "color": ink,
            "anchor": "start",
            "frame": "group",
            "offset": 12,
            "subtitleFont": font,
            "subtitleColor": quiet,
            "subtitleFontSize": 12,
            "subtitlePadding": 5,
            "lineHeight": 19,
        },
        "range": {
            "category": palette,
            "symbol": list(SHAPES),
            "heatmap": {"scheme": "viridis"},
            "ramp": {"scheme": "viridis"},
        },
        "mark": {"color": palette[0]},
        "line": {"strokeWidth": 2, "strokeCap": "round", "strokeJoin": "round"},
        "point": {"size": 46, "filled": True},
        "text": {"font": font, "fontSize": 11, "color": quiet},
        "rule": {"color": quiet},
        "bar": {"color": palette[0]},
    }
