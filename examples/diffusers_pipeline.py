"""Run a solver of the zoo inside a pipeline of diffusers, and the pipeline's network inside the zoo.

    pip install "solvers-zoo[diffusers]"
    python examples/diffusers_pipeline.py

The U-Net has random weights, so its images mean nothing; with yours the lines are the same.
"""

import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

import solvers_zoo as zoo

torch.manual_seed(0)
unet = UNet2DModel(
    sample_size=8,
    in_channels=1,
    out_channels=1,
    block_out_channels=(16, 16),
    layers_per_block=1,
    norm_num_groups=4,
    down_block_types=("DownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "UpBlock2D"),
)
own = DDPMScheduler(beta_schedule="squaredcos_cap_v2")
pipe = DDPMPipeline(unet, own)
pipe.set_progress_bar_config(disable=True)

# Any solver whose calls are known from the grid takes the place of the pipeline's scheduler.
for solver in ("ddim", "unipc-3", "dpmpp-2m-sde"):
    pipe.scheduler = zoo.as_diffusers_scheduler(solver, own)
    images = pipe(batch_size=4, num_inference_steps=10, generator=torch.manual_seed(1), output_type="np").images
    print(f"{solver:13} in the pipeline: {images.shape}, mean {images.mean():.3f}")

# And the other way round: the network as a score model, with all solvers, grids, counts and checks.
model = zoo.from_diffusers(unet, own)
result = zoo.sample(model, "unipc-3", nfe=10, grid="log-snr", n=4, seed=1)
print(f"unipc-3       in the zoo: {tuple(result.x.shape)}, {result.nfe} evaluations, on {model.sde}")
