"""Pictures in the terminal, two pixels a character by half blocks: the exact samples beside the drawn ones."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.text import Text

from solvers_zoo.charts.samples import View, counts, mosaic

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console

#: Black to pale yellow through purple and orange: magma at nine places (van der Walt & Smith 2015, CC0).
_MAGMA = np.array(
    [
        (0, 0, 4),
        (28, 16, 68),
        (79, 18, 123),
        (129, 37, 129),
        (181, 54, 122),
        (229, 80, 100),
        (251, 135, 97),
        (254, 194, 135),
        (252, 253, 191),
    ],
    dtype=float,
)
_SHADES = " .:-=+*#%@"
_BARS = " ▁▂▃▄▅▆▇█"
_EXACT, _DRAWN = "#f2b134", "#5b8db8"


def picture(shown: View, console: Console) -> Text:
    """A view as text for ``console``: in colour where it has any, in shades of characters elsewhere."""
    width = min(console.width, 120)
    if shown.kind == "line":
        return _line(shown, width, console)
    panels = len(shown.panels)
    room = (width - 3 * (panels - 1)) // panels
    pixels = _planes(shown, min(room, 48)) if shown.kind == "plane" else _sheets(shown, min(room, 58))
    body = _shaded(pixels) if console.color_system is None else _blocks(pixels)
    titles = "   ".join(title[: pixels[0].shape[1]].ljust(pixels[0].shape[1]) for title, _ in shown.panels)
    note = f"({shown.note})\n" if shown.note else ""
    return Text.assemble((titles.rstrip(), "bold"), "\n", body, (note, "dim"))


def unicode(console: Console) -> bool:
    """Whether half blocks and bars can be written."""
    return console.encoding.lower().startswith("utf") and "ZOO_ASCII" not in os.environ


def _planes(shown: View, side: int) -> list[NDArray[Any]]:
    """Densities as colours, (rows, columns, 3) each; a pixel is square."""
    tables = [counts(samples, shown, side, side // 2 * 2) / max(1, len(samples)) for _, samples in shown.panels]
    tables = [_smooth(table) for table in tables]
    peak = max(float(np.quantile(tables[0], 0.997)), 1e-12)
    return [_colours(np.clip(table / peak, 0, 1) ** 0.5) for table in tables]


def _smooth(table: NDArray[Any]) -> NDArray[Any]:
    """A light blur (1, 2, 1) each way: a few thousand samples in two thousand pixels are mostly noise otherwise."""
    for axis in (0, 1):
        padded = np.moveaxis(np.pad(table, [(1, 1) if a == axis else (0, 0) for a in (0, 1)]), axis, 0)
        table = np.moveaxis((padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4, 0, axis)
    return table


def _colours(level: NDArray[Any]) -> NDArray[Any]:
    place = level * (len(_MAGMA) - 1)
    below = np.minimum(place.astype(int), len(_MAGMA) - 2)
    part = (place - below)[..., None]
    return np.asarray(_MAGMA[below] * (1 - part) + _MAGMA[below + 1] * part)


def _sheets(shown: View, room: int) -> list[NDArray[Any]]:
    """As many pictures a panel as there is room for, three rows at most."""
    width = shown.panels[0][1].shape[2]
    columns = max(1, (room + 1) // (width + 1))
    sheets = []
    for _, images in shown.panels:
        sheet = mosaic(images[: 3 * columns], shown, columns)
        sheet = np.repeat(sheet[..., None], 3, -1) if sheet.ndim == 2 else sheet
        sheets.append(np.pad(sheet * 255, [(0, sheet.shape[0] % 2), (0, 0), (0, 0)]))
    return sheets


def _blocks(panels: list[NDArray[Any]]) -> Text:
    """Two pixels a character: the upper half block in one colour on the other."""
    text = Text()
    for top in range(0, panels[0].shape[0], 2):
        for number, pixels in enumerate(panels):
            text.append("   " if number else "")
            for upper, lower in zip(pixels[top].astype(int), pixels[top + 1].astype(int), strict=True):
                text.append("▀", f"rgb({upper[0]},{upper[1]},{upper[2]}) on rgb({lower[0]},{lower[1]},{lower[2]})")
        text.append("\n")
    return text


def _shaded(panels: list[NDArray[Any]]) -> Text:
    """The brightness of two pixels a character, for terminals without colour and for files."""
    lines = []
    for top in range(0, panels[0].shape[0], 2):
        parts = []
        for pixels in panels:
            light = (pixels[top] + pixels[top + 1]).mean(-1) / 510
            parts.append("".join(_SHADES[int(level * (len(_SHADES) - 0.001))] for level in light))
        lines.append("   ".join(parts).rstrip())
    return Text("\n".join(lines) + "\n")


def _line(shown: View, width: int, console: Console) -> Text:
    """Histograms of one coordinate on one scale, one above the other, eight heights a character."""
    columns, rows = min(width, 96), 6
    low, high = float(shown.low[0]), float(shown.high[0])
    shares = [
        np.histogram(samples, bins=columns, range=(low, high))[0] / max(1, len(samples)) for _, samples in shown.panels
    ]
    peak = max(float(share.max()) for share in shares) or 1.0
    text = Text()
    for (title, _), share, colour in zip(shown.panels, shares, (_EXACT, _DRAWN)[-len(shares) :], strict=True):
        text.append(f"{title}\n", "bold")
        heights = share / peak * rows
        for row in reversed(range(rows)):
            parts = np.clip(heights - row, 0, 1)
            bars = _BARS if unicode(console) else " ........#"[: len(_BARS)]
            text.append("".join(bars[round(part * (len(bars) - 1))] for part in parts).rstrip() + "\n", colour)
    ends = f"{low:.3g}", f"{high:.3g}"
    text.append(ends[0] + ends[1].rjust(columns - len(ends[0])) + "\n", "dim")
    return text
