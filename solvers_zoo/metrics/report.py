"""The figures shown beside a run on an analytic model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from solvers_zoo.metrics.base import Clean as Clean
from solvers_zoo.metrics.marginals import MarginalTV
from solvers_zoo.metrics.moments import CovarianceError, MeanError, ModeWeights
from solvers_zoo.metrics.reference import flat, reference
from solvers_zoo.metrics.sliced import SlicedW1
from solvers_zoo.noise.seeded import SeededNoise

if TYPE_CHECKING:
    from solvers_zoo.metrics.sampled import SampledMetric
    from solvers_zoo.score_models.analytic import AnalyticModel

#: Figures of exact samples that make a floor here, where nobody waits for a p-value.
RESAMPLES = 200

_METRICS: dict[str, SampledMetric] = {
    "mean": MeanError(),
    "covariance": CovarianceError(),
    "sliced W1": SlicedW1(),
    "mode weights": ModeWeights(),
    "marginal TV": MarginalTV(),
}


class Figure(NamedTuple):
    """One figure of merit."""

    name: str
    value: float
    floor: float
    """Its mean over sets of exact samples of the same size: what sampling alone shows."""
    z: float
    """(value - floor) over its standard deviation there; one-sided, above 3 the error is real."""


def error_report(model: AnalyticModel, x: Tensor, point: Any = None, seed: int = 0) -> list[Figure]:
    r"""Distances between samples and the exact law at ``point``, each beside its sampling floor.

    The mean, the covariance, the sliced W1 to an exact sample of equal size, the weights of the modes (mixtures of up to
    64) and the total variation of the first coordinate's density, as the metrics of these names have them. Their floors
    come from `RESAMPLES` sets of exact samples or more.

    Args:
        model: the exact model.
        x: samples, (n, \*shape), n > 1.
        point: the point whose law they should have; the data's own if None.
        seed: of the exact samples that they are compared with.

    Raises:
        NotFiniteError: samples that are not finite.

    """
    law, samples = reference(model, Clean() if point is None else point), flat(x)

    def exact(n: int) -> Tensor:
        return flat(model.draw(law.point, SeededNoise(seed, range(n), model.shape, torch.float64).data()))

    fit = {name: metric for name, metric in _METRICS.items() if not metric.refuses(model)}
    found = {name: metric.against(law, samples, exact, RESAMPLES) for name, metric in fit.items()}
    return [Figure(name, figure.value, figure.floor, figure.z or 0.0) for name, figure in found.items()]
