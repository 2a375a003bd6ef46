"""Error of the law on a Gaussian target, worked out exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solvers_zoo.metrics.base import Case, Measured, Metric
from solvers_zoo.registry.card import MetricCard, Source
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from torch import Tensor


class WeakError(Metric):
    """Error of mean and covariance of what a solver makes of a Gaussian target, without a random number.

    There a solver with affine steps is x_N = A x_0 + b + sum C_k z_k; unit starts and unit draws in one batch show every matrix, and
    with them mean and covariance of the result, of all samples there could be. The mean's error is in units of sqrt(tr C), the
    covariance's is relative in the Frobenius norm. It judges the options, the grid and the start of the run, a prior that differs
    from the exact law included; in float64, and not its samples.
    """

    card = MetricCard(
        name="weak",
        title="Error of the law of a Gaussian target",
        formula="max(|E x_N - m| / sqrt(tr C), |Cov x_N - C| / |C|)",
        sampled=False,
        source=Source(
            authors="Kloeden & Platen 1992",
            title="Numerical Solution of Stochastic Differential Equations",
            link="https://doi.org/10.1007/978-3-662-12616-5",
            where="weak error, of the first two moments",
        ),
    )
    of: str = option("both", help="which moment; of both, the larger error", choices=("both", "mean", "covariance"))

    def supports(self, case: Case) -> str:
        """Affine steps on a Gaussian."""
        from solvers_zoo.score_models.gaussian import Gaussian

        if not isinstance(case.law, Gaussian):
            return "it is for Gaussian targets, on which a solver is affine"
        facts = case.solver.facts()
        if not facts.affine:
            return f"{case.solver} is not affine in state and noise"
        if facts.batch_coupled:
            return f"{case.solver} couples the samples of a batch"
        return ""

    def measure(self, case: Case) -> Measured:
        """The larger of the two errors, or the one asked for.

        Raises:
            IncompatibleError: so many draws that probing them takes too much memory.

        """
        import torch

        from solvers_zoo.exact.affine import affine_map

        law: Any = case.law
        with torch.no_grad():
            found = affine_map(lambda x, noise: _run(case, x, noise), case.x.shape[1:])
        mean, cov = law.moments(case.grid[0])
        if not case.exact_start:
            mean, cov = (
                torch.zeros_like(mean),
                torch.eye(len(cov)).to(cov) * case.model.sde.prior_std(case.grid[0].t) ** 2,
            )
        mean, cov = found.law(mean, cov)
        exact_mean, exact_cov = law.moments(case.point)
        errors = {
            "mean": float((mean - exact_mean).norm() / exact_cov.trace().sqrt()),
            "covariance": float(torch.linalg.matrix_norm(cov - exact_cov) / torch.linalg.matrix_norm(exact_cov)),
        }
        value = max(errors.values()) if self.of == "both" else errors[self.of]
        return Measured(value, 1 + len(mean) * (1 + len(found.C)))


def _run(case: Case, x: Tensor, noise: Any) -> Tensor:
    """The run from other starts and with other noise."""
    for state in case.solver.solve(case.model, x, case.grid, noise):
        end = state
    return case.model(end.x, case.grid[-1]).x0 if case.denoised else end.x
