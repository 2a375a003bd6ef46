"""The figures shown beside a run on an analytic model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from solvers_zoo.exact.transport import Law
from solvers_zoo.metrics.distances import (
    DIRECTIONS,
    mode_weight_error,
    relative_covariance_error,
    relative_mean_error,
    sliced_w1,
    tv_of_counts,
)
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.score_models.gaussian import Gaussian
from solvers_zoo.score_models.kernel import KernelMixture
from solvers_zoo.score_models.mixture import Mixture

if TYPE_CHECKING:
    from solvers_zoo.score_models.analytic import AnalyticModel

#: Sets of exact samples that make a floor, and the most numbers and projections made for them all.
RESAMPLES, BUDGET = 200, 2**22

#: More modes than this have no weights worth estimating.
MOST_MODES = 64


class Figure(NamedTuple):
    """One figure of merit."""

    name: str
    value: float
    floor: float
    """Its mean over sets of exact samples of the same size: what sampling alone shows."""
    z: float
    """(value - floor) over its standard deviation there; one-sided, above 3 the error is real."""


class Clean(NamedTuple):
    """The point of the data themselves; the trace of noise tells point masses apart."""

    alpha: float = 1.0
    sigma: float = 1e-9


def error_report(model: AnalyticModel, x: Tensor, point: Any = None, seed: int = 0) -> list[Figure]:
    r"""Distances between samples and the exact law at ``point``, each beside its sampling floor.

    The mean, the covariance, the sliced W1 to an exact sample of equal size, the weights of the modes (mixtures of up to
    64) and the total variation of the first coordinate's density (Huang et al.'s estimate, its bandwidth and range in
    proportion to the standard deviation). Floors come from `RESAMPLES` sets of exact samples. Where n is large the sets are
    smaller and their figures, which fall like n^-1/2, are scaled; that of the density, which does not, is drawn from the
    exact masses of its cells. The sets are drawn from ``seed`` and unrelated to the samples of a run.

    Args:
        model: the exact model.
        x: samples, (n, \*shape), n > 1.
        point: the point whose law they should have; the data's own if None.
        seed: of the exact samples.

    """
    at = Clean() if point is None else point
    n, samples = len(x), x.detach().cpu().double().reshape(len(x), -1)
    size = samples.shape[1]
    small = max(2, min(n, max(64, BUDGET // (RESAMPLES * max(size, DIRECTIONS)))))
    mean, cov = model.moments(at)
    exact = _draw(model, at, seed, range(n))
    sets = _draw(model, at, seed, range(n, n + RESAMPLES * small)).view(RESAMPLES, small, size)
    scale = (small / n) ** 0.5
    figures = [
        _figure(
            "mean", relative_mean_error(samples, mean, cov), scale * relative_mean_error(sets, mean, cov)
        ),
        _figure("covariance", relative_covariance_error(samples, cov), scale * relative_covariance_error(sets, cov)),
        _figure("sliced W1", sliced_w1(samples, exact), scale * sliced_w1(sets, sets.roll(1, 0))),
    ]  # fmt: skip
    if isinstance(model, Mixture) and 1 < len(model.weights) <= MOST_MODES:
        weights = model.weights
        own = model.responsibilities(samples, at)
        theirs = model.responsibilities(sets.view(-1, size), at).view(RESAMPLES, small, -1)
        figures.append(
            _figure("mode weights", mode_weight_error(own, weights), scale * mode_weight_error(theirs, weights))
        )
    if isinstance(model, Gaussian | Mixture | KernelMixture):
        figures.append(_marginal(model, samples[:, 0], at, mean, cov, seed))
    return figures


def _figure(name: str, value: Tensor, floors: Tensor) -> Figure:
    floor, spread = float(floors.mean()), float(floors.std())
    return Figure(name, float(value), floor, (float(value) - floor) / spread if spread > 0 else 0.0)


def _draw(model: AnalyticModel, point: Any, seed: int, samples: range) -> Tensor:
    """Exact samples (len, D), of numbers that no run with this seed uses."""
    draws = SeededNoise(seed, samples, model.shape, torch.float64).data()
    return model.draw(point, draws).reshape(len(samples), -1)


def _marginal(model: Any, x: Tensor, point: Any, mean: Tensor, cov: Tensor, seed: int) -> Figure:
    """The first coordinate's density, on the mean +- 4 standard deviations; exact counts are multinomial."""
    n, center, std = len(x), float(mean[0]), float(cov[0, 0].sqrt())
    law = Law.of(model, point, torch.eye(len(mean), dtype=torch.float64)[0])
    edges = torch.linspace(center - 4 * std, center + 4 * std, 1001, dtype=torch.float64)
    bandwidth = std / 6 * (4 / (3 * n)) ** 0.2
    masses = np.clip(law.mass(edges.numpy()), 0, None)
    chances = np.append(masses, max(0.0, 1 - masses.sum()))
    sets = np.random.default_rng([seed & 0xFFFFFFFF, n]).multinomial(n, chances / chances.sum(), RESAMPLES)[:, :-1]
    own = torch.from_numpy(np.histogram(x.numpy(), edges.numpy())[0])
    value, *floors = tv_of_counts(torch.cat((own[None], torch.from_numpy(sets))).double(), n, law, edges, bandwidth)
    return _figure("marginal TV", value, torch.stack(floors))
