"""Errors of mean, covariance and mode weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from solvers_zoo.metrics.sampled import SampledMetric
from solvers_zoo.registry.card import MetricCard, Source

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.metrics.reference import Reference
    from solvers_zoo.score_models.analytic import AnalyticModel

#: More modes than this have no weights worth estimating.
MOST_MODES = 64

_HUANG = Source(
    authors="Huang, Huang & Lin 2024",
    title="Convergence Analysis of Probability Flow ODE for Score-based Generative Models",
    arxiv="2404.09730",
    where="the authors' notebook Gaussian-mixture-density.ipynb",
)


class MeanError(SampledMetric):
    """Error of the sample mean, relative to the length of the law's mean; to sqrt(tr C) where that is zero.

    Without a law in closed form it compares with the mean of as many exact samples.
    """

    card = MetricCard(
        name="mean",
        title="Relative error of the mean",
        formula="|m' - m| / |m|",
        default=True,
        source=_HUANG,
    )
    paired: ClassVar[bool] = False

    def figure(self, reference: Reference | None) -> Any:
        """Of samples about the law's mean."""
        import torch

        from solvers_zoo.metrics.distances import covariance, mean_size, relative_mean_error

        if reference is None:
            return lambda x, y: relative_mean_error(x, y.mean(-2), covariance(y))
        size = mean_size(reference.mean, reference.cov)
        return lambda x, _: torch.linalg.vector_norm(x.mean(-2), dim=-1) / size


class CovarianceError(SampledMetric):
    """Error of the unbiased sample covariance, relative to the law's, both in the Frobenius norm.

    Without a law in closed form it compares with the covariance of as many exact samples.
    """

    card = MetricCard(
        name="covariance",
        title="Relative error of the covariance",
        formula="|C' - C| / |C|",
        default=True,
        source=_HUANG,
    )
    paired: ClassVar[bool] = False
    fewest: ClassVar[int] = 2

    def figure(self, reference: Reference | None) -> Any:
        """Of samples."""
        from solvers_zoo.metrics.distances import covariance, relative_covariance_error

        if reference is None:
            return lambda x, y: relative_covariance_error(x, covariance(y))
        return lambda x, _: relative_covariance_error(x, reference.cov.to(x))


class ModeWeights(SampledMetric):
    """Half the sum over modes of |mean responsibility - weight|: the share of samples that is in the wrong mode.

    Under the exact law the mean responsibility of a mode is its weight, however much the modes overlap. It sees modes that were lost or
    favoured, and nothing of their shape.
    """

    card = MetricCard(
        name="mode-weights",
        title="Error of the modes' weights",
        formula="1/2 sum_k |E r_k(X) - w_k|",
        default=True,
        source=Source(
            authors="Song & Ermon 2019",
            title="Generative Modeling by Estimating Gradients of the Data Distribution",
            arxiv="1907.05600",
            where="Section 3.2.2 (the weights that Langevin dynamics misses)",
        ),
    )
    paired: ClassVar[bool] = False

    def refuses(self, law: AnalyticModel | None) -> str:
        """Mixtures of 2 to `MOST_MODES` modes have weights to be right."""
        from solvers_zoo.score_models.mixture import Mixture

        if not isinstance(law, Mixture):
            return "it is for mixtures of Gaussians, whose modes have weights"
        count = len(law.weights)
        return "" if 1 < count <= MOST_MODES else f"a mixture of {count} modes is not told by its weights"

    def rows(self, reference: Reference | None, x: Tensor) -> Tensor:
        """Responsibilities, (n, K)."""
        assert reference is not None  # `supports`
        law: Any = reference.law
        responsibilities: Tensor = law.responsibilities(x, reference.point)
        return responsibilities

    def figure(self, reference: Reference | None) -> Any:
        """Of responsibilities."""
        from solvers_zoo.metrics.distances import mode_weight_error

        assert reference is not None
        law: Any = reference.law
        return lambda x, _: mode_weight_error(x, law.weights.to(x))
