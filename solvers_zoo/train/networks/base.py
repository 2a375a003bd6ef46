"""The base of all networks: options that make a torch module for samples of a shape."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from solvers_zoo.registry.card import NetworkCard
from solvers_zoo.registry.options import Configurable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn


class Network(Configurable):
    """A kind of network; its fields are its options, and `build` gives a module.

    A module is called as ``module(x, noise, label)`` with x (B, *shape), the noise level (B,) of about -2 to 2, and labels (B,)
    in [0, classes] or None, where ``classes`` itself means "of no known class". It gives (B, *shape). All it needs to go on
    must be in its ``state_dict``.
    """

    card: ClassVar[NetworkCard]
    runs_code: ClassVar[bool] = False
    """Whether building the network imports a module that an option names; a model's file alone may not ask for that."""

    @abstractmethod
    def build(self, shape: Sequence[int], classes: int | None) -> nn.Module:
        """A module for samples of ``shape`` and so many classes (None: without), freshly initialised.

        Raises:
            OptionError: samples of this shape are not for this network.

        """
