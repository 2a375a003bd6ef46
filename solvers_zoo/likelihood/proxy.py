r"""Tomczak's proxy of the log-likelihood, for early stopping."""

from __future__ import annotations

import torch
from torch import Tensor

from solvers_zoo.likelihood.density import check_count
from solvers_zoo.noise.numbers import BOUND
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.numerics.combine import combine
from solvers_zoo.score_models.base import ScoreModel
from solvers_zoo.score_models.wrappers.settled import Settled


def tomczak_proxy(model: ScoreModel, x: Tensor, *, steps: int = 20, seed: int = 0, first: int = 0) -> Tensor:
    r"""Sum over ``steps`` even times from t_min to t_max of the weighted noise error, one noise each, (n,); lower is better.

        sum_t sigma_t^2 / 2 mean_d (eps_model(x_t, t) - eps)^2,    x_t = alpha_t x + sigma_t eps

    Tomczak, Deep Generative Modeling (2nd edition, 2024), Chapter 9, ``log_prob_proxy``. It ranks states of one training; it is no
    bound: the sum is not an integral over time, and sigma^2 on the error of the noise is not the weight g^2 / (2 sigma^2) of one
    (`variational_bound` is).

    Args:
        model: any score model on a Gaussian process, asked without classes.
        x: clean data (n, *shape).
        steps: number of times.
        seed: of the noise; a sample's own depends on it and on the sample's number alone.
        first: number of the first sample.

    Raises:
        OptionError: fewer than two times.

    """
    check_count("steps", steps, 2)
    sde = model.sde.as_gaussian()
    asked = Settled(model, {})
    noise = SeededNoise(seed, range(first, first + len(x)), x.shape[1:], x.dtype, x.device)
    total = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    with torch.no_grad():
        for step, t in enumerate(torch.linspace(sde.t_min, sde.t_max, steps, dtype=torch.float64).tolist()):
            point, eps = sde.at(t), noise.normal(BOUND, step, 0)
            missed = asked(combine((point.alpha, x), (point.sigma, eps)), point).eps - eps
            total += 0.5 * point.sigma**2 * missed.flatten(1).square().mean(1)
    return total
