"""Networks of any library, each called with the arguments that it expects."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from solvers_zoo.errors import ModelError

#: What networks call their time where they take it by name.
_TIMES = ("timestep", "timesteps", "sigma", "sigmas", "t", "time", "time_cond", "labels")


@contextmanager
def evaluating(network: Any) -> Iterator[None]:
    """A module in its evaluation mode, as dropout would make every sample another; put back afterwards."""
    if not isinstance(network, torch.nn.Module) or not network.training:
        yield
        return
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def dtype_of(network: Any) -> torch.dtype | None:
    """The dtype of a module's weights; None for other callables and for modules without weights."""
    if not isinstance(network, torch.nn.Module):
        return None
    return next((weight.dtype for weight in network.parameters() if weight.dtype.is_floating_point), None)


def time_name(network: Any) -> str | None:
    """The parameter in which a network takes its time, or None where it is simply the second one.

    Transformers have other tensors between state and time.
    """
    call = network.forward if isinstance(network, torch.nn.Module) else network
    try:
        names = list(inspect.signature(call).parameters)
    except (TypeError, ValueError):
        return None
    if len(names) > 1 and names[1] in _TIMES:
        return None
    return next((name for name in _TIMES if name in names), None)


class AdaptedNetwork:
    """``network(state, time, **condition) -> Tensor``, whatever it is made of and wraps its answer in.

    The state comes in the weights' dtype, and the module in evaluation mode. Of an answer with ``.sample``, or a tuple, the
    first tensor counts.

    Args:
        network: a module, or any callable.
        halve: whether an answer of twice the state's channels is cut to the first half, the rest being a variance.

    """

    def __init__(self, network: Callable[..., Any], halve: bool = False) -> None:
        self.network, self.halve = network, halve
        self._name = time_name(network)

    def __call__(self, x: Tensor, time: Tensor, **condition: object) -> Tensor:
        """One call."""
        x = x.to(dtype_of(self.network) or x.dtype)
        with evaluating(self.network):
            if self._name is None:
                out = self.network(x, time, **condition)
            else:
                out = self.network(x, **{self._name: time}, **condition)
        out = getattr(out, "sample", out)
        out = out[0] if isinstance(out, tuple | list) and out else out
        if not isinstance(out, Tensor):
            raise ModelError(
                f"The network returned a {type(out).__name__}, where a tensor of the state's shape belongs."
            )
        if self.halve and out.dim() > 1 and x.dim() > 1 and out.shape[1] == 2 * x.shape[1]:
            out = out[:, : x.shape[1]]
        return out
