"""Models on disk: what is written is what is read, and a hostile file ends in one clear sentence."""

from __future__ import annotations

import json
import struct

import pytest
import torch
from safetensors.torch import load, save

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.cli.commands.convert import convert
from solvers_zoo.score_models.build import build_model, file_of, is_file
from solvers_zoo.score_models.checkpoints import read_card

SPEC = "mlp(width=16, depth=1)"


def model(spec=SPEC):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = registry.default().make("network", spec).build((2,), 3)
        for parameter in net.parameters():
            parameter.data += 0.1 * torch.randn(parameter.shape)
    return zoo.NetworkModel(
        net.eval(),
        zoo.EDM(),
        shape=(2,),
        classes=3,
        sigma_data=0.5,
        frequencies=[0.2, 0.3, 0.5],
        spec=spec,
        card={"data": {"n": 7}},
    )


@pytest.fixture
def file(tmp_path):
    return zoo.save_model(tmp_path / "m.safetensors", model(), {"training": {"steps": 3}})


def test_what_is_written_is_what_is_read(file):
    before = torch.random.get_rng_state()
    loaded = zoo.load_model(file)
    assert torch.equal(torch.random.get_rng_state(), before)
    drawn = zoo.sample(model(), "heun", steps=3, n=4).x
    assert torch.equal(zoo.sample(loaded, "heun", steps=3, n=4).x, drawn)
    assert loaded.checkpoints == (file,)
    card = json.loads(file.with_suffix(".json").read_text())
    assert card == read_card(file) == loaded.card
    assert (card["training"], card["data"], card["network"]) == ({"steps": 3}, {"n": 7}, SPEC)
    again = zoo.save_model(file.with_name("again.safetensors"), loaded)
    assert again.read_bytes() == file.read_bytes()


def test_half_precision_is_half_the_size(file, tmp_path):
    half = zoo.save_model(tmp_path / "h.safetensors", model(), dtype="float16")
    assert half.stat().st_size < 0.8 * file.stat().st_size
    torch.testing.assert_close(
        zoo.sample(zoo.load_model(half), steps=3, n=4).x, zoo.sample(model(), steps=3, n=4).x, rtol=0.05, atol=0.05
    )


def test_a_file_or_its_folder_stands_where_a_model_is_named(file):
    found = registry.default()
    for spec in (str(file), str(file.parent)):
        assert build_model(found, spec).checkpoints == (file,)
    assert build_model(found, str(file), zoo.VP()).sde == zoo.VP()
    zoo.save_model(file.with_name("other.safetensors"), model())
    with pytest.raises(zoo.StorageError, match=r"holds m\.safetensors, other.safetensors; name the file"):
        build_model(found, str(file.parent))


def test_a_file_takes_the_options_of_the_shipped_models(file):
    found, given = registry.default(), {"solver": "heun", "steps": 3, "n": 4}
    own = zoo.load_model(file)
    for options in (":label=2,guidance=1.5", "(label=2, guidance=1.5)", "(2, 1.5)"):
        asked = build_model(found, f"{file}{options}")
        due = zoo.sample(zoo.Guided(own, 1.5, {"label": 2}), **given)
        drawn = zoo.sample(asked, **given)
        assert torch.equal(drawn.x, due.x)
        assert drawn.nfe == due.nfe == 12
    of_class = zoo.sample(build_model(found, f"{file}:label=2"), **given)
    assert torch.equal(of_class.x, zoo.sample(own, condition={"label": 2}, **given).x)
    assert of_class.nfe == 6
    assert file_of(f"{file}:label=2") == file
    assert is_file(f"{file}(label=2)")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (":label=3", "label = 3 is not possible; the classes are 0 to 2"),
        (":lable=2", "Did you mean 'label'"),
        (":guidance=much", "option guidance = 'much' is not possible; it takes a number"),
        ("(label=", "Cannot read"),
    ],
)
def test_options_of_a_file_that_are_not_possible(file, options, words):
    with pytest.raises(zoo.OptionError, match=words):
        build_model(registry.default(), f"{file}{options}")


def test_a_network_without_classes_takes_no_label(tmp_path):
    net = registry.default().make("network", SPEC).build((2,), None)
    file = zoo.save_model(
        tmp_path / "m.safetensors", zoo.NetworkModel(net, zoo.EDM(), shape=(2,), sigma_data=0.5, spec=SPEC)
    )
    for options in (":label=0", ":guidance=2"):
        with pytest.raises(zoo.OptionError, match="trained without classes"):
            build_model(registry.default(), f"{file}{options}")


def damaged(file, how):
    data = file.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    weights, card = load(data), read_card(file)

    def rewritten(**changes):
        return save(weights, {"card": json.dumps(card | changes)})

    shapes = dict(weights)
    shapes["enter.weight"] = torch.ones(16, 3)
    fewer = {name: value for name, value in weights.items() if name != "enter.bias"}
    nan = dict(weights) | {"enter.bias": torch.full((16,), float("nan"))}
    overlapping = json.loads(data[8 : 8 + length])
    overlapping["enter.bias"]["data_offsets"] = [0, 64]
    header = json.dumps(overlapping).encode()
    return {
        "a header of 1 GB": struct.pack("<Q", 2**30) + data[8:],
        "a header of 2^63": struct.pack("<Q", 2**63) + data[8:],
        "no header": struct.pack("<Q", 0),
        "empty": b"",
        "cut in its header": data[: length // 2],
        "cut in its weights": data[:-40],
        "longer than it says": data + b"12345678",
        "no JSON": struct.pack("<Q", 40) + b"{" * 40,
        "deep JSON": struct.pack("<Q", 200_000) + b"[" * 200_000,
        "a list": struct.pack("<Q", 2) + b"[]",
        "overlapping weights": struct.pack("<Q", len(header)) + header + data[8 + length :],
        "no card": save(weights),
        "a card that is a list": save(weights, {"card": "[]"}),
        "another format": rewritten(format="model 9"),
        "wrong shapes": save(shapes, {"card": json.dumps(card)}),
        "a weight less": save(fewer, {"card": json.dumps(card)}),
        "a weight more": save(weights | {"extra": torch.ones(1)}, {"card": json.dumps(card)}),
        "weights that are not finite": save(nan, {"card": json.dumps(card)}),
        "an unknown network": rewritten(network="no-such-net"),
        "an unknown option": rewritten(network="mlp(depht=3)"),
        "a network that cannot be read": rewritten(network="mlp((((("),
        "a network of terabytes": rewritten(network="mlp(width=8192, depth=128, expansion=16)"),
        "an unknown process": rewritten(sde="no-such-sde"),
        "an unknown prediction": rewritten(prediction="y"),
        "a wrong shape": rewritten(shape=[2, -1]),
        "a huge shape": rewritten(shape=[10**9, 10**9]),
        "classes that are no number": rewritten(classes="many"),
        "frequencies that do not fit": rewritten(frequencies=[0.5, 0.5]),
        "code of its own": rewritten(network='module(factory="os:system")'),
    }[how]


HOSTILE = {
    "a header of 1 GB": "claims a header of 1,073,741,824",
    "a header of 2^63": "claims a header of",
    "no header": "cut short",
    "empty": "cut short",
    "cut in its header": "cut short",
    "cut in its weights": "cut short",
    "longer than it says": "cut short",
    "no JSON": "its header is not",
    "deep JSON": "its header is not",
    "a list": "its header is not",
    "overlapping weights": "damaged",
    "no card": "carries no card",
    "a card that is a list": "carries no card",
    "another format": "model 9",
    "wrong shapes": r"'enter.weight' is of shape \(16, 3\), and should be of \(16, 2\)",
    "a weight less": "lacks 1 tensors",
    "a weight more": "has besides 1 tensors, such as 'extra'",
    "weights that are not finite": "not finite, first in 'enter.bias'",
    "an unknown network": "no network named 'no-such-net'",
    "an unknown option": "Did you mean 'depth'",
    "a network that cannot be read": "Cannot read",
    "a network of terabytes": "lacks 762 tensors",
    "an unknown process": "no SDE named",
    "an unknown prediction": "is not known",
    "a wrong shape": "shape",
    "a huge shape": "shape",
    "classes that are no number": "classes",
    "frequencies that do not fit": "frequencies",
    "code of its own": "allow_code=True",
}


@pytest.mark.parametrize(("how", "words"), HOSTILE.items(), ids=HOSTILE)
def test_hostile_files(file, how, words):
    bad = file.with_name("bad.safetensors")
    bad.write_bytes(damaged(file, how))
    with pytest.raises(zoo.StorageError, match=words) as caught:
        zoo.load_model(bad)
    assert "\n" not in str(caught.value)
    assert "bad.safetensors" in str(caught.value)


class Trap:
    """What a pickle can do."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('the pickle ran')",))


def test_pickles_are_refused_and_can_be_converted(file):
    kept = {"weights": model().net.state_dict(), "card": read_card(file)}
    for name in ("old.pt", "renamed.safetensors"):
        old = file.with_name(name)
        torch.save(kept, old)
        with pytest.raises(zoo.StorageError, match=r"any code.*convert it once"):
            zoo.load_model(old)
        loaded = zoo.load_model(old, allow_pickle=True)
        assert torch.equal(zoo.sample(loaded, steps=2, n=3).x, zoo.sample(model(), steps=2, n=3).x)
    bare = file.with_name("m.pt")
    torch.save(kept["weights"], bare)
    assert zoo.load_model(bare, allow_pickle=True).spec == SPEC
    torch.save({"weights": Trap(), "card": Trap()}, bare)
    with pytest.raises(zoo.StorageError, match="cannot be loaded as weights alone"):
        zoo.load_model(bare, allow_pickle=True)


def test_converting_from_the_command_line(file, capsys):
    old, new = file.with_name("old.pt"), file.with_name("new.safetensors")
    torch.save({"weights": model().net.state_dict(), "card": read_card(file)}, old)
    with pytest.raises(zoo.StorageError, match=r"zoo convert .*old\.pt .*old\.safetensors --allow-pickle"):
        convert(old, new)
    convert(old, new, allow_pickle=True)
    assert new.read_bytes() == file.read_bytes()
    assert f"{SPEC}, 3,106 weights" in capsys.readouterr().out


def test_code_is_imported_only_when_asked(file, tmp_path):
    source = tmp_path / "mine.py"
    source.write_text(
        "from solvers_zoo.train.networks.mlp_module import MLPModule\n"
        "def net(shape, classes):\n    return MLPModule(2, classes, 16, 1, 2, 'fourier')\n"
    )
    saved = zoo.save_model(tmp_path / "code.safetensors", model(f'module(factory="{source}:net")'))
    with pytest.raises(zoo.StorageError, match="runs that code"):
        zoo.load_model(saved)
    assert zoo.load_model(saved, allow_code=True).classes == 3


def test_what_cannot_be_written(tmp_path):
    nameless = model()
    nameless.spec = None
    with pytest.raises(zoo.OptionError, match="specification"):
        zoo.save_model(tmp_path / "m.safetensors", nameless)
    with pytest.raises(zoo.OptionError, match="safetensors"):
        zoo.save_model(tmp_path / "m.pt", model())
    with pytest.raises(zoo.StorageError, match="There is no model"):
        zoo.load_model(tmp_path / "none.safetensors")
