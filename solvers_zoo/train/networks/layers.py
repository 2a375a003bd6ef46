"""Layers that the networks share."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Features(nn.Module):
    """cos and sin of f u at the frequencies f of a kind of embedding.

    ``fourier`` takes random f ~ 2 pi N(0, 1), which stay as drawn (Tancik et al. 2020, 2006.10739); ``sinusoidal`` takes geometric
    ones from 1 to 100 (Vaswani et al. 2017, 1706.03762), for u of order 1.
    """

    frequencies: Tensor

    def __init__(self, count: int, embedding: str) -> None:
        super().__init__()
        fourier = embedding == "fourier"
        self.factor = 2 * math.pi if fourier else 1.0
        self.register_buffer("frequencies", torch.randn(count // 2) if fourier else torch.logspace(0, 2, count // 2))

    def forward(self, u: Tensor) -> Tensor:
        """(B,) to (B, count)."""
        angle = self.factor * u[:, None] * self.frequencies
        return torch.cat([angle.cos(), angle.sin()], 1)


class Conditioning(nn.Module):
    """Noise level and class as one vector (B, width), a sum of two embeddings through a small network."""

    def __init__(self, width: int, classes: int | None, embedding: str, features: int = 64) -> None:
        super().__init__()
        self.features = Features(features, embedding)
        self.lift = nn.Linear(features, width)
        self.label = None if classes is None else nn.Embedding(classes + 1, width)
        self.mix = nn.Linear(width, width)

    def forward(self, noise: Tensor, label: Tensor | None) -> Tensor:
        """Noise (B,) and labels (B,), where the network has classes."""
        h = self.lift(self.features(noise))
        if self.label is not None:
            h = h + self.label(label)
        return nn.functional.silu(self.mix(nn.functional.silu(h)))


def quiet(layer: nn.Module) -> nn.Module:
    """The layer with weights of 0: what it is added to starts as it is."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
