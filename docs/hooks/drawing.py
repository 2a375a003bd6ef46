"""Line charts as small SVG drawings that take their colours from the page, so one drawing suits light and dark.

    chart = Chart("steps", "error", log="xy")
    chart.line([(4, 0.1), (8, 0.03)], label="heun")
    html = chart.svg("Error of heun over steps")

Text and axes are drawn in ``currentColor``; a series in one of the page's variables ``--zoo-1`` to ``--zoo-8`` (see zoo.css).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

Point = tuple[float, float]
#: Space beside the frame: left, top, right, bottom.
MARGINS = (58.0, 26.0, 14.0, 42.0)
DASHES = ("", "7 3", "2 2", "8 3 2 3")


@dataclass
class Chart:
    """Axes, and what is drawn in them.

    Attributes:
        x_title: below the frame.
        y_title: above it, where it is read without turning one's head.
        log: axes that are logarithmic: ``xy``, ``x``, ``y`` or nothing.
        width: in pixels.
        height: in pixels.
        limits: (x_low, x_high, y_low, y_high); those of the data where None.
        axes: whether axes are drawn.
        levels: whether the ordinate has ticks.

    """

    x_title: str = ""
    y_title: str = ""
    log: str = ""
    width: float = 390
    height: float = 280
    limits: tuple[float | None, float | None, float | None, float | None] = (None, None, None, None)
    axes: bool = True
    levels: bool = True
    _lines: list[tuple[Sequence[Point], str, str, bool]] = field(default_factory=list)
    _quiet: list[Sequence[Point]] = field(default_factory=list)
    _marks: list[tuple[Sequence[Point], str, float]] = field(default_factory=list)
    _bands: list[tuple[Sequence[Point], str, float]] = field(default_factory=list)
    _words: list[tuple[Point, str, str, str]] = field(default_factory=list)
    _arrows: list[tuple[Point, Point, str]] = field(default_factory=list)
    _labels: list[tuple[str, str, str]] = field(default_factory=list)

    def line(
        self, points: Sequence[Point], colour: int = 1, label: str = "", dash: int = 0, marks: bool = True
    ) -> None:
        """A series: a line with its points marked, and an entry of the legend if it has a label."""
        ink = f"var(--zoo-{colour})"
        good = self._good(points)
        self._lines.append((good, ink, DASHES[dash], True))
        if marks:
            self._marks.append((good, ink, 3.0))
        if label:
            self._labels.append((label, ink, DASHES[dash]))

    def quiet(self, points: Sequence[Point]) -> None:
        """A line that stands back: the other solvers."""
        self._quiet.append(self._good(points))

    def guide(self, points: Sequence[Point]) -> None:
        """A dashed line to compare with."""
        self._lines.append((self._good(points), "currentColor", "3 4", False))

    def band(
        self, low: Sequence[Point], high: Sequence[Point], colour: str = "currentColor", strength: float = 0.1
    ) -> None:
        """The area between two lines."""
        self._bands.append(([*self._good(low), *reversed(self._good(high))], colour, strength))

    def marks(self, points: Sequence[Point], colour: int = 1, size: float = 3.0) -> None:
        """Points without a line."""
        self._marks.append((self._good(points), f"var(--zoo-{colour})", size))

    def word(self, at: Point, words: str, anchor: str = "start", style: str = "zoo-quiet") -> None:
        """A few words at a place."""
        self._words.append((at, words, anchor, style))

    def arrow(self, start: Point, end: Point, colour: int = 1) -> None:
        """An arrow."""
        self._arrows.append((start, end, f"var(--zoo-{colour})"))

    def svg(self, alt: str, style: str = "") -> str:
        """The drawing as HTML, with words for those who do not see it."""
        frame = _Frame(self)
        legend, height = self._legend()
        style = style or ("wide" if self.width > 500 else "")
        parts = [
            f'<svg class="zoo-chart {style}" viewBox="0 0 {self.width:g} {height:g}" role="img" aria-label="{escape(alt)}">',
            f"<title>{escape(alt)}</title>",
            *(f'<path d="{frame.path(band)}Z" style="fill:{ink};opacity:{s:g}"/>' for band, ink, s in self._bands),
        ]
        parts += frame.axes() if self.axes else []
        if self._quiet:
            parts.append(f'<path class="zoo-others" d="{"".join(map(frame.path, self._quiet))}"/>')
        for points, ink, dash, strong in self._lines:
            dashed = f";stroke-dasharray:{dash}" if dash else ""
            parts.append(
                f'<path class="{"zoo-line" if strong else "zoo-guide"}" d="{frame.path(points)}" style="stroke:{ink}{dashed}"/>'
            )
        for points, ink, size in self._marks:
            parts.append(
                f'<path class="zoo-marks" d="{frame.dots(points)}" style="stroke:{ink};stroke-width:{2 * size:g}"/>'
            )
        parts += [frame.arrow(*arrow) for arrow in self._arrows]
        parts += [frame.word(*word) for word in self._words]
        parts += legend
        return "".join([*parts, "</svg>"])

    def _good(self, points: Sequence[Point]) -> list[Point]:
        """What can be drawn: what is finite, and positive on a logarithmic axis."""
        return [
            (x, y)
            for x, y in points
            if math.isfinite(x)
            and math.isfinite(y)
            and (x > 0 or "x" not in self.log)
            and (y > 0 or "y" not in self.log)
        ]

    def _legend(self) -> tuple[list[str], float]:
        """Its entries, as many in a row as fit, and the height of the whole drawing."""
        parts, x, y = [], MARGINS[0] if self.width > 500 else 10.0, self.height + 10
        left = x
        for label, ink, dash in self._labels:
            size = 40 + 7.2 * len(label)
            if x > left and x + size - 12 > self.width:
                x, y = left, y + 20
            dashed = f";stroke-dasharray:{dash}" if dash else ""
            parts.append(f'<path class="zoo-line" d="M{x:.0f} {y:.0f}h20" style="stroke:{ink}{dashed}"/>')
            parts.append(f'<text x="{x + 26:.0f}" y="{y + 4:.0f}">{escape(label)}</text>')
            x += size
        return parts, y + 10 if parts else self.height


class _Frame:
    """Where a chart's numbers lie on the paper."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        left, top, right, bottom = MARGINS if chart.axes else (6.0, 24.0, 6.0, 6.0)
        self.box = (left, top, chart.width - right, chart.height - bottom)
        points = [p for group in (chart._lines, chart._marks, chart._bands) for entry in group for p in entry[0]]
        points += [p for line in chart._quiet for p in line] if not points else []
        low_x, high_x, low_y, high_y = chart.limits
        self.x = self._range([p[0] for p in points], low_x, high_x, "x")
        self.y = self._range([p[1] for p in points], low_y, high_y, "y")

    def _range(self, values: Sequence[float], low: float | None, high: float | None, axis: str) -> tuple[float, float]:
        a = min(values, default=1.0) if low is None else low
        b = max(values, default=2.0) if high is None else high
        if axis in self.chart.log:
            a, b = math.log10(a), math.log10(b)
        pad = 0.05 * (b - a) or 0.5
        return (a - pad if low is None else a, b + pad if high is None else b)

    def at(self, point: Point) -> Point:
        """A place in pixels; what lies far outside is held near the frame, which clips it."""
        left, top, right, bottom = self.box
        x, y = (math.log10(v) if a in self.chart.log else v for v, a in zip(point, "xy", strict=True))
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return left + across * (right - left), bottom - max(-0.0, min(1.0, up)) * (bottom - top)

    def path(self, points: Sequence[Point]) -> str:
        """A line through points."""
        places = [self.at(point) for point in points]
        return "".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(places))

    def dots(self, points: Sequence[Point]) -> str:
        """Strokes of no length, whose round ends are dots."""
        return "".join("M{:.1f} {:.1f}h0".format(*self.at(point)) for point in points)

    def word(self, at: Point, words: str, anchor: str, style: str) -> str:
        """Words just above a place."""
        x, y = self.at(at)
        x += {"start": 4, "end": -4}.get(anchor, 0)
        return f'<text class="{style}" x="{x:.1f}" y="{y - 6:.1f}" text-anchor="{anchor}">{escape(words)}</text>'

    def arrow(self, start: Point, end: Point, ink: str) -> str:
        """A shaft with a head of fixed size."""
        (a, b), (c, d) = self.at(start), self.at(end)
        length = math.hypot(c - a, d - b) or 1.0
        u, v = (c - a) / length, (d - b) / length
        head = "".join(
            f"M{c:.1f} {d:.1f}L{c - 4 * u + s * 2.4 * v:.1f} {d - 4 * v - s * 2.4 * u:.1f}" for s in (1.0, -1.0)
        )
        return f'<path class="zoo-arrow" d="M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}{head}" style="stroke:{ink}"/>'

    def axes(self) -> list[str]:
        """The frame's lines, ticks and titles."""
        left, top, right, bottom = self.box
        parts = []
        for value in _ticks(*self.x, "x" in self.chart.log):
            x = left + (value - self.x[0]) / (self.x[1] - self.x[0]) * (right - left)
            parts.append(f'<path class="zoo-tick" d="M{x:.1f} {top:g}V{bottom:g}"/>')
            words = _number(value, "x" in self.chart.log)
            parts.append(f'<text class="zoo-quiet" x="{x:.1f}" y="{bottom + 16:g}" text-anchor="middle">{words}</text>')
        for value in _ticks(*self.y, "y" in self.chart.log) if self.chart.levels else []:
            y = bottom - (value - self.y[0]) / (self.y[1] - self.y[0]) * (bottom - top)
            parts.append(f'<path class="zoo-tick" d="M{left:g} {y:.1f}H{right:g}"/>')
            words = _number(value, "y" in self.chart.log)
            parts.append(f'<text class="zoo-quiet" x="{left - 7:g}" y="{y + 4:.1f}" text-anchor="end">{words}</text>')
        parts.append(f'<path class="zoo-axis" d="M{left:g} {top:g}V{bottom:g}H{right:g}"/>')
        middle = (left + right) / 2
        parts.append(
            f'<text x="{middle:.0f}" y="{bottom + 34:g}" text-anchor="middle">{escape(self.chart.x_title)}</text>'
        )
        parts.append(f'<text x="6" y="14">{escape(self.chart.y_title)}</text>')
        return parts


def _ticks(low: float, high: float, log: bool) -> list[float]:
    if log:
        wide = high - low > 2.2
        marks = (1,) if wide else (1, 2, 5) if high - low > 0.7 else (1, 2, 3, 4, 5, 6, 8)
        found = [k + math.log10(m) for k in range(math.floor(low), math.ceil(high) + 1) for m in marks]
        found = [value for value in found if low - 1e-9 <= value <= high + 1e-9]
        return found[:: max(1, -(-len(found) // 8))]
    step = 10 ** math.floor(math.log10((high - low) / 4))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (m * step) <= 6)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _number(value: float, log: bool) -> str:
    if not log:
        return f"{value:.10g}"
    power = round(value)
    if abs(value - power) > 1e-9 or -2 <= power <= 3:
        return f"{10**value:.4g}"
    return f'10<tspan dy="-5" font-size="8.5">{power}</tspan>'


def figure(drawings: Sequence[str], caption: str) -> str:
    """Drawings side by side, as wide as the page allows, over their caption (HTML)."""
    return f'<figure class="zoo-figure"><div>{"".join(drawings)}</div><figcaption>{caption}</figcaption></figure>'
