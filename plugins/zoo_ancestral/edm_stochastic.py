"""The stochastic sampler of EDM: churn, and Heun's method."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from solvers_zoo import SolverCard, combine
from zoo_ancestral.churn import KARRAS, Churn

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import GaussianPoint, ScoreModel


class EDMStochastic(Churn):
    r"""Up by added noise, down by Heun's method in rho = sigma/alpha; y = x/alpha.

        y_hat = y_t + S_noise sqrt(rho_hat^2 - rho_t^2) z,    rho_hat = (1 + gamma) rho_t,   gamma = min(S_churn/N, sqrt(2) - 1)
        y_1   = y_hat + (rho_s - rho_hat) eps_hat
        y_s   = y_hat + (rho_s - rho_hat) (eps_hat + eps_1) / 2

    The paper's S_churn is 30 to 80, with [S_tmin, S_tmax] = [0.01, 1] to [0.05, 50] and S_noise 1.003 to 1.007, which its
    networks need and an exact score does not. As gamma depends on N, the noise level depends on the grid.
    """

    card = SolverCard(
        name="edm-stochastic",
        title="EDM stochastic sampler",
        aliases=("heun-churn",),
        family="ancestral",
        evaluations=2,
        weak_order=2,
        stochastic=True,
        variable="sigma",
        needs=("gaussian", "finite-lam", "decreasing"),
        source=KARRAS,
    )
    quiet = "heun"

    def descend(self, model: ScoreModel, x: Tensor, hat: GaussianPoint, s: GaussianPoint) -> Tensor:
        """Heun in rho: the mean of the slopes at both ends."""
        now = model(x, hat)
        end = model(now.mix(s.alpha, s.sigma), s)
        half = s.alpha * (s.rho - hat.rho) / 2
        return combine(*now.terms(s.alpha, s.alpha * hat.rho + half), *end.terms(0.0, half))

    def contraction(self, k: Callable[[float], float], hat: float, s: float) -> float:
        """1 + d (k_hat + k_s (1 + d k_hat)) / 2, d = rho_s - rho_hat."""
        d, first = s - hat, k(hat)
        return 1 + d * (first + k(s) * (1 + d * first)) / 2
