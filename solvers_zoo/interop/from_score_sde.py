"""A network of score_sde_pytorch as a score model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from solvers_zoo.errors import IncompatibleError
from solvers_zoo.processes.ddpm_betas import DDPMBetas
from solvers_zoo.processes.sub_vp import SubVP
from solvers_zoo.processes.ve import VE
from solvers_zoo.processes.vp import VP
from solvers_zoo.score_models.adapter import AdaptedNetwork
from solvers_zoo.score_models.function import FunctionModel


def from_score_sde(
    model: Callable[..., Tensor], sde: Any, continuous: bool = True, shape: tuple[int, ...] | None = None
) -> FunctionModel:
    r"""``model(x, labels)`` as it was trained with ``sde`` by score_sde_pytorch, as a score model of the zoo.

    Its ``get_score_fn`` is, with labels and score by process,

        VP, sub-VP, continuous    labels = 999 t            score = -out / std(t), so out is eps
        VP, discrete              labels = (N - 1) t        the same, on the table of betas: `DDPMBetas`
        VE, continuous            labels = sigma(t)         score = out
        VE, discrete              labels = round((N - 1)(1 - t)), 0 at the most noise; score = out

    Args:
        model: the network, called with x (B, ...) and labels (B,).
        sde: a ``VPSDE``, ``subVPSDE`` or ``VESDE`` of that library (its attributes are read), or the zoo's process.
        continuous: the configuration's ``training.continuous``; sub-VP is always.
        shape: shape of one sample, if sampling should know it.

    Raises:
        IncompatibleError: another process.

    >>> import solvers_zoo as zoo
    >>> model = zoo.from_score_sde(lambda x, labels: 0 * x, zoo.VE(), shape=(2,))
    >>> model.kind, str(model.sde)
    ('score', 've')

    """
    network, name = AdaptedNetwork(model), type(sde).__name__.lower()
    N = int(getattr(sde, "N", 1000))
    if isinstance(sde, DDPMBetas):
        return FunctionModel(network, sde, "eps", shape)
    if isinstance(sde, SubVP) or name == "subvpsde":
        below = sde if isinstance(sde, SubVP) else SubVP(beta_min=float(sde.beta_0), beta_max=float(sde.beta_1))
        return FunctionModel(_Labelled(network, lambda t: 999 * t), below, "eps", shape)
    if isinstance(sde, VP) or name == "vpsde":
        vp = sde if isinstance(sde, VP) else VP(beta_min=float(sde.beta_0), beta_max=float(sde.beta_1))
        if continuous:
            return FunctionModel(_Labelled(network, lambda t: 999 * t), vp, "eps", shape)
        table = DDPMBetas(beta_start=vp.beta_min / N, beta_end=vp.beta_max / N, num=N)
        return FunctionModel(network, table, "eps", shape)
    if isinstance(sde, VE) or name == "vesde":
        ve = sde if isinstance(sde, VE) else VE(sigma_min=float(sde.sigma_min), sigma_max=float(sde.sigma_max))
        labels = ve.sigma if continuous else lambda t: ((1 - t) * (N - 1)).round().long()
        return FunctionModel(_Labelled(network, labels), ve, "score", shape)
    raise IncompatibleError(
        f"A {type(sde).__name__} is not known here; from_score_sde takes VPSDE, subVPSDE and VESDE of score_sde_pytorch, or "
        "the zoo's VP, SubVP, VE and DDPMBetas."
    )


class _Labelled:
    """The network with labels for times."""

    def __init__(self, network: AdaptedNetwork, labels: Callable[[Tensor], Tensor]) -> None:
        self.network, self.labels = network, labels

    def __call__(self, x: Tensor, t: Tensor, **condition: object) -> Tensor:
        """The network's output."""
        return self.network(x, self.labels(t), **condition)
