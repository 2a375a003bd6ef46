"""The model statistics of DPM-Solver-v3: l, s and b over the half log-SNR, in closed form, from a file, or measured.

They are measured once, and the solver reads the file:

    from zoo_dpm.statistics import measure_statistics
    measure_statistics(model, "statistics.npz", lam=(-4, 4))       # once; says what it cost
    zoo.sample(model, solver="dpm-solver-v3(statistics='statistics.npz')", steps=8)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo import IncompatibleError, OptionError, StorageError
from solvers_zoo.numerics import exp, log

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import AnalyticModel, GaussianPoint, ScoreModel
    from solvers_zoo.numerics.scalar import Scalar


@dataclass(frozen=True)
class OneGaussian:
    r"""The statistics of data N(m, std^2), whatever m; with them the solver is exact on any such data, for any step.

        l = rho^2 / (std^2 + rho^2),    s = d log l / dlam = -2 (1 - l),    b = 0,    rho = e^-lam

    L, S and B are the integrals of l, s and e^-S b.
    """

    std: float

    def __call__(self, lam: Scalar) -> Values:
        """All of it at ``lam``, a float or a tensor."""
        rho2 = exp(-2 * lam)
        spread = log(self.std**2 + rho2)
        return Values(rho2 / (self.std**2 + rho2), -0.5 * spread, -2 * lam - spread, 0.0)


class Values(NamedTuple):
    """The statistics at one lam: floats, or tensors that broadcast against a state."""

    l: Any  # noqa: E741 (the paper's letter)
    L: Scalar
    S: Scalar
    B: Scalar


class Table:
    """Statistics known at nodes, joined by cubic splines: of l, whose exact integral is L, and of S and B.

    The method is consistent for whatever smooth l, S and B, if only L is the integral of l; so nothing is lost where the
    nodes are few. Entries may differ from coordinate to coordinate.

    Args:
        lam: the nodes, (K,), increasing; at least four.
        l: at the nodes, (K, *shape) or (K,).
        s: likewise.
        b: likewise.

    """

    def __init__(self, lam: Tensor, l: Tensor, s: Tensor, b: Tensor) -> None:  # noqa: E741 (the paper's letter)
        self.lam, self.low, self.high = lam.double(), float(lam[0]), float(lam[-1])
        l, s, b = (y.double() for y in (l, s, b))  # noqa: E741

        def integral(y: Tensor) -> Tensor:
            return _integral(self.lam, _spline(self.lam, y))

        S = integral(s)
        self._l, self._S, self._B = (_spline(self.lam, y) for y in (l, S, integral((-S).exp() * b)))
        self._L = _integral(self.lam, self._l)

    def __call__(self, lam: Scalar) -> Values:
        """All of it at ``lam``: a float gives tensors of shape (1, *shape), a tensor (B, 1, ...) those of (B, *shape)."""
        import torch

        places = torch.as_tensor(lam, dtype=torch.float64).cpu().reshape(-1)
        low, high = float(places.min()), float(places.max())
        if not self.low - 1e-9 <= low <= high <= self.high + 1e-9:
            raise IncompatibleError(
                f"The statistics are known for lam from {self.low:g} to {self.high:g}, and the grid asks for "
                f"{low if low < self.low else high:g}; measure them over a wider range."
            )
        k = (torch.searchsorted(self.lam, places) - 1).clamp(0, len(self.lam) - 2)
        u = (places - self.lam[k]).reshape(-1, *[1] * (self._L.dim() - 1))

        def at(spline: tuple[Tensor, ...]) -> Tensor:
            a, b, c, d = (part[k] for part in spline)
            return a + u * (b + u * (c + u * d))

        a, b, c, d = (part[k] for part in self._l)
        L = self._L[k] + u * (a + u * (b / 2 + u * (c / 3 + u * d / 4)))
        return Values(at(self._l), L, at(self._S), at(self._B))


def _spline(x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    """Coefficients, lowest power first, of the not-a-knot cubic spline on every interval: four of (K - 1, *shape)."""
    import torch

    h, n = x.diff(), len(x)
    column = h.reshape(-1, *[1] * (y.dim() - 1))
    slope = y.diff(dim=0) / column
    system = x.new_zeros(n, n)
    system[0, :3] = torch.stack([h[1], -h[0] - h[1], h[0]])  # one third derivative on the first two intervals
    system[-1, -3:] = torch.stack([h[-1], -h[-1] - h[-2], h[-2]])
    right = torch.zeros_like(y)
    for k in range(1, n - 1):
        system[k, k - 1 : k + 2] = torch.stack([h[k - 1], 2 * (h[k - 1] + h[k]), h[k]])
        right[k] = 6 * (slope[k] - slope[k - 1])
    second = torch.linalg.solve(system, right.reshape(n, -1)).reshape(y.shape)  # second derivatives at the nodes
    first = slope - column * (2 * second[:-1] + second[1:]) / 6
    return y[:-1], first, second[:-1] / 2, second.diff(dim=0) / (6 * column)


def _integral(x: Tensor, spline: tuple[Tensor, ...]) -> Tensor:
    """The integral of a spline from its first node to every node."""
    import torch

    h = x.diff().reshape(-1, *[1] * (spline[0].dim() - 1))
    a, b, c, d = spline
    pieces = h * (a + h * (b / 2 + h * (c / 3 + h * d / 4)))
    return torch.cat([torch.zeros_like(a[:1]), pieces.cumsum(0)])


@cache
def load_statistics(path: str) -> Table:
    """The statistics in a file of `measure_statistics`.

    Raises:
        StorageError: no such file, or not one of these.

    """
    import numpy as np
    import torch

    try:
        with np.load(path, allow_pickle=False) as found:
            return Table(*(torch.from_numpy(found[name]) for name in ("lam", "l", "s", "b")))
    except (OSError, KeyError, ValueError) as error:
        raise StorageError(
            f"{path} is no file of model statistics: {error}. Make one with measure_statistics."
        ) from None


def measure_statistics(
    model: ScoreModel,
    path: str,
    lam: tuple[float, float],
    data: Tensor | None = None,
    nodes: int = 65,
    samples: int = 1024,
    seed: int = 0,
) -> dict[str, Any]:
    r"""Measure l, s and b of a model at equally spaced lam, store them, and say what it cost.

        l = E diag(sigma d eps/dx),    f = (sigma eps - l x) / alpha,    (s, b) = the line that fits f' = s f + b best

    coordinate by coordinate, with x ~ p_t and f' the derivative of f in lam along the flow. Jacobians are exact in up to 16
    dimensions, and Hutchinson's estimate from one random sign vector a sample beyond.

    Args:
        model: an analytic one, or any that torch can differentiate in forward mode, with ``data``.
        path: of the ``.npz`` file to write.
        lam: the range, which must hold the grids that the statistics are used on.
        data: samples of the data, (n, *shape), from which x is made; not needed for analytic models.
        nodes: values of lam.
        samples: exact samples an analytic model gives at each.
        seed: of the noise.

    Returns:
        ``calls`` of the model, those with tangents included, and the arrays ``lam``, ``l``, ``s``, ``b``.

    Raises:
        OptionError: a model that is not analytic, and no data; or fewer than four nodes.

    """
    import numpy as np
    import torch

    from solvers_zoo import CountingModel, SeededNoise

    if nodes < 4:
        raise OptionError(f"nodes = {nodes} is not possible; a spline takes at least 4.")
    if data is None and not hasattr(model, "draw"):
        raise OptionError(
            "The statistics are means over x ~ p_t, so give data=, samples of the data that the model learnt."
        )
    counted = CountingModel(model)
    shape = tuple(data.shape[1:]) if data is not None else tuple(model.shape or ())
    noise = SeededNoise(seed, range(len(data) if data is not None else samples), shape, torch.float64)
    places = torch.linspace(lam[0], lam[1], nodes, dtype=torch.float64)
    seen = []
    with torch.no_grad():
        for place in places.tolist():
            point = counted.sde.at_lam(place)  # type: ignore[attr-defined]
            draws = noise.at(0)  # the same ones everywhere, so that means over few samples are smooth in lam
            if data is not None:
                x = point.alpha * data.double() + point.sigma * draws.fresh()
            else:
                x = _analytic(model).draw(point, draws)
            seen.append(_at_one_place(counted, x, point, draws.fresh()))
        ls = torch.stack([one[0] for one in seen])
        d_ls = _slopes(places, ls)
        fits = [_fit(*one) for one in zip(seen, ls, d_ls, strict=True)]
    found = {"lam": places, "l": ls, "s": torch.stack([s for s, _ in fits]), "b": torch.stack([b for _, b in fits])}
    arrays = {name: value.numpy() for name, value in found.items()}
    load_statistics.cache_clear()
    np.savez(path, calls=np.array(counted.calls), **arrays)  # type: ignore[arg-type]
    return {"calls": counted.calls, **found}


def _analytic(model: ScoreModel) -> AnalyticModel:
    return model  # type: ignore[return-value]


def _at_one_place(model: ScoreModel, x: Tensor, point: GaussianPoint, z: Tensor) -> tuple[Tensor, ...]:
    """l, and for every sample y = x/alpha, rho eps and its derivative in lam along the flow."""
    import torch

    now = model(x, point)
    flow, rho = now.flow, point.rho
    rate = point.dalpha / point.alpha - point.dsigma / point.sigma
    when = x.new_zeros((len(x), *[1] * (x.dim() - 1))) + point.t

    def eps(x: Tensor) -> Tensor:
        return model(x, point).eps

    def eps_at(x: Tensor, t: Tensor) -> Tensor:
        return model(x, model.sde.as_gaussian().at(t)).eps

    size = x[0].numel()
    if size <= 16:
        basis = torch.eye(size, dtype=x.dtype).reshape(size, *x.shape[1:])
        diagonal = sum(torch.func.jvp(eps, (x,), (e.expand_as(x),))[1] * e for e in basis)
    else:
        signs = z.sign()
        diagonal = torch.func.jvp(eps, (x,), (signs,))[1] * signs
    change = torch.func.jvp(eps_at, (x, when), (flow, torch.ones_like(when)))[1] / rate
    return point.sigma * diagonal.mean(0), x / point.alpha, rho * now.eps, rho * (change - now.eps)


def _slopes(x: Tensor, y: Tensor) -> Tensor:
    """The derivative of the spline through (x, y) at its nodes."""
    import torch

    _, first, second, third = _spline(x, y)
    h = x[-1] - x[-2]
    return torch.cat([first, (first[-1] + h * (2 * second[-1] + 3 * h * third[-1]))[None]])


def _fit(seen: tuple[Tensor, ...], l: Tensor, dl: Tensor) -> tuple[Tensor, Tensor]:  # noqa: E741 (the paper's letter)
    """s and b of the line f' = s f + b, by least squares in every coordinate."""
    _, y, noise, change = seen
    f = noise - l * y
    df = change - dl * y + l * noise  # y' = -rho eps along the flow
    away = f - f.mean(0)
    least = 1e-12 * noise.square().mean(
        0
    )  # where f is one and the same for all samples, as on a Gaussian, b alone says it
    s = (away * df).mean(0) / (away.square().mean(0) + least)
    return s, df.mean(0) - s * f.mean(0)
