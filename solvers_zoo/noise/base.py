"""Randomness as solvers see it.

A solver never draws from a global generator. It asks the `Draws` of its step, and a step asked twice answers the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from solvers_zoo.errors import IncompatibleError

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import Point


class Path(ABC):
    """A Brownian motion a sample, in any clock."""

    @abstractmethod
    def value(self, u: Scalar) -> Tensor:
        """B(u), (B, *shape): u a float, or a tensor (B, 1, ...) with a clock of its own for each sample."""

    @abstractmethod
    def increment(self, a: Scalar, b: Scalar, area: bool = False) -> Any:
        """W = B(b) - B(a), of variance |b - a|; with ``area``, (W, H) with the space-time Levy area H of the interval."""


class Draws(ABC):
    """The random numbers of one step; every call gives the next ones, in the state's shape and dtype."""

    @abstractmethod
    def fresh(self) -> Tensor:
        """Independent N(0, I), for Langevin kicks and churn."""

    def between(self, t: Point, s: Point, area: bool = False) -> Any:
        """The Brownian increment from point ``t`` to point ``s``, in units of its own standard deviation.

        W ~ N(0, I): multiply by the standard deviation that your scheme gives the interval, e.g. g sqrt(h) for
        Euler-Maruyama. Over a Brownian path (`PathNoise`) W is (B(s) - B(t)) / sqrt|lam_s - lam_t| with B a Brownian
        motion in the clock lam (half log-SNR), so increments of neighbouring intervals add up and a refined grid sees the
        same path; otherwise increments of different calls are independent.

        Args:
            t: the point stepped from.
            s: the point stepped to.
            area: also give the space-time Levy area H ~ N(0, I/12) of the interval, independent of W, in the same units
                (Foster et al. 2020, 1904.10383, def. 4.2.1): the mean over the interval of the path minus its chord.

        Returns:
            W, or (W, H). Unless a subclass knows more, numbers independent of all others.

        """
        W = self.fresh()
        return (W, self.fresh() * 12**-0.5) if area else W

    @abstractmethod
    def uniform(self) -> Tensor:
        """Independent uniforms in (0, 1), one a sample: shape (B,), float64."""


class Noise(ABC):
    """All random numbers of a run, addressed by step."""

    @abstractmethod
    def at(self, index: int) -> Draws:
        """The draws of step ``index``; asked twice, the same."""

    def path(self, low: float, high: float, resolution: float | None = None) -> Path:
        """A Brownian path of every sample on [low, high], for integrators that ask between times of their own.

        The clock is whatever the caller likes; ``resolution`` as in `BrownianPath`.

        Raises:
            IncompatibleError: this noise makes no paths.

        """
        raise IncompatibleError(f"{type(self).__name__} makes no Brownian paths, which this solver needs; give a seed.")
