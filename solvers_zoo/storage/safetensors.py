"""Safetensors files with a card: tensors and plain JSON in one file, which is replaced whole, and read without trusting it."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solvers_zoo.errors import StorageError
from solvers_zoo.storage.files import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

#: Longest header of a file in bytes; that of ten thousand tensors is two million.
_LONGEST = 16 * 2**20


def write_tensors(path: Path, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write named tensors and a card into one safetensors file, whole or not at all."""
    from safetensors.torch import save

    data = save(
        {name: value.detach().cpu().contiguous() for name, value in tensors.items()}, {"card": json.dumps(card)}
    )
    replace(path, lambda file: file.write(data))


def read_tensors(file: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Card and tensors of a safetensors file.

    Raises:
        StorageError: it is damaged, or carries no card.

    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    card = card_of(file)
    try:
        return card, load(file.read_bytes())
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise StorageError(f"{file} is damaged: {line_of(error)}.") from None


def _header(file: Path) -> dict[str, Any]:
    """The header of a safetensors file, whose length is looked at before it is read."""
    try:
        size = file.stat().st_size
        with open(file, "rb") as stream:
            start = stream.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= min(_LONGEST, size - 8):
                raise StorageError(
                    f"{file} is no safetensors file, or cut short: it has {size:,} bytes and claims a header of {length:,}."
                )
            header = json.loads(stream.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {error.strerror or error}.") from None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise StorageError(
            f"{file} is damaged: its header is not that of a safetensors file ({line_of(error)})."
        ) from None
    if any(not isinstance(end, int) for end in ends) or 8 + length + max(ends, default=0) != size:
        raise StorageError(f"{file} is cut short or damaged: its {size:,} bytes are not as many as its header lists.")
    return header


def card_of(file: Path) -> dict[str, Any]:
    """The card of a file, without its tensors.

    Raises:
        StorageError: it is damaged, or carries no card.

    """
    header = _header(file)
    try:
        card = json.loads(header["__metadata__"]["card"])
        if isinstance(card, dict):
            return card
    except (KeyError, TypeError, ValueError, RecursionError):
        pass
    raise StorageError(
        f"{file} carries no card that says what network it is: it was not written by save_model. Load its weights into the network "
        "in Python and wrap that in NetworkModel."
    )


def line_of(error: BaseException) -> str:
    """An exception in one short line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200].rstrip(".")
