r"""The variational bound in continuous time: a lower bound of the log-density that the reverse SDE gives the data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from solvers_zoo.errors import IncompatibleError, ModelError, OptionError
from solvers_zoo.likelihood.bits import check_levels
from solvers_zoo.likelihood.density import CHUNK, as_data, check_data, chunks, mean_and_error
from solvers_zoo.noise.numbers import BOUND
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.numerics.combine import combine
from solvers_zoo.processes.base import GaussianPoint, GaussianSDE
from solvers_zoo.score_models.analytic import fold
from solvers_zoo.score_models.base import ScoreModel


@dataclass(frozen=True)
class Bound:
    """An upper bound of -log p in nats, of n samples, as the sum of its three terms.

    Attributes:
        prior: KL(q(x_T | x) || prior), (n,).
        path: the integral over the log-SNR, (n,).
        end: what ends the way: the entropy of q(x at t_min | x), or with levels E[-log p(x | x at t_min)], (n,).
        error: standard error of the sum by the draws, (n,).
        nfe: network evaluations a sample.
        dim: coordinates of a sample.
        width: of a level, in the model's units; 0 without levels.

    """

    prior: Tensor
    path: Tensor
    end: Tensor
    error: Tensor
    nfe: int
    dim: int
    width: float = 0.0

    @property
    def nats(self) -> Tensor:
        """The bound, (n,)."""
        return self.prior + self.path + self.end

    @property
    def bits(self) -> Tensor:
        """The bound in bits a dimension, (n,)."""
        return self.nats / (self.dim * math.log(2))

    @property
    def mean(self) -> tuple[float, float]:
        """Mean of the bound over the samples, in nats, and its standard error, that of the draws included."""
        return mean_and_error(self.nats)


def variational_bound(
    model: ScoreModel,
    x: Tensor,
    *,
    draws: int = 32,
    levels: int = 0,
    low: float = -1.0,
    high: float = 1.0,
    t_end: float | None = None,
    seed: int = 0,
    first: int = 0,
    condition: Mapping[str, object] | None = None,
    dtype: torch.dtype | None = None,
    chunk: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Bound:
    r"""The bound on -log p of the reverse SDE's law, from noise added to clean data x.

    Song et al. 2021 (2101.09258), Theorem 3, and Kingma et al. 2021 (2107.00630), eqs. (11) to (15): the KL divergence of the noised
    path of x from the model's reverse path is that of their ends at T and, by Girsanov, the score error with the weight g^2,

        KL(q(x_T | x) || N(0, sigma_T^2)) + 1/2 \int g^2 E |s(x_t, t) - grad log q(x_t | x)|^2 dt.

    As g^2 dt = 2 sigma^2 |d lam|, lam = log(alpha / sigma), the integral is that of E |eps_model - eps|^2 over lam: drawing lam
    uniformly is importance sampling for the weight. Two draws from each of draws / 2 equal slices give mean and error.

    Without levels the entropy of q at t_min, d/2 log(2 pi e sigma^2), is added. The sum bounds E[-log p(x_min)] over the noisy x_min
    of t_min, the density that `log_likelihood` takes. At the exact score it equals that mean but for E[log p_T / prior] at T.

    With ``levels`` (discrete data) it bounds -log P(x): what is added is -log p(x | x_min), where levels are as likely as their noise.

    The probability flow has another law than the SDE where the score is not exact: its likelihood may lie above the bound.

    Args:
        model: any score model on a Gaussian process with a finite log-SNR at both ends.
        x: clean data (n, *shape).
        draws: times and noises a sample, even.
        levels: number of the levels from ``low`` to ``high``; 0 for data without.
        low: value of the lowest level.
        high: value of the highest one.
        t_end: where the way ends, t_min in what is said above; by default t_min itself, and with levels the time at which the noise
            is a third of a level's width, if that is later: any gives a bound, and less noise only tells what the level does.
        seed: of the draws; those of a sample depend on it and the sample's number alone.
        first: number of the first sample.
        condition: passed on to the model; tensors of n rows follow the samples. By default none.
        dtype: of the computation; x's by default.
        chunk: samples at once.
        progress: called with (samples done, n).

    Raises:
        OptionError: an impossible argument, or data that are not on the levels.
        IncompatibleError: a process without a finite log-SNR.
        ModelError: x is not of the model's shape, or values are not finite.

    """
    sde = model.sde.as_gaussian()
    _check(model, sde, x, draws)
    width = (high - low) / (levels - 1) if levels else 0.0
    if levels:
        check_levels(x, levels, low, high)
    end_point = sde.at(_end_time(sde, t_end, width))
    data = as_data(x, dtype)
    dim = math.prod(data.shape[1:])
    terms = []
    for settled, rows, numbers in chunks(model, data, condition, chunk or max(1, CHUNK // dim), first, progress):
        noise = SeededNoise(seed, numbers, rows.shape[1:], rows.dtype, rows.device)
        path, path_variance = _path(settled, rows, noise, draws, end_point)
        end, end_variance = _end(end_point, rows, noise, draws, levels, low, width)
        terms.append(torch.stack((_prior(sde, rows), path, end, (path_variance + end_variance).sqrt())))
    prior, path, end, error = torch.cat(terms, 1)
    if not bool(torch.isfinite(prior + path + end).all()):
        raise ModelError("The model's predictions on noised data are not finite, so there is no bound.")
    return Bound(prior, path, end, error, draws * model.cost, dim, width)


def _end_time(sde: GaussianSDE, given: float | None, width: float) -> float:
    """The time at which the noised path begins."""
    if given is None:
        rho = width / 3
        later = rho > math.exp(-float(sde.lam(sde.t_min)))
        return min(float(sde.t_of_rho(rho)), float(sde.t_max)) if later else float(sde.t_min)
    if not sde.t_min <= given < sde.t_max:
        raise OptionError(f"t_end = {given:g} is not possible; it lies in [{sde.t_min:g}, {sde.t_max:g}).")
    return float(given)


def _path(model: ScoreModel, x: Tensor, noise: SeededNoise, draws: int, end: GaussianPoint) -> tuple[Tensor, Tensor]:
    """Integral of E |eps_model - eps|^2 over the log-SNR, and the variance of its estimate."""
    sde = model.sde.as_gaussian()
    first, last = float(sde.lam(sde.t_max)), float(end.lam)
    slices = draws // 2
    errors = []
    with torch.no_grad():
        for draw in range(draws):
            u = (draw // 2 + noise.uniform(BOUND, draw, 1)) / slices
            t = sde.t_of_lam(first + u * (last - first)).clamp(float(end.t), sde.t_max)
            point = sde.at(t.view(-1, *[1] * (x.dim() - 1)))
            eps = noise.normal(BOUND, draw, 0)
            missed = model(combine((point.alpha, x), (point.sigma, eps)), point).eps - eps
            errors.append(_summed(missed) - _share(point) * (_summed(eps) - x[0].numel()))
    return _sliced(torch.stack(errors) * (last - first))


def _share(point: GaussianPoint) -> Tensor:
    """The share of |eps|^2 in the squared error on data N(0, 1), (n,).

    The mean of |eps|^2 is known, so subtracting this share of its deviation makes the estimate scatter less.
    """
    share = (point.alpha**2 / (point.alpha**2 + point.sigma**2)) ** 2
    return torch.as_tensor(share).reshape(-1)


def _summed(values: Tensor) -> Tensor:
    """Sum of squares over the coordinates of each sample, (n,)."""
    return values.flatten(1).double().square().sum(1)


def _end(
    point: GaussianPoint, x: Tensor, noise: SeededNoise, draws: int, levels: int, low: float, width: float
) -> tuple[Tensor, Tensor]:
    """The term of the end and the variance of its estimate."""
    alpha, sigma = point.alpha, point.sigma
    if not levels:
        entropy = math.prod(x.shape[1:]) / 2 * math.log(2 * math.pi * math.e * sigma**2)
        return torch.full((len(x),), entropy, dtype=torch.float64, device=x.device), torch.zeros(()).double()
    # p(level | x_min) ~ N(x_min; alpha level, sigma^2): Kingma et al. 2021, Section 3.3
    places = low + width * torch.arange(levels, dtype=torch.float64, device=x.device)
    lost = []
    for draw in range(draws):
        eps = noise.normal(BOUND, draw, 2).double()
        noisy = (alpha * x.double() + sigma * eps)[..., None]
        others = (-0.5 * ((noisy - alpha * places) / sigma).square()).logsumexp(-1)
        lost.append((others + 0.5 * eps.square()).flatten(1).sum(1))
    return _sliced(torch.stack(lost))


def _sliced(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and its variance, from pairs (k, n) that were drawn in one slice each."""
    pairs = values.view(-1, 2, values.shape[1])
    return fold(values) / len(values), fold((pairs[:, 0] - pairs[:, 1]).square()) / (2 * len(pairs)) ** 2


def _prior(sde: GaussianSDE, x: Tensor) -> Tensor:
    """KL(N(alpha_T x, sigma_T^2) || N(0, prior_std^2)), (n,)."""
    alpha, sigma, std = float(sde.alpha(sde.t_max)), float(sde.sigma(sde.t_max)), float(sde.prior_std(sde.t_max))
    rows, ratio = x.flatten(1).double(), (sigma / std) ** 2
    return 0.5 * ((alpha / std * rows).square().sum(1) + rows.shape[1] * (ratio - 1 - math.log(ratio)))


def _check(model: ScoreModel, sde: GaussianSDE, x: object, draws: int) -> None:
    """Refuse what is impossible."""
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 2 or draws % 2:
        raise OptionError(f"draws = {draws!r} is not possible; it takes an even number >= 2.")
    check_data(model, x)
    if not math.isfinite(float(sde.lam(sde.t_max))):
        raise IncompatibleError(
            f"The bound is an integral over the log-SNR, which is not finite at the end of {sde}; lower t_max a little, or take "
            "another process."
        )
