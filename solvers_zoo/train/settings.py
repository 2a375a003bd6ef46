"""The settings of a training run, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence

from solvers_zoo.errors import OptionError
from solvers_zoo.registry.options import Configurable, option

#: Numbers in a sample that dense layers do for.
_SMALL = 256


class Settings(Configurable):
    """What is trained, on what, and how; equal settings on one machine with equal threads give the same bits."""

    data: str = option(kind="str", help="as in `solvers_zoo.train.data.load_data`")
    folder: str | None = option(None, kind="str", help="where the data's files are")
    network: str | None = option(None, kind="str", help="its specification; one that suits the samples if none")
    objective: str = option("dsm", help="its specification")
    sde: str = option("edm", help="specification of the process")
    prediction: str = option("edm", help="what the network predicts; edm is x0 with EDM's preconditioning")
    steps: int | None = option(None, kind="int", help="number of steps; none until minutes became one", low=1, high=1e9)
    minutes: float | None = option(
        None,
        kind="float",
        help="what the training may take, by the time of its first steps; a record once steps are set",
        above=0,
        high=1e6,
    )
    batch: int | None = option(
        None, kind="int", help="samples a step; 256 if none, or 64 of large samples", low=1, high=2**24
    )
    lr: float = option(
        1e-3, help="largest learning rate, lowered to 0 along a cosine after the warm-up", above=0, high=1e3
    )
    warmup: int = option(50, help="steps up to the largest learning rate", low=1, high=1e9)
    ema: float = option(0.999, help="largest decay of the average of the weights, which is what is kept", low=0, high=1)
    clip: float = option(1.0, help="largest norm of the gradient", above=0)
    decay: float = option(0.0, help="of weights (AdamW)", low=0, high=1e3)
    unlabelled: float = option(
        0.1,
        help="share of the samples without their class, so that data of no known class are learnt too",
        low=0,
        high=1,
    )
    held_out: float = option(0.1, help="share of the data that is kept for the held-out score", low=0, high=0.9)
    evaluations: int = option(20, help="how often the held-out score is taken", low=1, high=1e6)
    patience: int = option(
        0, help="evaluations without a better score that end the training; 0 for never", low=0, high=1e6
    )
    bf16: bool = option(False, help="compute the network in bfloat16")
    seed: int = option(0, help="of the first weights, the order of the data and all noise")
    threads: int = option(1, help="of the processor", low=1, high=4096)

    @classmethod
    def spec_name(cls) -> str:
        """The name in messages: that of the command."""
        return "train"

    def check(self) -> None:
        """Refuse settings that say neither steps nor minutes."""
        if self.steps is None and self.minutes is None:
            raise OptionError("Give the number of steps or of minutes.")

    def facts(self) -> dict[str, object]:
        """The settings as plain data."""
        return {name: getattr(self, name) for name in self.options()}

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
