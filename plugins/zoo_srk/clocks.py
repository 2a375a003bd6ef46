"""The two clocks in which the noise of the reverse SDE is additive, and how the SDE reads in each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Prediction


@dataclass(frozen=True)
class Clock:
    """dy = slope du + level diffusion(u) dB for the scaled state y = x / scale."""

    time: Callable[[Any], Any]
    """u of a point."""
    point: Callable[[Any, Any], Any]
    """The point of a process at u."""
    scale: Callable[[Any], Any]
    """x / y at a point."""
    slope: Callable[[Prediction, float], Tensor]
    """dy/du of a prediction, at a noise level."""
    diffusion: Callable[[Any], Any]
    """What multiplies dB at noise level 1."""
    needs: tuple[str, ...]
    """What a solver card needs with this clock."""


def _data_slope(now: Prediction, level: float) -> Tensor:
    return now.mix(0.0, -(1 + level**2) * now.point.rho)


CLOCKS = {
    "lam": Clock(
        time=lambda p: p.lam,
        point=lambda sde, lam: sde.at_lam(lam),
        scale=lambda p: p.alpha,
        slope=_data_slope,
        diffusion=lambda p: 2**0.5 * p.rho,
        needs=("gaussian", "finite-lam", "decreasing"),
    ),
    "t": Clock(
        time=lambda p: p.t,
        point=lambda sde, t: sde.at(t),
        scale=lambda p: 1.0,
        slope=lambda now, level: now.drift(level),
        diffusion=lambda p: p.g,
        needs=("finite-diffusion", "decreasing"),
    ),
}
