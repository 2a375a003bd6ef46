"""Pictures in the plane: scores as arrows over densities, what noise fills, where a fitted score fails, three samplers."""

from __future__ import annotations

import math
from typing import Any

import torch
from pictures import COLOURS, INK, Picture, sheet
from torch import Tensor

import solvers_zoo as zoo
from solvers_zoo.metrics import error_report


def mesh(reach: float, count: int) -> Tensor:
    """(count^2, 2) places of a square about 0, row by row."""
    side = torch.linspace(-reach, reach, count, dtype=torch.float64)
    across, up = torch.meshgrid(side, side, indexing="xy")
    return torch.stack((across.flatten(), up.flatten()), 1)


def shade(ax: Any, values: Tensor, reach: float, **more: Any) -> Any:
    """A function on a fine mesh as shades."""
    count = math.isqrt(len(values))
    return ax.imshow(
        values.reshape(count, count).numpy(),
        extent=(-reach, reach, -reach, reach),
        origin="lower",
        **{"cmap": "Blues", "interpolation": "bilinear", **more},
    )


def arrows(ax: Any, model: Any, point: Any, reach: float, count: int = 17, colour: str = INK) -> None:
    """The score as arrows, whose length grows like the square root of the score's."""
    places = mesh(reach * 0.94, count)
    score = model(places, point).score
    size = score.norm(dim=1, keepdim=True)
    ends = (score / size.sqrt().clamp(min=1e-12)) / float(size.sqrt().max())
    ax.quiver(*places.T.numpy(), *ends.T.numpy(), color=colour, angles="xy", scale=13, width=0.0042, headwidth=4.5)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")


def score() -> Picture:
    """The score points to where data are likely, and Langevin dynamics follows it."""
    model, reach, eps = zoo.model("mixture-2d"), 3.0, 0.02
    point = model.sde.at(0.05)
    figure, axes = sheet(2, 7.2, 3.9, "The score, and Langevin dynamics along it", sharey=True)
    density = model.log_density(mesh(reach, 160), point).exp()
    for ax in axes[0]:
        shade(ax, density.sqrt(), reach, vmax=1.2 * float(density.sqrt().max()))
    arrows(axes[0][0], model, point, reach)
    x = torch.tensor([[-2.6, 2.4], [2.6, 2.2], [-2.4, -2.5], [2.4, -2.6]], dtype=torch.float64)
    path = [x]
    solver = zoo.solver("langevin", eps=eps, n_steps_each=1)
    for seed in range(300):  # one step a run, at one time
        path.append(zoo.sample(model, solver, grid=[0.05, 0.0499], x=path[-1], seed=seed).x)
    chains = torch.stack(path)
    for i in range(len(x)):
        axes[0][1].plot(*chains[:, i].T.numpy(), color=COLOURS[1], lw=0.7, alpha=0.9)
        axes[0][1].plot(*chains[0, i].numpy(), "o", color=INK, ms=4)
    axes[0][0].set_title("score, over the density")
    axes[0][1].set_title(f"four chains, 300 steps of ε = {eps:g}")
    return Picture(figure, {"steps": len(path) - 1, "eps": eps})


def noise_levels() -> Picture:
    """Noise fills regions of low density: density and score of two far modes at three levels of noise."""
    model, reach = zoo.model("bimodal"), 12.0
    figure, axes = sheet(3, 9.6, 3.6, "Noise fills the regions of low density", sharey=True)
    found = {}
    for ax, sigma in zip(axes[0], (0.1, 3.0, 10.0), strict=True):
        point = model.sde.at(sigma)
        density = model.log_density(mesh(reach, 160), point).exp()
        shade(ax, density.sqrt(), reach, vmax=1.2 * float(density.sqrt().max()))
        arrows(ax, model, point, reach, 15)
        ax.set_title(f"σ = {sigma:g}")
        saddle = model.log_density(torch.zeros(1, 2, dtype=torch.float64), point)
        peak = model.log_density(mesh(reach, 161), point).max()
        found[f"density between the modes over the largest, sigma {sigma:g}"] = float((saddle - peak).exp())
    return Picture(figure, found)


def low_density() -> Picture:
    """What denoising score matching finds from 1,000 points, exact beside its best fit, and the error, which is largest where nobody is."""
    model, reach, n, sigma = zoo.model("bimodal"), 8.0, 1_000, 0.5
    point = model.sde.at(sigma)
    data = model.draw(model.sde.at(1e-6), zoo.SeededNoise(0, range(n), (2,), torch.float64).data())
    fitted = zoo.KernelMixture(data, 0.0, model.sde)  # the minimiser over all functions of x
    places = mesh(reach, 121)
    density = model.log_density(places, point).exp()
    exact, found = model(places, point).score, fitted(places, point).score
    error = (found - exact).norm(dim=1)
    figure, axes = sheet(3, 9.8, 3.6, "Where there are no data, score matching has nothing to go by", sharey=True)
    for ax, which, words in ((axes[0][0], model, "exact"), (axes[0][1], fitted, f"best fit to {n:,} points")):
        shade(ax, density.sqrt(), reach, vmax=1.2 * float(density.sqrt().max()))
        arrows(ax, which, point, reach, 15)
        ax.set_title(f"score, {words}")
    image = shade(axes[0][2], error, reach, cmap="magma_r", vmin=0, vmax=float(error.quantile(0.98)))
    axes[0][2].set_title("size of the error")
    figure.colorbar(image, ax=axes[0][2], shrink=0.8)
    drawn = model.draw(point, zoo.SeededNoise(1, range(20_000), (2,), torch.float64).data())
    typical = (fitted(drawn, point).score - model(drawn, point).score).square().sum(1).mean().sqrt()
    size = model(drawn, point).score.square().sum(1).mean().sqrt()
    saddle = torch.tensor([[2.0, -2.0], [-2.0, 2.0]], dtype=torch.float64)
    between = (fitted(saddle, point).score - model(saddle, point).score).norm(dim=1).mean()
    return Picture(
        figure,
        {
            "rms error where the law is": float(typical),
            "rms score there": float(size),
            "error at (2, -2) and (-2, 2)": float(between),
        },
    )


def samplers() -> Picture:
    """One budget, three samplers of one model: the reverse SDE, predictor-corrector and the probability flow."""
    model, n, budget, reach = zoo.model("ring"), 4_000, 40, 6.0
    figure, axes = sheet(3, 9.6, 4.1, f"{budget} evaluations a sample", sharey=True)
    found = {}
    for ax, (solver, words) in zip(
        axes[0],
        (("euler-maruyama", "Euler-Maruyama"), ("pc", "predictor-corrector"), ("heun", "probability flow, Heun")),
        strict=True,
    ):
        done = zoo.sample(model, solver, nfe=budget, n=n, denoise=False, dtype=torch.float64)
        errors = {figure_.name: figure_ for figure_ in error_report(model, done.x, model.sde.at(done.grid[-1]), 0)}
        w1 = errors["sliced W1"]
        reach = 1.25 * float(done.x.abs().quantile(0.999)) if not found else reach
        ax.plot(*done.x.T.numpy(), ".", ms=1.4, color=COLOURS[len(found) // 2], alpha=0.5)
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=f"{words}\nsliced W1 {w1.value:.3f}")
        found |= {f"{solver}: sliced W1": w1.value, f"{solver}: NFE": done.nfe}
        floor = w1.floor
    return Picture(figure, found | {"sliced W1 of exact samples": floor})


PICTURES = {
    "score": score,
    "noise-levels": noise_levels,
    "low-density": low_density,
    "samplers": samplers,
}
