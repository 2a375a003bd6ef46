"""A residual network for vectors and small images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.registry.card import NetworkCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.train.networks.base import Network

if TYPE_CHECKING:
    from torch import nn


class MLP(Network):
    """Residual blocks of two dense layers, normalised, scaled and shifted by noise level and class.

        h <- h + W2 silu(W1 (norm(h) (1 + a) + b)),   (a, b) = A silu(embedding of noise and class)

    Samples are flattened, so it suits vectors and images of some hundred pixels.
    """

    card = NetworkCard(
        name="mlp",
        title="Residual network of dense layers",
        source=Source(
            authors="He et al. 2016",
            title="Identity Mappings in Deep Residual Networks",
            arxiv="1603.05027",
            where="Figure 1 (b)",
        ),
    )
    width: int = option(256, help="numbers between blocks", low=1, high=8192)
    depth: int = option(4, help="number of blocks", low=1, high=128)
    expansion: int = option(2, help="numbers inside a block, times the width", low=1, high=16)
    embedding: str = option("fourier", help="how the noise level comes in", choices=("fourier", "sinusoidal"))

    def build(self, shape: Sequence[int], classes: int | None) -> nn.Module:
        """Make the module, for samples of any shape."""
        from solvers_zoo.train.networks.mlp_module import MLPModule

        return MLPModule(math.prod(shape), classes, self.width, self.depth, self.expansion, self.embedding)
