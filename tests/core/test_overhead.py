"""The benchmark of solver cost runs, subtracts what it says, and needs its peers only when asked."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo import overhead

TINY = [(2, 3)]


def needs(module: str) -> pytest.MarkDecorator:
    """Skip where a peer is not installed; in CI it has to be."""
    missing = importlib.util.find_spec(module) is None and not os.environ.get("CI")
    return pytest.mark.skipif(missing, reason=f"{module} is not installed")


def finite(row: overhead.Overhead) -> bool:
    return all(
        math.isfinite(value) for value in (row.zoo, row.peer, row.floor, row.zoo_start, row.peer_start, row.ratio)
    )


@needs("k_diffusion")
def test_measure_runs_and_leaves_no_trace():
    before, threads, draw = set(sys.modules), torch.get_num_threads(), torch.randn_like
    (pair,) = (pair for pair in overhead.PAIRS if pair.name == "sample_heun")
    (row,) = overhead.measure([pair], TINY, steps=6, seconds=0.02)
    assert (row.solver, row.library, row.name, row.shape) == ("heun", "k-diffusion", "sample_heun", (2, 3))
    assert finite(row)
    assert not {name for name in set(sys.modules) - before if name.startswith("torchvision")}
    assert torch.get_num_threads() == threads
    assert torch.randn_like is draw


@needs("k_diffusion")
@needs("diffusers")
def test_every_pair_runs():
    rows = overhead.measure(shapes=TINY, steps=6, seconds=0.0)
    assert [row.name for row in rows] == [pair.name for pair in overhead.PAIRS]


@needs("k_diffusion")
def test_command_prints_json(capsys):
    overhead.main(["--json", "--seconds", "0.01", "--steps", "6", "--only", "sample_euler_a"])
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == ["sample_euler_ancestral"] * len(overhead.SHAPES)


@needs("k_diffusion")
def test_command_prints_a_table(capsys):
    overhead.main(["--seconds", "0.01", "--steps", "6", "--only", "sample_euler_a"])
    out = capsys.readouterr().out
    assert "euler-ancestral" in out
    assert "64x3x32x32" in out


def test_markdown_has_a_line_a_pair():
    rows = [overhead.Overhead("heun", "diffusers", "H", shape, 1.0, 4.0, 0.6, 2.0, 3.0) for shape in ((2, 3), (4, 3))]
    assert list(overhead.markdown(rows)) == [
        "| zoo | peer | 2x3: zoo | peer | ratio | 4x3: zoo | peer | ratio | floor |",
        "|---|---|---|---|---|---|---|---|---|",
        "| `heun` | `H` | 1 | 4 | 0.25 | 1 | 4 | 0.25 | 1 |",
    ]


def test_the_updates_of_a_pair_are_its_evaluations():
    """What the cost of a step is counted by."""
    for pair in overhead.PAIRS:
        evaluations = zoo.solver(pair.solver).facts().evaluations
        assert evaluations in (None, len(pair.updates)) or pair.solver == "dpm-solver-fast", pair


def test_noise_is_ready():
    x = torch.zeros(4, 2)
    noise = overhead.Ready(x)
    assert noise.at(0).fresh() is noise.at(7).between()
    assert noise.between(area=True)[1].shape == x.shape
    assert noise.uniform().tolist() == [0.5] * 4


def test_steps_must_fit_the_cycles():
    with pytest.raises(zoo.OptionError, match="steps = 20 is not possible; it takes a multiple of 6"):
        overhead.measure(steps=20)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (overhead.import_k_diffusion, "k-diffusion is not installed; `pip install --no-deps"),
        (overhead.import_diffusers, "diffusers is not installed; `pip install"),
    ],
)
def test_without_a_peer_the_message_says_how_to_get_it(monkeypatch, load, message):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(zoo.PluginError, match=message):
        load()


def test_setup_makes_grid_and_coefficients():
    milliseconds = overhead.setup_milliseconds(zoo.solver("heun"), zoo.grid("karras"), zoo.VP(), steps=10, seconds=0.01)
    assert 0 < milliseconds < math.inf
