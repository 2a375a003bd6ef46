"""What a step of a solver is made of: its evaluations, its tensor operations, and the arrays that it combines."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from solvers_zoo import registry
from solvers_zoo.bench.overhead.sides import FORMULATIONS, Ready, adjusted, denoiser, grid
from solvers_zoo.errors import IncompatibleError
from solvers_zoo.score_models.function import FunctionModel
from solvers_zoo.score_models.wrappers.counting import CountingModel
from solvers_zoo.solving.stepping import State

#: A state whose size nothing else has.
SHAPE = (3, 5, 7)
_WARM = 5
_ALLOCATIONS = ("empty", "new_empty", "empty_like", "empty_strided", "lift_fresh", "detach")


class Anatomy(NamedTuple):
    """A step in the middle of a run."""

    evaluations: float
    """Calls of the model."""
    kernels: float
    """Tensor operations that compute, the model's left out: what a GPU has to launch."""
    updates: Mapping[int, float]
    """Number of updates by the arrays that each combines: states, predictions of the model, noise."""


@functools.cache
def anatomy(solver: str, form: str = "edm", steps: int = 18) -> Anatomy:
    """Count what the steps of a solver do, its start-up left out.

    Args:
        solver: its specification.
        form: process and prediction, of `FORMULATIONS`.
        steps: how many, after the start-up.

    """
    watch = _Counting(math.prod(SHAPE))
    x = torch.zeros(SHAPE)
    taken = 0
    with torch.no_grad(), watch:
        watch.leaf(x)
        for state in loop_over(solver, form, steps + _WARM, x, _Model(watch), _Given(x, watch)):
            watch.arrived(state.x, state.memory)
            taken += 1
            if taken == _WARM:
                watch.restart()
    counted = taken - _WARM if taken > _WARM else taken
    updates = {arrays: number / counted for arrays, number in sorted(watch.updates.items())}
    return Anatomy(watch.calls / counted, watch.kernels / counted, updates)


def loop_over(solver: str, form: str, steps: int, x: Tensor, model: Any, noise: Ready) -> Iterator[State]:
    """The solver's own loop, without the driver's check of the result after it."""
    made = adjusted(registry.default().make("solver", solver), steps)
    sde, kind = FORMULATIONS[form]
    points = grid(form, steps)
    reason = made.supports(sde, points)
    if reason:
        raise IncompatibleError(f"{made} cannot run on {sde} here: {reason}.")
    return made.solve(CountingModel(FunctionModel(model, sde=sde, prediction=kind)), x, points, noise)


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations, and follows which arrays every state-sized tensor is a combination of."""

    def __init__(self, size: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.size, self.unseen = size, False
        self.restart()
        #: By storage; the tensor beside it keeps the storage, so that no other gets its place.
        self.sources: dict[int, tuple[Tensor, frozenset[int]]] = {}

    def restart(self) -> None:
        """Count from here."""
        self.calls, self.kernels = 0, 0
        self.updates: Counter[int] = Counter()

    def leaf(self, x: Tensor) -> Tensor:
        """From here on, ``x`` is an array of its own."""
        if _tracked(x):
            key = _storage(x)
            self.sources[key] = x, frozenset((key,))
        return x

    def arrays(self, x: Tensor) -> frozenset[int]:
        """The arrays that ``x`` combines."""
        if x.numel() != self.size or not _tracked(x):
            return frozenset()
        return self.sources.setdefault(_storage(x), (x, frozenset((_storage(x),))))[1]

    def update(self, x: Tensor) -> None:
        """``x`` has been worked out, unless it is an array itself."""
        arrays = len(self.arrays(x))
        if arrays > 1:
            self.updates[arrays] += 1

    def asked(self, x: Tensor, t: Tensor) -> Tensor:
        """A call of the model at ``x``, whose own work is not counted."""
        self.calls += 1
        self.update(x)
        return self.made(lambda: denoiser(x, t))

    def made(self, make: Callable[[], Tensor]) -> Tensor:
        """A new array from outside."""
        self.unseen = True
        try:
            return self.leaf(make())
        finally:
            self.unseen = False

    def arrived(self, x: Tensor, memory: Any) -> None:
        """A step is done: the state and what is remembered are arrays."""
        self.update(x)
        for tensor in tensors((x, memory)):
            self.leaf(tensor)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if self.unseen:
            return out
        if not func.is_view and func.overloadpacket.__name__ not in _ALLOCATIONS:
            self.kernels += 1
        used = frozenset[int]().union(*map(self.arrays, tensors((args, kwargs))))
        for tensor in tensors(out):
            if tensor.numel() == self.size and used:
                self.sources[_storage(tensor)] = tensor, used
        return out


class _Model:
    """The model of the measurement, of whose calls ``watch`` is told."""

    def __init__(self, watch: _Counting) -> None:
        self.watch = watch

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        return self.watch.asked(x, t)


class _Given(Ready):
    """Noise that comes from outside: every draw is an array."""

    def __init__(self, x: Tensor, watch: _Counting) -> None:
        super().__init__(x)
        self.watch = watch

    def at(self, index: int) -> _Given:
        return self

    def fresh(self) -> Tensor:
        return self.watch.made(self.normals.clone)

    def between(self, t: Any = None, s: Any = None, area: bool = False) -> Any:
        return (self.fresh(), self.fresh()) if area else self.fresh()


def _tracked(x: Tensor) -> bool:
    """Whether it is a tensor of its own: under torch.func the model sees others around those that the mode sees."""
    return not torch._C._functorch.is_functorch_wrapped_tensor(x)


def _storage(x: Tensor) -> int:
    return int(x.untyped_storage()._cdata)


def tensors(nest: Any) -> list[Tensor]:
    """All tensors of nested tuples, lists and dictionaries."""
    return [leaf for leaf in tree_leaves(nest) if isinstance(leaf, Tensor)]
