"""The models that come with the zoo."""

from __future__ import annotations

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.metrics.digits_features import digit_classes, network
from solvers_zoo.score_models.checkpoints import read_card
from solvers_zoo.score_models.targets.digits import load_digits
from solvers_zoo.score_models.targets.networks import WEIGHTS


def drawn(spec="digits-net", n=400, **options):
    settings = {"solver": "dpmpp-2m", "nfe": 20, "denoise": True, "seed": 5} | options
    return zoo.sample(zoo.model(spec), n=n, **settings).x


def test_digits_are_of_the_class_that_was_asked_for():
    """The classifier is right on 98.9 % of unseen digits; it agrees with 98.4 % of 6,000 that were drawn so."""
    labels = zoo.model("digits-net").default_condition(5, range(400))["label"]
    x = drawn()
    assert float((digit_classes(x) == labels).double().mean()) > 0.96
    assert float((digit_classes(drawn(solver="unipc-3", nfe=10, denoise=False)) == labels).double().mean()) > 0.93
    assert float((digit_classes(drawn("digits-net(label=3)", 100)) == 3).double().mean()) > 0.94
    assert float((digit_classes(drawn("digits-net(label=8, guidance=1.5)", 100)) == 8).double().mean()) > 0.96
    assert zoo.model("digits-net(guidance=1.5)").cost == 2


def test_digits_are_not_copies():
    """They are as far from the nearest real digit as real ones are from each other."""
    real = load_digits()[0].float().flatten(1)
    x = drawn().flatten(1)
    between = torch.cdist(real, real).fill_diagonal_(torch.inf).amin(1)
    nearest = torch.cdist(x, real).amin(1)
    assert 0.95 < float(nearest.mean() / between.mean()) < 1.15
    assert float(nearest.min()) > 0.5 * float(between.min())
    assert float(x.std()) == pytest.approx(float(real.std()), rel=0.05)


def test_the_moons_are_those_of_the_data():
    exact = zoo.model("two-moons")
    for sigma, most in ((0.05, 0.01), (0.3, 0.02), (2.0, 0.02)):
        point = exact.sde.at(sigma)
        x = exact.draw(point, zoo.SeededNoise(0, range(1000), (2,)).data())
        error = (zoo.model("moons-net")(x, point).x0 - exact(x, point).x0).square().mean().sqrt()
        assert float(error) < most


@pytest.mark.parametrize("name", ["digits-net", "moons-net"])
def test_cards_say_how_they_were_made(name):
    card = read_card(WEIGHTS / f"{name}.safetensors")
    assert card["training"]["command"].startswith("zoo train ")
    assert card["data"]["licence"]
    assert (WEIGHTS / f"{name}.safetensors").stat().st_size < 4e6
    assert zoo.model(name).checkpoints == (WEIGHTS / f"{name}.safetensors",)
    assert zoo.model(name, sde="vp").sde == zoo.VP()


def test_the_classifier_gives_features():
    x = load_digits()[0][:5].float()
    assert network()(x).shape == (5, 64)
    assert digit_classes(x).tolist() == load_digits()[1][:5].tolist()


@pytest.mark.parametrize("kind", ["objective", "network"])
def test_the_page_on_training_names_all(kind):
    page = (WEIGHTS.parents[2] / "docs" / "training.md").read_text()
    assert not [card.name for card in registry.cards(kind) if f"| `{card.name}` |" not in page]
