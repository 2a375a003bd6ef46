r"""Forward processes and the points of their schedule.

An `SDE` is dX = f(X, t) dt + g(t) dW on [t_min, t_max]. Nearly all are `GaussianSDE`, with

    X_t = alpha(t) X_0 + sigma(t) eps,      eps ~ N(0, I),

and everything follows from alpha and sigma: f(x, t) = f(t) x with f = d log alpha / dt,
g^2 = d sigma^2 / dt - 2 f sigma^2, the half log-SNR lam = log(alpha / sigma), its inverse and the prior.
A concrete process gives alpha and sigma; closed forms override what follows from them.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from solvers_zoo.errors import DomainError, IncompatibleError
from solvers_zoo.numerics.combine import combine
from solvers_zoo.numerics.derivative import derivative
from solvers_zoo.numerics.scalar import absolute, divide, exp, log, sqrt, where
from solvers_zoo.processes.prediction import GaussianPrediction, Prediction, ScorePrediction
from solvers_zoo.registry.card import SDECard
from solvers_zoo.registry.defaults import GAUSSIAN_GRID, GRID
from solvers_zoo.registry.options import Configurable

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from solvers_zoo.numerics.scalar import S, Scalar

F = TypeVar("F", bound="Callable[..., object]")


@dataclass(frozen=True, slots=True)
class Point:
    """A time of an SDE with its diffusion coefficient squared, ``g2``.

    Fields are Python floats; in per-sample stepping they are float64 tensors of shape (B, 1, ...).
    """

    t: Scalar
    g2: Scalar

    @property
    def g(self) -> Scalar:
        """Diffusion coefficient g(t)."""
        return sqrt(self.g2)


@dataclass(frozen=True, slots=True)
class GaussianPoint(Point):
    """A time of a `GaussianSDE` with the whole schedule there, computed once in float64.

    ``alpha``, ``sigma`` and their time derivatives ``dalpha``, ``dsigma``; ``lam`` = log(alpha/sigma), which is -inf
    where alpha = 0 (so are f and g2 then infinite; the derivatives are not).
    """

    alpha: Scalar
    sigma: Scalar
    lam: Scalar
    dalpha: Scalar
    dsigma: Scalar

    @property
    def rho(self) -> Scalar:
        """Noise-to-signal ratio sigma/alpha; inf where alpha = 0."""
        return divide(self.sigma, self.alpha)

    @property
    def f(self) -> Scalar:
        """Linear drift coefficient d log(alpha)/dt; -inf where alpha = 0."""
        return divide(self.dalpha, self.alpha)


def schedule_function(function: F) -> F:
    """Let a function of time be asked with any scalar: what is not a float or a float64 tensor is computed as one.

    The result is rounded once to the type of the time (whole-number tensors, as of DDPM's steps, give float64). So the
    noise level of a float32 training step is right to its last bit, where ``1 - exp`` in float32 loses half of them.
    """

    @functools.wraps(function)
    def widened(self: Any, t: Any) -> Any:
        if type(t) is float:
            return function(self, t)
        if not hasattr(t, "double"):
            return function(self, float(t))
        value = function(self, t.double())
        if not hasattr(value, "to"):  # a constant, written as a number
            value = value + 0.0 * t.double()
        return value.to(t.dtype) if t.is_floating_point() else value

    return cast("F", widened)


def double(t: Scalar) -> Any:
    """A time as a Python float or a float64 tensor, in which points are computed."""
    return t.double() if hasattr(t, "double") else float(t)


#: What `GaussianSDE` widens in every subclass that defines it.
SCHEDULE = ("alpha", "sigma", "dalpha", "dsigma", "lam", "diffusion_squared", "t_of_lam")


class SDE(Configurable, ABC):
    """A forward process on [t_min, t_max]; t grows towards noise."""

    card: ClassVar[SDECard]
    gaussian: ClassVar[bool] = False
    discrete: ClassVar[bool] = False  # whether t is an index, so that whole times are those of a table
    default_grid: ClassVar[str] = GRID

    @property
    @abstractmethod
    def t_min(self) -> float:
        """Where sampling ends; an option, or derived from others."""

    @property
    @abstractmethod
    def t_max(self) -> float:
        """Where sampling starts."""

    @abstractmethod
    def drift(self, x: Tensor, t: Scalar) -> Tensor:
        """f(x, t), of x's shape (B, ...); t a float or a tensor that broadcasts against x."""

    @abstractmethod
    def diffusion(self, t: S) -> S:
        """g(t)."""

    def at(self, t: Scalar) -> GaussianPoint:
        """The point of time t: a float, or a tensor of times for per-sample stepping.

        Its type is that of a Gaussian process, as nearly all are. On any other one it is a plain `Point`, of which solvers for
        all processes use no more.
        """
        return cast("GaussianPoint", Point(t=t, g2=self.diffusion(t) ** 2))

    def predict(self, kind: str, x: Tensor, point: GaussianPoint, out: Tensor) -> Prediction:
        """See a model's output ``out`` of ``kind`` at ``x`` as a prediction."""
        if kind != "score":
            raise IncompatibleError(
                f"{self} is not of the form alpha X_0 + sigma eps, so a {kind} prediction has no meaning on it; "
                "give a score model (prediction='score')."
            )
        return ScorePrediction(x, out, point, self.drift(x, point.t))

    def as_gaussian(self, otherwise: str = "it has neither alpha nor sigma") -> GaussianSDE:
        """This process, for code that needs its alpha and sigma; ``otherwise`` says what is not possible without them.

        Raises:
            IncompatibleError: the process is not Gaussian.

        """
        raise IncompatibleError(f"{self} is not of the form alpha X_0 + sigma eps: {otherwise}.")

    def prior_std(self, t: float) -> float:
        """Standard deviation of the prior from which sampling starts at time t."""
        raise IncompatibleError(f"{self} names no prior; give the start as x=.")


class GaussianSDE(SDE):
    """A process whose transition kernel is N(alpha(t) x_0, sigma(t)^2 I)."""

    gaussian = True
    default_grid = GAUSSIAN_GRID

    def __init_subclass__(cls, **kwargs: Any) -> None:
        for name in SCHEDULE:
            if name in vars(cls):
                setattr(cls, name, schedule_function(vars(cls)[name]))
        super().__init_subclass__(**kwargs)

    @abstractmethod
    def alpha(self, t: S) -> S:
        """Signal scale; alpha(0) = 1, decreasing, possibly 0 at t_max."""

    @abstractmethod
    def sigma(self, t: S) -> S:
        """Noise standard deviation, increasing."""

    def as_gaussian(self, otherwise: str = "") -> GaussianSDE:
        """This process."""
        return self

    @schedule_function
    def dalpha(self, t: S) -> S:
        """d alpha / dt."""
        return derivative(self.alpha, t)

    @schedule_function
    def dsigma(self, t: S) -> S:
        """d sigma / dt."""
        return derivative(self.sigma, t)

    @schedule_function
    def lam(self, t: S) -> S:
        """Half log-SNR, log(alpha/sigma), decreasing in t."""
        return log(self.alpha(t)) - log(self.sigma(t))

    @schedule_function
    def diffusion_squared(self, t: S) -> S:
        """g^2 = d sigma^2 / dt - 2 f sigma^2."""
        sigma = self.sigma(t)
        return 2 * sigma * (self.dsigma(t) - divide(self.dalpha(t), self.alpha(t)) * sigma)

    @schedule_function
    def t_of_lam(self, lam: S) -> S:
        """The time at which the half log-SNR is ``lam``; bisection unless overridden."""
        zero = 0.0 * exp(-absolute(lam))  # of lam's type and shape, also where lam is infinite
        low, high = zero + self.t_min, zero + self.t_max
        for _ in range(80):
            middle = (low + high) / 2
            early = self.lam(middle) > lam  # still more signal than asked for: t lies later
            low, high = where(early, middle, low), where(early, high, middle)
        return (low + high) / 2

    def drift(self, x: Tensor, t: Scalar) -> Tensor:
        """f(t) x."""
        return combine((self.at(t).f, x))

    def diffusion(self, t: S) -> S:
        """g(t)."""
        return sqrt(self.diffusion_squared(t))

    def at(self, t: Scalar) -> GaussianPoint:
        """The point of time ``t``; any t in [t_min, t_max], and beyond where the formulas allow."""
        t = double(t)
        return GaussianPoint(
            t=t,
            g2=self.diffusion_squared(t),
            alpha=self.alpha(t),
            sigma=self.sigma(t),
            lam=self.lam(t),
            dalpha=self.dalpha(t),
            dsigma=self.dsigma(t),
        )

    def t_of_rho(self, rho: S) -> S:
        """The time at which the noise-to-signal ratio sigma/alpha is ``rho``."""
        return self.t_of_lam(-log(rho))

    def at_lam(self, lam: Scalar) -> GaussianPoint:
        """The point whose half log-SNR is ``lam``."""
        return self.at(self.t_of_lam(lam))

    def at_rho(self, rho: Scalar) -> GaussianPoint:
        """The point whose noise-to-signal ratio sigma/alpha is ``rho``."""
        return self.at(self.t_of_rho(rho))

    def predict(self, kind: str, x: Tensor, point: GaussianPoint, out: Tensor) -> Prediction:
        """See a model's output ``out`` of ``kind`` at ``x`` as a prediction."""
        return GaussianPrediction(kind, x, out, point)

    def prior_std(self, t: float) -> float:
        """sigma(t): what is left of N(0, sigma^2) when the data's own scale is forgotten."""
        return float(self.sigma(t))

    def check(self) -> None:
        """t_min < t_max and sigma(t_min) > 0."""
        if not self.t_min < self.t_max:
            raise DomainError(f"{self.spec_name()}: t_min = {self.t_min:g} must lie below t_max = {self.t_max:g}.")
        if not self.sigma(self.t_min) > 0:
            raise DomainError(
                f"{self.spec_name()}: sigma({self.t_min:g}) = 0, where the score does not exist; raise t_min."
            )
