"""A network of NVlabs' EDM as a score model."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from solvers_zoo.errors import OptionError
from solvers_zoo.processes.edm import EDM
from solvers_zoo.score_models.adapter import AdaptedNetwork
from solvers_zoo.score_models.function import FunctionModel


def from_edm(net: Callable[..., Tensor], shape: tuple[int, ...] | None = None) -> FunctionModel:
    """``net(x, sigma, class_labels)`` of EDM (and EDM2), the denoised x, as a score model on `EDM`.

    Its ``sigma_min`` and ``sigma_max`` bound the noise levels, within EDM's 0.002 and 80; ``img_channels`` and
    ``img_resolution`` are the shape. Labels are a condition, ``condition={"class_labels": labels}``: one-hot rows as the
    network takes them, or whole numbers, which are made so by its ``label_dim``.

    Args:
        net: the network with its preconditioning (``EDMPrecond``, ``VPPrecond``, ``iDDPMPrecond``, ...).
        shape: shape of one sample, where the network does not say.

    >>> import solvers_zoo as zoo
    >>> zoo.from_edm(lambda x, sigma, class_labels=None: 0 * x, shape=(3, 32, 32)).sde
    edm

    """
    low, high = float(getattr(net, "sigma_min", 0.0)), float(getattr(net, "sigma_max", math.inf))
    size, channels = getattr(net, "img_resolution", None), getattr(net, "img_channels", None)
    if shape is None and size is not None and channels is not None:
        shape = (int(channels), int(size), int(size))
    sde = EDM(sigma_min=max(0.002, low), sigma_max=min(80.0, high))
    return FunctionModel(_Labelled(net), sde, "x0", shape)


class _Labelled:
    """The network, with whole numbers for labels."""

    def __init__(self, net: Callable[..., Tensor]) -> None:
        self.network, self.classes = AdaptedNetwork(net), int(getattr(net, "label_dim", 0))

    def __call__(self, x: Tensor, sigma: Tensor, **condition: object) -> Tensor:
        """D(x; sigma)."""
        labels = condition.get("class_labels")
        if isinstance(labels, Tensor) and not labels.is_floating_point() and labels.dim() <= 1:
            if not self.classes or not 0 <= int(labels.min()) <= int(labels.max()) < self.classes:
                raise OptionError(
                    f"class_labels from {int(labels.min())} to {int(labels.max())} are not possible; the network has "
                    f"{self.classes} classes."
                )
            rows = labels.expand(len(x)) if labels.dim() == 0 else labels
            condition["class_labels"] = torch.nn.functional.one_hot(rows.long(), self.classes).to(x.dtype)
        return self.network(x, sigma, **condition)
