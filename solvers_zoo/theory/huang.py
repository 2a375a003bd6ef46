r"""The numerical study of Huang, Huang & Lin 2024 (2404.09730), repeated.

Target: five correlated Gaussian modes (`mixture-5`). Process: Ornstein-Uhlenbeck, T = 8, down to t = 1e-5 without denoising.
Sampler: Heun on the probability flow in t, uniform steps, 4e4 particles from N(0, I). Measured: total variation of the first
coordinate's density (a kernel estimate), relative errors of mean and covariance; with the exact score, and with an artificial
score error delta that falls with the steps, delta ~ h^2. Claimed and found: error = O(delta + h^p) in every dimension.

    python -m solvers_zoo.theory.huang                  all: d = 8, 32, 128, five mixtures each; about an hour on one core
    python -m solvers_zoo.theory.huang --dims 8 --mixtures 2

The noise-free twin in one dimension, `transport_table`, needs no particles: the numerical map itself is compared with the
exact monotone transport.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.exact import Law, TransportDistance, transport_distance
from solvers_zoo.metrics import marginal_tv, relative_covariance_error, relative_mean_error
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.processes.ou import OU
from solvers_zoo.sampling.driver import sample
from solvers_zoo.score_models.score_error import ERRORS, ScoreError

DIMS = (8, 32, 128)
STEPS = (96, 64, 48, 32, 24, 16)
#: Score errors that go with the steps, in the same order.
DELTAS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
PARTICLES = 40_000


class Indicators(NamedTuple):
    """The study's three figures."""

    mean: float
    tv: float
    cov: float


def indicators(model: Any, x: Tensor) -> Indicators:
    """Errors of samples (n, d) against the law at t_min."""
    point = model.sde.at(model.sde.t_min)
    mean, cov = model.moments(point)
    x = x.double()
    law = Law.of(model, point, torch.eye(len(mean), dtype=torch.float64)[0])
    return Indicators(
        mean=float(relative_mean_error(x, mean, cov)),
        tv=float(marginal_tv(x[:, 0], law)),
        cov=float(relative_covariance_error(x, cov)),
    )


def exact_floor(model: Any, particles: int = PARTICLES, seed: int = 1) -> Indicators:
    """The same figures of exact samples."""
    draws = SeededNoise(seed, range(particles), model.shape, torch.float32).data()
    return indicators(model, model.draw(model.sde.at(model.sde.t_min), draws))


def particle_run(
    model: Any,
    steps: int,
    *,
    delta: float = 0.0,
    form: str = "constant",
    solver: str = "heun",
    particles: int = PARTICLES,
    dtype: torch.dtype = torch.float32,
) -> Indicators:
    """One run of the study: ``steps`` uniform steps with a score error ``delta`` of one of the three forms.

    float32 is enough: its error, 1e-6, is a ten-thousandth of the sampling error.
    """
    seen = ScoreError(model, delta, form) if delta else model
    method = registry.solver(solver, variable="t")
    result = sample(seen, solver=method, steps=steps, grid="uniform", n=particles, dtype=dtype, chunk=10_000)
    return indicators(model, result.x)


def transport_run(
    solver: str, steps: int, *, T: float = 8.0, delta: float = 0.0, form: str = "constant", cells: int = 20_000
) -> TransportDistance:
    """The 1-D problem without noise: exact distance between the image of N(0, 1) under the numerical map and the target."""
    model = registry.model("mixture-1d", sde=OU(t_max=T))
    seen = ScoreError(model, delta, form) if delta else model
    sde, method = model.sde, registry.solver(solver, variable="t")

    def push(x: Tensor) -> Tensor:
        return sample(seen, solver=method, steps=steps, grid="uniform", x=x).x

    return transport_distance(model, push, sde.at(T), sde.at(sde.t_min), prior_std=1.0, cells=cells)


def slope(x: Iterable[float], y: Iterable[float]) -> float:
    """Least-squares slope of log y against log x."""
    u, v = (torch.tensor([math.log(c) for c in values], dtype=torch.float64) for values in (x, y))
    away = u - u.mean()
    return float(away @ (v - v.mean()) / (away @ away))


# -- the tables ------------------------------------------------------------------------------------------------------


def write(*words: Any) -> None:
    """One line of a table."""
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


def particle_table(dim: int, mixtures: int, particles: int, dtype: torch.dtype) -> None:
    """Errors of all runs in one dimension, with slopes and what the study accepts."""
    for seed in range(mixtures):
        model = registry.model("mixture-5", dim=dim, seed=seed)
        floor = exact_floor(model, particles)
        write(
            f"\nd = {dim}, mixture {seed}; exact samples show mean {floor.mean:.4f} TV {floor.tv:.4f} cov {floor.cov:.4f}"
        )
        write("    N   mean     TV    cov" + "".join(f"  | {form:>10}: mean, TV, cov" for form in ERRORS))
        rows: list[list[Indicators]] = []
        for steps, delta in zip(STEPS, DELTAS, strict=True):
            cases = [(0.0, "constant"), *((delta, form) for form in ERRORS)]
            runs = [
                particle_run(model, steps, delta=d, form=form, particles=particles, dtype=dtype) for d, form in cases
            ]
            rows.append(runs)
            write(f"{steps:5d} " + "  |     ".join(f"{r.mean:6.4f} {r.tv:6.4f} {r.cov:6.4f}" for r in runs))
        coarse = [i for i, steps in enumerate(STEPS) if steps <= 48]
        h = [1 / STEPS[i] for i in coarse]
        for name in Indicators._fields:
            order = slope(h, [getattr(rows[i][0], name) for i in coarse])
            in_delta = [
                slope([DELTAS[i] for i in coarse], [getattr(rows[i][k], name) for i in coarse])
                for k in range(1, 1 + len(ERRORS))
            ]
            write(f"slope of {name:4} in h {order:5.2f}; in delta " + " ".join(f"{value:5.2f}" for value in in_delta))


def transport_table() -> None:
    """Total variation in one dimension, without noise."""
    for T in (8.0, 16.0):
        for solver in ("euler", "heun", "rk4"):
            runs = [transport_run(solver, 16 * 2**i, T=T) for i in range(6)]
            cells = [f"{run.tv:8.3g}" if run.monotone else "  folded" for run in runs]
            write(f"T = {T:g} {solver:5}, N = 16 ... 512:", *cells)
    for form in ERRORS:
        runs = [transport_run("heun", 512, delta=delta, form=form) for delta in DELTAS]
        write(f"score error {form:10}, delta = .005 ... .16:", *(f"{run.tv:6.4f}" for run in runs))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Repeat the numerical study of Huang, Huang & Lin 2024.")
    parser.add_argument("--dims", type=int, nargs="*", default=DIMS, help="dimensions; none for the 1-D tables alone")
    parser.add_argument("--mixtures", type=int, default=5, help="random mixtures in each dimension")
    parser.add_argument("--particles", type=int, default=PARTICLES)
    parser.add_argument("--float64", action="store_true")
    given = parser.parse_args(arguments)
    transport_table()
    for dim in given.dims:
        particle_table(dim, given.mixtures, given.particles, torch.float64 if given.float64 else torch.float32)


if __name__ == "__main__":
    main()
