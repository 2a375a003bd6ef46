"""Problems with known answers, shared by all checks and made once a process.

Everything is float64, and ends at sigma > 0 so that no residual of a last denoise hides an order. Three flows with exact
maps: a Gaussian in two dimensions (closed form), a mixture in one (monotone transport, no reference solver) and a mixture
in two (a reference integration good to 1e-12). The first two run on the Ornstein-Uhlenbeck process, where alpha and sigma
both move; the third on EDM from sigma = 2, where a multistep method pays for its start-up.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from solvers_zoo import EDM, OU, SDE, FunctionModel, Gaussian, Grid, Mixture, SDECard, Source, option, registry
from solvers_zoo.exact import gaussian_flow, reference_flow, transport

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S, Scalar

#: Relative lengths of neighbouring intervals on the grid that is not smooth; sum 3.
UNEVEN = (0.6, 1.4, 1.0)


@functools.cache
def grid(sde: Any, steps: int, rule: str = "karras") -> Grid:
    """A grid of ``steps`` intervals over the whole of ``sde``, cached.

    Args:
        sde: the process; alpha(t_max) > 0.
        steps: N.
        rule: ``karras``, ``log`` (uniform in the log-SNR), ``uniform`` (in t), ``uneven`` (log-SNR steps in the ratios of
            `UNEVEN`, on which a wrong step ratio in a multistep method lowers its order).

    """
    if rule == "uniform":
        inner = [sde.t_max + i / steps * (sde.t_min - sde.t_max) for i in range(1, steps)]
    elif rule == "karras":
        top, end = (sde.at(t).rho ** (1 / 7) for t in (sde.t_max, sde.t_min))
        inner = [sde.at_rho((top + i / steps * (end - top)) ** 7).t for i in range(1, steps)]
    else:
        # counted from the nearer end, so that first and last step are the same fraction of a mean step for every N
        ratios = [UNEVEN[min(i, steps - 1 - i) % 3] if rule == "uneven" else 1.0 for i in range(steps)]
        top, end = sde.lam(sde.t_max), sde.lam(sde.t_min)
        inner = [sde.t_of_lam(top + (end - top) * sum(ratios[:i]) / sum(ratios)) for i in range(1, steps)]
    return Grid(sde, [sde.t_max, *inner, sde.t_min], smooth=rule != "uneven")


@dataclass(frozen=True, eq=False)
class FlowProblem:
    """A start whose end under the probability flow is known.

    Attributes:
        name: in messages.
        model: the exact score model.
        x: the starts at t_max, (16, d).
        solve: ``solve(model, x, point_from, point_to)``, the exact map.
        floor: error of the exact map itself, rounding included.

    """

    name: str
    model: Any
    x: Tensor
    solve: Callable[..., Tensor]
    floor: float

    def grid(self, steps: int, rule: str = "karras") -> Grid:
        """A grid over the whole interval."""
        return grid(self.model.sde, steps, rule)

    @functools.cached_property
    def end(self) -> Tensor:
        """The exact end of ``x``."""
        sde = self.model.sde
        return self.solve(self.model, self.x, sde.at(sde.t_max), sde.at(sde.t_min))

    @functools.lru_cache(maxsize=64)  # noqa: B019 (problems live as long as the process)
    def exact(self, t: float) -> Tensor:
        """The exact state at time t."""
        sde = self.model.sde
        return self.solve(self.model, self.x, sde.at(sde.t_max), sde.at(t))

    def error(self, x: Tensor) -> float:
        """Root mean square of ``x - end`` over samples and coordinates."""
        return float((x - self.end).square().mean().sqrt())


def hard_ou() -> OU:
    """The Ornstein-Uhlenbeck process between sigma/alpha = 2 and 0.05."""
    wide = OU()
    return OU(t_min=wide.t_of_rho(0.05), t_max=wide.t_of_rho(2.0))


def spread(count: int, dim: int, width: float) -> Tensor:
    """Fixed points filling [-width, width]^dim: a Kronecker sequence, the same everywhere."""
    ratios = torch.tensor([0.6180339887498949, 0.7548776662466927, 0.5698402909980532][:dim], dtype=torch.float64)
    return width * (2 * ((torch.arange(1, count + 1, dtype=torch.float64)[:, None] * ratios) % 1) - 1)


@functools.cache
def gaussian() -> FlowProblem:
    """A correlated Gaussian in 2-D on OU."""
    model = Gaussian(mean=[1.3, -0.7], cov=[[0.3, 0.12], [0.12, 0.2]], sde=hard_ou())
    return FlowProblem("2-D Gaussian (OU)", model, spread(16, 2, 1.6), gaussian_flow, 2e-15)


@functools.cache
def mixture_1d() -> FlowProblem:
    """Three modes in 1-D on OU; the flow's map is the monotone transport."""
    model = Mixture([0.3, 0.3, 0.4], [[-1.2], [0.3], [1.5]], [0.16, 0.1, 0.25], sde=hard_ou())
    return FlowProblem("1-D mixture (OU)", model, spread(16, 1, 1.8), transport, 2e-16)


@functools.cache
def mixture_2d() -> FlowProblem:
    """Two modes in 2-D on EDM, sigma from 2 to 0.05."""
    model = Mixture([0.3, 0.7], [[-1.0, 0.5], [1.2, -0.4]], [0.09, 0.25], sde=EDM(sigma_min=0.05, sigma_max=2.0))
    return FlowProblem("2-D mixture (EDM, sigma 2 to 0.05)", model, spread(16, 2, 2.5), reference_flow, 1e-14)


def elementwise(sde: SDE, kind: str = "x0") -> FunctionModel:
    """A model of elementwise operations alone, whose answer for a sample cannot depend on its batch."""
    return FunctionModel(lambda x, t: torch.tanh(1.3 * x) * (0.9 + 0.1 * x.cos()), sde=sde, prediction=kind)


class NotGaussian(SDE):
    """dX = -X^3 dt + sqrt(2) dW, which has no closed transition kernel: only scores and drifts exist on it."""

    card = SDECard(
        name="cubic-drift",
        title="Cubic drift",
        formula="dX = -X^3 dt + sqrt(2) dW",
        source=Source(authors="the conformance kit", title="A process without a Gaussian kernel", where="this class"),
    )
    t_min: float = option(0.05, help="end of sampling", above=0.0)
    t_max: float = option(0.4, help="start of sampling", above=0.0)

    def drift(self, x: Tensor, t: Scalar) -> Tensor:
        """-x^3."""
        return -(x**3)

    def diffusion(self, t: S) -> S:
        """sqrt(2)."""
        return 2.0**0.5 + 0.0 * t


@functools.cache
def processes() -> tuple[tuple[SDE, Grid], ...]:
    """Every registered Gaussian process with its own grid of 48 steps; some begin where alpha = 0."""
    made = (sde for entry in registry.default().entries("sde") if (sde := entry.cls()).gaussian)
    rules = registry.default()
    return tuple((sde, rules.make("grid", sde.default_grid).make_grid(sde, 48)) for sde in made)
