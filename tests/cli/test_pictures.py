"""Pictures: what is shown of samples, in files and in the terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from rich.console import Console

import solvers_zoo as zoo
from solvers_zoo.charts.samples import View, draw_figure, mosaic, view
from solvers_zoo.cli.terminal import picture
from solvers_zoo.noise.seeded import SeededNoise


def shown(name: str, n: int, **options: object) -> View:
    model = zoo.model(name, **options)
    point = model.sde.at(model.sde.t_min)
    drawn, exact = (model.draw(point, SeededNoise(seed, range(n), model.shape).data()) for seed in (1, 2))
    return view(drawn, exact, "drawn", model, point)


CASES = {
    "ring": ("plane", {}),
    "mixture-1d": ("line", {}),
    "digits": ("images", {}),
    "mixture-5": ("plane", {"dim": 8}),
}


@pytest.mark.parametrize("name", CASES)
def test_picture_of_every_kind(name: str, tmp_path: Path):
    kind, options = CASES[name]
    found = shown(name, 500, **options)
    assert found.kind == kind
    assert [title for title, _ in found.panels] == ["exact", "drawn"]
    assert bool(found.note) == (name == "mixture-5")
    draw_figure(found, tmp_path / "p.png", "a heading", "a caption")
    pixels = imread(tmp_path / "p.png")
    assert pixels.shape[0] > 300
    assert pixels[..., :3].std() > 0.05  # not an empty sheet
    draw_figure(found, tmp_path / "p.svg")
    draw_figure(found, tmp_path / "q.svg")
    assert (tmp_path / "p.svg").read_text().startswith("<?xml")
    for system in ("truecolor", None):
        console = Console(width=90, color_system=system, force_terminal=system is not None)
        lines = picture(found, console).plain.splitlines()
        assert 8 < len(lines) < 60
        assert max(map(len, lines)) <= 90
        assert lines[0].startswith("exact")


def test_many_samples_are_a_density(tmp_path: Path):
    draw_figure(shown("ring", 5000), tmp_path / "p.png")
    assert imread(tmp_path / "p.png")[..., :3].std() > 0.05


def test_exact_density_is_drawn_where_it_is_known():
    found = shown("mixture-1d", 100)
    assert found.density is not None
    step = (found.high[0] - found.low[0]) / 399
    assert abs(found.density.sum() * step - 1) < 0.02


def test_stray_samples_do_not_shrink_the_picture():
    x = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0))
    far = x.clone()
    far[0] = 1e6
    assert np.abs(view(far, None, "far").high - view(x, None, "near").high).max() < 1


def test_few_samples_of_any_shape_can_be_shown(tmp_path: Path):
    for shape in ((1, 1), (1, 2), (3, 5), (1, 3, 4), (2, 3, 6, 6), (1, 1, 5, 5)):
        found = view(torch.zeros(shape), None, "zeros")
        draw_figure(found, tmp_path / "p.png")
        assert picture(found, Console(width=60, color_system=None)).plain.startswith("zeros")


def test_mosaic_places_every_picture():
    images = np.arange(5)[:, None, None] * np.ones((5, 2, 3))
    sheet = mosaic(images, View("images", [("all", images)] * 2, np.zeros(1), np.ones(1)), columns=2)
    assert sheet.shape == (8, 7)
    assert [sheet[0, 0], sheet[0, 4], sheet[3, 0], sheet[3, 4], sheet[6, 0]] == [0, 0.25, 0.5, 0.75, 1]


def test_black_and_white_are_those_of_the_data():
    """A sample that strays leaves the others as they were."""
    images = torch.tensor([-1.0, 0.0, 1.0, 3.0]).reshape(4, 1, 1, 1).expand(4, 1, 2, 2)
    found = view(images, None, "all", zoo.model("digits-net"))
    assert mosaic(found.panels[0][1], found, columns=4)[0, ::3].tolist() == [0, 0.5, 1, 1]
    assert (
        mosaic(images[:, 0].double().numpy(), view(images, images, "all", zoo.model("digits-net")), columns=4)[0, 6]
        == 0.5
    )


def test_density_lies_where_the_samples_are():
    x = torch.tensor([[-1.0, 1.0]] * 50 + [[1.0, -1.0]] * 50)  # above left and below right
    lines = picture(view(x, None, "two"), Console(width=40, color_system=None)).plain.splitlines()[1:]
    marks = [(row, line.index("@")) for row, line in enumerate(lines) if "@" in line]
    assert marks[0][1] < marks[-1][1]
