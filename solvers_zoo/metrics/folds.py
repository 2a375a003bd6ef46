"""Ridge regression in folds, of many labellings at once."""

from __future__ import annotations

import torch
from torch import Tensor

#: Folds, and the share of a feature's variance that the ridge adds.
FOLDS, RIDGE = 5, 1e-3

#: More coordinates than this have squares but no products.
_PRODUCTS = 16


def held_out(rows: Tensor, labels: Tensor) -> Tensor:
    """Share of held-out labels told right by their sign, less 1/2.

    Args:
        rows: samples, (N, D).
        labels: +1 or -1, (N, L): L labellings.

    Returns:
        (L,)

    """
    features, fold = _quadratic(rows), _fold(len(rows))
    right = torch.zeros(labels.shape[1], dtype=torch.float64)
    for number in range(FOLDS):
        kept, held = fold != number, fold == number
        center, level = features[kept].mean(0), labels[kept].mean(0)
        away = features[kept] - center
        square = away.mT @ away
        square.diagonal().add_(RIDGE * len(away))
        weights = torch.linalg.solve(square, away.mT @ (labels[kept] - level))
        told = (features[held] - center) @ weights + level
        right += (told * labels[held] > 0).double().sum(0) + (told == 0).double().sum(0) / 2
    return right / len(rows) - 0.5


def shuffled(labels: Tensor, times: int) -> Tensor:
    """Labels (N,) after ``times`` random permutations inside every fold, (N, times).

    Both labels stay as frequent in every fold as they are: across folds they would not, and guessing right is harder then.
    """
    generator, fold = torch.Generator().manual_seed(1), _fold(len(labels))
    place = fold.argsort(stable=True)[:, None].expand(-1, times)
    keys = fold[:, None] + torch.rand(len(labels), times, generator=generator, dtype=torch.float64)
    return torch.empty(len(labels), times, dtype=labels.dtype).scatter_(0, place, labels[keys.argsort(0)])


def _fold(count: int) -> Tensor:
    """The fold of every row, (N,)."""
    return torch.arange(count) % FOLDS


def _quadratic(rows: Tensor) -> Tensor:
    """Coordinates, squares and products, each of mean 0 and variance 1 over all rows; constant ones are 0."""
    rows = _standard(rows)
    size = rows.shape[1]
    first, second = torch.triu_indices(size, size) if size <= _PRODUCTS else torch.arange(size).repeat(2, 1)
    return torch.cat((rows, _standard(rows[:, first] * rows[:, second])), 1)


def _standard(rows: Tensor) -> Tensor:
    away = rows - rows.mean(0)
    std = away.square().mean(0).sqrt()
    return away / torch.where(std > 0, std, 1.0)
