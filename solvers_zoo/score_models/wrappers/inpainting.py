"""Inpainting: a part of every sample is known and put into the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from solvers_zoo.errors import OptionError
from solvers_zoo.numerics.combine import combine
from solvers_zoo.score_models.base import ModelWrapper, ScoreModel

if TYPE_CHECKING:
    from solvers_zoo.noise.base import Draws
    from solvers_zoo.processes.base import GaussianPoint


class Inpainting(ModelWrapper):
    r"""``model``, and the values of some coordinates of the data.

    Its predictions are the model's: what it knows is put in by solvers that ask, such as ``repaint``. At a point of the
    schedule the known coordinates become

        x_known = alpha known + sigma z,

    exact samples of the forward process from what is known.

    Args:
        model: the model.
        known: data, of the shape of one sample, or with a row for each sample of the batch. Where the mask is false it may be
            anything.
        mask: true where it is known; of a shape that broadcasts to that of ``known``.

    Raises:
        OptionError: a mask that does not go with the data, or data that do not go with the model.

    >>> import torch
    >>> import solvers_zoo as zoo
    >>> model = zoo.Gaussian([0.0, 0.0], [[1.0, 0.9], [0.9, 1.0]], zoo.EDM())
    >>> half = zoo.Inpainting(model, torch.tensor([1.0, 0.0]), torch.tensor([True, False]))
    >>> zoo.sample(half, "repaint", steps=50, n=4).x.shape
    torch.Size([4, 2])

    """

    def __init__(self, model: ScoreModel, known: Tensor, mask: Tensor) -> None:
        super().__init__(model)
        try:
            mask = torch.broadcast_to(torch.as_tensor(mask), known.shape).bool()
        except RuntimeError as error:
            raise OptionError(
                f"The mask of shape {tuple(mask.shape)} does not broadcast to the data of shape {tuple(known.shape)}."
            ) from error
        if self.shape is not None and tuple(known.shape[-len(self.shape) :] if self.shape else ()) != self.shape:
            raise OptionError(
                f"The data are of shape {tuple(known.shape)}, and samples of the model of shape {self.shape}."
            )
        self.known, self.mask = known, mask

    def impose(self, x: Tensor, point: GaussianPoint, draws: Draws) -> Tensor:
        """The known coordinates with fresh noise, the others as they are; x is (B, *shape)."""
        known, mask = self.known.to(x.device, x.dtype), self.mask.to(x.device)
        noisy = combine((point.alpha, known.expand_as(x)), (point.sigma, draws.fresh()))
        return torch.where(mask, noisy, self.model.impose(x, point, draws))
