"""Classifier-free guidance: a conditional prediction pushed away from the unconditional one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from solvers_zoo.errors import OptionError
from solvers_zoo.numerics.combine import combine
from solvers_zoo.numerics.scalar import where
from solvers_zoo.score_models.base import ModelWrapper, ScoreModel

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.processes.base import GaussianPoint
    from solvers_zoo.processes.prediction import Prediction


class Guided(ModelWrapper):
    r"""Two calls of ``model``, under a condition (c) and without it (u), as one prediction.

        out = out_u + scale (out_c - out_u)

    The same in every parametrisation, as all are linear in the output. Ho & Salimans 2022 (2207.12598), eq. (6), with
    scale = 1 + w; 1 is the condition alone, 0 none. The prediction's ``unguided`` is the one of u, for solvers that use
    both; wrappers that change answers belong inside, ``Guided(wrapper(model), ...)``, as outside they would leave one
    answer.

    Args:
        model: called as ``model(x, point, **condition)`` and ``model(x, point, **null)``.
        scale: strength of the guidance.
        condition: what is always passed in the first call; a run's own ``condition`` is added to it.
        null: what is passed in the second call, e.g. the label of no class; nothing by default.
        interval: (low, high) in the noise-to-signal ratio sigma/alpha: outside it there is no guidance, only the condition,
            and the second call is saved (the run still counts it, so its nfe is an upper bound). Kynkaanniemi et al. 2024
            (2404.07724).
        rescale: phi in [0, 1]: the output's standard deviation within a sample is moved that far back to the conditional
            one's, out (phi std(out_c)/std(out) + 1 - phi). Lin et al. 2023 (2305.08891), eq. (15) and (16), who do it to
            v; it acts on the model's own parametrisation.

    Raises:
        OptionError: an interval that is empty, or a rescale outside [0, 1].

    >>> import solvers_zoo as zoo
    >>> fn = lambda x, t, shift=0.0: 0 * x + shift
    >>> model = zoo.FunctionModel(fn, sde=zoo.EDM(), prediction="x0", shape=(2,))
    >>> guided = zoo.Guided(model, scale=3.0, condition={"shift": 0.5})
    >>> zoo.sample(guided, solver="euler", steps=4, n=3, seed=0, denoise=True).x.mean().item()
    1.5

    """

    def __init__(
        self,
        model: ScoreModel,
        scale: float,
        condition: Mapping[str, object] | None = None,
        null: Mapping[str, object] | None = None,
        interval: tuple[float, float] | None = None,
        rescale: float = 0.0,
    ) -> None:
        super().__init__(model)
        if (interval is not None and not interval[0] < interval[1]) or not 0 <= rescale <= 1:
            raise OptionError(
                f"Guidance takes an interval (low, high) and a rescale between 0 and 1; got {interval}, {rescale}."
            )
        self.interval, self.rescale = interval, float(rescale)
        self.scale, self.condition, self.null = float(scale), dict(condition or {}), dict(null or {})
        self.cost = 2 * model.cost

    def default_condition(self, seed: int, samples: Sequence[int]) -> dict[str, Tensor]:
        """The model's default condition, without the names of the guidance's own."""
        inner = self.model.default_condition(seed, samples)
        return {name: value for name, value in inner.items() if name not in self.condition}

    def predict(self, x: Tensor, point: GaussianPoint, **condition: object) -> Tensor:
        """The guided output."""
        return self(x, point, **condition).out

    def __call__(self, x: Tensor, point: GaussianPoint, **condition: object) -> Prediction:
        """Both calls; the guided prediction, with the other one beside it."""
        asked = self.model(x, point, **self.condition, **condition)
        inside: bool | Tensor = True
        if self.interval is not None:
            low, high = self.interval
            inside = (low <= point.rho) & (point.rho <= high)
            if inside is False:
                return asked
        plain = self.model(x, point, **self.null)
        scale = self.scale if inside is True else where(inside, 0.0 * point.rho + self.scale, 0.0 * point.rho + 1.0)
        out = combine((1.0 - scale, plain.out), (scale, asked.out))
        if self.rescale:
            back = self._spread(asked.out) / self._spread(out)
            out = out * (self.rescale * back + (1.0 - self.rescale))
        prediction = self.sde.predict(self.kind, x, point, out)
        prediction.unguided = plain
        return prediction

    @staticmethod
    def _spread(out: Tensor) -> Tensor:
        """Standard deviation within every sample, (B, 1, ...)."""
        return out.flatten(1).std(1).clamp_min(1e-30).reshape(-1, *[1] * (out.dim() - 1))
