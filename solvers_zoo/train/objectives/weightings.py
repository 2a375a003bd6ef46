r"""Weights of score matching over time.

Every parametrisation r x0 + s eps has, at a given state, an error proportional to that of eps, with the factor det / alpha where
det = alpha s - sigma r. So a weight of one squared error is a weight of all others, and each weighting is written here where its
authors wrote it:

    sigma2         score, sigma^2                                   Song & Ermon 2019 (1907.05600), eq. (6)
    likelihood     score, g^2                                       Song et al. 2021 (2101.09258), Theorem 1
    inverse-score  score, 1 / E|grad log p(x_t | x_0)|^2 = sigma^2/d   Song et al. 2021 (2011.13456), section 3.3
    edm            x0, (rho^2 + d^2) / (rho d)^2                    Karras et al. 2022 (2206.00364), Table 1
    min-snr        x0, min(1 / rho^2, gamma)                        Hang et al. 2023 (2303.09556)

with rho = sigma / alpha; ``constant`` is 1 in whatever form the error is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from solvers_zoo.numerics.scalar import minimum
from solvers_zoo.processes.prediction import FORMS

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianPoint

#: Name -> the form whose squared error it weights, and the weight of (point, dimension, sigma_data, gamma).
_WEIGHTS: dict[str, tuple[str, Callable[[GaussianPoint, int, float, float], Scalar]]] = {
    "sigma2": ("score", lambda point, dim, d, gamma: point.sigma**2),
    "likelihood": ("score", lambda point, dim, d, gamma: point.g2),
    "inverse-score": ("score", lambda point, dim, d, gamma: point.sigma**2 / dim),
    "edm": ("x0", lambda point, dim, d, gamma: (point.rho**2 + d**2) / (point.rho * d) ** 2),
    "min-snr": ("x0", lambda point, dim, d, gamma: minimum((point.alpha / point.sigma) ** 2, gamma)),
}
WEIGHTINGS = ("constant", *_WEIGHTS)


def weight_of(
    name: str, form: str, point: GaussianPoint, dim: int, sigma_data: float = 0.5, gamma: float = 5.0
) -> Scalar:
    """The weight of the squared error in ``form`` at ``point``, for samples of ``dim`` coordinates."""
    if name == "constant":
        return 1.0
    written, weight = _WEIGHTS[name]
    value = weight(point, dim, sigma_data, gamma)
    return value if written == form else value * (_determinant(written, point) / _determinant(form, point)) ** 2


def _determinant(form: str, point: GaussianPoint) -> Scalar:
    """alpha s - sigma r: alpha times the error of ``form`` for an error of 1 in eps."""
    r, s = FORMS[form](point)
    return point.alpha * s - point.sigma * r
