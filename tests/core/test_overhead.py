"""The benchmark of solver cost runs, subtracts what it says, and needs k-diffusion only when asked."""

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

needs_peer = pytest.mark.skipif(
    importlib.util.find_spec("k_diffusion") is None and not os.environ.get("CI"), reason="k-diffusion is not installed"
)


@needs_peer
def test_measure_runs_and_leaves_no_trace():
    before, threads = set(sys.modules), torch.get_num_threads()
    (row,) = overhead.measure(["heun"], [(2, 3)], steps=2, seconds=0.02)
    assert (row.solver, row.shape) == ("heun", (2, 3))
    assert all(
        math.isfinite(value) for value in (row.zoo, row.peer, row.floor, row.zoo_start, row.peer_start, row.ratio)
    )
    assert not {name for name in set(sys.modules) - before if name.startswith("torchvision")}
    assert torch.get_num_threads() == threads


@needs_peer
def test_command_prints_json(capsys):
    overhead.main(["--json", "--seconds", "0.01", "--steps", "1"])
    rows = json.loads(capsys.readouterr().out)
    assert [row["solver"] for row in rows] == [*overhead.PAIRS, *overhead.PAIRS]


def test_without_the_peer_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(zoo.PluginError, match="k-diffusion is not installed; `pip install --no-deps"):
        overhead.import_k_diffusion()


def test_setup_makes_grid_and_coefficients():
    milliseconds = overhead.setup_milliseconds(zoo.solver("heun"), zoo.grid("karras"), zoo.VP(), steps=10, seconds=0.01)
    assert 0 < milliseconds < math.inf
