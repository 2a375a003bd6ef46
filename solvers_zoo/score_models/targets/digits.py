"""Real data with an exact score: handwritten digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.registry.card import ModelCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.score_models.targets.base import EXACT, OnEDM

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo.processes.base import GaussianSDE
    from solvers_zoo.score_models.kernel import KernelMixture


class Digits(OnEDM):
    """The kernel mixture on 1797 handwritten digits of 8 x 8 pixels, scaled to [-1, 1]."""

    card = ModelCard(
        name="digits",
        title="Handwritten digits, 8 x 8",
        dim="1 x 8 x 8",
        exact=EXACT,
        source=Source(
            authors="Alpaydin & Kaynak 1998",
            title="Optical Recognition of Handwritten Digits",
            link="https://doi.org/10.24432/C50P49",
            where="test part",
        ),
    )
    bandwidth: float = option(0.1, help="standard deviation of the blur round every digit", low=0.0)

    def build(self, sde: GaussianSDE) -> KernelMixture:
        """The kernel mixture under ``sde``, on samples of shape (1, 8, 8)."""
        from solvers_zoo.score_models.kernel import KernelMixture

        return KernelMixture(load_digits()[0], self.bandwidth, sde)


def load_digits() -> tuple[Tensor, Tensor]:
    """The images (1797, 1, 8, 8) in [-1, 1], float64, and their labels (1797,)."""
    import gzip
    from importlib import resources

    import torch

    packed = resources.files("solvers_zoo.score_models").joinpath("data", "digits.csv.gz").read_bytes()
    lines = gzip.decompress(packed).decode("ascii").split()
    table = torch.tensor([[float(entry) for entry in line.split(",")] for line in lines], dtype=torch.float64)
    return (table[:, :-1] / 8 - 1).view(-1, 1, 8, 8), table[:, -1].long()
