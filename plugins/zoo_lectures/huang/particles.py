r"""The numerical study of Huang, Huang & Lin 2024 (2404.09730) on particles, repeated.

Target: five correlated Gaussian modes (`mixture-5`). Process: Ornstein-Uhlenbeck, T = 8, down to t = 1e-5 without denoising.
Sampler: Heun on the probability flow in t, uniform steps, 4e4 particles from N(0, I). Measured: total variation of the first
coordinate's density (a kernel estimate), relative errors of mean and covariance; with the exact score, and with an artificial
score error delta that falls with the steps, delta ~ h^2. Claimed and found: error = O(delta + h^p) in every dimension.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from solvers_zoo.bench.experiment import Experiment, Findings, Progress, Row, silent, track
from solvers_zoo.registry.card import Source, StudyCard
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from torch import Tensor

STEPS = (96, 64, 48, 32, 24, 16)
#: Score errors that go with the steps, in the same order.
DELTAS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
#: Steps over which slopes are fitted: where the sampling floor does not show.
FITTED = (48, 32, 24, 16)
FORMS = ("constant", "linear", "sinusoidal")
PARTICLES = 40_000
#: Total variation at N = 32 and 16, as the study's own mixtures and three others showed.
BANDS = {32: (0.045, 0.085), 16: (0.22, 0.45)}

#: What the authors' notebook prints for their own draw of the mixture: dimension, N, then mean, TV, cov with the exact score.
_EXACT = """
8 96 .0061 .0117 .0059   8 48 .0076 .0253 .0115   8 32 .0158 .0552 .0253   8 24 .0313 .1028 .0500   8 16 .0853 .2570 .1408
32 96 .0085 .0112 .0113  32 48 .0124 .0223 .0141  32 32 .0221 .0550 .0279  32 24 .0387 .1063 .0561  32 16 .0968 .2586 .1625
128 96 .0056 .0116 .0057 128 48 .0081 .0272 .0136 128 32 .0185 .0645 .0358 128 24 .0377 .1213 .0752 128 16 .1054 .2555 .2212
"""
#: The same with N = 16 and delta = .16, for each form of error in turn: dimension, then mean, TV, cov three times.
_TOTAL = """
8 .5215 .3328 .3026 1.2222 .2106 1.1140 .2810 .2566 .3013
32 .1862 .2499 .2253 .5775 .2248 .8251 .1255 .2188 .1954
128 .1297 .2269 .2317 .3059 .2315 .5188 .1144 .2337 .2230
"""


def authors_table() -> dict[tuple[int, str, int], tuple[float, ...]]:
    """(dimension, form, N) -> the authors' mean, TV and cov."""
    exact = _EXACT.split()
    found = {
        (int(exact[i]), "exact", int(exact[i + 1])): tuple(map(float, exact[i + 2 : i + 5]))
        for i in range(0, len(exact), 5)
    }
    for line in _TOTAL.strip().splitlines():
        dim, *figures = line.split()
        found |= {(int(dim), form, 16): tuple(map(float, figures[3 * i : 3 * i + 3])) for i, form in enumerate(FORMS)}
    return found


HUANG = Source(
    authors="Huang, Huang & Lin 2024",
    title="Convergence Analysis of Probability Flow ODE for Score-based Generative Models",
    arxiv="2404.09730",
    where="numerical study; lecture of D. Z. Huang, section Numerical Verification",
)


def indicators(model: Any, x: Tensor) -> dict[str, float]:
    """The study's three errors of samples (n, d) against the law at t_min: mean, tv, cov."""
    import torch

    from solvers_zoo.exact import Law
    from solvers_zoo.metrics.distances import marginal_tv, relative_covariance_error, relative_mean_error

    point = model.sde.at(model.sde.t_min)
    mean, cov = model.moments(point)
    x = x.double()
    law = Law.of(model, point, torch.eye(len(mean), dtype=torch.float64)[0])
    return {
        "mean": float(relative_mean_error(x, mean, cov)),
        "tv": float(marginal_tv(x[:, 0], law)),
        "cov": float(relative_covariance_error(x, cov)),
    }


def floor_run(dim: int, mixture: int, particles: int = PARTICLES, seed: int = 1) -> Row:
    """The same errors of as many exact samples: what sampling alone shows."""
    import torch

    from solvers_zoo import registry
    from solvers_zoo.noise.seeded import SeededNoise

    model = registry.model("mixture-5", dim=dim, seed=mixture)
    draws = SeededNoise(seed, range(particles), model.shape, torch.float32).data()
    found = indicators(model, model.draw(model.sde.at(model.sde.t_min), draws))
    return {"dim": dim, "mixture": mixture, "form": "samples", "delta": 0.0, "steps": 0, **found}


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

    from solvers_zoo import registry
    from solvers_zoo.sampling.driver import sample
    from solvers_zoo.score_models.wrappers.score_error import ScoreError

    start: dict[str, Any] = {"n": particles, "dtype": torch.float64}
    if mixture == "authors":
        from zoo_lectures.huang.authors_draw import authors_problem

        model, x = authors_problem(dim)
        start = {"x": x}
    else:
        model = registry.model("mixture-5", dim=dim, seed=mixture)
    seen = ScoreError(model, delta, form) if delta else model
    # batches that stay in the processor's caches
    done = sample(seen, solver=solver, steps=steps, grid="uniform", chunk=2_000, **start)
    return {
        "dim": dim,
        "mixture": mixture,
        "form": form,
        "delta": delta,
        "steps": steps,
        "h": model.sde.t_max / steps,
        **indicators(model, done.x),
    }


class Huang(Experiment):
    r"""Discretisation and total error of the probability flow on particles.

    Five correlated modes in d dimensions, Ornstein-Uhlenbeck to T = 8, uniform steps of Heun's method in t, from N(0, I):

        discretisation   exact score                         TV = O(h^2)
        total            score error delta e(x) / sqrt(d)    TV = O(delta + h^2),  delta from .005 to .16 as h^2 grows

    e is 1, x - m or sin(x) (x - m). TV is that of the first coordinate, from a kernel estimate; relative errors of mean and
    covariance are of the whole state. The bound that is proved, d sqrt(delta) + d (d h)^p, grows with d; the error does not.
    """

    card = StudyCard(
        name="huang",
        title="Error of the probability flow in 8, 32 and 128 dimensions",
        claim="The error of Heun's method is O(delta + h^2) with a constant that does not grow with the dimension.",
        source=HUANG,
        seconds=6600,
        quick_seconds=30,
    )
    dims: tuple[int, ...] = option((8, 32, 128), kind="ints", help="numbers of coordinates", low=1, high=128)
    mixtures: int = option(5, help="random mixtures with all runs", low=1)
    draws: int = option(20, help="random mixtures whose error at N = 32 and 16 is measured", low=1)
    particles: int = option(PARTICLES, help="samples a run", low=100)

    def run(self, progress: Progress = silent, quick: bool = False) -> Findings:
        """Do it; the quick form is two mixtures in the first dimension, with the runs that its checks need."""
        dims = self.dims[: 1 if quick else None]
        n = min(self.particles, 20_000) if quick else self.particles
        jobs = list(plan(dims, min(self.mixtures, 2) if quick else self.mixtures, 2 if quick else self.draws, quick))
        rows = [
            particle_run(**job, particles=n) if job.get("steps") else floor_run(**job, particles=n)
            for job in track(jobs, progress)
        ]
        from zoo_lectures.huang.judge import judge  # it reads what stands below

        return judge(rows)


def plan(dims: Sequence[int], mixtures: int, draws: int, quick: bool = False) -> Iterator[dict[str, Any]]:
    """Arguments of all runs, those of low dimension first."""
    steps_exact = (96, *FITTED) if quick else STEPS
    pairs = [pair for pair in zip(STEPS, DELTAS, strict=True) if pair[0] in FITTED or not quick]
    printed = [key for key in authors_table() if key[2] in BANDS or not quick]
    for dim in dims:
        for _, form, steps in (key for key in printed if key[0] == dim):
            yield {
                "dim": dim,
                "mixture": "authors",
                "steps": steps,
                "form": form,
                "delta": 0.0 if form == "exact" else DELTAS[-1],
            }
        for mixture in range(mixtures):
            yield {"dim": dim, "mixture": mixture}
            yield from ({"dim": dim, "mixture": mixture, "steps": steps} for steps in steps_exact)
        for mixture in range(mixtures, draws):
            yield from ({"dim": dim, "mixture": mixture, "steps": steps} for steps in BANDS)
    for dim in dims:
        for mixture in range(mixtures):
            for form in FORMS:
                for steps, delta in pairs:
                    yield {"dim": dim, "mixture": mixture, "steps": steps, "form": form, "delta": delta}
