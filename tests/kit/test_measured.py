"""The measured orders that are stored with the plugins, and shown by ``zoo list``."""

from __future__ import annotations

import pytest
from rotation import BUNDLED, TENTH

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.testing import conform, measured

STORED = measured.stored(registry.default().plugins)
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


@pytest.mark.parametrize("name", TENTH)
def test_a_tenth_is_measured_again(name):
    """CI would fail on a stored figure that the code no longer shows; the tenth changes with the date."""
    report = conform(zoo.solver(name), quick=True, checks=list(measured.FIGURES.values()))
    now, then = measured.figures_of(report), STORED.get(("solvers-zoo", name), {})
    assert now.keys() == then.keys()
    for figure, value in now.items():
        assert value == pytest.approx(then[figure], abs=0.03), f"{figure} of {name}: {then[figure]} is stored"


def test_figures_are_stored_beside_the_plugin_and_read_again(tmp_path):
    package = tmp_path / "a_plugin"
    package.mkdir()
    plugin = registry.Plugin("a", "dist", "1", "a_plugin", entries=BUNDLED[:2])
    plugin.loaded = type("module", (), {"__path__": [str(package)]})
    first, second = (entry.card.name for entry in BUNDLED[:2])
    measured.store(plugin, {first: {"order": 1.99}, "gone": {"order": 7.0}})
    measured.store(plugin, {second: {"order": 3.01}})
    assert measured.stored([plugin]) == {("dist", first): {"order": 1.99}, ("dist", second): {"order": 3.01}}
    (package / measured.FILE).write_text("{not json")
    assert measured.stored([plugin]) == {}
