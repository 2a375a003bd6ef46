"""The measured orders that are stored with the plugins, and shown by ``zoo list``."""

from __future__ import annotations

import json

import pytest
from evidence import BUNDLED, STORED

from solvers_zoo import registry
from solvers_zoo.testing import Finding, Report, measured

#: How far a stored figure may lie from its claim.
BANDS = {"order": (0.2, 0.2), "nominal_order": (0.3, 0.5), "weak_order": (0.2, 0.25), "strong_order": (0.25, 0.7)}


@pytest.mark.parametrize("entry", BUNDLED, ids=lambda entry: entry.card.name)
def test_every_claimed_order_has_a_measured_one_beside_it(entry):
    figures = STORED.get((entry.dist, entry.card.name), {})
    for figure, (below, above) in BANDS.items():
        claim = getattr(entry.card, figure)
        if claim is None or figure not in figures:
            # what a check does not measure on a solver it says: no history, not affine, an order above 6
            continue
        assert claim - below - 0.005 <= figures[figure], (figure, claim, figures[figure])
        assert figures[figure] <= claim + above + 0.005 or claim >= 5, (figure, claim, figures[figure])
    if entry.card.order is not None:
        assert "order" in figures, "run `zoo check --all --store`"


def test_what_is_measured_is_stored_beside_the_plugin_and_read_again(tmp_path):
    package = tmp_path / "a_plugin"
    package.mkdir()
    first, second = BUNDLED[:2]
    plugin = registry.Plugin("a", "dist", "1", "a_plugin", entries=[first, second])
    plugin.loaded = type("module", (), {"__path__": [str(package)]})

    def report(value, status="pass"):
        return Report([Finding("order-mixture", "x", status, "", 0.0, value)])

    measured.store(plugin, first, report(1.991), "0f")
    measured.store(plugin, second, report(3.01))
    names = [("dist", entry.card.name) for entry in (first, second)]
    assert measured.stored([plugin]) == {names[0]: {"order": 1.99}, names[1]: {"order": 3.01}}
    row = json.loads((package / measured.FILE).read_text())[first.card.name]
    assert row["evidence"] == "0f"
    measured.store(plugin, first, Report([Finding("weak-order", "x", "pass", "", 0.0, 1.5)]))
    assert measured.stored([plugin])[names[0]] == {"order": 1.99, "weak_order": 1.5}
    assert measured.evidence([plugin]) == {names[0]: "0f"}
    measured.store(plugin, first, report(2.5, "fail"), "1f")
    assert "evidence" not in json.loads((package / measured.FILE).read_text())[first.card.name]
    (package / measured.FILE).write_text("{not json")
    assert measured.stored([plugin]) == {}
