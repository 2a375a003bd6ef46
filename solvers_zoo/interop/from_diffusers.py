"""A network of diffusers as a score model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.interop.convention import Convention
from solvers_zoo.interop.diffusers_config import read
from solvers_zoo.score_models.adapter import AdaptedNetwork
from solvers_zoo.score_models.function import FunctionModel

#: Where a pipeline keeps its network.
_PARTS = ("unet", "transformer", "prior", "decoder", "model")


def from_diffusers(network: Any, scheduler: Any = None, shape: tuple[int, ...] | None = None) -> FunctionModel:
    r"""A pipeline, or a network and a scheduler, as a score model; the scheduler's configuration says what the network predicts.

    A beta table becomes `DDPMBetas`, whose time is the index that the network is called with; sigmas with preconditioning
    become `EDM` (the network's raw output is preconditioned as the scheduler would); flow matching becomes `RectifiedFlow`
    with time t for the network's t * num_train_timesteps. ``prediction_type`` epsilon, sample, v_prediction or
    flow_prediction becomes eps, x0, v or flow. What the scheduler does besides (clipping, thresholding) is no part of the
    network; neither are encoders and decoders: a latent model gives latents.

    Conditions are passed on by name: ``condition={"class_labels": labels}``, ``{"encoder_hidden_states": states}``.

    Args:
        network: a `DiffusionPipeline` with its own scheduler, or any network called as ``network(x, timestep, ...)``.
        scheduler: a scheduler of diffusers, where ``network`` is no pipeline or another one is wanted.
        shape: shape of one sample; by default as the network's configuration says, if it does.

    Raises:
        IncompatibleError: no scheduler, or one whose process or prediction type is not known.

    >>> import solvers_zoo as zoo
    >>> from diffusers import DDPMScheduler
    >>> model = zoo.from_diffusers(lambda x, t: 0 * x, DDPMScheduler(prediction_type="sample"), shape=(2,))
    >>> model.kind, str(model.sde)
    ('x0', 'ddpm-betas')

    """
    components = getattr(network, "components", None)
    if isinstance(components, dict):
        scheduler = components.get("scheduler") if scheduler is None else scheduler
        parts = [components[part] for part in _PARTS if components.get(part) is not None]
        if not parts:
            raise IncompatibleError(
                f"{type(network).__name__} has no {', '.join(_PARTS[:-1])} or {_PARTS[-1]}; give its network and scheduler."
            )
        network = parts[0]
    if scheduler is None:
        raise IncompatibleError(
            f"A {type(network).__name__} alone does not say what it predicts; give its scheduler, as in "
            "zoo.from_diffusers(unet, scheduler)."
        )
    convention = read(scheduler)
    return FunctionModel(
        Called(network, convention), convention.sde, convention.kind, shape if shape is not None else shape_of(network)
    )


class Called:
    """A network under a convention, as `FunctionModel` calls it: ``(x, t, **condition)`` with t of shape (B,)."""

    def __init__(self, network: Any, convention: Convention) -> None:
        self.network, self.convention = AdaptedNetwork(network, convention.halve), convention

    def __call__(self, x: Tensor, t: Tensor, **condition: object) -> Tensor:
        """The prediction of the convention's kind."""
        way, wide = self.convention, t.reshape(-1, *[1] * (x.dim() - 1))
        out = self.network(way.scaled(x, wide), torch.as_tensor(way.time(t)), **condition)
        return way.told(x, out.to(x.dtype), wide)


def shape_of(network: object) -> tuple[int, ...] | None:
    """(channels, *size) from a network's configuration, or None where it does not say."""
    config = getattr(network, "config", None)
    channels, size = getattr(config, "in_channels", None), getattr(config, "sample_size", None)
    if not isinstance(channels, int) or size is None:
        return None
    dims = getattr(network, "_spatial_dims", None) or 2
    return (channels, *([size] * dims if isinstance(size, int) else [int(n) for n in size]))
