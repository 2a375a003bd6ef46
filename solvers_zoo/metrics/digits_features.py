"""The classifier of digits that comes with the zoo: features for Frechet and kernel distances, and the class of an image.

    zoo bench --model digits-net --metric strong --metric frechet:features=digits --metric wrong-class

``python -m solvers_zoo.train.classifier`` trains it; the .json beside its weights says how well.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from solvers_zoo.metrics.features import features
from solvers_zoo.score_models.targets.digits import load_digits as load_digits
from solvers_zoo.storage.safetensors import read_tensors

FILE = Path(__file__).parents[1] / "score_models" / "weights" / "digits-features.safetensors"
#: What the card of its file says that it is.
FORMAT = "solvers_zoo classifier 1"


class DigitsClassifier(nn.Module):
    """Three convolutions and two dense layers on images (B, 1, 8, 8) in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 32, 3, padding=1)
        self.second = nn.Conv2d(32, 64, 3, stride=2, padding=1)
        self.third = nn.Conv2d(64, 64, 3, padding=1)
        self.features = nn.Linear(64 * 16, 64)
        self.classes = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, 64): what the last layer sees."""
        h = silu(self.third(silu(self.second(silu(self.first(x))))))
        return silu(self.features(h.flatten(1)))

    def logits(self, x: Tensor) -> Tensor:
        """Of the ten classes, (B, 10)."""
        return self.classes(self(x))


@functools.cache
def network() -> DigitsClassifier:
    """The trained classifier, as the network from images to features."""
    _, tensors = read_tensors(FILE)
    with torch.random.fork_rng(devices=[]):
        net = DigitsClassifier()
    net.load_state_dict({name: value.float() for name, value in tensors.items()})
    return net.eval().requires_grad_(False)


def classifier() -> Callable[[Tensor], Tensor]:
    """The trained classifier, as a function from images to logits."""
    return network().logits


def digit_features(x: Tensor) -> Tensor:
    """The features of images (B, 1, 8, 8) in [-1, 1] that distances between sets of digits are measured in, (B, 64), float64."""
    return features("digits", x)


def digit_classes(x: Tensor) -> Tensor:
    """The digit that every image (B, 1, 8, 8) in [-1, 1] shows, (B,)."""
    with torch.no_grad():
        return network().logits(x.float()).argmax(1)
