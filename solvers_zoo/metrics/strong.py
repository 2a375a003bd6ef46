"""Error along trajectories: how far each result is from where the exact flow takes its start."""

from __future__ import annotations

from solvers_zoo.metrics.base import Case, Measured, Metric
from solvers_zoo.registry.card import MetricCard, Source
from solvers_zoo.registry.options import option


class StrongError(Metric):
    """Root mean square, over trajectories and coordinates, of result minus exact result of the same start.

    The exact flow is in closed form for a Gaussian and in one dimension, else a DOP853 integration to 1e-13, so there is no
    sampling floor: what is left at many steps is rounding. After a last denoise the exact result is denoised too. The standard
    error is that of the mean over trajectories; solvers compared on the same starts differ by less.
    """

    card = MetricCard(
        name="strong",
        title="Error along trajectories",
        formula="sqrt(mean |Phi_N(x_T) - Phi(x_T)|^2 / D)",
        unit="of the data",
        default=True,
        sampled=False,
        source=Source(
            authors="Hairer, Norsett & Wanner 1993",
            title="Solving Ordinary Differential Equations I",
            link="https://doi.org/10.1007/978-3-540-78862-1",
            where="global error",
        ),
    )
    trajectories: int = option(64, help="results that are followed; all of a run's, if it has fewer", low=1)

    def supports(self, case: Case) -> str:
        """Deterministic solvers follow the flow; the others have no exact result of a start."""
        if case.solver.facts().stochastic:
            return f"{case.solver} is stochastic, so a start has no exact result; other metrics judge its law"
        return ""

    def measure(self, case: Case) -> Measured:
        """The error of the first ``trajectories`` results."""
        from solvers_zoo.metrics.reference import flat

        n = min(self.trajectories, len(case.x))
        squares = (flat(case.x[:n]) - flat(case.flow(n))).square().mean(1)
        value = float(squares.mean().sqrt())
        spread = float(squares.std()) / n**0.5 if n > 1 else 0.0
        return Measured(value, n, error=spread / (2 * value) if value > 0 else 0.0)  # of a root, to first order
