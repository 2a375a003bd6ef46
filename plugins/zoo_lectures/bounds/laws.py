r"""The exact law of a sampler's results on the line, which the studies compare with the law that it should have.

On a Gaussian every step is affine in the state and in its noise, so unit probes give mean and variance (`gaussian_law`). On any
other law a solver with additive noise takes x to m(x) + c z; its density follows step by step from the solver's own m and c
(`density_law`). Nothing is sampled.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from solvers_zoo import AnalyticModel, GaussianPoint, Grid, IncompatibleError, Noise, ScoreModel, sample
from solvers_zoo.exact import affine_map
from solvers_zoo.testing import ProbeNoise
from zoo_lectures.quadrature import Array


class Normal(NamedTuple):
    """A normal law on the line."""

    mean: float
    variance: float

    @classmethod
    def of(cls, model: AnalyticModel, point: GaussianPoint) -> Normal:
        """The law of a model at a point: a Gaussian about 0 on the line."""
        return cls(0.0, float(model.moments(point)[1]))

    def density(self, x: Array) -> Density:
        """The density at places."""
        away = (x - self.mean) ** 2 / self.variance
        return Density(x, np.exp(-away / 2) / math.sqrt(2 * math.pi * self.variance))

    def kl(self, other: Normal) -> float:
        """KL(self || other) in nats."""
        ratio = self.variance / other.variance
        return (ratio - 1 - math.log(ratio) + (self.mean - other.mean) ** 2 / other.variance) / 2


#: The prior of a process that keeps the variance.
STANDARD = Normal(0.0, 1.0)


def gaussian_law(model: ScoreModel, solver: str, grid: Grid, start: Normal = STANDARD) -> Normal:
    """Mean and variance of what ``solver`` makes of a normal start, where the score of ``model`` is affine.

    Args:
        model: a score model of one coordinate whose score is affine in x.
        solver: the name of one that is affine in state and noise.
        grid: the times.
        start: the law at ``grid[0]``.

    """

    def run(x: Tensor, noise: Noise) -> Tensor:
        return sample(model, solver, grid=grid, x=x, noise=noise, chunk=len(x)).x

    mean, variance = affine_map(run, (1,)).law(
        torch.tensor([start.mean], dtype=torch.float64), torch.tensor([[start.variance]], dtype=torch.float64)
    )
    return Normal(float(mean), float(variance))


class Density(NamedTuple):
    """A density on evenly spaced places of the line."""

    x: Array
    p: Array

    @property
    def width(self) -> float:
        """Distance of neighbouring places."""
        return float(self.x[1] - self.x[0])

    @property
    def mass(self) -> float:
        """Its integral."""
        return float(self.p.sum()) * self.width

    def kl(self, other: Density) -> float:
        """KL(self || other) in nats, of the two scaled to mass 1.

        As E_self[r - 1 - log r] with r = other/self, whose terms are all positive: rounding does not cancel.
        """
        p, q = self.p / self.mass, np.maximum(other.p / other.mass, 1e-300)
        seen = p > 1e-30
        ratio = q[seen] / p[seen]
        return float((p[seen] * (ratio - 1 - np.log(ratio))).sum() + q[~seen].sum()) * self.width

    def tv(self, other: Density) -> float:
        """Total variation in [0, 1], of the two scaled to mass 1."""
        return float(np.abs(self.p / self.mass - other.p / other.mass).sum()) * self.width / 2


def places(reach: float, count: int = 8192) -> Array:
    """``count`` evenly spaced places from -reach to (nearly) reach."""
    return (np.arange(count) / count * 2 - 1) * reach


def density_of(law: AnalyticModel, point: GaussianPoint, x: Array) -> Density:
    """The exact density of a one-dimensional analytic model at a point."""
    log_p = law.log_density(torch.from_numpy(x)[:, None], point)
    return Density(x, log_p.exp().numpy())


def density_law(model: ScoreModel, solver: str, grid: Grid, start: Density) -> Density:
    """The density of what ``solver`` makes of ``start``: every step moves it by the solver's own map, then blurs it.

    The map is interpolated by cubic splines and the blur is a Fourier multiplier, so the error is that of a spline on
    ``start.x``: about 1e-10 of the density with ten places a narrowest standard deviation.

    Args:
        model: a score model of one coordinate.
        solver: the name of one that keeps no memory and has noise of a size that does not depend on the state.
        grid: the times.
        start: the density at ``grid[0]``; it should vanish at both ends of its places, and so should the result.

    Raises:
        IncompatibleError: a step draws more than once, or folds the line so that its map has no inverse.

    """
    from scipy.interpolate import CubicSpline

    x, p = start
    frequencies = 2 * math.pi * np.fft.rfftfreq(len(x), d=start.width)
    # the places, and two probes of the noise: a step without it and one with a unit of it
    probes = torch.cat((torch.from_numpy(x), torch.zeros(2, dtype=torch.float64)))[:, None]
    units = torch.zeros(8, len(probes), dtype=torch.float64)
    for t, s in grid.intervals():
        noise = ProbeNoise(probes, units)
        units[0, -1] = 1.0
        done = sample(model, solver, grid=Grid(grid.sde, [t, s]), x=probes, noise=noise, chunk=len(probes))
        image = done.x.flatten().numpy()
        if len(noise.addresses) > 1:
            raise IncompatibleError(f"{solver} draws {len(noise.addresses)} times a step; this takes one draw or none.")
        moved, blur = image[:-2], abs(image[-1] - image[-2])
        inside = _live(p)
        moved, there = moved[inside], x[inside]
        slope = CubicSpline(there, moved)(there, 1)
        if np.min(slope) <= 0:
            raise IncompatibleError(f"{solver} folds the line between t = {t.t:g} and {s.t:g}; take smaller steps.")
        q = CubicSpline(moved, p[inside] / slope, extrapolate=False)(x)
        spectrum = np.fft.rfft(np.nan_to_num(q)) * np.exp(-((frequencies * blur) ** 2) / 2)
        p = np.maximum(np.fft.irfft(spectrum, n=len(x)), 0.0)
    return Density(x, p)


def end_kl(model: AnalyticModel, seen: ScoreModel, solver: str, grid: Grid, x: Array | None = None) -> float:
    """KL(exact || sampled) in nats at the end of the grid, from N(0, 1) at its start.

    Args:
        model: the exact law; a Gaussian about 0 where ``x`` is None.
        seen: the score that the solver is given.
        solver: what `gaussian_law` or `density_law` takes.
        grid: the times.
        x: the places of densities; None for normal laws, in closed form.

    """
    if x is None:
        return Normal.of(model, grid[-1]).kl(gaussian_law(seen, solver, grid))
    return density_of(model, grid[-1], x).kl(density_law(seen, solver, grid, STANDARD.density(x)))


def _live(p: Array) -> slice:
    """The places between which the density is more than rounding."""
    seen = np.flatnonzero(p > 1e-25 * p.max())
    return slice(max(int(seen[0]) - 2, 0), min(int(seen[-1]) + 3, len(p)))
