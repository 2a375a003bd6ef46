"""Which operations of a solver's loop read a value, so that the host waits for the device.

The loop runs on torch's ``meta`` device, which has shapes and no values, so that whatever needs a value cannot go on; and under
modes that see what is copied. No GPU is needed for it.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from solvers_zoo.bench.overhead.anatomy import SHAPE, loop_over, tensors
from solvers_zoo.bench.overhead.sides import Ready, denoiser

#: Operations that wait for values of a device, beside those that the meta device refuses by itself.
_WAIT = (
    "_linalg_check_errors",
    "_local_scalar_dense",
    "equal",
    "nonzero",
    "masked_select",
    "unique",
    "_unique2",
    "unique_dim",
)
_TORCH = Path(torch.__file__).parent
_MAKERS = (torch.tensor, torch.as_tensor, Tensor.new_tensor)


class HostRead(Exception):
    """A value of the device was asked for."""


@functools.cache
def host_reads(solver: str, form: str = "edm", steps: int = 7) -> str:
    """What makes the host wait for a device in the loop of a solver, and where; empty if nothing does.

    Copies to the device count, too: from ordinary memory they wait, and a CUDA graph cannot hold them. What is worked out on
    the host and stays there does not.
    """
    x = torch.empty(SHAPE, device="meta")
    noise = Ready(x)
    try:
        with torch.no_grad(), _NoMakers(), _NoValues():  # type: ignore[no-untyped-call]
            for _ in loop_over(solver, form, steps, x, denoiser, noise):
                pass
    except HostRead as read:
        return str(read)
    return ""


class _NoValues(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses what needs values of the meta device, or moves them."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name, given = func.overloadpacket.__name__, tensors((args, kwargs))
        remote = [tensor for tensor in given if tensor.is_meta]
        if remote and name in _WAIT:
            raise HostRead(_place(f"a look at values ({name.strip('_')})"))
        if name in ("_to_copy", "copy_") and len({tensor.is_meta for tensor in (*given, *_target(kwargs))}) > 1:
            raise HostRead(_place("a copy between host and device"))
        if remote and name in ("index", "index_put_", "index_put"):
            self._indices(args[1], args[2].numel() if len(args) > 2 else None)
        try:
            return func(*args, **kwargs)
        except NotImplementedError as error:
            if remote:
                raise HostRead(_place(f"a look at values ({name})")) from error
            raise

    @staticmethod
    def _indices(indices: Any, put: int | None) -> None:
        """Masks are counted on the host, unless one value is put; indices from the host are copied."""
        for index in tensors(indices):
            if index.dtype is torch.bool and put != 1:
                raise HostRead(_place("a mask whose entries are counted (index)"))
            if not index.is_meta:
                raise HostRead(_place("a copy of indices to the device (index)"))


class _NoMakers(TorchFunctionMode):
    """Refuses tensors made on the meta device from numbers of the host, which no dispatch mode sees."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in _MAKERS and out.is_meta and not isinstance(args[0 if len(args) == 1 else 1], Tensor):
            raise HostRead(_place("a copy of numbers to the device"))
        return out


def _target(kwargs: Mapping[str, Any]) -> list[Tensor]:
    """An empty tensor where a copy goes to."""
    device = kwargs.get("device")
    return [] if device is None else [torch.empty(0, device=device)]


def _place(what: str) -> str:
    """What happened, with the innermost line that is not torch's, this package's or the core's arithmetic."""
    frames = [frame for frame in traceback.extract_stack() if not _passed_over(Path(frame.filename))]
    return f"{what}: `{frames[-1].line}` in {Path(frames[-1].filename).stem}.{frames[-1].name}"


def _passed_over(path: Path) -> bool:
    return path.parent.name in ("overhead", "numerics") or not path.is_file() or _TORCH in path.parents
