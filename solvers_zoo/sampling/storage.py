"""Results on disk, as .npz or .pt: nothing in a file is executed, and a damaged one is not used.

A result is a tree of named records, tuples, dicts, numbers and tensors. The tensors are written under their place in it
(``x``, ``trajectory``, ``pause.state.memory.0.D``), the rest as one text of JSON, ``meta``, with a checksum of all.
``numpy.load("run.npz")["x"]`` thus gives the samples. numpy has no bfloat16; those are written as float32, without loss.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from solvers_zoo.errors import StorageError
from solvers_zoo.sampling.result import Result
from solvers_zoo.sampling.tree import decode, encode, restore
from solvers_zoo.storage.files import checksum, replace

_FORMAT = "solvers_zoo.result/1"
_META = "meta"


def save(result: Result, path: str | Path) -> Path:
    """Write ``result`` to ``path``, .npz or .pt; a file that is there is replaced in one stroke, or left as it is.

    Raises:
        StorageError: another suffix, a folder that is missing or not writable, a full disk, or a value with no place in a file.

    """
    path = Path(path)
    _suffix(path)
    tensors: dict[str, Tensor] = {}
    tree = encode(result, (), tensors)
    write_archive(path, tensors, {"format": _FORMAT, "tree": tree})
    return path


def load(path: str | Path) -> Result:
    """Read what `save` wrote.

    Raises:
        StorageError: no such file, or one that is damaged or not a result of the zoo.

    """
    path = Path(path)
    try:
        tensors, meta = read_archive(path)
        if meta["format"] != _FORMAT:
            raise ValueError(f"it is of the format {meta['format']!r}, not {_FORMAT!r}")
        result = restore(decode(meta["tree"], tensors), None)
    except FileNotFoundError:
        raise StorageError(f"There is no file {path}.") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}.") from None
    except Exception as error:  # whatever a damaged or foreign file makes numpy, torch or json raise
        raise StorageError(
            f"{path} is damaged, or not a result of the zoo: {str(error) or type(error).__name__}."
        ) from None
    if not isinstance(result, Result):
        raise StorageError(f"{path} holds no result of the zoo.")
    return result


def write_archive(
    path: Path, tensors: dict[str, Tensor], meta: Mapping[str, object], scratch: Path | None = None
) -> None:
    """Write an archive, .npz or .pt: tensors of any dtype, and facts as JSON beside them, in one stroke and with checksums.

    Raises:
        StorageError: another suffix, or a file that cannot be written.

    """
    write = _writer(path)
    meta = {**meta, "tensors": {name: [str(t.dtype).removeprefix("torch."), _digest(t)] for name, t in tensors.items()}}
    text = json.dumps(meta, allow_nan=False)
    replace(path, lambda file: write(file, tensors, f"{checksum(text.encode())} {text}"), scratch)


def read_archive(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the tensors and the facts of an archive that `write_archive` wrote.

    Raises:
        StorageError: another suffix.
        OSError: a file that cannot be opened or read.
        Exception: whatever a damaged or foreign file makes numpy, torch or json raise; a wrong checksum is a ValueError.

    """
    try:
        arrays, signed = _reader(path)(path)
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # numpy's own, or a seek to where a damaged file points
            raise ValueError(str(error.strerror or error)) from None
        raise
    digest, text = signed.split(" ", 1)
    if checksum(text.encode()) != digest:
        raise ValueError("its checksum does not fit")
    meta = json.loads(text)
    tensors = {}
    for name, (dtype, expected) in meta["tensors"].items():
        tensors[name] = arrays[name].to(_dtype(dtype))
        if _digest(tensors[name]) != expected:
            raise ValueError(f"the checksum of {name} does not fit")
    return tensors, meta


def _write_npz(file: IO[bytes], tensors: dict[str, Tensor], meta: str) -> None:
    arrays = {name: (t.float() if t.dtype is torch.bfloat16 else t).numpy() for name, t in tensors.items()}
    np.savez(file, allow_pickle=False, **{_META: np.array(meta)}, **arrays)


def _read_npz(path: Path) -> tuple[dict[str, Tensor], str]:
    with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:  # numpy leaves a damaged file open
        arrays = {name: torch.from_numpy(np.array(file[name])) for name in file.files if name != _META}
        return arrays, str(file[_META].item())


def _write_pt(file: IO[bytes], tensors: dict[str, Tensor], meta: str) -> None:
    torch.save({_META: torch.frombuffer(bytearray(meta.encode()), dtype=torch.uint8), **tensors}, file)


def _read_pt(path: Path) -> tuple[dict[str, Tensor], str]:
    arrays = torch.load(path, map_location="cpu", weights_only=True)
    return arrays, bytes(arrays[_META].tolist()).decode()


def _writer(path: Path) -> Callable[[IO[bytes], dict[str, Tensor], str], None]:
    return {".npz": _write_npz, ".pt": _write_pt}[_suffix(path)]


def _reader(path: Path) -> Callable[[Path], tuple[dict[str, Tensor], str]]:
    return {".npz": _read_npz, ".pt": _read_pt}[_suffix(path)]


def _suffix(path: Path) -> str:
    if path.suffix not in (".npz", ".pt"):
        raise StorageError(f"{path} ends in {path.suffix or 'nothing'!r}; a result is kept as .npz or .pt.")
    return path.suffix


def _dtype(name: str) -> torch.dtype:
    dtype = getattr(torch, name, None)
    if isinstance(dtype, torch.dtype):
        return dtype
    raise ValueError(f"{name!r} is no dtype")


def _digest(tensor: Tensor) -> str:
    content = tensor.contiguous().reshape(-1).view(torch.uint8).numpy()
    return checksum(f"{tensor.dtype} {tuple(tensor.shape)} ".encode() + content.tobytes())
