"""torchsde's adaptive stepping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo import ModelError, SolverCard, Source, option
from zoo_torchsde.bridge import TorchSDE
from zoo_torchsde.increments import Bridge, Increments

if TYPE_CHECKING:
    from torch import Tensor

    from solvers_zoo import Draws, Interval
    from zoo_torchsde.reverse_sde import ReverseSDE

#: The shortest step, as a part of its interval.
_SHORTEST = 2.0**-14


class TorchSDEAdaptive(TorchSDE):
    """A method of torchsde whose step is halved or grown by comparing one step with two of half the length.

        error = rms((x_h - x_(h/2)) / (atol + rtol |x|)),   h <- h min(1.4, max(0.2, (0.9/error)^c))

    The norm is one over the whole batch, and the stepping stops at every time of the grid. Within an interval all steps, rejected
    ones too, see one Brownian path a sample. srk is not offered: it needs areas of that path under repeated splitting.
    """

    card = SolverCard(
        name="torchsde-adaptive",
        title="Adaptive stepping (torchsde)",
        family="torchsde",
        evaluations=None,
        adaptive=True,
        stochastic=True,
        affine=False,
        batch_coupled=True,
        bias="of the size of its tolerance",
        variable="t",
        needs=("finite-diffusion", "decreasing"),
        noise_level=1,
        source=Source(
            authors="Li et al. 2020",
            title="Scalable Gradients for Stochastic Differential Equations",
            arxiv="2001.01328",
            where="torchsde 0.2.6, sdeint(adaptive=True)",
        ),
    )
    method: str = option("heun", help="method of torchsde", choices=("heun", "midpoint", "euler"))
    rtol: float = option(1e-2, help="relative tolerance", above=0.0)
    atol: float = option(1e-2, help="absolute tolerance", above=0.0)

    def integrate(self, sde: ReverseSDE, x: Tensor, interval: Interval, draws: Draws) -> Tensor:
        """One call of sdeint, which starts with the whole length of the interval as its step."""
        import torch
        from torchsde import sdeint

        t, s, _, index = interval
        y = sde.rows(x, t)
        ends = torch.tensor([sde.at(t), sde.at(s)], dtype=torch.float64, device=y.device)
        length = float(ends[1] - ends[0])
        bridge = Bridge(draws, float(ends[0]), float(ends[1]))
        try:
            ys = sdeint(
                sde,
                y,
                ends,
                bm=Increments(bridge.increment, y),
                method=self.method,
                dt=length,
                adaptive=True,
                rtol=self.rtol,
                atol=self.atol,
                dt_min=_SHORTEST * length,
            )
        except AssertionError as error:  # torchsde asserts one thing while it runs: its error estimate is a number
            raise ModelError(
                f"{self}: values are not finite in step {index + 1} of {sde.steps}, between t = {t.t:g} and {s.t:g}. Check the "
                "model there, or take more steps."
            ) from error
        return sde.state(ys[-1], s)
