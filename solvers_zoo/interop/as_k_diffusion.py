"""A solver of the zoo as a ``sample_*`` function of k-diffusion."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import torch
from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.errors import DomainError, IncompatibleError
from solvers_zoo.interop.from_k_diffusion import from_k_diffusion
from solvers_zoo.interop.pipeline_noise import DrawnNoise, torch_uniform
from solvers_zoo.processes.base import GaussianPoint, Point
from solvers_zoo.processes.prediction import Prediction
from solvers_zoo.score_models.base import ModelWrapper, ScoreModel
from solvers_zoo.score_models.wrappers.conditioned import Conditioned
from solvers_zoo.solving.stepping import Solver, State
from solvers_zoo.time_grids.base import Grid


def as_k_diffusion(solver: str | Solver) -> Callable[..., Tensor]:
    """``sample(model, x, sigmas, extra_args=None, callback=None, disable=None, noise_sampler=None)``, as k-diffusion has them.

    ``model(x, sigma, **extra_args)`` denoises; ``x`` is the start at sigmas[0]; ``sigmas`` decrease, and a 0 behind them takes
    the last step to the data (the zoo's ``denoise``). Noise comes from ``noise_sampler(sigma, sigma_next)``, by default
    torch.randn_like as in the samplers there, so torch.manual_seed settles it. ``callback`` is called in every step, when the
    model has first answered, with a dict of x, i, sigma, sigma_hat and denoised; ``disable`` is for the progress bar (tqdm's).

    Args:
        solver: a name, a specification or a solver; any that runs on `EDM`.

    Raises:
        IncompatibleError: (from the function) the solver cannot run on these sigmas.
        DomainError: sigmas that are no grid.

    >>> import torch
    >>> import solvers_zoo as zoo
    >>> sample = zoo.as_k_diffusion("dpmpp-2m")
    >>> sample.__name__
    'sample_dpmpp_2m'
    >>> sample(lambda x, sigma: 0 * x, torch.ones(1, 2), torch.tensor([10.0, 1.0, 0.0]), disable=True)
    tensor([[0., 0.]])

    """
    made = registry.default().make("solver", solver)

    def sample(
        model: Callable[..., Tensor],
        x: Tensor,
        sigmas: Tensor,
        extra_args: Mapping[str, object] | None = None,
        callback: Callable[[dict[str, object]], object] | None = None,
        disable: bool | None = None,
        noise_sampler: Callable[[Tensor, Tensor], Tensor] | None = None,
    ) -> Tensor:
        levels = [float(sigma) for sigma in sigmas]
        denoise = len(levels) > 1 and levels[-1] == 0.0
        levels = levels[:-1] if denoise else levels
        if len(levels) < 2 or not all(a > b > 0 for a, b in pairwise(levels)):
            raise DomainError(
                f"sigmas = {levels} are no grid; it takes at least two that decrease, and 0 at the end if wanted."
            )
        asked = from_k_diffusion(model, sigma_min=levels[-1], sigma_max=levels[0])
        grid = Grid(asked.sde, levels)
        reason = made.supports(grid.sde, grid)
        if reason:
            raise IncompatibleError(f"{made} cannot run on these sigmas: {reason}.")

        def draw(t: Point | None, s: Point | None) -> Tensor:
            if noise_sampler is None or t is None or s is None:
                return torch.randn_like(x)
            return noise_sampler(x.new_tensor(t.t), x.new_tensor(s.t))

        watched = _Watched(Conditioned(asked, dict(extra_args or {})), sigmas, callback)
        noise = DrawnNoise(draw, lambda: torch_uniform(x))
        with torch.no_grad():
            for state in _progress(made.solve(watched, x, grid, noise), grid.steps + denoise, disable):
                x, watched.step = state.x, state.index
                noise.forget()
            return watched(x, grid[-1]).x0 if denoise else x

    name = made.spec_name().replace("-", "_")
    sample.__name__ = sample.__qualname__ = f"sample_{name}"
    sample.__doc__ = f"{made} of solvers_zoo, called like k-diffusion's samplers."
    return sample


class _Watched(ModelWrapper):
    """Tells the callback of the first answer in every step."""

    def __init__(
        self, model: ScoreModel, sigmas: Tensor, callback: Callable[[dict[str, object]], object] | None
    ) -> None:
        super().__init__(model)
        self.sigmas, self.callback, self.step, self.told = sigmas, callback, 0, -1

    def __call__(self, x: Tensor, point: GaussianPoint, **condition: object) -> Prediction:
        """The model's prediction."""
        now = self.model(x, point, **condition)
        if self.callback is not None and self.told < self.step:
            self.told = self.step
            sigma, hat = self.sigmas[min(self.step, len(self.sigmas) - 1)], self.sigmas.new_tensor(point.t)
            self.callback({"x": x, "i": self.step, "sigma": sigma, "sigma_hat": hat, "denoised": now.x0})
        return now


def _progress(states: Iterator[State], total: int, disable: bool | None) -> Iterator[State]:
    """The states behind k-diffusion's progress bar, where tqdm is installed."""
    if disable or importlib.util.find_spec("tqdm") is None:
        yield from states
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, disable=disable) as bar:
        for state in states:
            bar.update()
            yield state
        bar.update(total - bar.n)
