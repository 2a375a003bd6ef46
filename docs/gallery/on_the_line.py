"""Pictures in one dimension, where laws are known in closed form: paths over densities, schedules, the reverse step, two integrators."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from pictures import COLOURS, Picture, sheet
from zoo_lectures.bounds.laws import Density, Normal, gaussian_law

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.bench.experiment import slope
from solvers_zoo.charts import lines
from solvers_zoo.exact import Law

PATHS, PARTICLES = 14, 20_000


def walk(model: Any, times: list[float], n: int) -> list[torch.Tensor]:
    """Exact paths of the forward SDE: data, then x_s = (alpha_s/alpha_t) x_t + sqrt(sigma_s^2 - (alpha_s/alpha_t)^2 sigma_t^2) z."""
    noise = zoo.SeededNoise(0, range(n), model.shape, torch.float64)
    points = [model.sde.at(t) for t in times]
    path = [model.draw(points[0], noise.data())]
    for step, (a, b) in enumerate(pairwise(points)):
        ratio = b.alpha / a.alpha
        path.append(ratio * path[-1] + math.sqrt(b.sigma**2 - ratio**2 * a.sigma**2) * noise.at(step).fresh())
    return path


def farthest(model: Any, path: list[torch.Tensor], times: list[float]) -> float:
    """Largest Kolmogorov-Smirnov distance, over the times, between particles and the exact law."""
    worst = 0.0
    for t, x in zip(times, path, strict=True):
        places = np.sort(x.flatten().numpy())
        shares = np.arange(len(places) + 1) / len(places)
        exact = np.exp(Law.of(model, model.sde.at(t)).log_cdf(places))
        worst = max(worst, np.abs(exact - shares[1:]).max(), np.abs(exact - shares[:-1]).max())
    return worst


def forward() -> Picture:
    """Forward SDE, data to noise: paths over the density p_t, for a process that shrinks the data and one that does not."""
    figure, axes = sheet(2, 8.4, 3.6, "Forward SDE: from data to noise")
    found = {}
    for ax, sde, words in zip(
        axes[0],
        (zoo.OU(t_max=3.0), zoo.VEPower(base=math.e, t_max=2.5)),
        (r"$dX = -X\,dt + \sqrt{2}\,dW$", r"$dX = e^t\,dW$"),
        strict=True,
    ):
        model = zoo.model("mixture-1d", sde=sde)
        times = np.linspace(sde.t_min, sde.t_max, 301).tolist()
        reach = 9.0 if float(sde.at(sde.t_max).alpha) < 1 else 26.0
        xs = np.linspace(-reach, reach, 400)
        shade = np.stack([np.exp(Law.of(model, sde.at(t)).log_pdf(xs)) for t in times], 1)
        ax.imshow(
            np.sqrt(shade / shade.max(0)), extent=(0, sde.t_max, reach, -reach), aspect="auto", cmap="Blues", vmax=1.5
        )
        path = walk(model, times, PARTICLES)
        ax.plot(times, torch.cat(path, 1)[:PATHS].T.numpy(), color=COLOURS[1], lw=0.8)
        ax.set(title=words, xlabel="time t", ylabel="x", ylim=(-reach, reach), xlim=(0, sde.t_max))
        found[f"{sde.card.name}: farthest KS"] = farthest(model, path[::50], times[::50])
    # what 20,000 exact samples show in 99 % of trials (Kolmogorov), at one time
    found["KS of exact samples, 99 %"] = 1.628 / math.sqrt(PARTICLES)
    return Picture(figure, found)


def reverse_step() -> Picture:
    """The reverse step p(x_(t-1) | x_t) of DDPM's chain, exact, beside the normal of its mean and variance."""
    model, left = zoo.model("mixture-1d"), 0.1
    before = Law.of(model, model.sde.at(left))
    shown, small = (0.01, 0.1, 0.3, 0.6), (0.001, 0.003, 0.01)
    figure, axes = sheet(
        4, 9.6, 4.8, "The reverse step is normal where β is small, soonest where data are likely", rows=2
    )
    found: dict[str, float] = {}
    for row, (place, words) in zip(axes, ((5.0, "likely"), (-1.0, "unlikely")), strict=True):
        middle, gaps = place * math.exp(-left), {}
        for beta in sorted({*shown, *small}):
            width = math.sqrt(beta / (1 - beta))
            xs = np.linspace(middle - 9 * width, middle + 9 * width, 4001)
            log_p = before.log_pdf(xs) - ((xs - middle) / width) ** 2 / 2  # given x_t = sqrt(1 - beta) middle
            p = np.exp(log_p - log_p.max())
            p /= p.sum() * (xs[1] - xs[0])
            mean = float((p * xs).sum() * (xs[1] - xs[0]))
            variance = float((p * (xs - mean) ** 2).sum() * (xs[1] - xs[0]))
            normal = Normal(mean, variance).density(xs)
            gaps[beta] = Density(xs, p).kl(normal)
            if beta in shown:
                ax = row[shown.index(beta)]
                seen = slice(*np.flatnonzero(np.maximum(p, normal.p) > 1e-3 * p.max())[[0, -1]])
                ax.plot(xs[seen], p[seen], color=COLOURS[0], lw=2, label="exact")
                ax.plot(xs[seen], normal.p[seen], color=COLOURS[1], lw=1.4, ls="--", label="normal")
                ax.set(title=f"{words} $x_t$, β = {beta:g}\nKL {gaps[beta]:.2g}", yticks=[])
                ax.spines[["top", "right", "left"]].set_visible(False)
        found |= {f"{words}: KL at beta {beta:g}": gap for beta, gap in gaps.items()}
        found[f"{words}: power of beta"] = slope(small, [gaps[beta] for beta in small])
    for ax in axes[1]:
        ax.set_xlabel(r"$x_{t-1}$")
    axes[0][0].legend(frameon=False, fontsize=8, loc="upper left")
    return Picture(figure, found)


def schedules() -> Picture:
    """Standard deviation sigma_t of the variance exploding SDE, for several bases."""
    rows, found = [], {}
    for base in (1.01, 2.0, 5.0, 10.0, 25.0):
        sde = zoo.VEPower(base=base)
        rows += [{"t": t, "sd": sde.at(t).sigma, "base": f"σ = {base:g}"} for t in np.linspace(0.01, 1, 100).tolist()]
        found[f"sigma_1 at base {base:g}"] = float(sde.at(1.0).sigma)
    chart = lines(
        rows,
        "t",
        "sd",
        "base",
        log="",
        points=False,
        x_title="time t",
        y_title="standard deviation σ_t",
        title="How fast noise grows",
        subtitle="dX = σ^t dW",
        height=260,
    )
    return Picture(chart, found)


def singular_score() -> Picture:
    """How large the score is as time runs out: data in one point, and three modes with a width."""
    sde, times = zoo.OU(t_min=1e-6), np.geomspace(1e-5, 4, 60)
    rows: list[dict[str, Any]] = []
    for t in times.tolist():
        point = sde.at(t)
        rows.append({"t": t, "size": 1 / point.sigma**2, "law": "one point, and every q(x | x_0)"})
        law = Law.of(zoo.model("mixture-1d", sde=sde), point)
        xs = np.linspace(-9, 9, 4001)
        log_p = law.log_pdf(xs)
        rows.append(
            {"t": t, "size": float((np.exp(log_p) * np.gradient(log_p, xs) ** 2).sum() * 0.0045), "law": "three modes"}
        )
    point_rows = [row for row in rows if row["law"].startswith("one")]
    chart = lines(
        rows,
        "t",
        "size",
        "law",
        points=False,
        reverse=True,
        x_title="time that is left, T - t",
        y_title="mean square of the score",
        title="The score of a point has no bound",
        subtitle="E |∇ log q|² of the Ornstein-Uhlenbeck process",
        height=260,
    )
    found = {
        "power, one point": slope([r["t"] for r in point_rows[:20]], [r["size"] for r in point_rows[:20]]),
        "three modes, at the end": next(r["size"] for r in rows if r["law"] == "three modes"),
    }
    return Picture(chart, found)


def integrators() -> Picture:
    """Euler-Maruyama and the exponential integrator of DDPM's SDE: exact KL divergence over the number of steps."""
    sde = zoo.OU(t_min=1e-3)
    rows = []
    for law, variance in (("N(0, 1/4)", 0.25), ("N(0, 4)", 4.0)):
        model = zoo.Gaussian([0.0], variance, sde)
        point = sde.at(sde.t_min)
        exact = Normal(0.0, point.alpha**2 * variance + point.sigma**2)
        for words, solver in (("Euler-Maruyama", "euler-maruyama"), ("exponential integrator", "exponential-sde")):
            for kappa in (0.2, 0.1, 0.05, 0.025):
                grid = zoo.grid(f"kappa(kappa={kappa})").make_grid(sde)
                kl = exact.kl(gaussian_law(model, solver, grid))
                rows.append({"steps": grid.steps, "kl": kl, "solver": words, "law": law})
    chart = lines(
        rows,
        "steps",
        "kl",
        "solver",
        panel="law",
        x_title="steps",
        y_title="KL divergence, exact",
        title="Two integrators of the reverse SDE",
        subtitle="Ornstein-Uhlenbeck, steps in proportion to the time that is left",
        width=300,
        height=240,
    )
    found = {}
    for law in ("N(0, 1/4)", "N(0, 4)"):
        for solver in ("Euler-Maruyama", "exponential integrator"):
            own = [r for r in rows if r["solver"] == solver and r["law"] == law]
            found[f"{solver}, {law}: order"] = -slope([r["steps"] for r in own], [r["kl"] for r in own])
            found[f"{solver}, {law}: KL"] = own[-1]["kl"]
    return Picture(chart, found)


def objectives() -> Picture:
    """Three objectives of score matching over the slope of a linear score: one minimum, known constants apart."""
    sde, n, sigma, dim = zoo.EDM(), 2_000, 0.5, 2
    point, exact = sde.at(sigma), 1 / (1 + sigma**2)
    constant = dim / (2 * sigma**2)  # by which the denoising objective is larger, whatever the model
    noise = zoo.SeededNoise(0, range(n), (dim,), torch.float64)
    x0, slopes = noise.data().fresh(), np.linspace(0.3, 1.3, 21).tolist()
    rows, found = [], {"exact minimum": exact}
    for name, words, less in (
        ("esm", "explicit", 0.0),
        ("ssm(directions=gaussian)", "sliced", 0.0),
        ("dsm(weighting=constant, form=score)", "denoising, less d/2σ²", constant),
    ):
        objective = registry.default().make("objective", name)
        losses = []
        for a in slopes:
            model = zoo.FunctionModel(lambda x, t, a=a: -a * x, sde, prediction="score")
            losses.append(float(objective.loss_at(model, x0, point, noise.at(0)).detach().mean()) - less)
        rows += [{"slope": a, "loss": loss, "objective": words} for a, loss in zip(slopes, losses, strict=True)]
        square, linear, _ = np.polyfit(slopes, losses, 2)
        found[f"{words.partition(',')[0]}: minimum"] = float(-linear / (2 * square))
    chart = lines(
        rows,
        "slope",
        "loss",
        "objective",
        log="",
        points=False,
        x_title="a, of the score s(x) = -a x",
        y_title="loss",
        title="Three objectives, one minimum",
        height=260,
        subtitle=f"{n:,} points of N(0, I) with noise of σ = 1/2; the score has a = 1/(1 + σ²) = {exact:g}",
    )
    return Picture(chart, found)


def bound() -> Picture:
    """The variational bound of DDPM less the exact -log p(x_0), with the exact score, over the number of steps."""
    n, rows, found = 4_000, [], {}
    for num in (25, 50, 100, 200, 400):
        model = zoo.model("mixture-2d", sde=zoo.DDPMBetas(num=num, beta_start=0.1 / num, beta_end=20 / num))
        noise = zoo.SeededNoise(0, range(n), (2,), torch.float64)
        clean = zoo.EDM().at(1e-9)
        data = model.draw(clean, noise.data())
        for variance in ("large", "small"):
            objective = registry.default().make("objective", f"ddpm(bound=true, variance={variance})")
            gap = model.log_density(data, clean)
            for index in range(num):  # every term of the sum, not a draw of one
                u = torch.full((n,), (index + 0.5) / num, dtype=torch.float64)
                gap = gap + objective.losses(model, data, u, noise.at(index)) / num
            mean, error = float(gap.mean()), float(gap.std()) / math.sqrt(n)
            words = {"large": "β, right for a smooth law", "small": "that given x_0, right for a point"}[variance]
            rows.append({"steps": num, "gap": mean, "low": mean - 2 * error, "high": mean + 2 * error, "what": words})
            found[f"{variance}: gap at T = {num}"] = mean
            found[f"{variance}: two standard errors at T = {num}"] = 2 * error
    chart = lines(
        rows,
        "steps",
        "gap",
        "what",
        low="low",
        high="high",
        log="x",
        legend="variance of the reverse step",
        x_title="steps T of the chain",
        y_title="bound less -log p, in nats",
        title="The bound is tight as steps grow",
        subtitle="two modes in the plane, exact score; bands: two standard errors",
        height=260,
    )
    return Picture(chart, found)


PICTURES = {
    "forward": forward,
    "reverse-step": reverse_step,
    "schedules": schedules,
    "singular-score": singular_score,
    "integrators": integrators,
    "objectives": objectives,
    "bound": bound,
}
