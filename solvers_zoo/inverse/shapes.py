"""Operators with a known singular value decomposition: any matrix, masks, grey values, averages and blurs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from solvers_zoo.errors import OptionError
from solvers_zoo.inverse.operators import DecomposedOperator

#: Singular values below this part of the largest are taken as 0.
TINY = 1e-10


class Tables:
    """Float64 tensors, given out in the dtype and on the device of a state; each such copy is made once."""

    def __init__(self, **tables: Tensor) -> None:
        self.tables = tables
        self.cast: dict[tuple[str, torch.dtype, torch.device], Tensor] = {}

    def get(self, name: str, like: Tensor) -> Tensor:
        """The table for computing with ``like``."""
        key = (name, like.dtype, like.device)
        if key not in self.cast:
            table = self.tables[name]
            self.cast[key] = table.to(like.device, like.dtype if table.is_floating_point() else None)
        return self.cast[key]


class Matrix(DecomposedOperator):
    """A matrix on the flattened samples.

    Args:
        matrix: (M, D).
        shape: of one sample; (D,) by default.
        observed: of one observation; (M,) by default.

    Raises:
        OptionError: no matrix, or one that does not fit the shapes.

    """

    def __init__(
        self, matrix: object, shape: Sequence[int] | None = None, observed: Sequence[int] | None = None
    ) -> None:
        table = torch.as_tensor(matrix, dtype=torch.float64).detach().cpu()
        if table.dim() != 2 or not bool(torch.isfinite(table).all()):
            raise OptionError(f"A matrix operator takes a finite matrix (M, D); got {tuple(table.shape)}.")
        self.shape = tuple(shape) if shape is not None else (table.shape[1],)
        self.observed = tuple(observed) if observed is not None else (table.shape[0],)
        if (math.prod(self.observed), math.prod(self.shape)) != tuple(table.shape):
            raise OptionError(f"A matrix {tuple(table.shape)} does not map {self.shape} to {self.observed}.")
        U, values, V_T = torch.linalg.svd(table)
        self.singular = values[values > TINY * values.max()]
        self._tables = Tables(A=table, U=U, V=V_T.mT)

    def __call__(self, x: Tensor) -> Tensor:
        """A x."""
        return (x.flatten(1) @ self._tables.get("A", x).mT).reshape(-1, *self.observed)

    def T(self, y: Tensor) -> Tensor:
        """A^T y."""
        return (y.flatten(1) @ self._tables.get("A", y)).reshape(-1, *self.shape)

    def V(self, z: Tensor) -> Tensor:
        """V z."""
        return (z @ self._tables.get("V", z).mT).reshape(-1, *self.shape)

    def V_T(self, x: Tensor) -> Tensor:
        """V^T x."""
        return x.flatten(1) @ self._tables.get("V", x)

    def U(self, z: Tensor) -> Tensor:
        """U z."""
        return (z @ self._tables.get("U", z).mT).reshape(-1, *self.observed)

    def U_T(self, y: Tensor) -> Tensor:
        """U^T y."""
        return y.flatten(1) @ self._tables.get("U", y)


class _Unturned(DecomposedOperator):
    """An operator whose U is the identity: the values observed are the entries of the spectrum."""

    def U(self, z: Tensor) -> Tensor:
        """Give the spectrum the shape of an observation."""
        return z.reshape(-1, *self.observed)

    def U_T(self, y: Tensor) -> Tensor:
        """Flatten the observation."""
        return y.flatten(1)


class Mask(_Unturned):
    """The coordinates where ``mask`` is true, in one row: what inpainting observes.

    Args:
        mask: of the shape of one sample.

    Raises:
        OptionError: a mask that keeps nothing.

    """

    def __init__(self, mask: object) -> None:
        kept = torch.as_tensor(mask).bool().cpu()
        self.shape, self.observed = tuple(kept.shape), (int(kept.sum()),)
        if not self.observed[0]:
            raise OptionError("The mask is false everywhere, so nothing is observed.")
        order = torch.argsort(~kept.flatten(), stable=True)  # what is kept first
        self.singular = torch.ones(self.observed, dtype=torch.float64)
        self._tables = Tables(order=order, back=torch.argsort(order))

    def V(self, z: Tensor) -> Tensor:
        """Put every coordinate back at its place."""
        return z[:, self._tables.get("back", z)].reshape(-1, *self.shape)

    def V_T(self, x: Tensor) -> Tensor:
        """The coordinates kept, then the others."""
        return x.flatten(1)[:, self._tables.get("order", x)]


class _Weighted(_Unturned):
    """One weighted sum of every group of coordinates; a subclass says how samples fall into groups (B, groups, members)."""

    def __init__(self, weights: Tensor, groups: int) -> None:
        length = weights.norm()
        self.singular = length.expand(groups).clone()
        # a reflection that takes the first axis to the weights, so its columns are an orthonormal basis that begins with them
        first = torch.zeros_like(weights)
        first[0] = 1.0
        away = first - weights / length
        square = float(away @ away)
        basis = torch.eye(len(weights), dtype=torch.float64)
        if square > 0:
            basis -= 2 / square * torch.outer(away, away)
        self._tables = Tables(basis=basis)

    def gather(self, x: Tensor) -> Tensor:
        """(B, *shape) -> (B, groups, members)."""
        raise NotImplementedError

    def scatter(self, groups: Tensor) -> Tensor:
        """(B, groups, members) -> (B, *shape)."""
        raise NotImplementedError

    def V(self, z: Tensor) -> Tensor:
        """Turn the groups back from their bases."""
        basis = self._tables.get("basis", z)
        return self.scatter(z.reshape(len(z), len(basis), -1).mT @ basis.mT)

    def V_T(self, x: Tensor) -> Tensor:
        """All groups' weighted sums (of norm 1), then what they leave out."""
        return (self.gather(x) @ self._tables.get("basis", x)).mT.flatten(1)


class Grey(_Weighted):
    """The weighted mean over the first dimension of every pixel: what colourisation observes.

    Args:
        shape: (C, ...) of one sample.
        weights: one a channel; 1/C each by default.

    Raises:
        OptionError: weights that do not fit.

    """

    def __init__(self, shape: Sequence[int], weights: Sequence[float] | None = None) -> None:
        self.shape = tuple(shape)
        channels = self.shape[0]
        table = torch.as_tensor(weights or [1 / channels] * channels, dtype=torch.float64)
        if table.shape != (channels,) or not bool(table.norm() > 0):
            raise OptionError(f"A grey value of {channels} channels takes as many weights; got {weights}.")
        self.observed = (1, *self.shape[1:])
        super().__init__(table, math.prod(self.shape[1:]))

    def gather(self, x: Tensor) -> Tensor:
        """Channels last."""
        return x.flatten(2).mT

    def scatter(self, groups: Tensor) -> Tensor:
        """Channels first."""
        return groups.mT.reshape(-1, *self.shape)


class Average(_Weighted):
    """The mean of every block of ``factor`` x ``factor`` pixels: what super-resolution observes.

    Args:
        shape: (C, H, W) of one sample.
        factor: divides H and W.

    Raises:
        OptionError: it does not.

    """

    def __init__(self, shape: Sequence[int], factor: int) -> None:
        self.shape = tuple(shape)
        if len(self.shape) != 3 or factor < 1 or self.shape[1] % factor or self.shape[2] % factor:
            raise OptionError(f"factor = {factor} does not divide images of shape {self.shape} (C, H, W) into blocks.")
        self.factor, self.observed = factor, (self.shape[0], self.shape[1] // factor, self.shape[2] // factor)
        super().__init__(torch.full((factor**2,), factor**-2, dtype=torch.float64), math.prod(self.observed))

    def gather(self, x: Tensor) -> Tensor:
        """Blocks of pixels."""
        (channels, rows, columns), f = self.observed, self.factor
        blocks = x.reshape(-1, channels, rows, f, columns, f).transpose(3, 4)
        return blocks.reshape(len(x), -1, f * f)

    def scatter(self, groups: Tensor) -> Tensor:
        """The image."""
        (channels, rows, columns), f = self.observed, self.factor
        blocks = groups.reshape(-1, channels, rows, columns, f, f).transpose(3, 4)
        return blocks.reshape(-1, *self.shape)


class Blur(DecomposedOperator):
    """Convolution of rows and columns with one symmetric or other kernel; beyond the edges the image is 0.

    The matrix is a Kronecker product of two small ones, and so is its decomposition.

    Args:
        shape: (C, H, W) of one sample.
        kernel: an odd number of weights, for rows and columns alike.

    Raises:
        OptionError: a kernel of another form.

    """

    def __init__(self, shape: Sequence[int], kernel: Sequence[float]) -> None:
        self.shape = self.observed = tuple(shape)
        weights = torch.as_tensor(kernel, dtype=torch.float64)
        if len(self.shape) != 3 or weights.dim() != 1 or len(weights) % 2 == 0:
            raise OptionError(
                f"A blur takes images (C, H, W) and an odd number of weights; got {self.shape}, {tuple(weights.shape)}."
            )
        half = len(weights) // 2
        parts = []
        for size in self.shape[1:]:
            lag = torch.arange(size)[:, None] - torch.arange(size) + half
            matrix = torch.where((lag >= 0) & (lag < len(weights)), weights[lag.clamp(0, len(weights) - 1)], 0.0)
            parts.append(torch.linalg.svd(matrix))
        (U_h, s_h, V_h), (U_w, s_w, V_w) = parts
        values = torch.outer(s_h, s_w).expand(*self.shape).flatten()
        order = torch.argsort(values, descending=True, stable=True)
        self.singular = values[order][values[order] > TINY * values.max()]
        self._tables = Tables(U_h=U_h, U_w=U_w, V_h=V_h.mT, V_w=V_w.mT, order=order, back=torch.argsort(order))

    @classmethod
    def gaussian(cls, shape: Sequence[int], width: float) -> Blur:
        """The blur whose kernel is a Gaussian of standard deviation ``width`` pixels, cut at 3 of them and of sum 1."""
        radius = max(1, math.ceil(3 * width))
        weights = [math.exp(-0.5 * (i / width) ** 2) for i in range(-radius, radius + 1)]
        return cls(shape, [weight / sum(weights) for weight in weights])

    def V(self, z: Tensor) -> Tensor:
        """V z."""
        return self._from(z, "V")

    def V_T(self, x: Tensor) -> Tensor:
        """V^T x."""
        return self._to(x, "V")

    def U(self, z: Tensor) -> Tensor:
        """U z."""
        return self._from(z, "U")

    def U_T(self, y: Tensor) -> Tensor:
        """U^T y."""
        return self._to(y, "U")

    def _from(self, z: Tensor, side: str) -> Tensor:
        image = z[:, self._tables.get("back", z)].reshape(-1, *self.shape)
        return self._tables.get(side + "_h", z) @ image @ self._tables.get(side + "_w", z).mT

    def _to(self, x: Tensor, side: str) -> Tensor:
        image = self._tables.get(side + "_h", x).mT @ x @ self._tables.get(side + "_w", x)
        return image.flatten(1)[:, self._tables.get("order", x)]
