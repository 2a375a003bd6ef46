"""Mixtures of Gaussians: exact score, density, samples and posterior at every time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from solvers_zoo.errors import OptionError
from solvers_zoo.score_models.analytic import BLOCK, AnalyticModel, blocks, columns, eigenbasis, fold, rows, tensor64

if TYPE_CHECKING:
    from solvers_zoo.noise.base import Draws
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianSDE
    from solvers_zoo.score_models.analytic import Level


class Posterior(NamedTuple):
    """The law of X_0 given X_t = x: a mixture for every sample. D is the number of coordinates of a sample."""

    weights: Tensor
    """Responsibilities of the components, (B, K)."""
    means: Tensor
    """(B, K, D)."""
    covs: Tensor
    """Isotropic (K,), diagonal (K, D) or full (K, D, D), the same for all samples; (B, ...) in per-sample stepping."""


class Mixture(AnalyticModel):
    r"""A mixture of Gaussians, X_0 ~ sum_k w_k N(m_k, C_k).

        X_t ~ sum_k w_k N(alpha m_k, S_k),   S_k = alpha^2 C_k + sigma^2
        E[X_0 | x] = sum_k r_k(x) (m_k + alpha C_k S_k^-1 (x - alpha m_k)),   r_k ~ w_k N(x; alpha m_k, S_k).

    Responsibilities are taken from logarithms, and from differences x - alpha m_k rather than expanded squares, so they
    hold at any noise level. With isotropic or diagonal covariances every operation is elementwise: a sample's result has
    the same bits in any batch. Full ones take two matrix products, and the bits may change with the batch (by about 1e-6
    of the largest entry in float32, 1e-14 in float64).

    Args:
        weights: (K,), positive; they are scaled to sum to 1.
        means: (K, *shape).
        covs: isotropic: a number or (K,) variances; diagonal: variances of the means' shape; full: (K, D, D) over the
            flattened samples. Variances may be 0: sigma > 0 keeps the score finite.
        sde: the process.

    Attributes:
        weights: (K,), float64.
        means: (K, D), float64.
        isotropic: whether every covariance is a multiple of the identity.
        variances: isotropic (K, 1), diagonal (K, D), or the eigenvalues of full covariances (K, D).
        bases: eigenvectors in columns (K, D, D) of full covariances, else None.

    Raises:
        OptionError: arrays that do not fit together, weights that are not positive, or a matrix that is no covariance.

    """

    def __init__(self, weights: object, means: object, covs: object, sde: GaussianSDE) -> None:
        weight, center, spread = tensor64("weights", weights), tensor64("means", means), tensor64("covs", covs)
        if weight.dim() != 1 or center.dim() == 0 or len(weight) != len(center) or not bool((weight > 0).all()):
            raise OptionError(
                f"A mixture takes K positive weights and means of shape (K, ...); got weights {tuple(weight.shape)}"
                f"{'' if bool((weight > 0).all()) else ', not all positive,'} and means {tuple(center.shape)}."
            )
        super().__init__(tuple(center.shape[1:]), sde)
        self.weights = weight / weight.sum()
        self.means = center.reshape(len(center), -1)
        count, size = self.means.shape
        self.bases: Tensor | None = None
        self.isotropic = spread.shape in ((), (count,))
        if self.isotropic:
            self.variances = spread.reshape(-1, 1).expand(count, 1).clone()
        elif spread.shape == center.shape:
            self.variances = spread.reshape(count, -1)
        elif spread.shape == (count, size, size):
            self.variances, self.bases = eigenbasis("covs", spread)
        else:
            raise OptionError(
                f"covs has shape {tuple(spread.shape)}; for means of shape {tuple(center.shape)} it is a number, ({count},), "
                f"{tuple(center.shape)} or ({count}, {size}, {size})."
            )
        if bool((self.variances < 0).any()):
            raise OptionError(f"covs has a negative variance ({float(self.variances.min()):.3g}).")
        # in the eigenbases, where every covariance is diagonal
        self._centers = self.means if self.bases is None else torch.einsum("kd,kde->ke", self.means, self.bases)

    @property
    def mean(self) -> Tensor:
        """Mean of the data, (D,)."""
        return self.weights @ self.means

    # -- prediction ------------------------------------------------------------------------------------------------

    def predict(self, x: Tensor, point: Level, **condition: object) -> Tensor:
        """E[X_0 | x], of x's shape."""
        state = rows(x)
        denoise = self._denoise if self.bases is None else self._denoise_rotated
        tables = self._at(point, state, self._prediction)
        count, width = state.shape[0], self.means.numel()
        if count * width <= BLOCK:
            out = denoise(state.mT, *tables)
        else:
            parts = [denoise(state[b].mT, *(columns(c, b) for c in tables)) for b in blocks(count, width)]
            out = torch.cat(parts, -1)
        out = out.mT.contiguous()
        return out if out.shape == x.shape and out.dtype is x.dtype else out.to(x.dtype).view(x.shape)

    def _logits(self, alpha: Scalar, sigma: Scalar) -> tuple[Tensor, ...]:
        """Of the components of p_t, with a last dimension of 1 or B: centers (K, D), half precisions, levels (K).

        Half precisions are (K) if isotropic, else (K, D). Full covariances add the rotation into all eigenbases at once,
        (K D, D), and speak in them.
        """
        noisy = alpha**2 * self.variances[..., None] + sigma**2
        size = self.means.shape[1]
        logs = fold(noisy.log().transpose(0, 1)) * (size // self.variances.shape[1])
        level = self.weights.log()[:, None] - 0.5 * (logs + size * math.log(2 * math.pi))
        half = 0.5 / noisy
        turn = () if self.bases is None else (self.bases.mT.reshape(-1, size)[..., None],)
        return alpha * self._centers[..., None], half[:, 0] if self.isotropic else half, level, *turn

    def _prediction(self, alpha: Scalar, sigma: Scalar) -> tuple[Tensor, ...]:
        """`_logits`, and what a component adds to the sums of `_denoise`: 1, its gain on x, and its constant."""
        noisy = alpha**2 * self.variances[..., None] + sigma**2
        gain = alpha * self.variances[..., None] / noisy
        constant = sigma**2 / noisy * self._centers[..., None]
        if self.bases is None:
            return *self._logits(alpha, sigma), torch.cat((torch.ones_like(gain[:, :1]), gain, constant), 1)
        return *self._logits(alpha, sigma), gain, constant

    def _joint(self, state: Tensor, centers: Tensor, half: Tensor, level: Tensor) -> Tensor:
        """log w_k N(x; alpha m_k, S_k), (K, B), from the state in its eigenbases, (D, B) or (K, D, B)."""
        away = state - centers
        squares = away * away
        if self.isotropic:
            return level - fold(squares.transpose(0, 1)) * half
        return level - fold((squares * half).transpose(0, 1))

    def _denoise(self, state: Tensor, centers: Tensor, half: Tensor, level: Tensor, terms: Tensor) -> Tensor:
        """E[X_0 | x] as (D, B), from the state (D, B)."""
        state = state.contiguous()
        joint = self._joint(state, centers, half, level)
        odds = (joint - joint.amax(0)).exp()
        sums = fold(odds.unsqueeze(1) * terms)  # of the odds, (1 or D) gains and (D) constants
        size = state.shape[0]
        return (sums[1:-size] * state + sums[-size:]) / sums[:1]

    def _denoise_rotated(
        self, state: Tensor, centers: Tensor, half: Tensor, level: Tensor, turn: Tensor, gain: Tensor, constant: Tensor
    ) -> Tensor:
        """`_denoise` in the eigenbases: one matrix product leads there, one leads back."""
        turned = self._turned(state, turn)
        joint = self._joint(turned, centers, half, level)
        odds = (joint - joint.amax(0)).exp()
        shares = odds / fold(odds)
        inner = (turned * gain + constant) * shares.unsqueeze(1)
        return turn[..., 0].mT @ inner.flatten(0, 1)

    def _turned(self, state: Tensor, turn: Tensor) -> Tensor:
        """The state (D, B) in every component's eigenbasis, (K, D, B)."""
        return (turn[..., 0] @ state).view(-1, *state.shape)

    # -- the law ---------------------------------------------------------------------------------------------------

    def joint(self, x: Tensor, point: Level) -> Tensor:
        """log(w_k N(x; alpha m_k, S_k)) for every component, (B, K)."""
        state = rows(x)
        logits = self._at(point, state, self._logits)
        parts = []
        for b in blocks(len(state), self.means.numel()):
            part = state[b].mT.contiguous()
            if self.bases is not None:
                part = self._turned(part, logits[3])
            parts.append(self._joint(part, *(columns(c, b) for c in logits[:3])))
        return torch.cat(parts, -1).mT

    def log_density(self, x: Tensor, point: Level) -> Tensor:
        """log p_t(x), (B,)."""
        joint = self.joint(x, point).mT
        top = joint.amax(0)
        return (top + fold((joint - top).exp()).log()).to(x.dtype)

    def responsibilities(self, x: Tensor, point: Level) -> Tensor:
        """Probability of each component given X_t = x, (B, K)."""
        joint = self.joint(x, point).mT
        odds = (joint - joint.amax(0)).exp()
        return (odds / fold(odds)).mT

    def posterior(self, x: Tensor, point: Level) -> Posterior:
        """The law of X_0 given X_t = x, in x's dtype (at least float32)."""
        state = rows(x)
        alpha, sigma = (
            c if type(c) is float else torch.as_tensor(c, dtype=torch.float64).cpu().reshape(-1, 1, 1)
            for c in (point.alpha, point.sigma)
        )
        noisy = alpha**2 * self.variances + sigma**2
        gain, constant, left = (
            c.to(state.device, state.dtype)
            for c in (
                alpha * self.variances / noisy,
                sigma**2 / noisy * self._centers,
                sigma**2 / noisy * self.variances,
            )
        )
        weights = self.responsibilities(x, point)
        if self.bases is None:
            means = state[:, None] * gain + constant
            return Posterior(weights, means, left[..., 0] if self.isotropic else left)
        bases = self.bases.to(state.device, state.dtype)
        turned = torch.einsum("bd,kde->bke", state, bases) * gain + constant
        means = torch.einsum("bke,kde->bkd", turned, bases)
        return Posterior(weights, means, (bases * left[..., None, :]) @ bases.mT)

    def draw(self, point: Level, draws: Draws) -> Tensor:
        """A component by its weight, then alpha m_k + S_k^(1/2) z."""
        chances = draws.uniform()
        z = draws.fresh()
        state = rows(z)
        edges = self.weights.cumsum(0)[:-1].to(chances.device)
        label = torch.bucketize(chances, edges, right=True)
        centers, half, *_ = self._at(point, state, self._logits)
        std = (0.5 / (half.unsqueeze(1) if self.isotropic else half)).sqrt()
        each = torch.arange(len(state), device=state.device)
        own_center, own_std = (c[label, :, 0 if c.shape[-1] == 1 else each] for c in (centers, std))
        out = state * own_std + own_center
        if self.bases is None:
            return out.to(z.dtype).view(z.shape)
        for k, basis in enumerate(self.bases.to(state.device, state.dtype)):
            mine = label == k
            out[mine] = out[mine] @ basis.mT
        return out.to(z.dtype).view(z.shape)

    def moments(self, point: Level) -> tuple[Tensor, Tensor]:
        """Mean and covariance of p_t."""
        away = self.means - self.mean
        cov = torch.einsum("k,kd,ke->de", self.weights, away, away)
        if self.bases is None:
            cov = cov + torch.diag((self.weights @ self.variances).expand(len(cov)))
        else:
            cov = cov + torch.einsum("k,kde,ke,kfe->df", self.weights, self.bases, self.variances, self.bases)
        eye = torch.eye(len(cov), dtype=torch.float64)
        return point.alpha * self.mean, point.alpha**2 * cov + point.sigma**2 * eye
