"""The probability flow without a solver of the zoo: in closed form, and by a reference integrator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from solvers_zoo.errors import IncompatibleError, ZooError
from solvers_zoo.score_models.gaussian import Gaussian

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.score_models.base import ScoreModel


def gaussian_flow(model: Gaussian, x: Tensor, point_from: GaussianPoint, point_to: GaussianPoint) -> Tensor:
    """The probability flow of a Gaussian, in closed form, either way in time.

    In every eigendirection of the covariance the flow keeps the distance from the mean in units of the standard
    deviation: x_s = alpha_s mean + sqrt((alpha_s^2 v + sigma_s^2) / (alpha_t^2 v + sigma_t^2)) (x_t - alpha_t mean).

    Args:
        model: the Gaussian.
        x: states at ``point_from``, (B, *shape).
        point_from: a point of its process, with float fields.
        point_to: another.

    Returns:
        The states at ``point_to``, of x's dtype; computed in float64.

    """
    if not isinstance(model, Gaussian):
        raise IncompatibleError("gaussian_flow takes a Gaussian; `reference_flow` takes any model.")
    state = x.reshape(len(x), -1).double()
    ratio = (_noisy(model, point_to) / _noisy(model, point_from)).sqrt().to(x.device)
    mean = model.mean.to(x.device)
    away = state - point_from.alpha * mean
    if model.basis is None:
        moved = away * ratio
    else:
        basis = model.basis.to(x.device)
        moved = ((away @ basis) * ratio) @ basis.mT
    return (point_to.alpha * mean + moved).to(x.dtype).view_as(x)


def _noisy(model: Gaussian, point: GaussianPoint) -> Tensor:
    return point.alpha**2 * model.variances + point.sigma**2


def reference_flow(
    model: ScoreModel,
    x: Tensor,
    point_from: GaussianPoint,
    point_to: GaussianPoint,
    rtol: float = 1e-13,
    atol: float = 1e-13,
) -> Tensor:
    r"""The probability flow of any model by DOP853, either way in time; agrees with closed forms to about 1e-12.

    The state is scaled to z = x / sqrt(alpha^2 + sigma^2), which stays of the size of the data or of 1, and

        dz/dphi = cos(phi) eps - sin(phi) x0,   tan(phi) = rho = sigma / alpha,   d phi / d lam = -rho / (1 + rho^2).

    It is integrated in the half log-SNR lam, or in phi where an end has alpha = 0 and lam is infinite. All samples share
    the steps, whose error is the mean over the batch: give tens of samples, not thousands.

    Args:
        model: a score model on a Gaussian process.
        x: states at ``point_from``, (B, *shape).
        point_from: a point of its process, with float fields.
        point_to: another.
        rtol: relative tolerance.
        atol: absolute tolerance, in units of z.

    Returns:
        The states at ``point_to``, of x's dtype; computed in float64.

    Raises:
        ZooError: the integrator failed.

    """
    from scipy.integrate import solve_ivp  # a third of a second that only a reference is worth

    sde = model.sde.as_gaussian()
    by_lam = math.isfinite(point_from.lam) and math.isfinite(point_to.lam)

    def slope(clock: float, z: NDArray[np.float64]) -> NDArray[np.float64]:
        rho = math.exp(-clock) if by_lam else math.tan(clock)
        point = sde.at_rho(rho)
        state = torch.from_numpy(z).to(x.device).view(x.shape) * math.hypot(point.alpha, point.sigma)
        # from the point's own alpha and sigma, so that t_of_lam need only be near
        size = math.hypot(point.alpha, point.sigma)
        v = model(state, point).mix(-point.sigma / size, point.alpha / size)
        if by_lam:
            v = v * (-rho / (1 + rho * rho))
        return v.reshape(-1).cpu().numpy()

    ends = [point.lam if by_lam else math.atan2(point.sigma, point.alpha) for point in (point_from, point_to)]
    sizes = [math.hypot(point.alpha, point.sigma) for point in (point_from, point_to)]
    with torch.no_grad():
        start = (x.double() / sizes[0]).reshape(-1).cpu().numpy()
        found = solve_ivp(slope, ends, start, method="DOP853", rtol=rtol, atol=atol, t_eval=ends[1:])
    if not found.success:
        raise ZooError(f"The reference integration from t = {point_from.t:g} to {point_to.t:g} failed: {found.message}")
    return (torch.from_numpy(found.y[:, -1]).to(x.device).view(x.shape) * sizes[1]).to(x.dtype)
