"""Pictures of handwritten digits: DDPM's chain both ways, labels, and observations that samples are made to fit."""

from __future__ import annotations

from typing import Any

import torch
from pictures import Picture, sheet
from torch import Tensor

import solvers_zoo as zoo
from solvers_zoo.metrics import load_digits

#: Indices of DDPM's chain that are shown.
SHOWN = (0, 50, 100, 200, 300, 500, 700, 999)


def tiles(ax: Any, images: Tensor, columns: int, words: str = "") -> None:
    """Images (n, c, h, w) in [-1, 1], side by side, with a title."""
    rows = [torch.cat(list(torch.nn.functional.pad(row, (0, 1, 0, 1), value=-0.4)), 2) for row in images.split(columns)]
    sheet_ = (torch.cat(rows, 1)[:, :-1, :-1].clamp(-1, 1) + 1) / 2
    ax.imshow(sheet_.permute(1, 2, 0).float().numpy().squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(words, loc="left")


def chain() -> Picture:
    """DDPM's chain: digits turned into noise by q, and noise into digits by a trained network."""
    sde = zoo.DDPMBetas()
    model = zoo.model("digits-net", sde=sde)
    images, n = load_digits()[0][[0, 5, 13]], 3
    noise = zoo.SeededNoise(0, range(n), (1, 8, 8), torch.float64)
    there, state = [], images
    for index in range(1000):  # one step of q(x^t | x^(t-1)) after another
        alpha, before = float(sde.at(index).alpha), float(sde.at(index - 1).alpha) if index else 1.0
        keep = alpha / before
        state = keep * state + (1 - keep**2) ** 0.5 * noise.at(index).fresh()
        if index in SHOWN:
            there.append(state)
    back: dict[int, Tensor] = {}

    def look(state: Any) -> None:
        if round(state.point.t) in SHOWN:
            back[round(state.point.t)] = state.x

    done = zoo.sample(model, "ddpm", steps=333, n=n, denoise=True, callback=look, grid=[*range(999, 0, -3), 0])
    figure, axes = sheet(1, 7.6, 4.3, "DDPM: data to noise, and back", rows=2)
    wide = len(SHOWN)
    tiles(
        axes[0][0],
        torch.stack(there, 1).flatten(0, 1),
        wide,
        "forward q, after step " + ", ".join(str(i + 1) for i in SHOWN),
    )
    shown = [*(back[min(back, key=lambda t: abs(t - i))].double() for i in SHOWN[:0:-1]), done.x.double()]
    tiles(
        axes[1][0],
        torch.stack(shown, 1).flatten(0, 1),
        wide,
        f"backward with the trained network, {done.nfe} evaluations",
    )
    return Picture(figure, {"alpha_bar at the end": float(sde.at(999).alpha) ** 2, "NFE": done.nfe})


def control() -> Picture:
    """Samples under control: labels, a known half, coarse pixels, a grey picture."""
    figure, axes = sheet(2, 8.6, 6.0, "Controlled generation", rows=2)
    net = zoo.model("digits-net", guidance=2.0)
    labels = torch.arange(10).repeat(6)
    made = zoo.sample(net, "heun", steps=15, n=60, condition={"label": labels}, denoise=True)
    tiles(axes[0][0], made.x, 10, "a label, 0 to 9")
    exact, held = zoo.model("digits"), load_digits()[0][40:48]
    found: dict[str, float] = {"labels: NFE": made.nfe}
    mask = torch.zeros(1, 8, 8, dtype=torch.bool)
    mask[:, :4] = True
    for ax, operator, words in (
        (axes[0][1], zoo.Mask(mask), "upper half known"),
        (axes[1][0], zoo.Average((1, 8, 8), 2), "4 x 4 means known"),
    ):
        found |= restore(ax, exact, operator, held, words)
    colours = zoo.SeededNoise(3, range(len(load_digits()[0])), (3,), torch.float64).data().fresh().abs()
    tint = 0.25 + 0.75 * colours / colours.amax(1, keepdim=True)
    coloured = (load_digits()[0] + 1) * tint[:, :, None, None] - 1
    model = zoo.KernelMixture(coloured, 0.1, zoo.EDM())
    found |= restore(axes[1][1], model, zoo.Grey((3, 8, 8)), coloured[40:48], "grey values known")
    return Picture(figure, found)


def restore(ax: Any, model: Any, operator: Any, held: Tensor, words: str) -> dict[str, float]:
    """What is observed, three samples that fit it, and the original, a row each; the misfit is the rms of A x - y."""
    level, misfit, y = 0.05, 0.0, operator(held)
    seen = operator.T(y)
    columns = [seen / seen.abs().amax((1, 2, 3), keepdim=True)]
    for seed in range(3):
        guided = zoo.PiGDM(model, operator, y, noise_std=level)
        done = zoo.sample(guided, "heun", steps=20, n=len(held), seed=seed, dtype=torch.float64, denoise=True)
        columns.append(done.x)
        misfit = max(misfit, float((operator(done.x) - y).square().mean().sqrt()))
    columns.append(held)
    tiles(ax, torch.cat(columns), len(held), f"{words}\nseen, three samples, original")
    return {f"{words}: misfit": misfit, f"{words}: NFE": done.nfe}


PICTURES = {"chain": chain, "control": control}
