"""The module of `MLP`."""

from __future__ import annotations

from torch import Tensor, nn

from solvers_zoo.train.networks.layers import Conditioning, quiet


class Block(nn.Module):
    """A residual block of two dense layers."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulate = quiet(nn.Linear(width, 2 * width))
        self.rise, self.fall = nn.Linear(width, inner), quiet(nn.Linear(inner, width))

    def forward(self, h: Tensor, condition: Tensor) -> Tensor:
        """(B, width) under a condition (B, width)."""
        scale, shift = self.modulate(condition).chunk(2, 1)
        return h + self.fall(nn.functional.silu(self.rise(self.norm(h) * (1 + scale) + shift)))


class MLPModule(nn.Module):
    """See `solvers_zoo.train.networks.mlp.MLP`."""

    def __init__(self, size: int, classes: int | None, width: int, depth: int, expansion: int, embedding: str) -> None:
        super().__init__()
        self.condition = Conditioning(width, classes, embedding)
        self.enter = nn.Linear(size, width)
        self.blocks = nn.ModuleList(Block(width, expansion * width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.leave = quiet(nn.Linear(width, size))

    def forward(self, x: Tensor, noise: Tensor, label: Tensor | None = None) -> Tensor:
        """(B, *shape) to the same."""
        condition = self.condition(noise, label)
        h = self.enter(x.flatten(1))
        for block in self.blocks:
            h = block(h, condition)
        return self.leave(self.norm(h)).view(x.shape)
