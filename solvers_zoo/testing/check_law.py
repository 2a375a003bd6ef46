"""Checks of the law that a solver gives: weak orders, exact marginals, declared biases."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from solvers_zoo import EDM, OU, Gaussian, GaussianPoint, Grid, GridNoise, Mixture, SeededNoise
from solvers_zoo.exact.affine import affine_map
from solvers_zoo.testing.check_order import Fit
from solvers_zoo.testing.probe import NoiseRecorder, ProbeNoise
from solvers_zoo.testing.problems import FlowProblem, grid, mixture_1d
from solvers_zoo.testing.report import Broken, NotApplicable
from solvers_zoo.testing.subject import Subject, check, require, tensors

_MEAN, _VAR = 1.3, 0.25


@functools.cache
def edm_gaussian() -> Gaussian:
    """N(1.3, 0.25) under EDM, sigma from 10 to 0.02."""
    return Gaussian(mean=[_MEAN], cov=[[_VAR]], sde=EDM(sigma_min=0.02, sigma_max=10.0))


@functools.cache
def ou_gaussian() -> Gaussian:
    """N(1.3, 0.25) under OU, sigma/alpha from 10 to 0.02."""
    wide = OU()
    return Gaussian(mean=[_MEAN], cov=[[_VAR]], sde=OU(t_min=wide.t_of_rho(0.02), t_max=wide.t_of_rho(10.0)))


@dataclass(frozen=True)
class Law:
    """Exact mean and variance of an affine solver's result on a Gaussian target.

    x_N = A x_0 + b + sum_k C_k z_k, so mean = A m + b and variance = A^2 v + sum C_k^2.
    """

    A: float
    b: float
    C: Tensor
    mean: float
    variance: float


def probe(subject: Subject, model: Gaussian, times: Grid) -> Law:
    """Measure A, b and every C_k with a batch of one row a draw and two more; no Monte Carlo."""
    found = affine_map(lambda x, noise: subject.run(model, x, times, noise), (1,))
    A, b, C = float(found.A), float(found.b), found.C.flatten()
    first = times[0]
    mean, variance = first.alpha * _MEAN, first.alpha**2 * _VAR + first.sigma**2
    return Law(A, b, C, A * mean + b, A * A * variance + float(C.square().sum()))


def target(times: Grid) -> tuple[float, float]:
    """Exact mean and variance at the end of the grid."""
    last = times[-1]
    return last.alpha * _MEAN, last.alpha**2 * _VAR + last.sigma**2


def affinity(subject: Subject, steps: int = 6) -> float:
    """How far the result is from affine in start and noise on a Gaussian target, relative to its size."""
    model = ou_gaussian()
    times = grid(model.sde, steps, "uneven")
    try:
        law = probe(subject, model, times)
    except LookupError:  # how many numbers it draws depends on what it drew
        return math.inf
    x = torch.tensor([[0.7], [-1.9], [3.1]], dtype=torch.float64)
    counting = ProbeNoise(x)
    subject.run(model, x, times, counting)
    if counting.uniforms:
        return math.inf
    draws = len(counting.addresses)
    weights = torch.tensor([[math.sin(1.0 + 2.3 * k + 5.1 * i) for i in range(3)] for k in range(draws)])
    weights = weights.reshape(draws, 3).double()
    end = subject.run(model, x, times, ProbeNoise(x, weights, counting.addresses)).flatten()
    if draws != len(law.C):
        return math.inf
    predicted = law.A * x.flatten() + law.b + (law.C[:, None] * weights).sum(0)
    return float((end - predicted).abs().max() / end.abs().max())


@check(every=True)
def check_affine(subject: Subject) -> str:
    """Superposition in start and noise on a Gaussian target holds if the card says so, and fails if it does not."""
    off = affinity(subject)
    if subject.facts.affine:
        require(off <= 1e-9, f"it is declared affine, and superposition fails by {off:.1e}.")
        return f"superposition holds to {off:.1e}."
    require(off > 1e-9, f"it is declared not affine, and superposition holds to {off:.1e}.")
    return (
        "not affine, as declared." if math.isinf(off) else f"not affine, as declared: superposition fails by {off:.1e}."
    )


@check(every=True)
def check_weak_order(subject: Subject) -> tuple[str, float]:
    """The weak order of the card for mean and variance of a Gaussian target, by exact probing of every draw."""
    facts = subject.facts
    if facts.weak_order is None:
        raise NotApplicable("it claims no weak order")
    if not facts.affine:
        raise NotApplicable("it is not affine, so its law cannot be probed exactly; the marginal check samples it")
    p, words, slopes = facts.weak_order, [], []
    for model, above in ((edm_gaussian(), 0.25), (ou_gaussian(), math.inf)):
        signed: list[Tensor] = []

        def error(steps: int, model: Gaussian = model, signed: list[Tensor] = signed) -> float:
            signed.append(_law_error(subject, model, steps))
            return float(signed[-1].abs().max())

        # what methods of more points or stages leave at the next order is of the size of what they leave at their own
        last = 1024 if p >= 2 and (facts.memory or (facts.evaluations or 0) > 2) else 256
        fit = Fit(error, p, 1e-13, largest=5e-2, last=last, below=0.2, above=above)
        slope = fit.slope
        where = f"N(1.3, 0.25) under {type(model.sde).__name__}"
        if math.isnan(slope):
            raise Broken(f"on {where} the law does not come near the exact one: {fit}.")
        text = f"weak order {slope:.2f} on {where} (errors {fit})"
        require(p - 0.2 <= slope <= p + above, f"{text}, the card says {p:g}.")
        limit = _limit(signed[-3:], p).abs().max()
        require(
            limit <= 0.15 * signed[-1].abs().max() + 1e-9,
            f"{text}, but in the limit of small steps {limit:.1e} remains.",
        )
        words.append(text)
        slopes.append(slope)
    return "; ".join(words) + ".", slopes[0]


def _limit(errors: list[Tensor], p: float) -> Tensor:
    """What is left of errors at N, 2N, 4N for N -> infinity, if they are a power series in 1/N that begins at order p."""
    first, second = ((2**p * fine - coarse) / (2**p - 1) for coarse, fine in pairwise(errors))
    return (2 ** (p + 1) * second - first) / (2 ** (p + 1) - 1)


def _law_error(subject: Subject, model: Gaussian, steps: int) -> Tensor:
    """Errors of mean and variance, relative to the exact law."""
    times = grid(model.sde, steps)
    law, (mean, variance) = probe(subject, model, times), target(times)
    return torch.tensor([(law.mean - mean) / variance**0.5, law.variance / variance - 1], dtype=torch.float64)


def _bias_order(subject: Subject, variance: float, times: Grid) -> str:
    """How the bias falls as the chain's step is halved twice, from the formula that the chain has been held to."""
    solver, biases = subject.solver, []
    for _ in range(3):
        settles = solver.stationary_variance(variance, times)
        require(settles is not None, "its card says how its bias falls, and it has no formula of it.")
        biases.append(abs((settles or 0.0) / variance - 1))
        finer = solver.finer()
        require(finer is not None, "its card says how its bias falls with the step, and finer() gives no finer chain.")
        solver = finer or solver
    claimed = subject.facts.bias_order or 0.0
    words = f"biases {', '.join(f'{b:.1e}' for b in biases)} as its step is halved, the card says order {claimed:g}"
    falls = math.log2(biases[1] / biases[2]) if min(biases) > 1e-10 else math.inf
    require(falls == claimed if math.isinf(claimed) else abs(falls - claimed) <= 0.3, f"{words}.")
    return words


def _bias_of_one_step(subject: Subject) -> str:
    """Where a kernel whose step size depends on norms settles in many dimensions, from one step in them.

    Norms are then what they are on average, so a step from the exact law is x - m -> (1 - c)(x - m) + sum b_k z_k, and the
    variance settles at sum b_k^2 / (1 - (1 - c)^2). Least squares over the coordinates give c and every b_k.
    """
    words = []
    for level in (0.5, 2.0):
        sde = edm_gaussian().sde
        times = Grid(sde, [level * (1 + 1e-9), level])
        _, variance = target(times)
        claimed = subject.solver.stationary_variance(variance, times)
        if claimed is None:
            raise NotApplicable("its bias has no closed form to be held to")
        model = Gaussian(mean=[_MEAN] * _DIM, cov=[_VAR] * _DIM, sde=sde)
        seeded = SeededNoise(31, range(4), (_DIM,), torch.float64)
        x = _MEAN + variance**0.5 * seeded.data().fresh()
        recorder = NoiseRecorder(seeded)
        y = subject.run(model, x, times, recorder)
        causes = torch.stack([(x - _MEAN).flatten(), *(draw.flatten() for draw in recorder.drawn)], 1)
        found = torch.linalg.lstsq(causes, (y - _MEAN).flatten()).solution
        left = (y - _MEAN).flatten() - causes @ found
        require(
            left.std() <= 0.05 * (y - x).std(), "a step in many dimensions is not made of its state, score and draws."
        )
        settles = float(found[1:].square().sum() / (1 - found[0] ** 2))
        text = f"at sigma = {level:g} settles {settles / variance - 1:+.2%} from the exact variance, its formula says "
        text += f"{claimed / variance - 1:+.2%}"
        require(abs(settles / claimed - 1) <= 0.05 * abs(claimed / variance - 1) + 1e-6, f"{text}.")
        words.append(text)
    return "; ".join(words) + "."


#: Coordinates in which norms are taken for their means.
_DIM = 4096


@functools.cache
def law_mixture() -> Mixture:
    """A lopsided pair of modes in 1-D under OU, sigma/alpha from 10 to 0.05."""
    wide = OU()
    return Mixture(
        [0.3, 0.7], [[-1.0], [1.2]], [0.09, 0.25], sde=OU(t_min=wide.t_of_rho(0.05), t_max=wide.t_of_rho(10.0))
    )


@functools.cache
def _exact_start(count: int) -> Tensor:
    model = law_mixture()
    noise = SeededNoise(2024, range(count), (1,), torch.float64)
    x: Tensor = model.draw(model.sde.at(model.sde.t_max), noise.data())
    return x


@functools.cache
def _exact_moments() -> tuple[Tensor, Tensor]:
    """Expectations of the statistics of `_statistics` under the exact law at t_min, and their standard deviations."""
    end = law_mixture().sde.at(law_mixture().sde.t_min)
    z = torch.linspace(-9, 9, 4001, dtype=torch.float64)
    mass = torch.exp(-z * z / 2)
    mass = mass / mass.sum()
    first = second = torch.zeros(len(_statistics(z[:1, None])[0]), dtype=torch.float64)
    for weight, mean, var in ((0.3, -1.0, 0.09), (0.7, 1.2, 0.25)):
        points = end.alpha * mean + (end.alpha**2 * var + end.sigma**2) ** 0.5 * z
        values = _statistics(points[:, None])
        first = first + weight * (mass[:, None] * values).sum(0)
        second = second + weight * (mass[:, None] * values.square()).sum(0)
    return first, (second - first.square()).sqrt()


def _statistics(x: Tensor) -> Tensor:
    """Smooth functions that see place, width, skew and the weight of each mode: (n, 5)."""
    x = x[:, :1]
    return torch.cat([x, x * x, torch.tanh(3 * x), torch.cos(2 * x), torch.sin(3 * x)], 1)


_WORDS = ("mean of x", "mean of x^2", "mean of tanh 3x", "mean of cos 2x", "mean of sin 3x")


@check(every=True)
def check_marginal(subject: Subject) -> str:
    """A stochastic solver gives the exact law of a mixture, within Monte-Carlo intervals, once extrapolated in the step."""
    facts = subject.facts
    if not facts.stochastic:
        raise NotApplicable("it is deterministic")
    if facts.stationary:
        raise NotApplicable(f"it declares a bias: {facts.bias}")
    count = 4096 if subject.quick else 32768
    x, model = _exact_start(count), law_mixture()
    p = facts.weak_order or 1
    coarse, fine = (_statistics(subject.run(model, x, grid(model.sde, n))) for n in (40, 80))
    require(torch.isfinite(fine).all(), "the samples are not finite.")
    extrapolated = (2**p * fine - coarse) / (2**p - 1)
    exact, spread = _exact_moments()
    error = extrapolated.mean(0) - exact
    interval = extrapolated.std(0) / count**0.5
    z = error / interval
    worst = int(z.abs().argmax())
    text = f"{_WORDS[worst]} is {z[worst]:+.1f} standard errors off (of {len(z)} statistics, n = {count})"
    if not facts.bias:
        require(z.abs().max() <= 4.5, f"{text}, far from the exact law.")
    plain = (fine.mean(0) - exact).abs() / spread
    require(
        plain.max() <= 0.25,
        f"at 80 steps, {_WORDS[int(plain.argmax())]} is {plain.max():.2f} deviations from the exact law.",
    )
    return f"{text}."


@check(every=True)
def check_noise_level(subject: Subject) -> str:
    """The noise of one very small step is the card's ``noise_level`` times g sqrt(dt)."""
    level = subject.facts.noise_level
    if level is None:
        raise NotApplicable("it names no noise level")
    if not subject.facts.affine:
        raise NotApplicable("it is not affine, so its noise cannot be probed exactly")
    sde = ou_gaussian().sde
    measured = []
    for t in (0.1, 0.5, 1.5):
        times = Grid(sde, [t, t * (1 - 1e-5)])
        noise = float(probe(subject, ou_gaussian(), times).C.square().sum().sqrt())
        measured.append(noise / (times[0].g2 * t * 1e-5) ** 0.5)
    words = ", ".join(f"{value:.4f}" for value in measured)
    require(
        all(abs(value - level) <= 2e-3 for value in measured),
        f"small steps have noise level {words}, the card says {level:g}.",
    )
    return f"noise level {words}, the card says {level:g}."


#: Steps of the path on which strong errors are measured.
_FINE = 1024


@functools.cache
def _path() -> tuple[FlowProblem, Tensor, Grid, GridNoise]:
    problem = mixture_1d()
    fine = problem.grid(_FINE, "log")
    x = problem.x.repeat(16, 1)  # 256 paths
    return problem, x, fine, GridNoise(SeededNoise(7, range(len(x)), (1,), torch.float64), fine)


@functools.cache
def _on_path(level: float) -> Tensor:
    r"""The reverse SDE with noise ``level`` along the finest path, by a scheme of strong order 1.5.

    SRA1 of Roessler (2010, doi:10.1137/09076636X, Table 6.3), in y = x/alpha over lam, where the noise is additive:
    dy = -(1 + l^2) rho eps dlam + sqrt(2) l rho dB.
    """
    problem, x, fine, noise = _path()
    sde, y = problem.model.sde, x / fine[0].alpha

    def slope(point: GaussianPoint, y: Tensor) -> Tensor:
        return -(1 + level**2) * point.rho * problem.model(point.alpha * y, point).eps

    with torch.no_grad():
        for index, (t, s) in enumerate(fine.intervals()):
            h = s.lam - t.lam
            W, H = noise.at(index).between(t, s, area=True)
            whole, mean = h**0.5 * W, h**0.5 * (0.5 * W + H)  # I_1, and I_10 / h
            first, last = 2**0.5 * level * t.rho, 2**0.5 * level * s.rho
            k1 = slope(t, y)
            k2 = slope(sde.at_lam(t.lam + 0.75 * h), y + 0.75 * h * k1 + 1.5 * last * mean)
            y = y + h * (k1 + 2 * k2) / 3 + last * (whole - mean) + first * mean
    return fine[-1].alpha * y


@check(every=True)
def check_strong_order(subject: Subject) -> tuple[str, float]:
    """Along one Brownian path it converges to the reverse SDE of its noise level at the strong order of the card."""
    order, level = subject.facts.strong_order, subject.facts.noise_level
    if order is None or level is None:
        raise NotApplicable("it claims no strong order")
    problem, x, fine, noise = _path()
    exact = _on_path(level)

    def error(steps: int) -> float:
        times = Grid(fine.sde, fine.points[:: _FINE // steps])
        return float((subject.run(problem.model, x, times, noise) - exact).square().mean().sqrt())

    fit = Fit(error, 2.0, 5e-7, largest=0.3)
    text = f"strong order {fit.slope:.2f} (errors {fit}), the card says {order:g}"
    above = 0.4 if order <= 1 else 0.7  # where the noise is weak, the error of the drift shows, which is of order 2
    require(order - 0.25 <= fit.slope <= order + above, f"{text}.")
    return f"{text}.", fit.slope


@check(every=True)
def check_bias(subject: Subject) -> str:
    """A chain with a declared stationary variance settles there, and on the exact mean, by exact probing of every draw."""
    facts, model = subject.facts, edm_gaussian()
    if not facts.bias:
        raise NotApplicable("it declares no bias")
    if not facts.affine:
        return _bias_of_one_step(subject)
    short = Grid(model.sde, [0.5 + 1e-9, 0.5])
    moving = bool(tensors(subject.states(model, torch.zeros(1, 1, dtype=torch.float64), short)[-1].memory))
    enough = 1e-4 if moving else 0.1  # what a velocity still remembers of the start is not told by A
    for steps in (4, 64, 512):
        times = Grid(model.sde, [0.5 + 1e-9 * (steps - i) for i in range(steps + 1)])
        law = probe(subject, model, times)
        if abs(law.A) < enough:
            break
    mean, variance = target(times)
    claimed = subject.solver.stationary_variance(variance, times)
    if claimed is None:
        raise NotApplicable("its bias has no closed form to be held to")
    require(abs(law.A) < enough, f"after {steps} steps it still remembers {abs(law.A):.0%} of its start.")
    settled = float(law.C.square().sum()) / (1 - law.A**2)
    text = f"settles at variance {settled:.6f} (exact {variance:.6f}), the card's formula gives {claimed:.6f}"
    require(abs(settled / claimed - 1) <= 1e-6, f"{text}.")
    if facts.stationary and not moving:
        ratios = law.C[:-1] / law.C[1:]
        spread = float((ratios - ratios[-1]).abs().max())
        require(
            spread <= 1e-6,
            f"at one level its kernel is not the same in every step: the contraction varies by {spread:.1e}.",
        )
    if facts.bias_order is not None:
        text += f"; {_bias_order(subject, variance, times)}"
    off = abs(law.b / (1 - law.A) - mean)
    require(off <= 1e-6, f"its mean settles {off:.1e} from the exact one.")
    return f"{text}."
