"""Bridge to torchsde: its SDE solvers on the reverse SDE."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solvers_zoo import hookimpl
from zoo_torchsde.adaptive import TorchSDEAdaptive
from zoo_torchsde.methods import METHODS, compare


@hookimpl
def zoo_solvers() -> Iterable[Any]:
    """The methods of torchsde that make sense for additive noise, and its adaptive stepping."""
    return [*METHODS, TorchSDEAdaptive]


def doctor() -> list[str]:
    """For ``zoo doctor``: how the installed torchsde differs from the cards."""
    return compare()
