"""Instruments: noise that probes an affine solver exactly, and spies on noise and model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from solvers_zoo import Draws, ModelWrapper, Noise


class ProbeNoise(Noise):
    """Noise whose every number is chosen: draw k of a run goes to sample i with the weight ``weights[k, i]``.

    The first run with ``weights=None`` gives zeros and counts the draws in ``addresses``.
    """

    def __init__(self, like: Tensor, weights: Tensor | None = None, addresses: dict[Any, int] | None = None) -> None:
        self.like, self.weights = like, weights
        self.addresses: dict[Any, int] = addresses if addresses is not None else {}
        self.uniforms = 0

    def at(self, index: int) -> Draws:
        """The chosen numbers of step ``index``."""
        return _ProbeDraws(self, index)

    def value(self, address: Any) -> Tensor:
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

    def between(self, t: Any, s: Any, area: bool = False) -> Any:
        """The next chosen numbers, and an area of its own address."""
        W = self.fresh()
        return (W, self.fresh() * 12**-0.5) if area else W

    def uniform(self) -> Tensor:
        """One half; a solver that asks is not affine in its noise."""
        self.noise.uniforms += 1
        return torch.full((len(self.noise.like),), 0.5, dtype=torch.float64)


class NoiseRecorder(Noise):
    """Keeps what a noise gives.

    Attributes:
        drawn: every tensor of normals given so far, in order.
        asked: how many draws were made, uniforms included.

    """

    def __init__(self, noise: Noise) -> None:
        self.noise, self.asked = noise, 0
        self.drawn: list[Tensor] = []

    def at(self, index: int) -> Draws:
        """The draws of a step, kept."""
        return _RecordedDraws(self, self.noise.at(index))

    def keep(self, *tensors: Tensor) -> None:
        """Note one draw."""
        self.asked += 1
        self.drawn += [tensor.clone() for tensor in tensors]


class _RecordedDraws(Draws):
    def __init__(self, recorder: NoiseRecorder, draws: Draws) -> None:
        self.recorder, self.draws = recorder, draws

    def fresh(self) -> Tensor:
        """Pass on and keep."""
        z = self.draws.fresh()
        self.recorder.keep(z)
        return z

    def between(self, t: Any, s: Any, area: bool = False) -> Any:
        """Pass on and keep."""
        given = self.draws.between(t, s, area)
        self.recorder.keep(*(given if area else (given,)))
        return given

    def uniform(self) -> Tensor:
        """Pass on and count."""
        self.recorder.keep()
        return self.draws.uniform()


class ModelSpy(ModelWrapper):
    """Sees every call before the model does, and counts it."""

    def __init__(self, model: Any, see: Callable[[Tensor, Any], None] = lambda x, point: None) -> None:
        super().__init__(model)
        self.calls, self.see = 0, see

    @property
    def analytic(self) -> Any:
        """The model's."""
        return self.model.analytic

    def __call__(self, x: Tensor, point: Any, **condition: Any) -> Any:
        """Look, then answer."""
        self.calls += 1
        self.see(x, point)
        return self.model(x, point, **condition)
