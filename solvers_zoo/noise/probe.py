"""Noise whose numbers are chosen: it probes a solver that is affine in its noise exactly."""

from __future__ import annotations

import torch
from torch import Tensor

from solvers_zoo.noise.base import Draws, Noise


class ProbeNoise(Noise):
    """Noise whose every number is chosen: draw k of a run goes to sample i with the weight ``weights[k, i]``.

    The first run with ``weights=None`` gives zeros and counts the draws in ``addresses``.
    """

    def __init__(
        self, like: Tensor, weights: Tensor | None = None, addresses: dict[tuple[int, int], int] | None = None
    ) -> None:
        self.like, self.weights = like, weights
        self.addresses = addresses if addresses is not None else {}
        self.uniforms = 0

    def at(self, index: int) -> Draws:
        """The chosen numbers of step ``index``."""
        return _ProbeDraws(self, index)

    def value(self, address: tuple[int, int]) -> Tensor:
        """What goes to every sample at an address, in the shape of the state."""
        row = self.addresses.setdefault(address, len(self.addresses))
        if self.weights is None:
            return torch.zeros_like(self.like)
        return self.weights[row].reshape(-1, *[1] * (self.like.dim() - 1)).expand_as(self.like).clone()


class _ProbeDraws(Draws):
    def __init__(self, noise: ProbeNoise, index: int) -> None:
        self.noise, self.index, self.call = noise, index, 0

    def fresh(self) -> Tensor:
        """The next chosen numbers."""
        self.call += 1
        return self.noise.value((self.index, self.call))

    def uniform(self) -> Tensor:
        """One half; a solver that asks is not affine in its noise."""
        self.noise.uniforms += 1
        return torch.full((len(self.noise.like),), 0.5, dtype=torch.float64)
