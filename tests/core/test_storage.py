"""Results on disk: what comes back is what went in, or a clear refusal."""

from __future__ import annotations

import errno
import json
import os
import pickle
import random
from collections import namedtuple
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.sampling import storage
from solvers_zoo.sampling.tree import Record, restore

SUFFIXES = (".npz", ".pt")


class Memory(NamedTuple):
    """A solver's own record."""

    history: Any
    count: Any = 0


class Remembering(zoo.StepSolver):
    """A solver of this module."""

    card = zoo.SolverCard(
        name="remembering", title="", family="test", source=zoo.Source(authors="", title="", where="")
    )

    def step(self, model, x, interval, memory, noise):
        return zoo.Step(x, memory)


def result(memory: Any = None, point: Any = None, x: Any = None) -> zoo.Result:
    point = zoo.EDM().at(2.0) if point is None else point
    state = zoo.State(3, point, torch.randn(2, 3, dtype=torch.float64), memory)
    settings = {"solver": "remembering", "n": 5, "times": [1.0, 0.1], "none": None, "flag": True}
    spent = {"calls": 3, "model_seconds": 0.25, "steps": 3}
    pause = zoo.Pause(settings, 1, state, spent, torch.randn(5, 3), torch.randn(4, 2, 3))
    stats = {"seconds": 0.1, "accepted": torch.tensor([3, 4]), "largest": float("inf"), "worst": float("-inf")}
    x = torch.randn(2, 3) if x is None else x
    return zoo.Result(x, 7, [80.0, 1 / 3, 0.002], -5, "remembering", stats, torch.randn(4, 2, 3), pause)


def same(a: Any, b: Any) -> bool:
    """Equal in type, structure and every bit."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and a.shape == b.shape and a.equal(b)
    if hasattr(a, "__dataclass_fields__"):
        return type(a) is type(b) and all(same(getattr(a, f), getattr(b, f)) for f in a.__dataclass_fields__)
    if isinstance(a, tuple | list):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and (a == b or a != a)


MEMORIES = [
    None,
    (),
    (1, -2.5, None, float("nan"), True, (torch.arange(3), ())),
    Memory((zoo.Past(0.1, 1 / 3, torch.randn(2, 3)), None), count=torch.tensor(4)),
    Memory(Memory(Memory(())), count=2**80),
    [torch.randn(2, 3).bfloat16(), torch.randn(2).half(), torch.tensor(1.5), torch.zeros(0, 3), torch.tensor([True])],
    {"a": torch.randn(1), "tensor": 1, "of": (1,), "dict": {}, "": []},
]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("memory", MEMORIES, ids=range(len(MEMORIES)))
def test_everything_comes_back(tmp_path, suffix, memory):
    saved = result(memory)
    loaded = zoo.Result.load(saved.save(tmp_path / f"run{suffix}"))
    assert same(restore(loaded, Remembering()), saved)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_points_and_samples_of_any_kind_come_back(tmp_path, suffix):
    per_sample = zoo.EDM().at(torch.tensor([[1.0], [2.0]]))
    for point in (per_sample, zoo.EDM().at(0.1 + 0.2), zoo.Point(t=1.0, g2=2.0)):
        for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
            saved = result(None, point, torch.randn(2, 3).to(dtype))
            assert same(zoo.Result.load(saved.save(tmp_path / f"run{suffix}")), saved)


def test_strided_and_gradient_tensors_can_be_saved(tmp_path):
    x = torch.randn(3, 2, requires_grad=True).t()
    loaded = zoo.Result.load(zoo.Result(x, 1, [1.0, 0.1], 0, "euler").save(tmp_path / "run.npz"))
    assert torch.equal(loaded.x, x.detach())


def test_the_samples_are_there_for_numpy_and_torch(tmp_path):
    saved = result()
    with np.load(saved.save(tmp_path / "run.npz"), allow_pickle=False) as file:
        assert np.array_equal(file["x"], saved.x.numpy())
        assert "pause.state.x" in file.files
    assert torch.equal(torch.load(saved.save(tmp_path / "run.pt"), weights_only=True)["x"], saved.x)


# -- classes ---------------------------------------------------------------------------------------------------------


def test_records_of_other_packages_are_only_made_for_their_solver(tmp_path):
    loaded = zoo.Result.load(result(Memory(None)).save(tmp_path / "run.npz"))
    assert isinstance(loaded.pause.state.memory, Record)
    with pytest.raises(zoo.StorageError, match="knows nothing of"):
        restore(loaded.pause, zoo.solver("ddim"))
    assert restore(loaded.pause, Remembering()).state.memory == Memory(None)
    again = zoo.Result.load(loaded.save(tmp_path / "again.npz"))  # what was not made can still be copied
    assert restore(again.pause, Remembering()).state.memory == Memory(None)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("posix", "stat_result"),
        ("solvers_zoo.sampling.storage", "os.system"),
        ("solvers_zoo.sampling.storage", "Result"),
        ("solvers_zoo.errors", "ZooError"),
        ("solvers_zoo.noise.seeded", "SeededNoise"),
        ("solvers_zoo.not_loaded", "Thing"),
        (__name__, "result"),
        (__name__, "os.stat_result"),
        (__name__, "Missing"),
    ],
)
def test_no_other_class_or_function_is_made(module, name):
    with pytest.raises(zoo.StorageError, match="knows nothing of"):
        restore(Record(module, name, ("true",)), Remembering())


@pytest.mark.parametrize("value", [object(), {1: 2}, {1, 2}, b"x", np.float64(1).__class__, 1j])
def test_values_without_a_place_are_refused_when_saving(tmp_path, value):
    path = tmp_path / "run.npz"
    with pytest.raises(zoo.StorageError, match=r"stats\.odd is a"):
        zoo.Result(torch.zeros(1), 1, [1.0, 0.1], 0, "euler", {"odd": value}).save(path)
    assert not path.exists()


# -- files that cannot be written -------------------------------------------------------------------------------------


def refused(saved, path, match):
    with pytest.raises(zoo.StorageError, match=match) as caught:
        saved.save(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_that_cannot_be_written(tmp_path, suffix, monkeypatch):
    saved = result()
    refused(saved, tmp_path / "missing" / f"run{suffix}", "No such file")
    (tmp_path / f"folder{suffix}").mkdir()
    refused(saved, tmp_path / f"folder{suffix}", "directory")
    (tmp_path / "file").write_text("")
    refused(saved, tmp_path / "file" / f"run{suffix}", "Not a directory")
    refused(saved, tmp_path / ("x" * 300 + suffix), "too long")
    refused(saved, tmp_path / "run.pkl", "npz or .pt")
    refused(saved, tmp_path / "run", "npz or .pt")
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, _no_space)
            refused(saved, tmp_path / f"run{suffix}", "No space left")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", f"folder{suffix}"]


def _no_space(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_earlier_file(tmp_path, suffix, failure, monkeypatch):
    path = tmp_path / f"run{suffix}"
    first = result()
    first.save(path)
    whole = storage._writer(path)

    def half(file, tensors, meta):
        whole(file, tensors, meta)
        file.truncate(100)
        raise failure

    monkeypatch.setattr(storage, "_writer", lambda _: half)
    with pytest.raises(KeyboardInterrupt if isinstance(failure, KeyboardInterrupt) else zoo.StorageError):
        result().save(path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert same(zoo.Result.load(path), first)


def test_an_existing_file_is_replaced(tmp_path):
    path = tmp_path / "run.npz"
    result().save(path)
    second = result()
    second.save(path)
    assert same(zoo.Result.load(path), second)
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


# -- files that cannot be used ----------------------------------------------------------------------------------------


def unusable(path):
    with pytest.raises(zoo.StorageError) as caught:
        zoo.Result.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_that_are_not_results(tmp_path, suffix):
    path = tmp_path / f"run{suffix}"
    unusable(path)
    for content in (b"", b"hello", b"PK\x05\x06" + bytes(18), os.urandom(1000), pickle.dumps({"x": 1})):
        path.write_bytes(content)
        unusable(path)
    unusable(tmp_path)
    unusable(tmp_path / "run.txt")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_mutation_is_silently_used(tmp_path, suffix):
    """Truncations, flipped bits, zeroed and repeated blocks: refused, or read as exactly what was saved."""
    path, saved = tmp_path / f"run{suffix}", result()
    whole = saved.save(path).read_bytes()
    rng = random.Random(0)
    refused_count = 0
    for number in range(200):
        content = bytearray(whole)
        place = rng.randrange(len(content))
        if number % 4 == 0:
            content = content[:place]
        elif number % 4 == 1:
            content[place] ^= 1 << rng.randrange(8)
        elif number % 4 == 2:
            content[place : place + 64] = bytes(len(content[place : place + 64]))
        else:
            content[place:place] = content[:100]
        path.write_bytes(content)
        try:
            assert same(zoo.Result.load(path), saved)
        except zoo.StorageError:
            refused_count += 1
    assert refused_count > 100


def test_numbers_changed_by_hand_are_noticed(tmp_path):
    """A file whose container is whole, so that only the zoo's own checksums can tell."""
    path = result().save(tmp_path / "run.npz")
    with np.load(path) as file:
        arrays = dict(file)
    digest, text = arrays["meta"].item().split(" ", 1)
    nfe = json.dumps(json.loads(text)).replace('"of": [{"tensor": "x"}, 7', '"of": [{"tensor": "x"}, 8')
    assert nfe != text
    changes = {
        "x": arrays["x"] + 1e-6,
        "meta": np.array(f"{digest} {nfe}"),
        "pause.state.x": arrays["pause.state.x"][:1],
        "trajectory": arrays["trajectory"].astype(np.float64),
    }
    for name, value in changes.items():
        np.savez(path, **{**arrays, name: value})
        if name == "trajectory":  # the same numbers, wider: cast back to what they were
            assert zoo.Result.load(path).trajectory.dtype is torch.float32
        else:
            unusable(path)
    np.savez(path, **{key: value for key, value in arrays.items() if key != "trajectory"})
    unusable(path)


class Bomb:
    """Runs a command when unpickled."""

    def __reduce__(self):
        return (os.mkdir, (self.place,))

    def __init__(self, place: str) -> None:
        self.place = place


def test_hostile_pickles_are_not_run(tmp_path):
    place = str(tmp_path / "gone-off")
    np.savez(tmp_path / "run.npz", meta=np.array([Bomb(place)], dtype=object), x=np.zeros(1))
    torch.save({"meta": Bomb(place), "x": torch.zeros(1)}, tmp_path / "run.pt")
    with open(tmp_path / "raw.pt", "wb") as file:
        pickle.dump(Bomb(place), file)
    for name in ("run.npz", "run.pt", "raw.pt"):
        unusable(tmp_path / name)
    assert not os.path.exists(place)


def test_a_signed_file_that_is_no_result_is_refused(tmp_path):
    import hashlib

    def write(meta):
        text = json.dumps(meta)
        np.savez(tmp_path / "run.npz", meta=np.array(f"{hashlib.sha256(text.encode()).hexdigest()} {text}"))
        unusable(tmp_path / "run.npz")

    nested: Any = None
    for _ in range(300):
        nested = {"tuple": [nested]}
    record = {"record": ["solvers_zoo.sampling.result", "Result"], "of": [1]}
    for tree in (None, 3, nested, record, {"tensor": "x"}, {"record": ["os"], "of": []}):
        write({"format": "solvers_zoo.result/1", "tree": tree, "tensors": {}})
    write({"format": "solvers_zoo.result/99", "tree": None, "tensors": {}})
    write([])


def test_named_tuples_by_the_old_function_work_too(tmp_path, monkeypatch):
    Old = namedtuple("Old", "a b")
    Old.__module__ = __name__
    monkeypatch.setitem(globals(), "Old", Old)
    loaded = zoo.Result.load(result(Old(1, (2,))).save(tmp_path / "run.npz"))
    assert restore(loaded.pause, Remembering()).state.memory == Old(1, (2,))
