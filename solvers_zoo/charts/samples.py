"""Pictures of samples, exact ones beside them: histograms in one dimension, densities in two, grids of images.

`view` decides what there is to see; `draw_figure` makes a file of it with matplotlib, and the command line draws the same
view in the terminal.
"""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from solvers_zoo.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import Tensor

    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.score_models.base import ScoreModel

    Array = NDArray[np.float64]

SUFFIXES = (".png", ".svg", ".pdf")
#: Share of the samples that the picture may leave out on each side: a stray one must not shrink all others to a dot.
_TAIL = 0.002
_MAX_IMAGES = 64


@dataclass(frozen=True)
class View:
    """What can be seen of samples.

    Attributes:
        kind: ``line`` (one dimension), ``plane`` (two, or the first two of more) or ``images``.
        panels: titles and samples, each (n,), (n, 2) or (n, height, width[, 3]); all float64.
        low: lower bounds of what is shown, one a coordinate.
        high: upper bounds.
        density: exact density in one dimension on 400 points between low and high, or None.
        note: what is not shown, or empty.
        scale: values that are black and white in images; by default the ends of the first panel's own.

    """

    kind: str
    panels: list[tuple[str, Array]]
    low: Array
    high: Array
    density: Array | None = None
    note: str = ""
    scale: tuple[float, float] | None = None


def view(
    x: Tensor, exact: Tensor | None, title: str, model: ScoreModel | None = None, point: GaussianPoint | None = None
) -> View:
    """What to show of samples ``x`` (n, *shape) and, beside them, of exact ones.

    Args:
        x: samples.
        exact: exact samples of any number, or None.
        title: what the samples are.
        model: whose density is drawn in one dimension, if it is analytic; the range of its data is the scale of images.
        point: point of the schedule at which that density is taken.

    """
    panels = [(title, _array(x))] if exact is None else [("exact", _array(exact)), (title, _array(x))]
    if x.dim() >= 3:
        count = min([_MAX_IMAGES, *(len(values) for _, values in panels)])
        pictures = [(name, _images(values[:count])) for name, values in panels]
        scale = None if model is None or exact is not None else model.data_range
        return View("images", pictures, *_limits([values.reshape(-1, 1) for _, values in pictures]), scale=scale)
    panels = [(name, values.reshape(len(values), -1)) for name, values in panels]
    if panels[0][1].shape[1] == 1:
        low, high = _limits([values for _, values in panels])
        curve = _density(model, point, x, low[0], high[0])
        return View("line", [(name, values[:, 0]) for name, values in panels], low, high, curve)
    dim = panels[0][1].shape[1]
    panels = [(name, values[:, :2]) for name, values in panels]
    note = f"coordinates 1 and 2 of {dim}" if dim > 2 else ""
    return View("plane", panels, *_square(*_limits([values for _, values in panels])), note=note)


def _array(x: Tensor) -> Array:
    return np.asarray(x.detach().cpu().double().numpy())


def _images(values: Array) -> Array:
    """(n, ...) as grey (n, h, w) or coloured (n, h, w, 3) pictures."""
    if values.ndim == 3:
        return values
    return np.moveaxis(values, 1, -1)[..., :3] if values.shape[1] >= 3 else values[:, 0]


def bulk(values: Array) -> tuple[Array, Array]:
    """Bounds of each column (n, columns) that leave out the share `_TAIL` of its values on each side."""
    low, high = np.quantile(values, [_TAIL, 1 - _TAIL], axis=0)
    return low, high


def _limits(panels: list[Array]) -> tuple[Array, Array]:
    """Bounds that hold nearly all of every panel; the exact ones, drawn first, decide if they are there."""
    low, high = bulk(panels[0])
    margin = 0.12 * np.maximum(high - low, 1e-9 + 1e-6 * np.abs(high))
    return low - margin, high + margin


def _square(low: Array, high: Array) -> tuple[Array, Array]:
    """The smallest square round the bounds, so that a circle looks round."""
    middle, half = (low + high) / 2, (high - low).max() / 2
    return middle - half, middle + half


def _density(model: Any, point: GaussianPoint | None, x: Tensor, low: float, high: float) -> Array | None:
    if point is None or not hasattr(model, "log_density"):
        return None
    import torch

    places = torch.linspace(float(low), float(high), 400, dtype=torch.float64).reshape(-1, *x.shape[1:])
    return _array(model.log_density(places, point).exp())


def counts(samples: Array, shown: View, columns: int, rows: int) -> Array:
    """Samples of a plane in each cell of a (rows, columns) grid over the view, the highest row first."""
    ranges = [(shown.low[0], shown.high[0]), (shown.low[1], shown.high[1])]
    table, _, _ = np.histogram2d(samples[:, 0], samples[:, 1], bins=(columns, rows), range=ranges)
    return np.asarray(table.T[::-1])


# -- files -----------------------------------------------------------------------------------------------------------


def draw_figure(shown: View, path: Path, heading: str = "", caption: str = "") -> None:
    """Write a view to ``path`` (.png, .svg or .pdf), with a heading and a line of figures below.

    Raises:
        StorageError: the file cannot be written.

    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: Any = {
        "font.size": 9,
        "axes.linewidth": 0.6,
        "axes.edgecolor": "0.4",
        "xtick.color": "0.3",
        "ytick.color": "0.3",
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "svg.hashsalt": "solvers-zoo",
    }
    with mpl.rc_context(style):
        paint = {"line": _paint_line, "plane": _paint_plane, "images": _paint_images}[shown.kind]
        figure = Figure(layout="constrained", dpi=160)
        paint(figure, shown)
        figure.suptitle(_wrapped(heading, figure, 10.5), fontsize=10.5, x=0.02, ha="left")
        words = " · ".join(word for word in (caption, shown.note) if word)
        if words:
            figure.supxlabel(_wrapped(words, figure, 8), fontsize=8, color="0.35", x=0.02, ha="left")
        try:
            figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
        except OSError as error:
            raise StorageError(f"Cannot write {path}: {error.strerror or error}.") from error


def _wrapped(text: str, figure: Figure, size: float) -> str:
    """Text in lines that fit the figure, as a letter is some .6 of its size wide."""
    return textwrap.fill(text, max(16, int(figure.get_figwidth() * 72 / (0.6 * size))))


def _paint_line(figure: Figure, shown: View) -> None:
    figure.set_size_inches(5.6, 3.4)
    axes = figure.subplots()
    low, high = float(shown.low[0]), float(shown.high[0])
    (title, samples) = shown.panels[-1]
    inside = samples[(samples >= low) & (samples <= high)]
    bins = min(120, max(20, int(3.5 * len(samples) ** 0.4)))
    weights = np.full(len(inside), bins / (high - low) / len(samples))
    axes.hist(inside, bins=bins, range=(low, high), weights=weights, color="#5b8db8", alpha=0.75, label=title)
    if shown.density is not None:
        axes.plot(np.linspace(low, high, 400), shown.density, color="#20252b", lw=1.2, label="exact density")
    elif len(shown.panels) > 1:
        exact = shown.panels[0][1]
        axes.hist(
            exact,
            bins=bins,
            range=(low, high),
            weights=np.full(len(exact), bins / (high - low) / len(exact)),
            histtype="step",
            color="#20252b",
            label="exact",
        )
    axes.set(xlim=(low, high), xlabel="x", ylabel="density")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


def _paint_plane(figure: Figure, shown: View) -> None:
    from matplotlib.colors import PowerNorm

    figure.set_size_inches(3.6 * len(shown.panels) + 0.2, 4.35)
    axes = figure.subplots(1, len(shown.panels), sharex=True, sharey=True, squeeze=False)[0]
    extent = (shown.low[0], shown.high[0], shown.low[1], shown.high[1])
    fewest = min(len(samples) for _, samples in shown.panels)
    bins = int(min(160, max(40, 1.2 * fewest**0.5)))
    tables = [counts(samples, shown, bins, bins) / len(samples) for _, samples in shown.panels]
    peak = float(np.quantile(tables[0][tables[0] > 0], 0.995)) if tables[0].any() else 1.0
    for ax, (title, samples), table in zip(axes, shown.panels, tables, strict=True):
        if fewest >= 4000:
            ax.imshow(table, extent=extent, cmap="magma", norm=PowerNorm(0.55, 0, peak), interpolation="bilinear")
        else:
            size = float(np.clip(5000 / len(samples), 1.2, 12))
            crowd = _crowd(samples, shown)
            order = np.argsort(crowd)
            ax.set_facecolor("#000004")
            ax.scatter(*samples[order].T, s=size, c=crowd[order], cmap="magma", vmin=-0.6, vmax=1.0, linewidths=0)
        ax.set(title=f"{title}", xlim=extent[:2], ylim=extent[2:], aspect="equal")
        ax.title.set_fontsize(9.5)


def _crowd(samples: Array, shown: View) -> Array:
    """How crowded it is round each sample, from 0 to 1: a blurred histogram read off at the samples."""
    cells = 24
    table = counts(samples, shown, cells, cells)[::-1]
    padded = np.pad(table, 1)
    near = np.sum([padded[i : i + cells, j : j + cells] for i in range(3) for j in range(3)], axis=0)
    places = np.clip(((samples - shown.low) / (shown.high - shown.low) * cells).astype(int), 0, cells - 1)
    crowd = near[places[:, 1], places[:, 0]]
    return np.asarray((crowd / max(float(crowd.max()), 1.0)) ** 0.5)


def _paint_images(figure: Figure, shown: View) -> None:
    columns = max(1, math.ceil(max(len(images) for _, images in shown.panels) ** 0.5))
    rows = math.ceil(max(len(images) for _, images in shown.panels) / columns)
    figure.set_size_inches(3.6 * len(shown.panels) + 0.2, 3.6 * rows / columns + 0.7)
    axes = figure.subplots(1, len(shown.panels), squeeze=False)[0]
    for ax, (title, images) in zip(axes, shown.panels, strict=True):
        ax.imshow(mosaic(images, shown, columns), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(title, fontsize=9.5)
        ax.set_axis_off()


def mosaic(images: Array, shown: View, columns: int, gap: int = 1) -> Array:
    """Pictures side by side, ``columns`` a row, with values between 0 and 1."""
    height, width = images.shape[1:3]
    rows = math.ceil(len(images) / columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, *images.shape[3:]), 0.25)
    low, high = _range(shown)
    for i, image in enumerate(np.clip((images - low) / (high - low), 0, 1)):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def _range(shown: View) -> tuple[float, float]:
    """Black and white: the range of the data, or the ends of the first panel's own values."""
    if shown.scale is not None:
        return shown.scale
    first = shown.panels[0][1]
    low, high = float(first.min()), float(first.max())
    if len(shown.panels) == 1:  # no exact pictures to set the scale, and samples stray beyond it
        low, high = (float(q) for q in np.quantile(first, [0.01, 0.99]))
    return low, high if high > low else low + 1.0
