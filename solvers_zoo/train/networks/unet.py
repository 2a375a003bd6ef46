"""A U-Net for images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from solvers_zoo.errors import OptionError
from solvers_zoo.registry.card import NetworkCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.train.networks.base import Network

if TYPE_CHECKING:
    from torch import nn


class UNet(Network):
    """Residual blocks at several resolutions, down and up again, with skips across and attention where asked.

    A level halves height and width. ``patch`` folds squares of pixels into channels first, which makes 28 x 28 images four times
    as cheap; ``attention`` names the levels (0 is the finest) whose blocks are followed by self-attention.
    """

    card = NetworkCard(
        name="unet",
        title="U-Net of residual blocks",
        source=Source(
            authors="Ho, Jain & Abbeel 2020",
            title="Denoising Diffusion Probabilistic Models",
            arxiv="2006.11239",
            where="Appendix B",
        ),
    )
    channels: tuple[int, ...] = option(
        (32, 64, 64), help="channels at every level, finest first", kind="ints", low=1, high=4096
    )
    blocks: int = option(1, help="residual blocks at a level, each way", low=1, high=16)
    attention: tuple[int, ...] = option((), help="levels with self-attention", kind="ints", low=0)
    heads: int = option(4, help="heads of an attention", low=1, high=64)
    patch: int = option(1, help="side of the squares of pixels that are folded into channels", low=1, high=64)
    embedding: str = option("fourier", help="how the noise level comes in", choices=("fourier", "sinusoidal"))

    def check(self) -> None:
        """Whole channels that heads and groups divide, and levels that exist."""
        if not self.channels or len(self.channels) > 16 or any(c % 4 for c in self.channels):
            raise OptionError(
                f"unet: channels = {list(self.channels)} is not possible; it takes multiples of 4, one a level."
            )
        for level in self.attention:
            if level >= len(self.channels) or self.channels[level] % self.heads:
                raise OptionError(
                    f"unet: attention at level {level} is not possible; levels are 0 to {len(self.channels) - 1}, and their "
                    f"channels must be a multiple of the {self.heads} heads."
                )

    def build(self, shape: Sequence[int], classes: int | None) -> nn.Module:
        """Make the module, for images (channels, height, width)."""
        from solvers_zoo.train.networks.unet_module import UNetModule

        smallest = self.patch * 2 ** (len(self.channels) - 1)
        if len(shape) != 3 or shape[1] % self.patch or shape[2] % self.patch or min(shape[1:]) < smallest:
            raise OptionError(
                f"unet: samples of shape {tuple(shape)} do not fit; it takes images (channels, height, width) whose sides are "
                f"multiples of patch = {self.patch} and at least {smallest}. Use mlp for vectors."
            )
        return UNetModule(
            shape[0], classes, self.channels, self.blocks, self.attention, self.heads, self.patch, self.embedding
        )
