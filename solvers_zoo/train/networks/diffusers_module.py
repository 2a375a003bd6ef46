"""The module of `DiffusersUNet`."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

#: Factor from log(sigma/alpha)/4 to the range of step numbers, 0 to 1000, that diffusers' embedding is made for.
_STEPS = 1000.0


class DiffusersModule(nn.Module):
    """A `UNet2DModel` that is told a noise level."""

    def __init__(self, classes: int | None, **config: Any) -> None:
        import diffusers

        super().__init__()
        make: Any = diffusers.UNet2DModel
        self.classes, self.unet = classes, make(**config)

    def forward(self, x: Tensor, noise: Tensor, label: Tensor | None = None) -> Tensor:
        """(B, C, H, W) to the same."""
        labels = None if self.classes is None else label
        unet: Any = self.unet
        return unet(x, noise * _STEPS, class_labels=labels, return_dict=False)[0]
