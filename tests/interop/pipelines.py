"""Real pipelines of diffusers around a small network with random weights."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import torch
from needs import imported
from torch import Tensor

from solvers_zoo.bench.overhead import import_diffusers

diffusers = imported("diffusers", lambda _: import_diffusers())


@functools.cache
def unet(**settings: Any) -> Any:
    """A U-Net of 8x8 with one channel; every weight random, as a fresh one ends in zeros."""
    torch.manual_seed(0)
    blocks = {"down_block_types": ("DownBlock2D",) * 2, "up_block_types": ("UpBlock2D",) * 2}
    small = {"sample_size": 8, "in_channels": 1, "out_channels": 1, "block_out_channels": (8, 8), "layers_per_block": 1}
    net = diffusers.UNet2DModel(**{**small, "norm_num_groups": 4, **blocks, **settings}).eval()
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(torch.randn(weight.shape) * (0.5 if weight.dim() == 1 else 1.5 * weight[0].numel() ** -0.5))
    return net


class Loop(diffusers.DiffusionPipeline):
    """The loop of the latent pipelines, without their encoders: a scaled start, and scaled inputs."""

    def __init__(self, unet: Any, scheduler: Any) -> None:
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)

    @torch.no_grad()
    def __call__(self, batch_size: int, generator: Any, num_inference_steps: int, **rest: Any) -> Tensor:
        self.scheduler.set_timesteps(num_inference_steps)
        x = torch.randn(batch_size, 1, 8, 8, generator=generator) * self.scheduler.init_noise_sigma
        for t in self.progress_bar(self.scheduler.timesteps):
            out = self.unet(self.scheduler.scale_model_input(x, t), t).sample
            x = self.scheduler.step(out, t, x, generator=generator, return_dict=False)[0]
        return x


def run(kind: Any, network: Any, scheduler: Any, steps: int, seed: int = 1, **rest: Any) -> Tensor:
    """The last state of a pipeline, before it is made an image and clipped."""
    pipe = kind(network, scheduler)
    pipe.scheduler = scheduler  # DDIMPipeline makes its own
    pipe.set_progress_bar_config(disable=True)
    states: list[Tensor] = []
    plain = scheduler.step

    taken = inspect.signature(plain).parameters

    def kept(*args: Any, **settings: Any) -> Any:
        found = plain(*args, **{name: value for name, value in settings.items() if name in taken})
        states.append(found[0])
        return found

    scheduler.step = kept
    try:
        pipe(
            batch_size=3,
            generator=torch.Generator().manual_seed(seed),
            num_inference_steps=steps,
            output_type="pt",
            **rest,
        )
    finally:
        del scheduler.step
    return states[-1]


def start(seed: int = 1) -> Tensor:
    """The normals that a pipeline starts from."""
    return torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def difference(a: Tensor, b: Tensor) -> float:
    """Largest difference, relative to the largest entry."""
    return float((a - b).abs().max() / b.abs().max())
