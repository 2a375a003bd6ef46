"""Samples that are drawn in parts are the samples that are drawn at once, and what is finished is never drawn again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.sampling import shards

#: A network with matrix products, so that bits depend on the size of a batch and the number of threads; and one that fails.
MODELS = """
import torch
import solvers_zoo as zoo

torch.manual_seed(0)
layers = torch.nn.Sequential(torch.nn.Linear(8, 64), torch.nn.SiLU(), torch.nn.Linear(64, 8)).requires_grad_(False)

def network(x, t):
    assert torch.get_num_threads() == 1
    return layers(x.float()).to(x.dtype)

model = zoo.FunctionModel(network, sde=zoo.VE(), prediction="x0", shape=(8,))
bad = zoo.FunctionModel(lambda x, t: x * float("nan"), sde=zoo.VE(), prediction="x0", shape=(8,))
"""
GIVEN = {"steps": 4, "n": 250, "seed": 7}


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "mine.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    return "mine.py:model"


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The parts that this process draws."""
    drawn: list[tuple[int, int]] = []
    draw = shards.Shards.draw
    monkeypatch.setattr(shards.Shards, "draw", lambda self, span: (drawn.append(span), draw(self, span))[1])
    return drawn


@pytest.mark.parametrize("solver", ["euler-ancestral", "heun", "adaptive(heun, rtol=0.3)"])
def test_samples_are_the_same_however_the_run_is_cut(network: str, solver: str, tmp_path: Path):
    given = {"n": 250, "seed": 7, "chunk": 32} | ({} if "adaptive" in solver else {"steps": 4})
    whole = zoo.sample(shards.model_of(network, None, ()), solver, **given)
    for size in (32, 50, 250):
        torch.set_num_threads(2)  # on which the sums of a matrix product depend
        parts = zoo.sample_shards(network, solver, shard=size, folder=tmp_path / str(size), executor="serial", **given)
        assert torch.get_num_threads() == 2
        torch.set_num_threads(1)
        assert torch.equal(parts.x, whole.x), size
        assert (parts.nfe, parts.grid, parts.seed, parts.solver) == (whole.nfe, whole.grid, whole.seed, whole.solver)
        for key, value in whole.stats.items():
            if "seconds" not in key:
                assert torch.equal(torch.as_tensor(parts.stats[key]), torch.as_tensor(value)), key


def test_samples_are_the_same_in_other_processes(network: str, tmp_path: Path):
    given = GIVEN | {"brownian": "path", "denoise": True, "dtype": "float64", "chunk": 32}
    here = zoo.sample_shards(network, "euler-ancestral", folder=tmp_path / "a", executor="serial", **given)
    there = zoo.sample_shards(
        network, "euler-ancestral", folder="b", executor="processes:workers=2", shard=64, **given
    )  # of the folder where this process is
    assert torch.equal(here.x, there.x)
    assert len(list((tmp_path / "b").iterdir())) == 4


def test_the_registered_models_are_cut_like_the_others(tmp_path: Path):
    given = GIVEN | {"start": "exact", "chunk": 64}
    parts = zoo.sample_shards("mixture-2d", "ddim:eta=1", sde="vp", folder=tmp_path, executor="serial", **given)
    assert torch.equal(parts.x, zoo.sample(zoo.model("mixture-2d", sde="vp"), "ddim:eta=1", **given).x)


def test_a_fitted_grid_is_fitted_once_for_all(tmp_path: Path, drawn: list[tuple[int, int]]):
    given = {"grid": "gits", "nfe": 4, "n": 96, "chunk": 32}
    parts = zoo.sample_shards("mixture-2d", "heun", folder=tmp_path, executor="serial", shard=32, **given)
    whole = zoo.sample(zoo.model("mixture-2d"), "heun", **given)
    assert len(drawn) == 3
    assert parts.stats["fit_nfe"] == whole.stats["fit_nfe"] > 0
    assert torch.equal(parts.x, whole.x)


def test_finished_parts_are_taken_over_and_damaged_onesdrawn_again(
    network: str, tmp_path: Path, drawn: list[tuple[int, int]]
):
    def run(n: int = 250, solver: str = "heun", **given: object) -> zoo.Result:
        drawn.clear()
        given = {"steps": 4, "seed": 7, "chunk": 32, "shard": 64} | given
        return zoo.sample_shards(network, solver, n=n, folder=tmp_path / "parts", executor="serial", **given)

    whole = run()
    assert drawn == [(0, 64), (64, 128), (128, 192), (192, 250)]
    files = sorted((tmp_path / "parts").iterdir())
    assert [path.name[:21] for path in files][1] == "0000000064-0000000128"
    files[0].unlink()
    files[2].write_bytes(files[2].read_bytes()[:-100])
    damaged = bytearray(files[3].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    files[3].write_bytes(bytes(damaged))
    assert torch.equal(run().x, whole.x)
    assert drawn == [(0, 64), (128, 192), (192, 250)]
    assert torch.equal(run(n=400).x[:250], whole.x)
    assert drawn == [(192, 256), (256, 320), (320, 384), (384, 400)]
    for other in ({"seed": 8}, {"solver": "euler"}, {"steps": 5}, {"denoise": True}, {"dtype": torch.float64}):
        run(**other)  # type: ignore[arg-type]
        assert len(drawn) == 4, other
    run()
    assert drawn == []


def test_another_source_of_the_model_is_another_run(network: str, tmp_path: Path, drawn: list[tuple[int, int]]):
    def run() -> zoo.Result:
        drawn.clear()
        shards.model_of.cache_clear()
        return zoo.sample_shards(network, **GIVEN, chunk=64, folder=tmp_path / "parts", executor="serial")

    first = run()
    (tmp_path / "mine.py").write_text(MODELS.replace("manual_seed(0)", "manual_seed(1)"))
    assert not torch.equal(run().x, first.x)
    assert len(drawn) == 4


def test_a_run_that_fails_stops_early_and_keeps_what_it_has(network: str, tmp_path: Path, drawn: list[tuple[int, int]]):
    seen = []
    with pytest.raises(zoo.ZooError, match=r"0 of 8 parts .* not finite in step 1 of 4, first in sample 0: .*goes on"):
        zoo.sample_shards(
            "mine.py:bad",
            **GIVEN,
            chunk=32,
            folder=tmp_path / "parts",
            executor="serial",
            finished=lambda done, total: seen.append((done, total)),
        )
    assert drawn == [(0, 32)]
    assert seen == []
    assert not list((tmp_path / "parts").iterdir())


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"n": 0}, zoo.OptionError, "whole number >= 1"),
        ({"n": 4, "shard": 0}, zoo.OptionError, "shard = 0"),
        ({"n": 4, "trajectory": True}, zoo.OptionError, "take no trajectory"),
        ({"n": 4, "stpes": 3}, zoo.OptionError, "no argument stpes"),
        ({"n": 4, "executor": "procesess"}, zoo.UnknownNameError, "executor named 'procesess'.*processes"),
        ({"n": 4, "folder": "/proc/nowhere"}, zoo.StorageError, "cannot be made"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_isdrawn(
    given: dict, error: type, words: str, tmp_path: Path, drawn: list[tuple[int, int]]
):
    with pytest.raises(error, match=words):
        zoo.sample_shards("ring", **{"folder": tmp_path, "executor": "serial", "steps": 3} | given)
    assert drawn == []


def test_a_batch_is_of_one_size_for_any_number_of_samples(tmp_path: Path):
    for n in (3000, 5000):
        zoo.sample_shards("ring", steps=1, n=n, folder=tmp_path, executor="serial")
    assert len(list(tmp_path.iterdir())) == 6  # two whole parts are shared, and each run has its own end
    spans = shards._spans(600_000, 1024, None)
    assert len(spans) <= 256
    assert [first for first, _ in spans[1:]] == [last for _, last in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == (0, 600_000)
