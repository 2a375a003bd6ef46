"""Instruments: noise that probes an affine solver exactly (`ProbeNoise`), and spies on noise and model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from solvers_zoo import AnalyticModel, Draws, GaussianPoint, ModelWrapper, Noise, Point, Prediction, ScoreModel
from solvers_zoo.noise.probe import ProbeNoise as ProbeNoise


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

    def between(self, t: Point, s: Point, area: bool = False) -> Any:
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

    def __init__(self, model: ScoreModel, see: Callable[[Tensor, GaussianPoint], None] = lambda x, point: None) -> None:
        super().__init__(model)
        self.calls, self.see = 0, see

    @property
    def analytic(self) -> AnalyticModel | None:
        """The model's."""
        return self.model.analytic

    def __call__(self, x: Tensor, point: GaussianPoint, **condition: object) -> Prediction:
        """Look, then answer."""
        self.calls += 1
        self.see(x, point)
        return self.model(x, point, **condition)
