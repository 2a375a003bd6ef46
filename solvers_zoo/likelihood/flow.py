r"""The probability flow with its divergence beside it, as one model of d + k coordinates.

    dx/dt = v(x, t),    dl/dt = div v(x, t) = tr (dv/dx),    or    dl_j/dt = e_j' (dv/dx) e_j    for probes e_1, ..., e_k,

so that log p_s(x_s) = log p_t(x_t) - (l_s - l_t). A probe with E[e e'] = I gives the divergence in the mean (Hutchinson's estimate).
Any solver of the zoo integrates both together.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.noise.numbers import PROBES
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.processes.base import GaussianPoint
from solvers_zoo.score_models.analytic import fold
from solvers_zoo.score_models.base import ScoreModel


class Augmented(ScoreModel):
    """The flow of (x, l); a state is (B, d + k), and l has one column for the full trace, or one for each probe.

    The full trace takes d directional derivatives, all in one pass over a batch repeated d times; k probes take k.

    Args:
        model: the score model.
        probes: (k, B, d), or None for the full trace.
        shape: shape of one sample, where the model does not say it.

    Raises:
        IncompatibleError: (on a call) the model has no forward derivative.

    """

    kind = "flow"

    def __init__(self, model: ScoreModel, probes: Tensor | None = None, shape: Sequence[int] | None = None) -> None:
        self.model, self.sde, self.probes, self.cost = model, model.sde, probes, model.cost
        self.inner = tuple(model.shape if shape is None and model.shape is not None else shape or ())
        self.size = math.prod(self.inner)
        self.shape = (self.size + self.columns,)

    @property
    def columns(self) -> int:
        """Columns of l."""
        return 1 if self.probes is None else len(self.probes)

    @property
    def directions(self) -> int:
        """Passes through the model, each with a derivative, that one call takes."""
        return self.size if self.probes is None else len(self.probes)

    def predict(self, x: Tensor, point: GaussianPoint, **condition: object) -> Tensor:
        """(v, divergences)."""
        count, d = len(x), self.size
        if self.probes is None:
            along = torch.eye(d, dtype=x.dtype, device=x.device).repeat_interleave(count, 0)
        else:
            own = self.probes.to(x.device, x.dtype)
            # a solver may ask for several states of a sample
            along = own.repeat(1, count // own.shape[1], 1).reshape(-1, d)
        repeats = self.directions
        if isinstance(point.t, Tensor):  # every sample at a time of its own
            times = point.t.reshape(-1).expand(count).repeat(repeats)
            point = self.sde.at(times.view(-1, *[1] * len(self.inner)))
        state = x[:, :d].reshape(count, *self.inner).repeat(repeats, *[1] * len(self.inner))

        def velocity(state: Tensor) -> Tensor:
            return self.model(state, point, **condition).flow

        v, moved = derivative(velocity, state, along.view_as(state))
        products = (moved.reshape(-1, d) * along).sum(1).view(repeats, count)
        traces = fold(products)[None] if self.probes is None else products
        return torch.cat((v[:count].reshape(count, d), traces.T), 1)


def derivative(function: Callable[[Tensor], Tensor], x: Tensor, along: Tensor) -> tuple[Tensor, Tensor]:
    """``function(x)`` and its derivative along ``along``.

    Raises:
        IncompatibleError: an operation has no forward derivative.

    """
    jvp: Callable[..., Any] = torch.func.jvp
    try:
        with differentiable():
            return jvp(function, (x,), (along,))
    except (NotImplementedError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise IncompatibleError(
            f"The model has no forward derivative, which a likelihood needs ({type(error).__name__}: {reason})."
        ) from error


@contextlib.contextmanager
def differentiable() -> Iterator[None]:
    """Where attention is written out, as the fused kernels have no forward derivative."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel(SDPBackend.MATH):
        yield


def probe_vectors(kind: str, noise: SeededNoise, count: int) -> Tensor:
    """``count`` probes for every sample of a `SeededNoise` over (d,): (count, B, d), signs or normals.

    Probe j of sample i depends on the seed, i and j alone.
    """
    z = torch.stack([noise.normals(PROBES, number, 1)[:, 0] for number in range(count)])
    return z if kind == "gaussian" else torch.where(z < 0, -1.0, 1.0).to(z.dtype)
