"""Linear operators: what is observed of the data, y = A x + noise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from solvers_zoo.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.numerics.scalar import Scalar


class LinearOperator(ABC):
    r"""A linear map of samples: ``A(x)``, with its adjoint ``A.T(y)``: <A x, y> = <x, A^T y>.

    Attributes:
        shape: of one sample.
        observed: shape of what is observed of it.

    """

    shape: tuple[int, ...]
    observed: tuple[int, ...]

    @abstractmethod
    def __call__(self, x: Tensor) -> Tensor:
        """A x of every sample: (B, *shape) -> (B, *observed)."""

    @abstractmethod
    def T(self, y: Tensor) -> Tensor:
        """A^T y: (B, *observed) -> (B, *shape)."""

    def solve(self, y: Tensor, shift: Scalar, scale: Scalar) -> Tensor:
        """(shift + scale A A^T)^-1 y, by conjugate gradients to rounding; numbers, or tensors (B, 1, ...)."""
        shift, scale = (
            c if isinstance(c, float) else c.to(y).reshape(-1, *[1] * (y.dim() - 1)) for c in (shift, scale)
        )
        return conjugate_gradients(lambda v: shift * v + scale * self(self.T(v)), y, y[0].numel())

    def dense(self) -> Tensor:
        """The matrix, (M, D) in float64: for small problems."""
        size = int(torch.Size(self.shape).numel())
        columns = self(torch.eye(size, dtype=torch.float64).reshape(size, *self.shape))
        return columns.reshape(size, -1).mT


class DecomposedOperator(LinearOperator):
    r"""An operator whose singular value decomposition A = U S V^T is known.

    Spectra are ordered alike on both sides: entry i < rank of ``V_T(x)`` goes with entry i of ``U_T(y)`` and with
    singular value i; further entries of ``V_T(x)`` are unseen by A, and those of ``U_T(y)`` are unreached.

    Attributes:
        singular: singular values above 0, (rank), float64.

    """

    singular: Tensor

    @abstractmethod
    def V(self, z: Tensor) -> Tensor:
        """V z: (B, D) -> (B, *shape)."""

    @abstractmethod
    def V_T(self, x: Tensor) -> Tensor:
        """V^T x: (B, *shape) -> (B, D)."""

    @abstractmethod
    def U(self, z: Tensor) -> Tensor:
        """U z: (B, M) -> (B, *observed)."""

    @abstractmethod
    def U_T(self, y: Tensor) -> Tensor:
        """U^T y: (B, *observed) -> (B, M)."""

    def __call__(self, x: Tensor) -> Tensor:
        """U S V^T x."""
        return self.U(self._scaled(self.V_T(x), self.values(x), torch.Size(self.observed).numel()))

    def T(self, y: Tensor) -> Tensor:
        """V S U^T y."""
        return self.V(self._scaled(self.U_T(y), self.values(y), torch.Size(self.shape).numel()))

    def pinv(self, y: Tensor) -> Tensor:
        """The pseudo-inverse, A^+ y = V S^-1 U^T y: the shortest x of least |A x - y|."""
        return self.V(self._scaled(self.U_T(y), 1 / self.values(y), torch.Size(self.shape).numel()))

    def solve(self, y: Tensor, shift: Scalar, scale: Scalar) -> Tensor:
        """(shift + scale A A^T)^-1 y, entry by entry; what is unreached and unshifted gives 0."""
        spectrum = self.U_T(y)
        shift, scale = (c if isinstance(c, float) else c.to(y).reshape(-1, 1) for c in (shift, scale))
        squares = torch.nn.functional.pad(self.values(y) ** 2, (0, spectrum.shape[1] - len(self.singular)))
        level = shift + scale * squares.expand_as(spectrum)
        return self.U(torch.where(level > 0, spectrum / level.clamp_min(torch.finfo(level.dtype).tiny), 0.0))

    def values(self, like: Tensor) -> Tensor:
        """The singular values in the dtype and on the device of ``like``."""
        return self.singular.to(like.device, like.dtype)

    @staticmethod
    def _scaled(z: Tensor, values: Tensor, size: int) -> Tensor:
        """The first entries times ``values``, cut or filled with zeros to ``size``."""
        return torch.nn.functional.pad(z[:, : len(values)] * values, (0, size - len(values)))


class FunctionOperator(LinearOperator):
    """Any linear callable as an operator.

    Args:
        forward: (B, *shape) -> (B, *observed), linear.
        shape: of one sample.
        adjoint: its adjoint; by reverse differentiation if not given.

    Raises:
        OptionError: ``forward`` does not keep the batch.

    """

    def __init__(
        self,
        forward: Callable[[Tensor], Tensor],
        shape: Sequence[int],
        adjoint: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.forward, self.adjoint, self.shape = forward, adjoint, tuple(shape)
        out = forward(torch.zeros(2, *self.shape))
        if out.dim() == 0 or len(out) != 2:
            raise OptionError(f"The operator gave {tuple(out.shape)} for two samples; it must give a row for each.")
        self.observed = tuple(out.shape[1:])

    def __call__(self, x: Tensor) -> Tensor:
        """The callable."""
        return self.forward(x)

    def T(self, y: Tensor) -> Tensor:
        """The adjoint given, or that of the callable."""
        if self.adjoint is not None:
            return self.adjoint(y)
        pull: Callable[[Tensor], tuple[Tensor]] = torch.func.vjp(self.forward, y.new_zeros(len(y), *self.shape))[1]
        return pull(y)[0]


def conjugate_gradients(matrix: Callable[[Tensor], Tensor], b: Tensor, iterations: int) -> Tensor:
    """Solve ``matrix(x) = b``, one symmetric positive system a sample, from x = 0; a sample that has converged stays.

    Hestenes & Stiefel 1952, the algorithm of their Section 3.
    """
    x, r, p = torch.zeros_like(b), b, b
    square = dot(r, r)
    least = square * torch.finfo(b.dtype).eps ** 2
    for _ in range(iterations):
        q = matrix(p)
        curvature = dot(p, q)
        live = (square > least) & (curvature > 0)
        if not bool(live.any()):
            break
        step = torch.where(live, square / torch.where(live, curvature, 1.0), 0.0)
        x, r = x + step * p, r - step * q
        new = dot(r, r)
        p = torch.where(live, r + new / torch.where(live, square, 1.0) * p, p)
        square = torch.where(live, new, torch.zeros_like(new))
    return x


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Scalar product of every sample, (B, 1, ...)."""
    return (a * b).flatten(1).sum(1).reshape(-1, *[1] * (a.dim() - 1))
