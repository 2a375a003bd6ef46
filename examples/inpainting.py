"""Complete an image of which the upper half is known, in three ways, and hold each to the exact posterior.

    python examples/inpainting.py

The model knows 1,797 digits of 8 x 8 pixels exactly, so what the lower half can be is known too, and how often.
"""

import torch

import solvers_zoo as zoo
from solvers_zoo.metrics.distances import sliced_w1
from solvers_zoo.score_models.targets.digits import load_digits

N, STD = 64, 0.1
model = zoo.model("digits")
truth = load_digits()[0][30].float()
upper = torch.zeros(1, 8, 8, dtype=torch.bool)
upper[:, :4] = True

A = zoo.Mask(upper)
y = A(truth[None])[0] + STD * torch.randn(32, generator=torch.manual_seed(0))

law = zoo.posterior(model, A, y, STD)
point = model.sde.at(model.sde.t_min)
exact, other = (law.draw(point, zoo.SeededNoise(s, range(N), (1, 8, 8)).data()).float() for s in (1, 2))

runs = {
    # A model of the data given y, for any solver.
    "PiGDM": zoo.sample(zoo.PiGDM(model, A, y, STD), "dpmpp-2m", steps=40, n=N, denoise=True),
    "DDNM": zoo.sample(zoo.DDNM(model, A, y, STD), "dpmpp-2m", steps=40, n=N, denoise=True),
    # A solver that puts in what is known, without noise, and goes back and forth.
    "RePaint": zoo.sample(zoo.Inpainting(model, truth, upper), "repaint", steps=40, n=N, denoise=True),
    "nothing": zoo.sample(model, "dpmpp-2m", steps=40, n=N, denoise=True),
}


def picture(x: torch.Tensor) -> str:
    """An image in characters."""
    return "\n".join("  " + "".join(" .:-=+*#%@"[int(v * 4.999 + 5)] * 2 for v in row) for row in x[0].clamp(-1, 1))


print(picture(truth), "is the truth; its upper half is seen.\n")
print(picture(runs["PiGDM"].x[0]), "is the first sample of PiGDM.\n")
for name, x in {"exact": other, **{name: run.x for name, run in runs.items()}}.items():
    distance, seen = float(sliced_w1(x.flatten(1), exact.flatten(1))), (x - truth)[:, upper].square().mean().sqrt()
    print(f"{name:8} distance from the posterior {distance:.3f}, off the upper half by {seen:.2f}")
