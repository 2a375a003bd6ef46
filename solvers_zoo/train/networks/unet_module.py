"""The module of `UNet`."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle, pixel_unshuffle, scaled_dot_product_attention, silu

from solvers_zoo.train.networks.layers import Conditioning, quiet


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(8, channels // 4) or 1, channels, eps=1e-5)


class ResidualBlock(nn.Module):
    """x + conv(silu(norm(conv(silu(norm(x)))) (1 + a) + b)), with (a, b) from the condition."""

    def __init__(self, inward: int, outward: int, condition: int) -> None:
        super().__init__()
        self.first, self.second = _norm(inward), _norm(outward)
        self.enter = nn.Conv2d(inward, outward, 3, padding=1)
        self.modulate = nn.Linear(condition, 2 * outward)
        self.leave = quiet(nn.Conv2d(outward, outward, 3, padding=1))
        self.skip = nn.Identity() if inward == outward else nn.Conv2d(inward, outward, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(B, inward, H, W) to (B, outward, H, W)."""
        scale, shift = self.modulate(condition)[:, :, None, None].chunk(2, 1)
        h = self.second(self.enter(silu(self.first(x)))) * (1 + scale) + shift
        return self.skip(x) + self.leave(silu(h))


class Attention(nn.Module):
    """Self-attention over the pixels, added to its input."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads, self.norm = heads, _norm(channels)
        self.enter, self.leave = nn.Conv2d(channels, 3 * channels, 1), quiet(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        b, c, height, width = x.shape
        q, k, v = self.enter(self.norm(x)).view(b, 3, self.heads, c // self.heads, height * width).mT.unbind(1)
        return x + self.leave(scaled_dot_product_attention(q, k, v).mT.reshape(b, c, height, width))


class Level(nn.Module):
    """One residual block, and attention after it where asked."""

    def __init__(self, inward: int, outward: int, condition: int, heads: int) -> None:
        super().__init__()
        self.block = ResidualBlock(inward, outward, condition)
        self.attention = Attention(outward, heads) if heads else None

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """(B, inward, H, W) to (B, outward, H, W)."""
        x = self.block(x, condition)
        return x if self.attention is None else self.attention(x)


class UNetModule(nn.Module):
    """See `solvers_zoo.train.networks.unet.UNet`."""

    def __init__(
        self,
        channels: int,
        classes: int | None,
        widths: Sequence[int],
        blocks: int,
        attention: Collection[int],
        heads: int,
        patch: int,
        embedding: str,
    ) -> None:
        super().__init__()
        self.patch, size, inward = patch, 4 * widths[0], channels * patch**2
        self.condition = Conditioning(size, classes, embedding)
        self.enter = nn.Conv2d(inward, widths[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        now, skips = widths[0], []
        for level, width in enumerate(widths):
            some = heads if level in attention else 0
            for _ in range(blocks):
                self.down.append(Level(now, width, size, some))
                now = width
                skips.append((level, width))
        self.middle = Level(now, now, size, heads if attention else 0)
        for level, width in reversed(skips):
            self.up.append(Level(now + width, width, size, heads if level in attention else 0))
            now = width
        self.levels = [level for level, _ in skips]
        self.norm, self.leave = _norm(now), quiet(nn.Conv2d(now, inward, 3, padding=1))

    def forward(self, x: Tensor, noise: Tensor, label: Tensor | None = None) -> Tensor:
        """(B, C, H, W) to the same."""
        condition = self.condition(noise, label)
        h = self.enter(pixel_unshuffle(x, self.patch) if self.patch > 1 else x)
        kept: list[Tensor] = []
        for i, block in enumerate(self.down):
            if i and self.levels[i] != self.levels[i - 1]:
                h = nn.functional.avg_pool2d(h, 2, ceil_mode=True)
            h = block(h, condition)
            kept.append(h)
        h = self.middle(h, condition)
        for block in self.up:
            skip = kept.pop()
            if skip.shape[2:] != h.shape[2:]:
                h = interpolate(h, size=skip.shape[2:], mode="nearest")
            h = block(torch.cat([h, skip], 1), condition)
        h = self.leave(silu(self.norm(h)))
        return pixel_shuffle(h, self.patch) if self.patch > 1 else h
