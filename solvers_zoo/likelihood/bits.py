r"""Bits a dimension of data that have levels, such as pixels of 8 bits, by dequantisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from solvers_zoo.errors import OptionError
from solvers_zoo.likelihood.density import Likelihood, check_count, log_likelihood, mean_and_error
from solvers_zoo.noise.numbers import LEVELS
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.registry.defaults import DENSITY
from solvers_zoo.score_models.analytic import fold
from solvers_zoo.score_models.base import ScoreModel
from solvers_zoo.solving.stepping import Solver

#: How far from a level a value may be, in levels.
_SLACK = 1e-3
_MOST_LEVELS = 2**16


@dataclass(frozen=True)
class Bits:
    """Bits a dimension of n samples.

    Attributes:
        bits: of each sample, the mean over the draws of the dequantising noise, (n,).
        likelihoods: of each draw, the densities it is made of.
        width: of a level, in the model's units.

    """

    bits: Tensor
    likelihoods: list[Likelihood]
    width: float

    @property
    def mean(self) -> tuple[float, float]:
        """Mean over the samples and its standard error."""
        return mean_and_error(self.bits)


def bits_per_dim(
    model: ScoreModel,
    x: Tensor,
    solver: str | Solver = DENSITY,
    *,
    levels: int = 256,
    low: float = -1.0,
    high: float = 1.0,
    draws: int = 1,
    seed: int = 0,
    first: int = 0,
    **options: Any,
) -> Bits:
    r"""An upper bound of -log2 P(x) / d for data on evenly spaced levels (Theis et al. 2016, 1511.01844, Section 3.1).

    The probability of a level is the mass of its cell, so with u uniform on the cell, of width w in every coordinate,

        -log2 P(x) = -log2 E_u[p(x + u) w^d] <= E_u[-log2 p(x + u)] - d log2 w.

    With levels 0, ..., L - 1 on [low, high] the width is (high - low) / (L - 1); it takes the data's own units away, exactly.

    Args:
        model: as in `log_likelihood`.
        x: data (n, *shape) on the levels.
        solver: as in `log_likelihood`.
        levels: their number L.
        low: value of the lowest level.
        high: value of the highest one.
        draws: of u for every sample.
        seed: of u and of the trace's probes; a sample's own numbers depend on it and on the sample's number alone.
        first: number of the first sample.
        options: further ones of `log_likelihood`.

    Raises:
        OptionError: an impossible argument, or data that are not on the levels.
        IncompatibleError: as in `log_likelihood`.
        ModelError: as in `log_likelihood`.

    """
    check_count("draws", draws, 1)
    check_levels(x, levels, low, high)
    width = (high - low) / (levels - 1)
    noise = SeededNoise(seed, range(first, first + len(x)), x.shape[1:])
    found = []
    for draw in range(draws):
        u = torch.special.ndtr(noise.normals(LEVELS, draw, 1)[:, 0]) - 0.5
        moved = (x.double() + width * u.to(x.device)).to(options.get("dtype") or x.dtype)
        found.append(log_likelihood(model, moved, solver, seed=seed + draw, first=first, **options))
    return Bits(fold(torch.stack([one.bits for one in found])) / draws - math.log2(width), found, width)


def levels_of(x: Tensor, low: float = -1.0, high: float = 1.0) -> int | None:
    """The least number of evenly spaced levels on [low, high] that hold all of ``x``; None if at most 65,536 do not."""
    values = x.detach().double().reshape(-1).sort().values
    gaps = torch.cat((values[:1] - low, values.diff(), high - values[-1:]))
    gaps = gaps[gaps > 1e-7 * (high - low)]  # float32 writes one level in several ways
    count = round((high - low) / float(gaps.min())) + 1 if len(gaps) else 2
    width = (high - low) / (count - 1)
    return count if count <= _MOST_LEVELS and _on_levels(values, count, low, width) else None


def _on_levels(x: Tensor, levels: int, low: float, width: float) -> bool:
    places = (x.double() - low) / width
    away = (places - places.round()).abs().max()
    return float(away) < _SLACK and float(places.min()) > -0.5 and float(places.max()) < levels - 0.5


def check_levels(x: Tensor, levels: int, low: float, high: float) -> None:
    """Refuse data that are not on ``levels`` evenly spaced ones on [low, high].

    Raises:
        OptionError: they are not, or there are no such levels.

    """
    if levels < 2 or not low < high:
        raise OptionError(f"{levels} levels on [{low:g}, {high:g}] are not possible; take two or more, and low < high.")
    if not _on_levels(x, levels, low, (high - low) / (levels - 1)):
        raise OptionError(
            f"The data are not on {levels} evenly spaced levels from {low:g} to {high:g}: say which levels they have, or leave "
            "the levels out."
        )
