"""Trained networks that come with the zoo."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from solvers_zoo.processes.ve import VE
from solvers_zoo.registry.card import ModelCard
from solvers_zoo.score_models.checkpoint_options import Checkpoint
from solvers_zoo.score_models.targets.base import KARRAS, NCSN, OnEDM

if TYPE_CHECKING:
    from solvers_zoo.processes.base import GaussianSDE
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.score_models.network import NetworkModel

WEIGHTS = Path(__file__).parents[1] / "weights"


@functools.cache
def shipped(name: str) -> NetworkModel:
    """A model of the folder ``weights``, read once."""
    from solvers_zoo.score_models.checkpoints import load_model

    return load_model(WEIGHTS / f"{name}.safetensors")


class _Trained(OnEDM):
    """A network of the folder ``weights``, trained on EDM unless it says otherwise; the .json beside it says how it was trained, and by which command."""

    file: ClassVar[str]

    def build(self, sde: GaussianSDE) -> ScoreModel:
        """The network under ``sde``: any Gaussian process, if it is preconditioned and so only sees sigma/alpha."""
        return shipped(self.file).on(sde)


class _TrainedOnDigits(Checkpoint, _Trained):
    def build(self, sde: GaussianSDE) -> ScoreModel:
        """The network under ``sde``, with its label and guidance."""
        return self.asked(shipped(self.file).on(sde))


class DigitsNet(_TrainedOnDigits):
    """A network trained on the 1797 handwritten digits that ``digits`` has the exact score of.

    It knows the ten classes. Without a label, sample i's is drawn by the classes' frequencies, from the run's seed and i alone.
    """

    card = ModelCard(
        name="digits-net",
        title="Trained on handwritten digits, 8 x 8",
        dim="1 x 8 x 8",
        source=KARRAS(where="Table 1"),
    )
    file = "digits-net"


class DigitsNCSN(_TrainedOnDigits):
    """A noise conditional score network of the same digits: the score at 20 noise levels from 10 down to 0.05, for annealed Langevin.

    ``zoo sample --model digits-ncsn --solver annealed-langevin:eps=0.001,n_steps_each=10 --grid log-snr --steps 19`` runs the chain
    at just these levels. It knows the ten classes, like ``digits-net``. Its output is divided by sigma, so it is for its own process alone.
    """

    card = ModelCard(
        name="digits-ncsn",
        title="Noise conditional score network of handwritten digits, 8 x 8",
        dim="1 x 8 x 8",
        source=NCSN(where="Section 4"),
    )
    file = "digits-ncsn"

    def default_sde(self) -> VE:
        """The levels on which it was trained."""
        return VE(sigma_min=0.05, sigma_max=10.0)


class MoonsNet(_Trained):
    """A network trained on points of ``two-moons``, whose exact score is known: what it gets wrong is the network's error."""

    card = ModelCard(
        name="moons-net",
        title="Trained on two moons",
        dim="2",
        source=KARRAS(where="Table 1"),
    )
    file = "moons-net"
