"""The exact law of the data given a linear observation of it."""

from __future__ import annotations

import torch
from torch import Tensor

from solvers_zoo.errors import OptionError
from solvers_zoo.inverse.operators import LinearOperator
from solvers_zoo.score_models.analytic import AnalyticModel, tensor64
from solvers_zoo.score_models.base import ScoreModel
from solvers_zoo.score_models.gaussian import Gaussian
from solvers_zoo.score_models.kernel import KernelMixture
from solvers_zoo.score_models.mixture import Mixture

#: Components less likely than this are left out: their weight is 0 in the sum of the others.
NEGLIGIBLE = 1e-30


def posterior(model: ScoreModel, operator: LinearOperator, y: object, noise_std: float) -> Mixture:
    r"""The law of X_0 given y = A X_0 + noise_std n, n ~ N(0, I): again a mixture, whose score is known at every time.

        w_k' ~ w_k N(y; A m_k, S_k),   S_k = A C_k A^T + noise_std^2
        m_k' = m_k + K_k (y - A m_k),   K_k = C_k A^T S_k^-1
        C_k' = (1 - K_k A) C_k (1 - K_k A)^T + noise_std^2 K_k K_k^T

    Bishop 2006, Pattern Recognition and Machine Learning, (2.113)-(2.117), a component at a time; the covariance in Joseph's
    form, which is positive. Work and memory grow as K D^2, so it is for small samples.

    Args:
        model: a `Mixture`, `Gaussian` or `KernelMixture`, or what counts or names one.
        operator: A.
        y: one observation, of the operator's ``observed`` shape.
        noise_std: its noise; may be 0 where every A C_k A^T is invertible.

    Raises:
        OptionError: another model, an observation of another shape, or an observation without density.

    >>> import solvers_zoo as zoo
    >>> model = zoo.Gaussian([0.0, 0.0], [[1.0, 0.9], [0.9, 1.0]], zoo.EDM())
    >>> law = zoo.posterior(model, zoo.Mask([True, False]), [1.0], noise_std=0.0)
    >>> [round(value, 6) for value in law.mean.tolist()]
    [1.0, 0.9]

    """
    law = model.analytic
    if law is None or law.shape != operator.shape:
        raise OptionError(
            "The exact posterior needs a Gaussian or a mixture of Gaussians, of the operator's shape "
            f"{operator.shape}; got {type(model).__name__} of shape {model.shape}."
        )
    seen = tensor64("y", y)
    if tuple(seen.shape) != operator.observed:
        raise OptionError(f"y has shape {tuple(seen.shape)}; the operator gives {operator.observed}.")
    if noise_std < 0:
        raise OptionError(f"noise_std = {noise_std:g} is negative.")
    weights, means, covs = components(law)
    A = operator.dense()
    cross = covs @ A.mT
    spread = A @ cross + noise_std**2 * torch.eye(len(A), dtype=torch.float64)
    root, failed = torch.linalg.cholesky_ex(spread)
    if bool(failed.any()):
        raise OptionError(
            "Without noise such an observation has no density: A C A^T of a component is not invertible. Give noise_std > 0."
        )
    away = (seen.flatten() - means @ A.mT)[..., None]
    whitened = torch.linalg.solve_triangular(root, away, upper=False)
    logs = weights.log() - root.diagonal(dim1=-2, dim2=-1).log().sum(-1) - 0.5 * whitened.square().sum((-2, -1))
    shares = (logs - logs.logsumexp(0)).exp()
    kept = shares > NEGLIGIBLE
    gain = torch.cholesky_solve(cross.mT, root).mT[kept]
    left = torch.eye(A.shape[1], dtype=torch.float64) - gain @ A
    new = left @ covs[kept] @ left.mT + noise_std**2 * gain @ gain.mT
    centers = means[kept] + (gain @ away[kept])[..., 0]
    return Mixture(shares[kept], centers.reshape(-1, *law.shape), (new + new.mT) / 2, law.sde)


def components(law: AnalyticModel | None) -> tuple[Tensor, Tensor, Tensor]:
    """Weights (K), means (K, D) and covariances (K, D, D) of a Gaussian law in closed form.

    Raises:
        OptionError: it is none.

    """
    if isinstance(law, Gaussian):
        cov = torch.diag(law.variances) if law.basis is None else (law.basis * law.variances) @ law.basis.mT
        return torch.ones(1, dtype=torch.float64), law.mean[None], cov[None]
    if isinstance(law, KernelMixture):
        count, size = law.data.shape
        eye = torch.eye(size, dtype=torch.float64)
        return (
            torch.full((count,), 1 / count, dtype=torch.float64),
            law.data,
            (law.bandwidth**2 * eye).repeat(count, 1, 1),
        )
    if isinstance(law, Mixture):
        if law.bases is None:
            covs = torch.diag_embed(law.variances.expand(len(law.means), law.means.shape[1]))
        else:
            covs = (law.bases * law.variances[:, None, :]) @ law.bases.mT
        return law.weights, law.means, covs
    raise OptionError(f"{type(law).__name__} is no mixture of Gaussians, so its posterior has no closed form here.")
