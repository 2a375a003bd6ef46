"""All that settles a training run, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from solvers_zoo.errors import OptionError

#: Numbers in a sample that dense layers do for.
_SMALL = 256


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is trained, on what, and how; equal settings on one machine with equal threads give the same bits.

    Attributes:
        data: as in `solvers_zoo.train.data.load_data`.
        folder: where its files are, or None.
        network: specification; None takes one that suits the samples.
        objective: specification.
        sde: specification of the process.
        prediction: what the network predicts, or ``edm`` for EDM's preconditioning, which predicts x0.
        steps: number of steps; None until ``minutes`` has been turned into one.
        minutes: what a run without ``steps`` may take, by the time of its first steps; kept as a record once they are set.
        batch: samples a step; None takes 256, or 64 of large samples.
        lr: largest learning rate, reached after ``warmup`` steps and lowered to 0 along a cosine.
        warmup: steps.
        ema: largest decay of the average of the weights, which is what is kept.
        clip: largest norm of the gradient.
        decay: of weights (AdamW).
        unlabelled: share of the samples whose class is withheld, so that the network also learns the data of no known class.
        held_out: share of the data that is kept for the held-out score.
        evaluations: how often that is taken.
        patience: evaluations without a better score after which training stops; 0 for never.
        bf16: compute the network in bfloat16.
        seed: of the first weights, the order of the data and all noise.
        threads: of the processor.

    """

    data: str
    folder: str | None = None
    network: str | None = None
    objective: str = "dsm"
    sde: str = "edm"
    prediction: str = "edm"
    steps: int | None = None
    minutes: float | None = None
    batch: int | None = None
    lr: float = 1e-3
    warmup: int = 50
    ema: float = 0.999
    clip: float = 1.0
    decay: float = 0.0
    unlabelled: float = 0.1
    held_out: float = 0.1
    evaluations: int = 20
    patience: int = 0
    bf16: bool = False
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.steps is None and self.minutes is None:
            raise OptionError("Give the number of steps or of minutes.")
        bounds: dict[str, tuple[float, float]] = {
            "steps": (1, 1e9),
            "minutes": (0, 1e6),
            "batch": (1, 2**24),
            "lr": (0, 1e3),
            "warmup": (1, 1e9),
            "ema": (0, 1),
            "clip": (0, math.inf),
            "decay": (0, 1e3),
            "unlabelled": (0, 1),
            "held_out": (0, 0.9),
            "evaluations": (1, 1e6),
            "patience": (0, 1e6),
            "threads": (1, 4096),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise OptionError(f"{name} = {value!r} is not possible; it takes {low:g} to {high:g}.")
        for name in ("lr", "clip", "minutes"):
            if getattr(self, name) == 0:
                raise OptionError(f"{name} = 0 is not possible; it must be greater.")

    def facts(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    def rate(self, step: int) -> float:
        """The learning rate of a step: linear up, then a cosine down to 0. The way up does not depend on the number of steps."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        assert self.steps is not None
        share = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.lr * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))

    def smoothing(self, step: int) -> float:
        """The decay of the average after a step, less in the beginning, where there is nothing worth keeping."""
        return min(self.ema, (step + 1) / (step + 10))


def suitable_batch(shape: Sequence[int]) -> int:
    """Samples a step that keep a processor busy without many of them being wasted."""
    return 256 if math.prod(shape) <= _SMALL else 64


def suitable_network(shape: Sequence[int]) -> str:
    """The specification of a network for samples of a shape, which trains in minutes on a processor."""
    size = math.prod(shape)
    if len(shape) != 3 or size <= _SMALL:
        return "mlp(width=256, depth=3)" if size <= 16 else "mlp"
    patch = 2 if min(shape[1:]) >= 24 and shape[1] % 2 == shape[2] % 2 == 0 else 1
    return "unet(blocks=2, patch=2)" if patch > 1 else "unet(blocks=2)"
