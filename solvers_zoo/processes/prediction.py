r"""One network call, seen as any parametrisation. The conversions of the zoo are all here.

Every parametrisation is a linear form p x0 + q eps of the two unknowns:

    x0     (1, 0)                 the denoised data, E[X_0 | x]
    eps    (0, 1)                 the noise
    score  (0, -1/sigma)          grad log p_t(x)
    v      (-sigma, alpha)        Salimans & Ho 2022 (2202.00512), Appendix D
    flow   (alpha', sigma')       dx/dt along the probability flow

and so is the state, x = alpha x0 + sigma eps. Two known forms give every third one, r x0 + s eps, as a x + b out:

    a = (r q - s p) / det,   b = (alpha s - sigma r) / det,   det = alpha q - sigma p.

det = 0 where the output says nothing of x0 (eps or score where alpha = 0); that is refused with its reason.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from solvers_zoo.errors import DomainError, IncompatibleError
from solvers_zoo.numerics.combine import combine
from solvers_zoo.numerics.scalar import divide, maximum, where

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.numerics.combine import Term
    from solvers_zoo.numerics.scalar import Scalar
    from solvers_zoo.processes.base import GaussianPoint

FORMS: dict[str, Callable[[GaussianPoint], tuple[Scalar, Scalar]]] = {
    "x0": lambda point: (1.0, 0.0),
    "eps": lambda point: (0.0, 1.0),
    "score": lambda point: (0.0, -1.0 / point.sigma),
    "v": lambda point: (-point.sigma, point.alpha),
    "flow": lambda point: (point.dalpha, point.dsigma),
}


class Prediction(ABC):
    """What a model says at (x, t). ``x`` and every view have shape (B, ...)."""

    x: Tensor
    point: GaussianPoint
    out: Tensor
    """The model's own output."""
    unguided: Prediction | None = None
    """The prediction without guidance, where the model guides (`solvers_zoo.Guided`)."""
    observed: Any = None
    """What was observed of the data, where the model knows (`solvers_zoo.Observed`)."""

    @property
    @abstractmethod
    def x0(self) -> Tensor:
        """Denoised data, E[X_0 | x]."""

    @property
    @abstractmethod
    def eps(self) -> Tensor:
        """Noise, (x - alpha x0) / sigma."""

    @property
    @abstractmethod
    def score(self) -> Tensor:
        """grad log p_t(x) = -eps / sigma."""

    @property
    @abstractmethod
    def v(self) -> Tensor:
        """alpha eps - sigma x0."""

    @property
    @abstractmethod
    def flow(self) -> Tensor:
        """dx/dt along the probability flow, f(x, t) - g^2/2 score."""

    @abstractmethod
    def drift(self, level: float = 1.0) -> Tensor:
        """Drift of the reverse SDE with noise ``level`` times g: f(x, t) - (1 + level^2)/2 g^2 score.

        0 is the probability flow, 1 the reverse SDE of Anderson; all have the marginals p_t.
        """

    @abstractmethod
    def terms(self, r: Scalar, s: Scalar) -> tuple[Term, Term]:
        """r x0 + s eps as terms for `combine`: ((a, x), (b, out)).

        Raises:
            DomainError: the output does not determine x0 here (eps or score at alpha = 0).

        """

    def mix(self, r: Scalar, s: Scalar) -> Tensor:
        """r x0 + s eps in one pass over state and output, whatever the model predicts.

        With r = alpha_s, s = sigma_s this is the DDIM step. Coefficients are floats or (B, 1, ...) tensors.
        """
        return combine(*self.terms(r, s))


def tweedie(point: GaussianPoint) -> Any:
    """sigma^2/alpha, by which a gradient of log p_t(x) moves E[X_0 | x] (Tweedie's formula); 0 where alpha = 0, as x then tells nothing."""
    if type(point.alpha) is float:
        return point.sigma**2 / point.alpha if point.alpha > 0 else 0.0
    return where(point.alpha > 0, divide(point.sigma**2, maximum(point.alpha, 1e-300)), 0.0 * point.sigma)


def _meaningless(name: str) -> IncompatibleError:
    return IncompatibleError(f"{name} has no meaning on a process that is not of the form alpha X_0 + sigma eps.")


class ScorePrediction(Prediction):
    """A score on a process that is not Gaussian: only score and drifts have a meaning."""

    __slots__ = ("_forward", "out", "point", "x")

    def __init__(self, x: Tensor, score: Tensor, point: GaussianPoint, forward_drift: Tensor) -> None:
        self.x, self.out, self.point, self._forward = x, score, point, forward_drift

    @property
    def score(self) -> Tensor:
        return self.out

    @property
    def flow(self) -> Tensor:
        return self.drift(0.0)

    def drift(self, level: float = 1.0) -> Tensor:
        return combine((1.0, self._forward), (-(1.0 + level**2) / 2 * self.point.g2, self.out))

    @property
    def x0(self) -> Tensor:
        raise _meaningless("x0")

    @property
    def eps(self) -> Tensor:
        raise _meaningless("eps")

    @property
    def v(self) -> Tensor:
        raise _meaningless("v")

    def terms(self, r: Scalar, s: Scalar) -> tuple[Term, Term]:
        raise _meaningless("r x0 + s eps")


class GaussianPrediction(Prediction):
    """Views of one output on a Gaussian process; each is computed when asked for, and kept."""

    __slots__ = ("_views", "kind", "out", "point", "x")

    def __init__(self, kind: str, x: Tensor, out: Tensor, point: GaussianPoint) -> None:
        self.kind, self.x, self.out, self.point = kind, x, out, point
        self._views: dict[str, Tensor] = {kind: out}

    def terms(self, r: Scalar, s: Scalar) -> tuple[Term, Term]:
        point = self.point
        p, q = FORMS[self.kind](point)
        alpha, sigma = point.alpha, point.sigma
        det = alpha * q - sigma * p
        if type(det) is float and det == 0.0:
            raise DomainError(
                f"A {self.kind} prediction at t = {point.t:g}, where alpha = 0, says nothing of the data: x is pure "
                "noise there. Start the grid a little below t_max, or use a model that predicts x0, v or flow."
            )
        return ((r * q - s * p) / det, self.x), ((alpha * s - sigma * r) / det, self.out)

    def _view(self, name: str) -> Tensor:
        view = self._views.get(name)
        if view is None:
            view = self._views[name] = self.mix(*FORMS[name](self.point))
        return view

    @property
    def x0(self) -> Tensor:
        return self._view("x0")

    @property
    def eps(self) -> Tensor:
        return self._view("eps")

    @property
    def score(self) -> Tensor:
        return self._view("score")

    @property
    def v(self) -> Tensor:
        return self._view("v")

    @property
    def flow(self) -> Tensor:
        return self._view("flow")

    def drift(self, level: float = 1.0) -> Tensor:
        # f x - (1 + level^2)/2 g^2 score = flow - level^2/2 g^2 score, and score = -eps / sigma
        point = self.point
        noise = level**2 * point.g2 / (2 * point.sigma) if level else 0.0  # the flow is finite where g is not
        return self.mix(point.dalpha, point.dsigma + noise)
