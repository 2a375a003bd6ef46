"""Figures of the study on noise conditional score networks: sheets of digits, and losses on a circle."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import torch
from torch import Tensor

from solvers_zoo import GaussianSDE
from solvers_zoo.bench.experiment import Rows, column, only
from solvers_zoo.charts import BEHIND, COLOURS, across, chart, curves, guide, note, titled, up
from zoo_lectures.ncsn.manifold import WINDOW, Fit
from zoo_lectures.ncsn.numbers import BLUR, DATA, FALL, KNOWN, Drawn, mask

#: A sheet has so many screen pixels for an image's pixel, so many dots of the file for each of those, and so many pixels between images.
_ZOOM, _DOTS, _GAP = 3, 2, 2
#: Look of a panel's own title.
_HEAD = {"fontSize": 13, "offset": 8}
#: Colour of the part of a digit that is not known.
_HIDDEN = (0.13, 0.32, 0.78)


# -- sheets of images --------------------------------------------------------------------------------------------------


def grey(images: Tensor) -> Tensor:
    """Images (..., 1, 8, 8) in [-1, 1] as opaque colours (..., 8, 8, 4)."""
    shade = ((images.squeeze(-3).clamp(-1, 1) + 1) / 2).unsqueeze(-1)
    return torch.cat((shade, shade, shade, torch.ones_like(shade)), -1)


def hidden(images: Tensor, known: Tensor) -> Tensor:
    """The same, with a flat colour where ``known``, (1, 8, 8), is false."""
    return torch.where(known[0, ..., None], grey(images), torch.tensor([*_HIDDEN, 0.22]))


def sheet(images: Tensor, wider: Sequence[int] = ()) -> alt.Chart:
    """Colours (rows, columns, 8, 8, 4) side by side on clear ground; a column in ``wider`` stands apart from the one before."""
    rows, columns, height, width = images.shape[:4]
    left = [j * (width + _GAP) + 6 * sum(j >= k for k in wider) for j in range(columns)]
    paper = torch.zeros(rows * (height + _GAP) - _GAP, left[-1] + width, 4)
    for i in range(rows):
        for j in range(columns):
            top = i * (height + _GAP)
            paper[top : top + height, left[j] : left[j] + width] = images[i, j]
    wide, high = paper.shape[1] * _ZOOM, paper.shape[0] * _ZOOM
    picture = chart([{"url": _png(paper)}], url="url:N", x=alt.value(wide / 2), y=alt.value(high / 2))
    return picture.mark_image(width=wide, height=high).properties(width=wide, height=high)


def _png(colours: Tensor) -> str:
    """As the address of an image that holds itself."""
    from matplotlib import image

    dots = np.kron(colours.numpy(), np.ones((_ZOOM * _DOTS, _ZOOM * _DOTS, 1)))
    file = io.BytesIO()
    unsigned: Any = {"Software": None}
    image.imsave(file, dots, format="png", metadata=unsigned)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _words(texts: Sequence[str], height: int) -> alt.Chart:
    """A word for every row of a sheet of that height, to its left."""
    each = (height + _GAP * _ZOOM) / len(texts)
    values = [{"text": text, "y": each * i + 4 * _ZOOM} for i, text in enumerate(texts)]
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, height], range=[0, height], nice=False))
    base = chart(values, text="text:N", y=y, x=alt.value(54)).mark_text(align="right", fontSize=12)
    return base.properties(width=54, height=height)


# -- the figures -------------------------------------------------------------------------------------------------------


def samples(runs: Mapping[str, Drawn], rows: Rows) -> alt.HConcatChart:
    """Ten rows of ten digits of every kind, a class a row, with what was measured of all of them."""
    panels = []
    for name, run in runs.items():
        row = only(rows, name=name)
        of = [run.x[run.classes == digit][:10] for digit in range(10)]
        wide = min(len(some) for some in of)
        words = "data" if name == DATA else name
        figures = f"class {100 * row['agreement']:.1f} %, Fréchet {row['frechet']:.3g}"
        panels.append(titled(sheet(grey(torch.stack([some[:wide] for some in of]))), words, figures, **_HEAD))
    return titled(
        alt.hconcat(*panels, spacing=34),
        "Annealed Langevin dynamics draws digits; at the smallest level alone it seldom does",
        "Ten of every class. A network of 20 noise levels from 10 to 0.05, 200 evaluations either way. Class: share that a classifier sees as",
        f"what was asked for. Fréchet distance from {next(iter(runs.values())).x.shape[0]} digits, in the features of that classifier.",
    )


def levels(states: Tensor, sde: GaussianSDE) -> alt.HConcatChart:
    """The state at every second level, scaled to the spread that it has there, and the digits at the end."""
    count = len(states) - 1
    sigmas = [float(sde.at(sde.t_max * (1 - i / (count - 1))).sigma) for i in range(count)]
    kept = [i for i in range(count) if i % 2 == 1 or i == 0]
    images = [grey(states[i] / (1 + sigmas[i] ** 2) ** 0.5) for i in kept] + [grey(states[-1])]
    picture = sheet(torch.stack(images))
    texts = [f"σ = {sigmas[i]:.2g}" for i in kept] + ["denoised"]
    return titled(
        alt.hconcat(_words(texts, len(texts) * (8 + _GAP) * _ZOOM - _GAP * _ZOOM), picture, spacing=12),
        "From noise to digits, level by level",
        "The state after Langevin dynamics at a noise level, scaled by its spread; two samples of every class. The first row is the start.",
    )


def inpainting(shown: Mapping[str, tuple[Tensor, Tensor]], rows: Rows) -> alt.HConcatChart:
    """What is known, six completions, and the original of a digit of every class, as in Figure 6 of the paper."""
    panels = []
    for name in KNOWN:
        whole, found = shown[name]
        columns = torch.cat((hidden(whole, mask(name))[:, None], grey(found), grey(whole)[:, None]), 1)
        figures = f"{100 * only(rows, name=name)['kept']:.0f} % of the class of the whole"
        panels.append(titled(sheet(columns, (1, 7)), f"{name} known", figures, **_HEAD))
    return titled(
        alt.hconcat(*panels, spacing=44),
        "Digits completed by annealed Langevin dynamics",
        "What is known, six completions, the original. The digits are new to the network, which is not told their class.",
    )


def manifold(fits: Sequence[Fit], rows: Rows) -> alt.HConcatChart:
    """Losses in training with and without noise, and the loss of steeper and steeper scores on the circle."""
    names, bound = ["clean data", f"noise σ = {BLUR:g}"], "the least loss there is with that noise"
    points = [
        {"step": WINDOW * (i + 1), "loss": float(mean), "what": name}
        for name, fit in zip(names, fits, strict=True)
        for i, mean in enumerate(fit.windows())
    ]
    ink = alt.Scale(domain=[*names, bound], range=[COLOURS[0], COLOURS[1], BEHIND])
    key = alt.Color("what:N", scale=ink, legend=alt.Legend(title=None, orient="top", symbolType="stroke", offset=14))
    x = across("step", "step", 0, len(fits[0].losses), log=False)
    y = up("loss", "loss of sliced score matching", log=False).scale(nice=True)
    training = chart(points, x=x, y=y, color=key).mark_line(strokeWidth=1.8)
    least = [{"loss": only(rows, name="blurred")["minimum"], "what": bound}]
    line = chart(least, y="loss:Q", color=key).mark_rule(strokeDash=[5, 4], strokeWidth=1.6)
    falls = [{"sigma": at, "fall": -loss} for at, loss in zip(FALL, column(rows, "loss", part="fall"), strict=True)]
    blur = across("sigma", "blur σ of the score", 0.25, 0.02, values=FALL)
    steep = curves(falls, x=blur, y=up("fall", "− loss on the circle itself", 10, 3000))
    axes, sized = ("sigma", "fall"), {"width": 330, "height": 250}
    fall, power = guide(FALL, 0.6 * falls[0]["fall"], -2, "", axes), note(0.042, 160.0, "σ⁻²", axes, fontStyle="italic")
    left = titled((training + line).properties(**sized), "Training on a circle in the plane", **_HEAD)
    right = titled((fall + power + steep).properties(**sized), "The loss has no lower bound there", **_HEAD)
    return titled(
        alt.hconcat(left, right, spacing=40),
        "Score matching fails on a manifold, and a little noise mends it",
        "Left: a network trained on points of a circle and on the same points with noise, means of 25 steps.",
        "Right: the loss, on the circle, of the exact scores of blurred circles: the steeper the better, for ever.",
    )
