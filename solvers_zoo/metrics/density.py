"""Exact total variation and Kullback-Leibler divergence between what a deterministic solver makes of its start and the exact law."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from solvers_zoo.metrics.base import Case, Measured, Metric
from solvers_zoo.registry.card import MetricCard, Source
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from solvers_zoo.metrics.transported import Image

#: Most coordinates: a Jacobian takes one forward derivative of the whole run for each.
MOST = 10

_TRANSPORT = Source(
    authors="Papamakarios et al. 2021",
    title="Normalizing Flows for Probabilistic Modeling and Inference",
    arxiv="1912.02762",
    where="change of variables",
)


class _Exact(Metric):
    card: ClassVar[MetricCard]
    starts: int = option(
        4096, help="starts that are followed, in more than one dimension; at most those of the run", low=2
    )
    cells: int = option(20_000, help="cells of equal mass that are followed, in one dimension", low=100)

    def supports(self, case: Case) -> str:
        """Maps of few coordinates, sample by sample, to a law whose density is known."""
        facts, size = case.solver.facts(), case.x[0].numel()
        if case.law is None:
            return "it needs the density of the law in closed form"
        if facts.stochastic:
            return f"{case.solver} is stochastic, so it does not map its start"
        if facts.batch_coupled:
            return f"{case.solver} couples the samples of a batch, so it does not map each start by itself"
        if size > MOST:
            return f"it follows a Jacobian of up to {MOST} coordinates, and samples have {size}"
        return ""

    def measure(self, case: Case) -> Measured:
        """The distance of the map's image.

        Raises:
            IncompatibleError: the map folds, so its image has no density by change of variables; or the solver cannot be
                differentiated forwards.

        """
        from solvers_zoo.metrics.transported import image

        return self.of(image(case, self.starts, self.cells))

    def of(self, made: Image) -> Measured:
        """The figure of an image."""
        raise NotImplementedError


class ExactTV(_Exact):
    """Total variation between the law that the solver makes of its start, worked out without sampling noise, and the exact one.

    In one dimension the edges of cells of equal mass are carried by the solver, and their exact masses compared: good to 1e-6. In up
    to 10 the density is carried along by derivatives of the whole run, log q(y) = log p(x) - log |det dy/dx|, and averaged over
    starts; the standard error is given. The run is in float64 whatever the samples' dtype. A map that folds is refused with
    the number of folds: the formula does not hold for it.
    """

    card = MetricCard(
        name="exact-tv",
        title="Total variation, by transport of the density",
        formula="1/2 int |q - p|",
        sampled=False,
        source=_TRANSPORT,
    )

    def of(self, made: Image) -> Measured:
        """1/2 E_q |1 - p/q|."""
        return made.total_variation


class ExactKL(_Exact):
    """KL(q || p) of the law q that the solver makes of its start from the exact law p, worked out without sampling noise.

    As exact-tv; the mean is that of r - 1 - log r with r = p/q, which is never negative and varies far less than -log r.
    """

    card = MetricCard(
        name="exact-kl",
        title="Kullback-Leibler divergence, by transport of the density",
        formula="E_q[r - 1 - log r],  r = p/q",
        unit="nats",
        sampled=False,
        source=Source(
            authors="Schulman 2020",
            title="Approximating KL Divergence",
            link="http://joschu.net/blog/kl-approx.html",
            where="estimator k3",
        ),
    )

    def of(self, made: Image) -> Measured:
        """E_q[r - 1 - log r]."""
        return made.divergence
