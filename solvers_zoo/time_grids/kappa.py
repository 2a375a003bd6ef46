"""The step-size rule of the convergence theory: steps in proportion to the time that is left."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.numerics.scalar import expm1, log, softplus
from solvers_zoo.registry.card import GridCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.time_grids.base import GridRule

if TYPE_CHECKING:
    from solvers_zoo.processes.base import SDE, GaussianSDE


def kappa_parts(kappa: float, T: float, tau: float) -> tuple[int, int]:
    """Steps of the rule from time ``T`` to ``tau``: uniform ones above 1 and geometric ones below.

    For tau < 1 < T they are ceil((T - 1)/kappa) and ceil(log(1/tau) / log(1 + kappa)).
    """
    uniform, geometric = max(T, 1.0) - max(tau, 1.0), math.log(min(T, 1.0) / min(tau, 1.0))
    return _ceil(uniform / kappa), _ceil(geometric / math.log1p(kappa))


def kappa_steps(kappa: float, T: float, tau: float) -> int:
    """Steps of the rule from time ``T`` to ``tau``, N = ceil((T - 1)/kappa) + ceil(log(1/tau) / log(1 + kappa))."""
    return sum(kappa_parts(kappa, T, tau))


def _ceil(x: float) -> int:
    return math.ceil(x * (1 - 1e-13))  # 7/0.7 is 10 steps, not 11


class Kappa(GridRule):
    r"""Steps of the Ornstein-Uhlenbeck clock u = -log alpha with u_k - u_(k+1) <= kappa min(1, u_(k+1)).

    Uniform steps for u >= 1, then u_(k+1) = u_k / (1 + kappa): N = O((T + log(1/tau)) / kappa) steps bring the KL divergence
    of DDPM's exponential integrator down to d kappa^2 N + d kappa T + d e^(-2T). On ``ou`` u is t; every other Gaussian process
    is that one on another clock and scale, u = log(1 + e^(-2 lam))/2.

    Without ``kappa`` the smallest one that the steps allow is taken; with it, it fixes the number of steps.
    """

    card = GridCard(
        name="kappa",
        title="Kappa rule",
        aliases=("chen", "benton"),
        formula="u_k - u_(k+1) <= kappa min(1, u_(k+1)), u = log(1 + e^(-2 lam))/2 the Ornstein-Uhlenbeck time",
        needs=("finite-lam",),
        smooth=False,
        source=Source(
            authors="Benton et al. 2024",
            title="Nearly d-Linear Convergence Bounds for Diffusion Models via Stochastic Localization",
            arxiv="2308.03686",
            where="Theorem 2",
        ),
    )
    kappa: float | None = option(
        None, help="step size, which fixes the number of steps; fitted to it if none", kind="float", above=0.0
    )

    def fixed_steps(self, sde: SDE) -> int | None:
        """The number of steps that kappa makes of the process's interval; None if kappa is fitted."""
        return None if self.kappa is None else kappa_steps(self.kappa, *_ends(sde.as_gaussian()))

    def parts(self, sde: GaussianSDE, steps: int) -> tuple[int, int]:
        """Numbers of uniform and of geometric steps."""
        T, tau = _ends(sde)
        if self.kappa is not None:
            return kappa_parts(self.kappa, T, tau)
        if T <= 1 or steps == 1:  # one step cannot honour both parts: it counts as geometric
            return 0, steps
        if tau >= 1:
            return steps, 0
        # more uniform steps make their own smaller and the geometric ones larger: the best split is where they cross
        splits = range(1, steps)
        cross = bisect_left(splits, True, key=lambda n: (T - 1) / n <= expm1(-log(tau) / (steps - n)))
        near = splits[max(cross - 1, 0) : cross + 1]
        return min(((n, steps - n) for n in near), key=lambda parts: _kappa(T, tau, *parts))

    def kappa_of(self, sde: GaussianSDE, steps: int) -> float:
        """The kappa for which the grid of ``steps`` steps keeps the rule."""
        return self.kappa if self.kappa is not None else _kappa(*_ends(sde), *self.parts(sde, steps))

    def times(self, sde: GaussianSDE, steps: int) -> Sequence[float]:
        """``steps`` + 1 times; the ends are exact."""
        T, tau = _ends(sde)
        uniform, geometric = self.parts(sde, steps)
        corner = (max(tau, 1.0) if uniform else T) if geometric else tau
        clock = [T + i / uniform * (corner - T) for i in range(1, uniform + 1)]
        clock += [corner * (tau / corner) ** (i / geometric) for i in range(1, geometric + 1)]
        return [sde.t_max, *(sde.t_of_lam(-log(expm1(2 * u)) / 2) for u in clock[:-1]), sde.t_min]


def _ends(sde: GaussianSDE) -> tuple[float, float]:
    """The first and last time of the grid on the Ornstein-Uhlenbeck clock."""
    T, tau = (softplus(-2 * float(sde.at(t).lam)) / 2 for t in (sde.t_max, sde.t_min))
    return T, tau


def _kappa(T: float, tau: float, uniform: int, geometric: int) -> float:
    """The larger of the two parts' step sizes."""
    corner = (max(tau, 1.0) if uniform else T) if geometric else tau
    steps = (T - corner) / uniform if uniform else 0.0
    return max(steps, expm1(math.log(corner / tau) / geometric) if geometric else 0.0)
