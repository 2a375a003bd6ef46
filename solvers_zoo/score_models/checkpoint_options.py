"""Options of a trained network that knows classes: which class is drawn, and how strongly it is guided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.errors import OptionError
from solvers_zoo.registry.options import Configurable, option

if TYPE_CHECKING:
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.score_models.network import NetworkModel


class Checkpoint(Configurable):
    """The options of a trained model, whether it came with the zoo or is a file: ``digits-net(label=3)``, ``mine.safetensors:guidance=2``."""

    label: int | None = option(None, kind="int", help="the class to draw; all of them if none is given", low=0)
    guidance: float = option(1.0, help="strength of classifier-free guidance; other than 1 it costs two evaluations")

    def asked(self, model: NetworkModel) -> ScoreModel:
        """The network with its label and guidance.

        Raises:
            OptionError: it knows no such class, or none at all.

        """
        from solvers_zoo.score_models.wrappers.conditioned import Conditioned
        from solvers_zoo.score_models.wrappers.guided import Guided

        if model.classes is None and (self.label is not None or self.guidance != 1):
            raise OptionError("This network was trained without classes; leave label and guidance out.")
        if self.label is not None and self.label >= (model.classes or 0):
            raise OptionError(f"label = {self.label} is not possible; the classes are 0 to {(model.classes or 1) - 1}.")
        condition = {} if self.label is None else {"label": self.label}
        if self.guidance != 1:
            return Guided(model, self.guidance, condition)
        return Conditioned(model, condition) if condition else model
