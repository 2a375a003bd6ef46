"""Batches: which rows of the data a step takes follows from the seed and the step alone."""

from __future__ import annotations

import torch
from torch import Tensor

from solvers_zoo.noise.numbers import DATA
from solvers_zoo.noise.seeded import SeededNoise


class Batches:
    """Batches of rows, without replacement within an epoch: every epoch is a permutation of its own.

    Args:
        among: the rows to choose from (N,).
        seed: of the permutations.
        batch: rows a step, of all processes together.
        places: which of a batch are this process's, rising.

    """

    def __init__(self, among: Tensor, seed: int, batch: int, places: Tensor) -> None:
        self.among, self.seed, self.batch, self.places = among, seed, batch, places
        self._order: tuple[int, Tensor] = (-1, among)

    def rows(self, step: int) -> Tensor:
        """The rows of a step, which may reach over the end of an epoch."""
        n = len(self.among)
        places = step * self.batch + self.places
        epochs = range(int(places[0]) // n, int(places[-1]) // n + 1)
        return self.among[torch.cat([self._permuted(epoch)[places[places // n == epoch] % n] for epoch in epochs])]

    def _permuted(self, epoch: int) -> Tensor:
        if self._order[0] != epoch:
            words = SeededNoise(self.seed, range(len(self.among)), ()).uniform(DATA, epoch, 0)
            self._order = (epoch, words.argsort())
        return self._order[1]
