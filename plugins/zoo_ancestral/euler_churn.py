"""Euler's method with churn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from solvers_zoo import SolverCard
from zoo_ancestral.churn import KARRAS, Churn

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import GaussianPoint, ScoreModel


class EulerChurn(Churn):
    r"""The EDM stochastic sampler without its second stage; y = x/alpha, rho = sigma/alpha.

        y_hat = y_t + S_noise sqrt(rho_hat^2 - rho_t^2) z,    rho_hat = (1 + gamma) rho_t,   gamma = min(S_churn/N, sqrt(2) - 1)
        y_s   = y_hat + (rho_s - rho_hat) eps_hat

    Without churn (S_churn = 0) it is Euler's method.
    """

    card = SolverCard(
        name="euler-churn",
        title="Euler with churn",
        family="ancestral",
        weak_order=1,
        stochastic=True,
        variable="sigma",
        needs=("gaussian", "finite-lam", "decreasing"),
        source=KARRAS,
    )
    quiet = "euler"

    def descend(self, model: ScoreModel, x: Tensor, hat: GaussianPoint, s: GaussianPoint) -> Tensor:
        """Euler in rho: DDIM's step."""
        return model(x, hat).mix(s.alpha, s.sigma)

    def contraction(self, k: Callable[[float], float], hat: float, s: float) -> float:
        """1 + (rho_s - rho_hat) k."""
        return 1 + (s - hat) * k(hat)
