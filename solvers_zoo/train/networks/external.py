"""Networks of other libraries, and any torch module by its import path."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from solvers_zoo.errors import IncompatibleError, ModelError, OptionError
from solvers_zoo.registry.card import NetworkCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.train.networks.base import Network

if TYPE_CHECKING:
    from torch import nn


class DiffusersUNet(Network):
    """`UNet2DModel` of diffusers, told the noise level as 250 log(sigma/alpha) in the place of its time step."""

    card = NetworkCard(
        name="diffusers-unet",
        title="UNet2DModel of diffusers",
        extra="diffusers",
        source=Source(
            authors="von Platen et al. 2022",
            title="Diffusers: State-of-the-art diffusion models",
            link="https://github.com/huggingface/diffusers",
            where="UNet2DModel",
        ),
    )
    channels: tuple[int, ...] = option(
        (32, 64, 64), help="channels at every level, finest first", kind="ints", low=1, high=4096
    )
    blocks: int = option(1, help="residual blocks at a level", low=1, high=16)
    attention: tuple[int, ...] = option((), help="levels with self-attention", kind="ints", low=0)
    groups: int = option(8, help="groups of a group norm", low=1, high=256)

    def build(self, shape: Sequence[int], classes: int | None) -> nn.Module:
        """Make the module, for images (channels, height, width)."""
        from solvers_zoo.train.networks.diffusers_module import DiffusersModule

        halvings = 2 ** (len(self.channels) - 1)
        if len(shape) != 3 or shape[1] % halvings or shape[2] % halvings:
            raise OptionError(
                f"diffusers-unet: samples of shape {tuple(shape)} do not fit; it takes images (channels, height, width) whose "
                f"sides are multiples of {halvings}."
            )
        levels = range(len(self.channels))
        try:
            return DiffusersModule(
                classes,
                in_channels=shape[0],
                out_channels=shape[0],
                sample_size=tuple(shape[1:]),
                block_out_channels=self.channels,
                layers_per_block=self.blocks,
                norm_num_groups=self.groups,
                down_block_types=tuple("AttnDownBlock2D" if i in self.attention else "DownBlock2D" for i in levels),
                up_block_types=tuple("AttnUpBlock2D" if i in self.attention else "UpBlock2D" for i in reversed(levels)),
                num_class_embeds=None if classes is None else classes + 1,
            )
        except ImportError as error:
            raise IncompatibleError(f"diffusers-unet needs diffusers: pip install diffusers ({error}).") from error


class Module(Network):
    """Any module: ``factory`` names a function of (shape, classes), or a module class that takes the same.

    What it gives is called as ``module(x, noise, label)``, see `Network`.
    """

    card = NetworkCard(
        name="module",
        title="Any torch module by import path",
        source=Source(
            authors="Paszke et al. 2019",
            title="PyTorch: An Imperative Style, High-Performance Deep Learning Library",
            arxiv="1912.01703",
            where="nn.Module",
        ),
    )
    runs_code: ClassVar[bool] = True
    factory: str = option(help="package.module:name or file.py:name", kind="str")

    def build(self, shape: Sequence[int], classes: int | None) -> nn.Module:
        """The module that the factory makes."""
        from torch import nn

        where, _, name = self.factory.rpartition(":")
        if not where:
            raise OptionError(
                f"module: factory = {self.factory!r} names no function; it takes package.module:name or file.py:name."
            )
        if where.endswith(".py"):
            from solvers_zoo.score_models.build import load_from

            make = load_from(Path(where), name)
        else:
            try:
                make = getattr(importlib.import_module(where), name)
            except (ImportError, AttributeError) as error:
                raise ModelError(f"module: factory = {self.factory!r} cannot be loaded: {error}.") from error
        try:
            made = make(tuple(shape), classes)
        except Exception as error:
            raise ModelError(
                f"{self.factory} makes no network for shape {tuple(shape)} and {classes} classes: {type(error).__name__}: {error}."
            ) from error
        if not isinstance(made, nn.Module):
            raise ModelError(f"{self.factory} makes a {type(made).__name__}, not a torch module.")
        return made
