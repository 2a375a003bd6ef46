r"""The misprints: formulas as printed and as meant, and a figure of known value that tells them apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

import solvers_zoo as zoo
from solvers_zoo import EDM, OU, FunctionModel, Gaussian, ScoreError, SeededNoise, VEPower, sample
from solvers_zoo.bench.experiment import Row
from zoo_lectures.bounds.kappa import bound, rule, variance_at
from zoo_lectures.bounds.laws import STANDARD, gaussian_law


class Erratum(NamedTuple):
    """A formula as printed and as meant, and what tells them apart."""

    name: str
    where: str
    printed: str
    right: str
    figure: str
    """What is measured; 1 is true, or, of a ``bound``, at most 1."""
    measure: Callable[[bool], float]
    """The figure, with the formula as printed (True) or as meant."""
    tolerance: float = 0.0
    bound: bool = False

    def row(self) -> Row:
        """Both figures, and how far each is from the true value: from 1, or above it."""
        row: Row = {"erratum": self.name}
        row |= {name: getattr(self, name) for name in ("where", "printed", "right", "figure")}
        row |= {"printed_value": self.measure(True), "right_value": self.measure(False)}
        for which in ("printed", "right"):
            off = row[f"{which}_value"] - 1
            row[f"{which}_miss"] = max(off, 0.0) if self.bound else abs(off)
        return row


def _flow_without_half(printed: bool) -> float:
    """Final sd over the exact one, N(0, 1/4) from N(0, 1) by the flow with g^2 or g^2/2 before the score."""
    sde = OU(t_min=1e-3)
    factor = 2.0 if printed else 1.0
    model = FunctionModel(lambda x, t: -factor * x / _variance(0.25, t), sde, prediction="score")
    end = gaussian_law(model, "rk4(variable=t)", rule(sde, 0.1))
    return math.sqrt(end.variance / variance_at(1e-3, 0.25))


def _variance(v: float, t: Tensor) -> Tensor:
    """Variance of N(0, v) at times t (B,) of the Ornstein-Uhlenbeck process, (B, 1)."""
    return (v * torch.exp(-2 * t) - torch.expm1(-2 * t)).unsqueeze(1)


def _bound_without_half(printed: bool) -> float:
    """KL over the bound for an error c = 0.1 of the score in the last unit of time only."""
    sde, c = OU(t_min=1e-3), 0.1
    model = FunctionModel(lambda x, t: -x + c * (t <= 1).unsqueeze(1), sde, prediction="score")
    kl = STANDARD.kl(gaussian_law(model, "exponential-sde", rule(sde, 0.05)))
    mean_over_time = 2 * c**2 * (1 - sde.t_min) / (sde.t_max - sde.t_min)  # of g^2 E |error|^2
    return kl / (mean_over_time if printed else (sde.t_max - sde.t_min) / 2 * mean_over_time)


def _assumption_without_square(printed: bool) -> float:
    """KL over delta^2 + kappa^2 N + kappa T + e^(-2T), where delta^2 is the sum over steps of h E|error| or h E|error|^2."""
    sde, c, kappa = OU(t_min=1e-3), 8.0, 0.1
    grid = rule(sde, kappa)
    seen = ScoreError(Gaussian([0.0], 1.0, sde), c)
    kl = STANDARD.kl(gaussian_law(seen, "exponential-sde", grid))
    delta2 = (sde.t_max - sde.t_min) * (c if printed else c * c)
    return kl / (delta2 + bound(kappa, grid))


def _error_over_d(printed: bool) -> float:
    """Size of the constant score error in 128 dimensions over that in 8; it is to be the same."""
    sizes = []
    for d in (8, 128):
        model = zoo.model("mixture-5", dim=d)
        x, point = torch.zeros(1, d, dtype=torch.float64), model.sde.at(1.0)
        delta = 0.1 / math.sqrt(d) if printed else 0.1  # the wrapper divides by sqrt(d)
        gap = ScoreError(model, delta)(x, point).score - model(x, point).score
        sizes.append(float(gap.norm()))
    return sizes[1] / sizes[0]


def _score_without_log(printed: bool) -> float:
    """Final sd over the exact one, N(0, 1) by the flow with grad q or grad log q for the score, q not normalised."""
    sde = EDM(sigma_min=0.01, sigma_max=10.0)

    def score(x: Tensor, t: Tensor) -> Tensor:
        """-x/V, times q where there is no logarithm."""
        away = x / (1 + t**2).unsqueeze(1)
        return -away * (-x * away / 2).exp() if printed else -away

    start: Tensor = torch.special.ndtri((torch.arange(2000, dtype=torch.float64) + 0.5) / 2000)
    model = FunctionModel(score, sde, prediction="score")
    end = sample(model, "heun", steps=100, x=math.hypot(1, 10.0) * start[:, None]).x
    return math.sqrt(float(end.square().mean() / start.square().mean()) / (1 + 1e-4))


def _g_for_its_square(printed: bool) -> float:
    """Final sd over the exact flow's, N(0, 1) by the published loop in 4000 steps with g or g^2, at base 25."""
    sde = VEPower(base=25.0, t_min=1e-5)

    def score(x: Tensor, t: Tensor) -> Tensor:
        """The score, over g where the loop has g for g^2."""
        t = t.unsqueeze(1)
        exact = -x / (1 + sde.sigma(t) ** 2)
        return exact / sde.diffusion(t) if printed else exact

    model = FunctionModel(score, sde, prediction="score")
    x = torch.ones(1, 1, dtype=torch.float64)
    end = float(sample(model, "euler-arrival", steps=4000, grid="log-snr", x=x).x)
    return end / math.sqrt((1 + sde.sigma(1e-5) ** 2) / (1 + sde.sigma(1.0) ** 2))


def _sign_of_denoising(printed: bool) -> float:
    """The best linear score by denoising score matching over the exact one; N(0, 1), sigma = 1/2."""
    draws = SeededNoise(0, range(50_000), (1,), torch.float64).data()
    clean, noise = draws.fresh(), draws.fresh()
    noisy = clean + 0.5 * noise
    wanted = (noisy - clean) / 0.5**2 if printed else -(noisy - clean) / 0.5**2
    slope = float((noisy * wanted).mean() / noisy.square().mean())
    return slope / (-1 / (1 + 0.5**2))


ERRATA = (
    Erratum(
        "flow without 1/2",
        "Score-matching & Diffusion Generative Models, probability flow ODE",
        "dx = [f - g^2 score] dt",
        "dx = [f - g^2/2 score] dt",
        "final sd of the flow over the exact one",
        _flow_without_half,
        1e-4,
    ),
    Erratum(
        "bound without T/2",
        "Score-matching & Diffusion Generative Models, learning the reverse SDE",
        "KL <= E_t[g^2 |error|^2]",
        "KL <= T/2 E_t[g^2 |error|^2]",
        "KL over the bound",
        _bound_without_half,
        bound=True,
    ),
    Erratum(
        "no square",
        "Score-based Generative Model, convergence analysis, A1",
        "sum h E|error| <= delta^2",
        "sum h E|error|^2 <= delta^2",
        "KL over the bound",
        _assumption_without_square,
        bound=True,
    ),
    Erratum(
        "delta/d",
        "Score-based Generative Model, numerical verification",
        "error = delta/d",
        "error = delta/sqrt(d)",
        "size of the score error at d = 128 over that at d = 8",
        _error_over_d,
        1e-9,
    ),
    Erratum(
        "no log",
        "Diffusion Models and Score Matching methods, un-normalized models",
        "score = grad q",
        "score = grad log q",
        "final sd of the flow over the exact one",
        _score_without_log,
        1e-2,
    ),
    Erratum(
        "g for g^2",
        "Tomczak, sampling loop of the score-based generative model",
        "u = g/2 score",
        "u = g^2/2 score",
        "final sd of the loop over the exact one",
        _g_for_its_square,
        1e-2,
    ),
    Erratum(
        "sign",
        "Score Matching Based Generative Model and Diffusion Model, NCSN & DDPM",
        "|s - (x' - x)/sigma^2|^2",
        "|s + (x' - x)/sigma^2|^2",
        "slope of the fitted score over the exact one",
        _sign_of_denoising,
        2e-2,
    ),
)
