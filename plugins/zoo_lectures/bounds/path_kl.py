r"""Girsanov's KL divergence between exact and numerical paths of the exponential integrator on the Ornstein-Uhlenbeck process.

    sum_k int E |s(u_k, X_(u_k)) - grad log q_u(X_u)|^2 du,      u the time that is left, s = grad log q_(u_k) held over step k

by quadrature on the line, and averaged over exact samples in any dimension; and the targets of its study.
"""

from __future__ import annotations

import math

import torch

from solvers_zoo import OU, AnalyticModel, Gaussian, GaussianPoint, Grid, Mixture, SeededNoise, registry
from solvers_zoo.metrics import Clean
from zoo_lectures.bounds.laws import density_of, places
from zoo_lectures.bounds.numbers import THREE, VARIANCES
from zoo_lectures.quadrature import nodes

#: Places of quadratures lie in [-REACH, REACH].
REACH = 12.0


def target(name: str, T: float, tau: float) -> Gaussian | Mixture:
    """A law on the line under OU from T to tau."""
    if name == THREE:
        return whitened(1, T, tau, name="mixture-1d")
    return Gaussian([0.0], VARIANCES[name], OU(t_min=tau, t_max=T))


def whitened(d: int, T: float, tau: float, name: str = "mixture-5") -> Mixture:
    """A registered mixture, moved to mean 0 and turned and scaled to unit covariance, as the theorem asks."""
    data = registry.model(name, dim=d) if name == "mixture-5" else registry.model(name)
    mean, cov = data.moments(Clean())
    values, vectors = torch.linalg.eigh(cov)
    root = (vectors * values.rsqrt()) @ vectors.mT
    spread = data.variances if data.variances.shape[-1] == d else data.variances.expand(-1, d)
    covs = torch.diag_embed(spread) if data.bases is None else (data.bases * spread[:, None]) @ data.bases.mT
    return Mixture(data.weights, (data.means - mean) @ root, root @ covs @ root, OU(t_min=tau, t_max=T))


def path_kl(model: AnalyticModel, grid: Grid) -> float:
    """sum_k int E |s(u_k, X_(u_k)) - grad log q_u(X_u)|^2 du of a law on the line under OU, without the prior's part."""

    def moments(point: GaussianPoint) -> tuple[float, float]:
        """Entropy and Fisher information, from as many places as the law's width asks for."""
        x = places(REACH, 2**15 if point.sigma < 0.02 else 2**12)
        density, at = density_of(model, point, x), torch.from_numpy(x)[:, None]
        logs = model.log_density(at, point).numpy()
        score = model(at, point).score[:, 0].numpy()
        p = density.p * density.width
        return -float(p @ logs), float(p @ score**2)

    first, last = grid[0], grid[-1]
    total = moments(first)[0] - moments(last)[0] + first.t - last.t
    for t, s in grid.intervals():
        h = t.t - s.t
        total -= (-2 * math.expm1(-h) - h) * moments(t)[1]
    return total


def sampled_path_kl(model: AnalyticModel, grid: Grid, samples: int, seed: int = 0) -> tuple[float, float]:
    """The same in any dimension, averaged over exact pairs (X_u, X_(u_k)), with its standard error.

    Each step's integral over u is Gauss-Legendre's with three points; a sample draws all of its pairs anew.
    """
    noise = SeededNoise(seed, range(samples), model.shape or (), torch.float64)
    total = torch.zeros(samples, dtype=torch.float64)
    for index, (t, s) in enumerate(grid.intervals()):
        draws = noise.at(index)
        for u, share in zip(*(part.tolist() for part in nodes((float(s.t), float(t.t)), 3)), strict=True):
            point = model.sde.at(u)
            x = model.draw(point, draws)
            h = t.t - point.t
            earlier = math.exp(-h) * x + math.sqrt(-math.expm1(-2 * h)) * draws.fresh()
            gap = model(earlier, t).score - model(x, point).score
            total += share * gap.square().sum(1)
    return float(total.mean()), float(total.std() / math.sqrt(samples))
