"""Annealed Langevin dynamics on a trained network, inpainting by it, and score matching on a circle."""

from __future__ import annotations

import base64
import io

import pytest
import torch
from zoo_lectures.ncsn import charts as ncsn_charts
from zoo_lectures.ncsn import manifold as ncsn_manifold
from zoo_lectures.ncsn import study as ncsn
from zoo_lectures.ncsn.numbers import ANNEALED, DATA, PLAIN
from zoo_lectures.ncsn.study import NCSNStudy

import solvers_zoo as zoo

VE = zoo.VE(sigma_min=0.05, sigma_max=10.0)


@pytest.fixture(scope="module")
def findings():
    return NCSNStudy().run(quick=True)


def test_the_claims_hold(findings):
    assert [check for check in findings.checks if not check.holds] == []
    assert len(findings.checks) == 13


def test_what_fails_would_be_seen(findings):
    """Annealed and plain chains swapped, nothing learned of the circle, halves that do not fit."""
    rows = [dict(row) for row in findings.rows]
    by_name = {row.get("name"): row for row in rows}
    by_name[ANNEALED]["name"], by_name[PLAIN]["name"] = PLAIN, ANNEALED
    by_name["upper half"]["kept"] = by_name["upper half"]["pasted"]
    by_name["left half"]["known_off"] = 0.4
    by_name["clean"]["name"], by_name["blurred"]["name"] = "blurred", "clean"
    by_name["clean"] |= {"minimum": by_name["blurred"]["minimum"], "error": 1.0}
    failed = {check.name for check in NCSNStudy().checks(rows) if not check.holds}
    right = {"no minimum", "completed"}  # neither was touched enough
    assert failed | right == {check.name for check in findings.checks}


# -- inpainting ----------------------------------------------------------------------------------------------------------


def test_without_anything_known_it_is_annealed_langevin():
    model, grid = zoo.model("digits-ncsn"), {"steps": 3, "grid": "log-snr", "n": 3}
    own = zoo.sample(model, "inpainting-langevin(eps=0.002, n_steps_each=2)", **grid)
    other = zoo.sample(model, "annealed-langevin(eps=0.002, n_steps_each=2)", **grid)
    assert own.nfe == other.nfe == 8
    assert bool((own.x == other.x).all())


def test_the_rest_is_drawn_given_what_is_known():
    """On a Gaussian of correlation 0.9: mean 0.9 x known, variance 1 - 0.81; chains of 50 steps lag a little behind their levels."""
    model = zoo.Gaussian([0.0, 0.0], [[1.0, 0.9], [0.9, 1.0]], VE)
    known = zoo.Inpainting(model, torch.tensor([1.5, 0.0]), torch.tensor([True, False]))
    n = 2000
    x = zoo.sample(known, "inpainting-langevin(eps=0.001, n_steps_each=50)", steps=19, grid="log-snr", n=n).x.double()
    assert float(x[:, 1].mean()) == pytest.approx(0.9 * 1.5, abs=0.05)
    assert float(x[:, 1].var()) == pytest.approx(0.19, abs=0.03)
    assert float(x[:, 0].mean()) == pytest.approx(1.5, abs=0.004)
    assert float(x[:, 0].std()) == pytest.approx(0.05, rel=0.08)


def test_noise_of_what_is_known_is_drawn_once_a_level():
    class Watched(zoo.Inpainting):
        seen: list[torch.Tensor] = []

        def impose(self, x, point, draws):
            put = super().impose(x, point, draws)
            self.seen.append(put[:, 0].clone())
            return put

    model = Watched(zoo.model("gaussian(dim=2)", sde=VE), torch.zeros(2), torch.tensor([True, False]))
    zoo.sample(model, "inpainting-langevin(n_steps_each=3)", steps=2, grid="log-snr", n=4)
    levels = torch.stack(model.seen).view(3, 3, 4)
    assert bool((levels == levels[:, :1]).all())
    assert bool((levels[1:, 0] != levels[:-1, 0]).all())


def test_unseen_digits_were_not_trained_on():
    from solvers_zoo.metrics import load_digits
    from solvers_zoo.train.data import load_data
    from solvers_zoo.train.settings import Settings
    from solvers_zoo.train.trainer import Trainer

    trainer = Trainer(Settings(data="digits", steps=1, network="mlp(width=4, depth=1)"), load_data("digits"))
    x, classes = ncsn.unseen()
    assert bool((x == load_digits()[0][trainer.held].float()).all())
    assert bool((classes == load_digits()[1][trainer.held]).all())


# -- the circle ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.05, 0.3])
def test_the_score_of_a_blurred_circle(sigma):
    angle = torch.arange(2000, dtype=torch.float64) * (2 * torch.pi / 2000)
    points = torch.stack((angle.cos(), angle.sin()), 1)
    mixture = zoo.KernelMixture(points, 0.0, zoo.EDM())
    x = torch.tensor([[1.2, 0.3], [-0.4, 0.5], [0.7, -0.7]], dtype=torch.float64)
    torch.testing.assert_close(
        ncsn_manifold.exact_score(x, sigma), mixture(x, zoo.EDM().at(sigma)).score, rtol=1e-6, atol=1e-6
    )


def test_the_loss_on_the_circle_has_no_bound():
    """tr grad s + |s|^2/2 at r = 1: -1/sigma^2 + 1/8 and terms that vanish with sigma."""
    for sigma in (0.1, 0.02):
        assert ncsn_manifold.loss_on_the_circle(sigma) == pytest.approx(-1 / sigma**2 + 0.125, abs=0.01)


def test_clean_points_are_on_the_circle_to_the_last_bit():
    x = ncsn_manifold.circle(zoo.SeededNoise(0, range(9), (2,)).data())
    assert bool((x + ncsn_manifold.CLEAN * torch.ones_like(x) == x)[x.abs() > 0.1].all())


# -- figures -------------------------------------------------------------------------------------------------------------


def test_sheets_hold_their_images():
    from matplotlib import image

    images = torch.tensor([-1.0, 0.0, 1.0, 3.0]).view(2, 2, 1, 1, 1).expand(2, 2, 1, 8, 8)
    chart = ncsn_charts.sheet(ncsn_charts.grey(images), (1,))
    ((row,),) = chart.to_dict()["datasets"].values()
    dots = image.imread(io.BytesIO(base64.b64decode(row["url"].partition(",")[2])))
    each = dots.shape[0] // 18  # dots of a pixel: two images and a gap of two
    assert dots.shape[:2] == (18 * each, 24 * each)  # and six more between columns that stand apart
    at = [dots[each * i, each * j].tolist() for i, j in ((0, 0), (0, 17), (11, 0), (11, 17), (0, 10))]
    assert at == [[0, 0, 0, 1], [pytest.approx(0.5, abs=0.01)] * 3 + [1], [1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]]


def test_charts(findings):
    assert set(findings.charts) == {"samples", "levels", "inpainting", "manifold"}
    texts = {name: str(make().to_dict()) for name, make in findings.charts.items()}
    assert all("Fréchet" in texts["samples"] and words in texts["samples"] for words in ("data", ANNEALED, PLAIN))
    assert all(f"σ = {level}" in texts["levels"] for level in ("10", "0.05"))
    assert DATA not in texts["samples"]
    assert "left half known" in texts["inpainting"]
    assert "clean data" in texts["manifold"]
