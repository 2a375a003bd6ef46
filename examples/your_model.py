"""Use your own network: train a small one on points of a spiral, wrap it in one line, and sample from it.

    python examples/your_model.py
    zoo sample --model examples/your_model.py:model --solver unipc-3 --nfe 10 --out spiral.png

The zoo asks for a function of (x, t), the process it was trained on, and what it predicts.
"""

import functools

import torch

import solvers_zoo as zoo

SDE = zoo.EDM(sigma_min=0.02, sigma_max=10.0)


def data(n: int, generator: torch.Generator) -> torch.Tensor:
    """Points of a spiral, (n, 2)."""
    angle = 2 + 7 * torch.rand(n, generator=generator)
    points = torch.stack([angle.cos(), angle.sin()], dim=1) * angle[:, None] / 5
    return points + 0.03 * torch.randn(n, 2, generator=generator)


class Denoiser(torch.nn.Module):
    """The mean of the data given the noisy x (B, 2) at noise level t (B,), preconditioned as in EDM."""

    def __init__(self) -> None:
        super().__init__()
        hidden = [layer for size in (3, 96, 96) for layer in (torch.nn.Linear(size, 96), torch.nn.SiLU())]
        self.net = torch.nn.Sequential(*hidden, torch.nn.Linear(96, 2))

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """c_skip x + c_out net(c_in x, log(t) / 4), with data of standard deviation 1."""
        t, total = t[:, None], (1 + t[:, None] ** 2).sqrt()
        return x / total**2 + t / total * self.net(torch.cat([x / total, t.log() / 4], dim=1))


@functools.cache
def model() -> zoo.ScoreModel:
    """Train for some seconds, and wrap."""
    generator = torch.manual_seed(0)
    net = Denoiser()
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(600):
        clean, t = data(256, generator), torch.randn(256, generator=generator).mul(1.4).sub(1.2).exp()
        noisy = clean + t[:, None] * torch.randn(256, 2, generator=generator)
        optimiser.zero_grad()
        ((net(noisy, t) - clean).square().mean(1) * (1 + t**2) / t**2).mean().backward()
        optimiser.step()
    return zoo.FunctionModel(net, sde=SDE, prediction="x0", shape=(2,))


if __name__ == "__main__":
    exact, fresh = data(2000, torch.manual_seed(1)).chunk(2)
    for solver in ("ddim", "dpmpp-2m", "unipc-3"):
        x = zoo.sample(model(), solver, nfe=12, n=1000, denoise=True).x
        print(f"{solver:9} distance to the nearest of 1,000 data points: {torch.cdist(x, exact).amin(1).mean():.3f}")
    print(f"{'new data':9} {torch.cdist(fresh, exact).amin(1).mean():48.3f}")
