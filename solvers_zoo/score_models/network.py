r"""A network as a score model, with the preconditioning of EDM on any Gaussian process.

With rho = sigma / alpha, x = alpha (x0 + rho eps), and d the standard deviation of the data (Karras et al. 2022, 2206.00364,
Table 1, last column, where alpha = 1 and rho = sigma):

    D(x; rho) = c_skip(rho) x / alpha + c_out(rho) F(c_in(rho) x / alpha, c_noise(rho))
    c_skip = d^2 / (rho^2 + d^2),   c_out = rho d / sqrt(rho^2 + d^2),   c_in = 1 / sqrt(rho^2 + d^2),   c_noise = log(rho) / 4

Multiplied out with r = sqrt(sigma^2 + alpha^2 d^2) the coefficients of x and F are finite where alpha = 0:

    D = alpha d^2 / r^2 x + sigma d / r F(x / r, c_noise).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from solvers_zoo.errors import ModelError, OptionError
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.numerics.combine import combine
from solvers_zoo.numerics.scalar import maximum, minimum, sqrt
from solvers_zoo.processes.prediction import FORMS
from solvers_zoo.score_models.base import ScoreModel

if TYPE_CHECKING:
    from solvers_zoo.processes.base import SDE, GaussianPoint, GaussianSDE

#: How a network is called: with the state, log(sigma/alpha)/4 and a class for every sample.
Net = Callable[[Tensor, Tensor, Tensor | None], Tensor]

#: Why a network serves Gaussian processes only.
_BLIND = "a network is told its noise level"

#: Log rho beyond which a network is told no more: alpha = 0 would be infinitely far.
_FARTHEST = 12.0


class NetworkModel(ScoreModel):
    """``net`` as a score model.

    Args:
        net: called as ``net(x, noise, label)`` with x (B, *shape), ``noise`` = log(sigma/alpha)/4 as a (B,) tensor, and ``label``
            a (B,) int64 tensor in [0, classes] or None; ``classes`` itself stands for "of no known class". It gives (B, *shape).
        sde: the process it was trained on, which must be Gaussian.
        prediction: what it predicts: ``x0``, ``eps``, ``v``, ``score`` or ``flow``; with ``sigma_data`` it is x0.
        shape: shape of one sample.
        classes: number of classes, or None for a network without.
        sigma_data: standard deviation of the data; if given, EDM's preconditioning is put round the network.
        frequencies: of the classes. A run without a label of its own draws sample i's by these, from its seed and i alone.
        spec: specification of the network (``mlp(width=256)``), without which it cannot be saved.
        levels: least and largest log(sigma/alpha) that the network knows; the process's own ends by default.
        checkpoints: files that its weights come from.
        card: what is known of data and training, as plain data.

    A state in float64 is computed with weights in float64, so that the order of a solver can be seen on a network too; weights are
    copied once for every further dtype and device.

    Raises:
        OptionError: an unknown ``prediction``, or frequencies that do not fit the classes.
        IncompatibleError: a process that is not Gaussian.
        ModelError: (on a call) an output of another shape, or a label that is no class.

    >>> import torch
    >>> import solvers_zoo as zoo
    >>> net = lambda x, noise, label: 0 * x
    >>> model = zoo.NetworkModel(net, zoo.EDM(), shape=(2,), sigma_data=0.5)
    >>> zoo.sample(model, solver="euler", steps=4, n=3, seed=0).x.shape
    torch.Size([3, 2])

    """

    sde: GaussianSDE

    def __init__(
        self,
        net: Net,
        sde: SDE,
        prediction: str = "x0",
        shape: Sequence[int] | None = None,
        classes: int | None = None,
        *,
        sigma_data: float | None = None,
        frequencies: Sequence[float] | None = None,
        spec: str | None = None,
        levels: Sequence[float] | None = None,
        checkpoints: Sequence[Path] = (),
        card: dict[str, Any] | None = None,
    ) -> None:
        if prediction not in FORMS:
            raise OptionError(f"prediction = {prediction!r} is not known; it is one of {', '.join(FORMS)}.")
        if sigma_data is not None and (prediction != "x0" or not sigma_data > 0):
            raise OptionError(
                f"sigma_data = {sigma_data!r} with prediction = {prediction!r} is not possible: EDM's preconditioning takes a "
                "number > 0 and makes a prediction of x0."
            )
        if frequencies is not None and (classes is None or len(frequencies) != classes):
            raise OptionError(f"{len(frequencies)} frequencies do not fit {classes or 'no'} classes.")
        self.net, self.sde, self.kind = net, sde.as_gaussian(_BLIND), prediction
        self.shape = None if shape is None else tuple(shape)
        self.classes, self.sigma_data, self.spec, self.card = classes, sigma_data, spec, dict(card or {})
        self.frequencies = None if frequencies is None else tuple(map(float, frequencies))
        ends = tuple(-float(self.sde.lam(t)) for t in (sde.t_min, sde.t_max)) if levels is None else levels
        self.levels = tuple(min(max(float(level), -_FARTHEST), _FARTHEST) for level in ends)
        self.checkpoints = tuple(checkpoints)
        about = self.card.get("data")
        low, high = (about.get("low"), about.get("high")) if isinstance(about, dict) else (None, None)
        if isinstance(low, int | float) and isinstance(high, int | float) and low < high:
            self.data_range = (float(low), float(high))
        self._copies: dict[tuple[torch.dtype, torch.device], nn.Module] = {}

    def on(self, sde: SDE) -> NetworkModel:
        """The same network on another process: x / alpha and sigma / alpha are all that a network sees of one.

        Raises:
            OptionError: a network without preconditioning, whose prediction belongs to its own process.

        """
        if sde == self.sde:
            return self
        if self.sigma_data is None:
            raise OptionError(
                f"This network predicts {self.kind} on {self.sde}, without preconditioning; leave the process out."
            )
        other = self.around(self.net)
        other.sde = sde.as_gaussian(_BLIND)
        return other

    def around(self, net: Net) -> NetworkModel:
        """The same model round another network of the same kind, such as the average of its weights."""
        other = copy.copy(self)
        other.net, other._copies = net, {}
        return other

    def default_condition(self, seed: int, samples: Sequence[int]) -> dict[str, Tensor]:
        """A label for every sample, drawn by the classes' frequencies."""
        if self.frequencies is None:
            return {}
        u = SeededNoise(seed, samples, ()).classes().uniform()
        edges = torch.tensor(self.frequencies, dtype=torch.float64).cumsum(0)
        return {"label": torch.searchsorted(edges / edges[-1], u, right=True).clamp(max=len(edges) - 1)}

    def predict(
        self, x: Tensor, point: GaussianPoint, label: int | Tensor | None = None, **condition: object
    ) -> Tensor:
        """The prediction; ``label`` is a class, a (B,) tensor of classes, or None for no known class."""
        if condition:
            raise ModelError(f"This network takes a label and no {', '.join(condition)}.")
        state = x if x.dtype.itemsize >= 4 else x.float()
        net, noise, labels = self._net(state), self._noise(point, state), self._labels(label, state)
        if self.sigma_data is None:
            return self._called(net, state, noise, labels).to(x.dtype)
        d, alpha, sigma = self.sigma_data, point.alpha, point.sigma
        r2 = sigma**2 + alpha**2 * d**2
        r = sqrt(r2)
        out = self._called(net, combine((1 / r, state)), noise, labels)
        return combine((alpha * d**2 / r2, state), (sigma * d / r, out)).to(x.dtype)

    def _called(self, net: Net, x: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        try:
            out = net(x, noise, labels)
        except IndexError as error:
            if labels is None or bool(((labels >= 0) & (labels <= (self.classes or 0))).all()):
                raise
            raise ModelError(
                f"A label is no class: they are whole numbers from 0 to {(self.classes or 1) - 1}."
            ) from error
        if getattr(out, "shape", None) != x.shape:
            raise ModelError(
                f"The network returned {tuple(getattr(out, 'shape', ()))} for a state of shape {tuple(x.shape)}; it must "
                "return the state's own shape."
            )
        return out.to(x.dtype)

    def _noise(self, point: GaussianPoint, x: Tensor) -> Tensor:
        low, high = self.levels
        level = minimum(maximum(-point.lam, low), high) / 4
        if isinstance(level, float):
            return x.new_full(x.shape[:1], level)
        return level.to(x.device, x.dtype).reshape(-1).expand(len(x))

    def _labels(self, label: int | Tensor | None, x: Tensor) -> Tensor | None:
        if self.classes is None:
            if label is not None:
                raise ModelError("This network knows no classes; leave the label out.")
            return None
        if label is None:
            label = self.classes
        if isinstance(label, Tensor):
            return label.to(x.device, torch.int64).expand(len(x))
        return torch.full((len(x),), label, dtype=torch.int64, device=x.device)

    def _net(self, x: Tensor) -> Net:
        """The network with weights of the state's dtype, where the state is."""
        if not isinstance(self.net, nn.Module):
            return self.net
        own = next(self.net.parameters(), None)
        if own is None or (own.dtype is x.dtype and own.device == x.device):
            return self.net
        key = (x.dtype, x.device)
        if key not in self._copies:
            self._copies[key] = copy.deepcopy(self.net).to(x.device, x.dtype)
        return self._copies[key]

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(math.prod(p.shape) for p in self.net.parameters()) if isinstance(self.net, nn.Module) else 0
