"""A denoiser of k-diffusion as a score model."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from solvers_zoo.processes.edm import EDM
from solvers_zoo.score_models.adapter import AdaptedNetwork
from solvers_zoo.score_models.function import FunctionModel


def from_k_diffusion(
    denoiser: Callable[..., Tensor],
    sigma_min: float | None = None,
    sigma_max: float | None = None,
    shape: tuple[int, ...] | None = None,
) -> FunctionModel:
    """``denoiser(x, sigma, **extra_args)``, which gives the denoised x, as a score model on `EDM`.

    That is k-diffusion's ``Denoiser``, ``VDenoiser``, ``DiscreteEpsDDPMDenoiser``, ``CompVisDenoiser``, ..., or a guided one
    around them: the interface of its ``sample_*`` functions. What they call ``extra_args`` is a run's ``condition``.

    Args:
        denoiser: x is (B, ...), sigma is (B,).
        sigma_min: smallest noise level; the denoiser's own by default, and 0.002 where it names none.
        sigma_max: largest noise level; the denoiser's own by default, and 80 where it names none.
        shape: shape of one sample, if sampling should know it.

    >>> import solvers_zoo as zoo
    >>> model = zoo.from_k_diffusion(lambda x, sigma: 0 * x, sigma_max=20.0, shape=(2,))
    >>> zoo.sample(model, "euler", steps=4, n=3, denoise=True).x.abs().max().item()
    0.0

    """
    sde = EDM(
        sigma_min=_level(denoiser, "sigma_min", sigma_min, 0.002),
        sigma_max=_level(denoiser, "sigma_max", sigma_max, 80.0),
    )
    return FunctionModel(AdaptedNetwork(denoiser), sde, "x0", shape)


def _level(denoiser: object, name: str, given: float | None, default: float) -> float:
    return float(getattr(denoiser, name, default)) if given is None else given
