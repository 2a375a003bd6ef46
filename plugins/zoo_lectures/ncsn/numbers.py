"""The settings of the studies of NCSN, and the names that their charts share."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from solvers_zoo import Source

if TYPE_CHECKING:
    from torch import Tensor

#: The paper of noise conditional score networks.
NCSN = partial(
    Source,
    authors="Song & Ermon 2019",
    title="Generative Modeling by Estimating Gradients of the Data Distribution",
    arxiv="1907.05600",
)
LEVELS = 20
#: Step at the last level, which is 0.4 sigma_L^2, and steps a level: 200 evaluations.
EPS, EACH = 0.001, 10
DATA, ANNEALED, PLAIN = "other digits", "annealed Langevin", "Langevin, smallest level"
#: The part of a digit that is known: rows and columns of its 8 x 8 pixels.
KNOWN = {"upper half": (slice(0, 4), slice(0, 8)), "left half": (slice(0, 8), slice(0, 4))}
#: The label that tells the network nothing about the class.
UNKNOWN = 10
#: Noise levels of the circle at which its own score is taken, and the one at which a network is trained.
FALL, BLUR = (0.2, 0.1, 0.05, 0.025), 0.2


class Drawn(NamedTuple):
    """Digits, (n, 1, 8, 8), the classes that were asked for, and the evaluations a digit."""

    x: Tensor
    classes: Tensor
    nfe: int


def mask(name: str) -> Tensor:
    """True where a digit is known, (1, 8, 8)."""
    import torch

    known = torch.zeros(1, 8, 8, dtype=torch.bool)
    known[0][KNOWN[name]] = True
    return known
