r"""The numerical study of Huang, Huang & Lin 2024 (2404.09730) on particles, repeated.

Target: five correlated Gaussian modes (`mixture-5`). Process: Ornstein-Uhlenbeck, T = 8, down to t = 1e-5 without denoising.
Sampler: Heun on the probability flow in t, uniform steps, 4e4 particles from N(0, I). Measured: total variation of the first
coordinate's density (a kernel estimate), relative errors of mean and covariance; with the exact score, and with an artificial
score error delta that falls with the steps, delta ~ h^2. Claimed and found: error = O(delta + h^p) in every dimension.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import solvers_zoo as zoo
from solvers_zoo.bench.experiment import Checks, Experiment, Findings, Progress, Row, Rows, silent, track
from zoo_lectures.huang.numbers import BANDS, DELTAS, ERRORS, FITTED, HUANG, PARTICLES, STEPS, authors_table

if TYPE_CHECKING:
    from torch import Tensor


class Huang(Experiment):
    r"""Discretisation and total error of the probability flow on particles.

    Five correlated modes in d dimensions, Ornstein-Uhlenbeck to T = 8, uniform steps of Heun's method in t, from N(0, I):

        discretisation   exact score                         TV = O(h^2)
        total            score error delta e(x) / sqrt(d)    TV = O(delta + h^2),  delta from .005 to .16 as h^2 grows

    e is 1, x - m or sin(x) (x - m). TV is that of the first coordinate, from a kernel estimate; relative errors of mean and
    covariance are of the whole state. The bound that is proved, d sqrt(delta) + d (d h)^p, grows with d; the error does not.
    """

    card = zoo.StudyCard(
        name="huang",
        title="Error of the probability flow in 8, 32 and 128 dimensions",
        claim="The error of Heun's method is O(delta + h^2) with a constant that does not grow with the dimension.",
        source=HUANG,
        seconds=6600,
        quick_seconds=30,
    )
    dims: tuple[int, ...] = zoo.option((8, 32, 128), kind="ints", help="numbers of coordinates", low=1, high=128)
    mixtures: int = zoo.option(5, help="random mixtures with all runs", low=1)
    draws: int = zoo.option(20, help="random mixtures whose error at N = 32 and 16 is measured", low=1)
    particles: int = zoo.option(PARTICLES, help="samples a run", low=100)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Run all of the plan; the quick form is two mixtures in the first dimension, with the runs that its checks need."""
        from zoo_lectures.huang import charts, judge

        dims = self.dims[: 1 if quick else None]
        n = min(self.particles, 20_000) if quick else self.particles
        jobs = list(plan(dims, min(self.mixtures, 2) if quick else self.mixtures, 2 if quick else self.draws, quick))
        rows = [
            particle_run(**job, particles=n) if job.get("steps") else floor_run(**job, particles=n)
            for job in track(jobs, progress)
        ]
        theirs, ours = judge.sides(rows)
        notes = [judge.remark(ours, dim) for dim in dims]
        return self.judge(
            [*theirs, *ours], {"errors": lambda: charts.errors(ours), "draws": lambda: charts.draws(ours)}, notes
        )

    def checks(self, rows: Rows) -> Checks:
        """Those of every dimension, and of the lack of a trend in it."""
        from zoo_lectures.huang import judge

        return judge.checks(rows)


def plan(dims: Sequence[int], mixtures: int, draws: int, quick: bool = False) -> Iterator[dict[str, Any]]:
    """Arguments of all runs, those of low dimension first."""
    steps_exact = (96, *FITTED) if quick else STEPS
    pairs = [pair for pair in zip(STEPS, DELTAS, strict=True) if pair[0] in FITTED or not quick]
    printed = [key for key in authors_table() if key[2] in BANDS or not quick]
    for dim in dims:
        for _, form, steps in (key for key in printed if key[0] == dim):
            delta = 0.0 if form == "exact" else DELTAS[-1]
            yield {"dim": dim, "mixture": "authors", "steps": steps, "form": form, "delta": delta}
        for mixture in range(mixtures):
            yield {"dim": dim, "mixture": mixture}
            yield from ({"dim": dim, "mixture": mixture, "steps": steps} for steps in steps_exact)
        for mixture in range(mixtures, draws):
            yield from ({"dim": dim, "mixture": mixture, "steps": steps} for steps in BANDS)
    for dim in dims:
        for mixture in range(mixtures):
            for form in ERRORS:
                for steps, delta in pairs:
                    yield {"dim": dim, "mixture": mixture, "steps": steps, "form": form, "delta": delta}


def particle_run(
    dim: int,
    mixture: int | str,
    steps: int,
    *,
    form: str = "exact",
    delta: float = 0.0,
    particles: int = PARTICLES,
    solver: str = "heun(variable=t)",
) -> Row:
    """One run of the study: ``steps`` uniform steps with a score error ``delta`` of one of the three forms, or the exact score.

    ``mixture`` is the seed of a random one, or ``authors`` for the authors' own, with their own starts. float64 throughout: the last
    evaluation is at t = 1e-5, where the score of a float32 state is off by a hundredth.
    """
    import torch

    start: dict[str, Any] = {"n": particles, "dtype": torch.float64}
    if mixture == "authors":
        from zoo_lectures.huang.authors_draw import authors_problem

        model, x = authors_problem(dim)
        start = {"x": x}
    else:
        model = zoo.model("mixture-5", dim=dim, seed=mixture)
    seen = zoo.ScoreError(model, delta, form) if delta else model
    # batches that stay in the processor's caches
    done = zoo.sample(seen, solver=solver, steps=steps, grid="uniform", chunk=2_000, **start)
    facts = {"dim": dim, "mixture": mixture, "form": form, "delta": delta, "steps": steps, "h": model.sde.t_max / steps}
    return facts | indicators(model, done.x)


def floor_run(dim: int, mixture: int, particles: int = PARTICLES, seed: int = 1) -> Row:
    """The same errors of as many exact samples: what sampling alone shows."""
    import torch

    model = zoo.model("mixture-5", dim=dim, seed=mixture)
    draws = zoo.SeededNoise(seed, range(particles), model.shape, torch.float32).data()
    found = indicators(model, model.draw(model.sde.at(model.sde.t_min), draws))
    return {"dim": dim, "mixture": mixture, "form": "samples", "delta": 0.0, "steps": 0, **found}


def indicators(model: zoo.Mixture, x: Tensor) -> dict[str, float]:
    """The study's three errors of samples (n, d) against the law at t_min: mean, tv, cov."""
    import torch

    from solvers_zoo.exact import Law
    from solvers_zoo.metrics import marginal_tv, relative_covariance_error, relative_mean_error

    point = model.sde.at(model.sde.t_min)
    mean, cov = model.moments(point)
    x = x.double()
    law = Law.of(model, point, torch.eye(len(mean), dtype=torch.float64)[0])
    return {
        "mean": float(relative_mean_error(x, mean, cov)),
        "tv": float(marginal_tv(x[:, 0], law)),
        "cov": float(relative_covariance_error(x, cov)),
    }
