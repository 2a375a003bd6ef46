r"""How the density of the first coordinate evolves from noise to data: exact beside a kernel estimate of the particles.

The picture of the lecture: five correlated modes in 128 dimensions, Heun's method from N(0, I), the score exact or wrong in one of
three ways, smaller errors with more steps. At any time u that is left, the estimate has the bandwidth
(4 / 3n)^(1/5) (1/2 + u / 2T): half of what suits a normal where modes are narrow, all of it at the start.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import solvers_zoo as zoo
from solvers_zoo.bench.experiment import (
    Check,
    Checks,
    Experiment,
    Findings,
    Progress,
    Row,
    Rows,
    column,
    ratios,
    silent,
    slope_of,
    track,
)
from zoo_lectures.huang.numbers import ERRORS, HUANG, PAIRS, PARTICLES, SHARES

if TYPE_CHECKING:
    from zoo_lectures.quadrature import Array

#: Cells of the estimate on [-10, 10], and of those how many are kept for the picture.
CELLS, DRAWN = 1000, 200
#: Slope in delta of how far the score's error moves a particle: about 1, and 1/2 for an error of sqrt(delta).
#: Over eight seeds, of 20,000 particles in 8 dimensions: .964, .960, .978 by form, with standard deviations of .020, .017, .011.
#: The limit is four of the largest below. There is none above: in 128 dimensions a small error seldom takes a particle to another
#: mode, so the slope is larger (1.28, 1.11, 1.18 with 5,000 particles).
TWINS = 0.88
#: Sets of exact samples whose mean TV is the floor.
SETS = 10


class HuangDensity(Experiment):
    r"""Marginal density of the first coordinate at t = T, T/2, T/4, T/8 and 0, for three errors of the score of three sizes.

    delta = .005, .04, .16 with 96, 32, 16 steps: the ends and the middle of the study. Kernel estimates of as many exact samples are
    measured beside it: a larger error than theirs is the sampler's own. Every run is also set beside that of the same particles with
    the exact score and as many steps: how far a particle ends from its twin shows the error of the score alone.
    """

    card = zoo.StudyCard(
        name="huang-density",
        title="Density evolution by kernel reconstruction",
        claim="The generated marginal density follows the exact one at all times, closely for small errors of score and step.",
        source=HUANG,
        seconds=800,
        quick_seconds=20,
    )
    dim: int = zoo.option(128, help="number of coordinates; 8 in the quick form", low=1, high=128)
    mixture: int = zoo.option(0, help="which random mixture", low=0)
    particles: int = zoo.option(PARTICLES, help="samples a run", low=100)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Every form and size of the error at every time; the quick form has 8 dimensions."""
        from zoo_lectures.huang.density_chart import evolution

        model = zoo.model("mixture-5", dim=8 if quick else self.dim, seed=self.mixture)
        exact = {share: Marginal(model, share, self.particles) for share in SHARES}
        jobs = [("exact", 0.0, steps) for steps, _ in PAIRS]
        jobs += [(form, delta, steps) for form in ERRORS for steps, delta in PAIRS]
        twins: dict[int, dict[float, Array]] = {}
        rows: list[Row] = []
        curves: list[Row] = []
        for form, delta, steps in track(jobs, progress):
            seen = zoo.ScoreError(model, delta, form) if delta else model
            found = first_coordinates(seen, steps, self.particles)
            twin = twins.setdefault(steps, found)
            for share, x in found.items():
                facts = {"form": form, "delta": delta, "steps": steps, "t": share * model.sde.t_max}
                moved = float(abs(x - twin[share]).mean())
                rows.append(facts | {"tv": exact[share].tv(x), "floor": exact[share].floor, "moved": moved})
                curves += [facts | point for point in exact[share].beside(x)]
        return self.judge(rows, {"density": lambda: evolution(curves, rows)})

    def checks(self, rows: Rows) -> Checks:
        """The estimates beside those of exact samples, how their distance grows, and how far the score's error moves a particle."""
        most, least = PAIRS[0]

        def above(form: str, delta: float) -> float:
            """The largest of five times."""
            return max(ratios(rows, "tv", "floor", form=form, delta=delta, steps=most))

        yield Check(
            "exact score",
            "TV over the mean of exact samples' with 96 steps, the largest of five times",
            above("exact", 0.0),
            0.0,
            1.3,
        )
        for form in ERRORS:
            yield Check(f"{form}, smallest", f"the same with a score error of {least:g}", above(form, least), 0.0, 1.5)
        for form in ERRORS:
            growth = min(b / a for a, b in pairwise(column(rows, "tv", form=form, t=0.0)))
            yield Check(f"{form}, growth", "TV at t = 0 over that of the next smaller error, the smallest", growth, 1.5)
        for form in ERRORS:
            yield Check(
                f"{form}, twins",
                "slope in delta of the mean distance at t = 0 from where the exact score takes the same particle in as many steps",
                slope_of(rows, "delta", "moved", form=form, t=0.0),
                TWINS,
            )


def bandwidth(n: int, share: float) -> float:
    """The bandwidth of the kernel estimate from n particles when ``share`` of T is left."""
    return float((4 / (3 * n)) ** 0.2 * (1 + share) / 2)


def first_coordinates(model: zoo.ScoreModel, steps: int, n: int) -> dict[float, Array]:
    """First coordinates of n particles at each of `SHARES`, of one run of Heun's method with uniform steps."""
    import numpy as np
    import torch

    start = zoo.SeededNoise(0, range(n), model.shape or (), torch.float64).start().fresh()
    wanted = {round((1 - share) * steps): share for share in SHARES[1:]}
    parts: dict[float, list[Array]] = {1.0: [start[:, 0].numpy()], **{share: [] for share in SHARES[1:]}}

    def look(state: zoo.State) -> None:
        if state.index in wanted:
            parts[wanted[state.index]].append(state.x[:, 0].numpy().copy())

    zoo.sample(model, solver="heun(variable=t)", steps=steps, grid="uniform", x=start, chunk=2_000, callback=look)
    return {share: np.concatenate(values)[:n] for share, values in parts.items()}


class Marginal:
    """The exact law of the first coordinate, ``share`` of T being left, and what n exact samples of it show."""

    def __init__(self, model: zoo.Mixture, share: float, n: int) -> None:
        from statistics import fmean

        import numpy as np
        import torch

        from solvers_zoo.exact import Law

        point = model.sde.at(max(share * model.sde.t_max, model.sde.t_min))
        self.law = Law.of(model, point, torch.eye(*2 * model.shape, dtype=torch.float64)[0])
        self.bandwidth = bandwidth(n, share)
        rng = np.random.default_rng(0)
        weights = np.exp(self.law.logs)
        modes = (rng.choice(len(weights), n, p=weights) for _ in range(SETS))
        self.floor = fmean(self.tv(self.law.means[m] + self.law.stds[m] * rng.standard_normal(n)) for m in modes)

    def tv(self, x: Array) -> float:
        """Total variation between the estimate from x and the law."""
        import torch

        from solvers_zoo.metrics import marginal_tv

        return float(marginal_tv(torch.from_numpy(x), self.law, bandwidth=self.bandwidth))

    def beside(self, x: Array) -> list[Row]:
        """Both densities at the places that are drawn."""
        import numpy as np

        places = np.linspace(-10.0, 10.0, DRAWN)
        table = (places, estimate(x, places, self.bandwidth), np.exp(self.law.log_pdf(places)))
        return [dict(zip(("x", "density", "exact"), row, strict=True)) for row in np.stack(table, 1).tolist()]


def estimate(x: Array, places: Array, h: float) -> Array:
    """Gaussian kernel estimate of bandwidth h at ``places``, from samples counted in cells on [-10, 10]."""
    import numpy as np

    counts, edges = np.histogram(x, CELLS, (-10.0, 10.0))
    apart = (places[:, None] - (edges[1:] + edges[:-1]) / 2) / h
    return np.exp(-apart * apart / 2) @ counts / (len(x) * h * np.sqrt(2 * np.pi))
