"""Draw samples, look at what they cost, continue a run, and go back from data to noise.

    python examples/sample.py

The model is a ring of eight Gaussians, whose score and law are known exactly.
"""

import torch

import solvers_zoo as zoo

model = zoo.model("ring")

# Ten steps of Heun's method. `nfe` counts evaluations of the model; denoise=True ends with one more, the prediction of x0.
result = zoo.sample(model, solver="heun", steps=10, grid="karras", n=2000, seed=0, denoise=True)
print(f"heun      {result.nfe} evaluations a sample, shape {tuple(result.x.shape)}")
print(f"          mean radius {result.x.norm(dim=1).mean():.3f}, exactly 2 but for the width of the modes")

# A budget instead of steps, a solver with an option, and noise: samples 0 to 9 are the same in any batch.
many = zoo.sample(model, solver="ddim:eta=0.5", nfe=20, n=2000, seed=1)
few = zoo.sample(model, solver="ddim:eta=0.5", nfe=20, n=10, seed=1)
print(f"ddim      the first ten of 2,000 samples are those of a run of ten: {torch.equal(many.x[:10], few.x)}")

# All states on the way, from noise to data, and the levels of noise they belong to.
path = zoo.sample(model, solver="unipc-3", steps=8, n=4, seed=0, trajectory=True)
for t, state in zip(path.grid, path.trajectory, strict=True):
    print(f"unipc     sigma {model.sde.at(t).sigma:6.3f}   the four states: {state.std():6.3f} in standard deviation")

# Deterministic solvers also run backwards: data to noise, and to data again.
noise = zoo.encode(model, result.x, solver="unipc-3", steps=50).x
again = zoo.sample(model, solver="unipc-3", steps=50, x=noise).x
print(f"encode    there and back in 50 steps: off by {(again - result.x).abs().max():.1e} at most")
