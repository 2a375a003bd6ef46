"""A recommendation that cannot be had says why."""

from __future__ import annotations

import pytest

from solvers_zoo import registry
from solvers_zoo.bench import recommend as module
from solvers_zoo.bench.store import Store
from solvers_zoo.errors import IncompatibleError


def test_what_the_model_raises_is_said(tmp_path, monkeypatch):
    file = tmp_path / "unready.py"
    file.write_text(
        "import solvers_zoo as zoo\n"
        "def net(x, t):\n"
        "    raise ValueError('my network is not ready')\n"
        "model = zoo.FunctionModel(net, sde=zoo.EDM(), prediction='x0', shape=(2,))\n"
    )
    monkeypatch.setattr(module, "eligible", lambda nfe, noisy: ["ddim"])
    serial = registry.default().make("executor", "serial")
    with pytest.raises(IncompatibleError, match=r"8 evaluations; most often: .*my network is not ready"):
        module.recommend(f"{file}:model", 8, Store(tmp_path / "store"), serial, stochastic="no")
