"""Interpolation between samples through their latent codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.editing.slerp import slerp
from solvers_zoo.errors import OptionError
from solvers_zoo.registry.defaults import ROUND_TRIP
from solvers_zoo.sampling.driver import sample
from solvers_zoo.sampling.encode import encode, sampling_grid
from solvers_zoo.score_models.conditions import Conditions
from solvers_zoo.score_models.wrappers.settled import Settled

if TYPE_CHECKING:
    from solvers_zoo.sampling.settings import GridLike
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.solving.stepping import Solver


@dataclass(frozen=True)
class Way:
    """Samples on the way between the two ends of n pairs.

    Attributes:
        x: decoded samples (k, n, *shape); the first and the last are the ends, as decoded.
        codes: latent codes of the two ends, (2, n, *shape).
        weights: the k weights.
        round_trip: largest coordinate by which a decoded end is off its sample, (n,): what the solver's error changes.
        nfe: network evaluations of a decoded sample; encoding takes as many for each end.

    """

    x: Tensor
    codes: Tensor
    weights: list[float]
    round_trip: Tensor
    nfe: int


def interpolate(
    model: ScoreModel,
    x0: Tensor,
    x1: Tensor,
    solver: str | Solver = ROUND_TRIP,
    *,
    weights: int | Sequence[float] = 8,
    steps: int | None = None,
    nfe: int | None = None,
    grid: GridLike = None,
    condition: Mapping[str, object] | None = None,
    **options: Any,
) -> Way:
    """Encode both samples, go from code to code by `slerp`, and decode (Song et al. 2021, 2010.02502, Section 5.3).

    Args:
        model: any score model.
        x0: samples at weight 0, (n, *shape).
        x1: samples at weight 1.
        solver: a deterministic solver that runs both ways.
        weights: so many, even from 0 to 1, or the weights themselves; 0 and 1 are added where they miss.
        steps: number of intervals each way, as in `sample`.
        nfe: or a budget each way.
        grid: as one would sample with.
        condition: passed on to the model; tensors of n rows follow the pairs. By default none, so that a model that knows classes is
            asked without.
        options: further ones of `sample`: dtype, device, chunk.

    Raises:
        OptionError: batches that do not fit, or an impossible argument.
        IncompatibleError: a solver that does not run both ways.

    """
    if x0.shape != x1.shape or x0.dim() < 2:
        raise OptionError(
            f"Ways lead between two batches (n, *shape) of one shape; these are {tuple(x0.shape)} and {tuple(x1.shape)}."
        )
    at, n = _weights(weights), len(x0)
    engine: Solver = registry.default().make("solver", solver)
    fixed = sampling_grid(model, engine, steps=steps, nfe=nfe, grid=grid)
    asked, both = Settled(model, {}), torch.cat((x0, x1))
    pairs = Conditions(condition, n)

    def repeated(times: int) -> dict[str, object]:
        return pairs.of(lambda value: torch.cat([value] * times))

    codes = encode(asked, both, engine, grid=fixed, condition=repeated(2), **options).x
    between = torch.cat([slerp(codes[:n], codes[n:], w) for w in at])
    done = sample(asked, engine, grid=fixed, x=between, condition=repeated(len(at)), **options)
    x = done.x.view(len(at), n, *x0.shape[1:])
    ends = x[[at.index(0.0), at.index(1.0)]].transpose(0, 1)
    off = (ends - torch.stack((x0, x1), 1).to(ends)).abs().flatten(1).amax(1)
    return Way(x, codes.view(2, n, *x0.shape[1:]), at, off, done.nfe)


def _weights(weights: int | Sequence[float]) -> list[float]:
    if isinstance(weights, int) and not isinstance(weights, bool):
        if weights < 2:
            raise OptionError(f"weights = {weights} is not possible; it takes at least the two ends.")
        return [i / (weights - 1) for i in range(weights)]
    if isinstance(weights, bool | str) or not all(isinstance(w, int | float) for w in weights):
        raise OptionError(f"weights = {weights!r} is not possible; it is a whole number, or numbers.")
    return sorted({0.0, *map(float, weights), 1.0})
