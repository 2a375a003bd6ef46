r"""How the density of the first coordinate evolves from noise to data: exact beside a kernel estimate of the particles.

The picture of the lecture: five correlated modes in 128 dimensions, Heun's method from N(0, I), the score exact or wrong in one of
three ways, smaller errors with more steps. At any time u that is left, the estimate has the bandwidth
(4 / 3n)^(1/5) (1/2 + u / 2T): half of what suits a normal where modes are narrow, all of it at the start.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

from solvers_zoo.bench.experiment import Check, Experiment, Findings, Progress, Row, silent, track
from solvers_zoo.registry.card import StudyCard
from solvers_zoo.registry.options import option
from zoo_lectures.huang.particles import FORMS, HUANG, PARTICLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

#: Shares of T that are left when the density is looked at.
SHARES = (1.0, 1 / 2, 1 / 4, 1 / 8, 0.0)
#: Score errors of the picture, with the steps that go with them.
PAIRS = ((96, 0.005), (32, 0.04), (16, 0.16))
#: Cells of the estimate on [-10, 10], and of those how many are kept for the picture.
CELLS, DRAWN = 1000, 200
#: Sets of exact samples whose mean TV is the floor.
SETS = 10


def bandwidth(n: int, share: float) -> float:
    """Of the kernel estimate from n particles, ``share`` of T being left."""
    return float((4 / (3 * n)) ** 0.2 * (1 + share) / 2)


def first_coordinates(model: Any, seen: Any, steps: int, n: int) -> dict[float, Array]:
    """First coordinates of n particles at each of `SHARES`, of one run of Heun's method with uniform steps."""
    import numpy as np
    import torch

    from solvers_zoo.noise.seeded import SeededNoise
    from solvers_zoo.sampling.driver import sample

    start = SeededNoise(0, range(n), model.shape, torch.float64).start().fresh()
    wanted = {round((1 - share) * steps): share for share in SHARES[1:]}
    parts: dict[float, list[Any]] = {1.0: [start[:, 0].numpy()], **{share: [] for share in SHARES[1:]}}

    def look(state: Any) -> None:
        if state.index in wanted:
            parts[wanted[state.index]].append(state.x[:, 0].numpy().copy())

    sample(seen, solver="heun(variable=t)", steps=steps, grid="uniform", x=start, chunk=2_000, callback=look)
    return {share: np.concatenate(values)[:n] for share, values in parts.items()}


class HuangDensity(Experiment):
    r"""Marginal density of the first coordinate at t = T, T/2, T/4, T/8 and 0, for three errors of the score of three sizes.

    delta = .005, .04, .16 with 96, 32, 16 steps: the ends and the middle of the study. Kernel estimates of as many exact samples are
    measured beside it: what is above those is the sampler's doing.
    """

    card = StudyCard(
        name="huang-density",
        title="Density evolution by kernel reconstruction",
        claim="The generated marginal density follows the exact one at all times, closely for small errors of score and step.",
        source=HUANG,
        seconds=800,
        quick_seconds=20,
    )
    dim: int = option(128, help="number of coordinates; 8 in the quick form", low=1, high=128)
    mixture: int = option(0, help="which random mixture", low=0)
    particles: int = option(PARTICLES, help="samples a run", low=100)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Do it; the quick form has 8 dimensions."""
        from solvers_zoo import registry
        from solvers_zoo.score_models.wrappers.score_error import ScoreError

        model = registry.model("mixture-5", dim=8 if quick else self.dim, seed=self.mixture)
        exact = {share: Marginal(model, share, self.particles) for share in SHARES}
        jobs = [("exact", 0.0, PAIRS[0][0]), *((form, delta, steps) for form in FORMS for steps, delta in PAIRS)]
        rows: list[Row] = []
        curves: list[Row] = []
        for form, delta, steps in track(jobs, progress):
            seen = ScoreError(model, delta, form) if delta else model
            for share, x in first_coordinates(model, seen, steps, self.particles).items():
                facts = {"form": form, "delta": delta, "steps": steps, "t": share * model.sde.t_max}
                rows.append(facts | {"tv": exact[share].tv(x), "floor": exact[share].floor})
                curves += [facts | point for point in exact[share].beside(x)]
        return judge(rows, curves)


class Marginal:
    """The exact law of the first coordinate, ``share`` of T being left, and what n exact samples of it show."""

    def __init__(self, model: Any, share: float, n: int) -> None:
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

        from solvers_zoo.metrics.distances import marginal_tv

        return float(marginal_tv(torch.from_numpy(x), self.law, bandwidth=self.bandwidth))

    def beside(self, x: Array) -> list[Row]:
        """Both densities at the places that are drawn."""
        import numpy as np

        places = np.linspace(-10.0, 10.0, DRAWN)
        pairs = zip(places, estimate(x, places, self.bandwidth), np.exp(self.law.log_pdf(places)), strict=True)
        return [{"x": float(a), "density": float(b), "exact": float(c)} for a, b, c in pairs]


def estimate(x: Array, places: Array, h: float) -> Array:
    """Gaussian kernel estimate of bandwidth h at ``places``, from samples counted in cells on [-10, 10]."""
    import numpy as np

    counts, edges = np.histogram(x, CELLS, (-10.0, 10.0))
    apart = (places[:, None] - (edges[1:] + edges[:-1]) / 2) / h
    return np.exp(-apart * apart / 2) @ counts / (len(x) * h * np.sqrt(2 * np.pi))


def judge(rows: list[Row], curves: list[Row]) -> Findings:
    """What the rows say of the acceptance figures."""

    def above(form: str, delta: float) -> list[float]:
        return [row["tv"] / row["floor"] for row in rows if row["form"] == form and row["delta"] == delta]

    least = PAIRS[0][1]
    checks = [
        Check(
            "exact score",
            "TV over the mean of exact samples' with 96 steps, the largest of five times",
            max(above("exact", 0.0)),
            0.0,
            1.3,
        )
    ]
    checks += [
        Check(f"{form}, smallest", f"the same with a score error of {least:g}", max(above(form, least)), 0.0, 1.5)
        for form in FORMS
    ]
    for form in FORMS:
        last = [row["tv"] for row in rows if row["form"] == form and row["t"] == 0.0]
        growth = min(b / a for a, b in pairwise(last))
        checks.append(
            Check(f"{form}, growth", "TV at t = 0 over that of the next smaller error, the smallest", growth, 1.5)
        )
    from zoo_lectures.huang.density_chart import evolution

    return Findings(rows, checks, {"density": lambda: evolution(curves, rows)})
