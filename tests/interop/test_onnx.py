"""ONNX files through onnxruntime."""

from __future__ import annotations

import pickle

import pytest
import torch
from needs import imported, needs

import solvers_zoo as zoo

pytestmark = needs("onnx")
onnx = imported("onnx")
TensorProto, helper = onnx.TensorProto, onnx.helper
VAR = 0.25


def write(path, batch="B", size=3, with_shift=True, op="Sqrt", state=TensorProto.FLOAT):
    """x sqrt(v / (v + sigma^2)) + shift: the exact end of every trajectory if the data are N(shift, v) for shift = 0."""
    nodes = [
        helper.make_node("Unsqueeze", ["sigma", "one"], ["column"]),
        helper.make_node("Mul", ["column", "column"], ["square"]),
        helper.make_node("Add", ["square", "v"], ["total"]),
        helper.make_node("Div", ["v", "total"], ["ratio"]),
        helper.make_node(op, ["ratio"], ["root"]),
        helper.make_node("Mul", ["x", "root"], ["end"]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", state, [batch, size]),
        helper.make_tensor_value_info("sigma", state, [batch]),
    ]
    if with_shift:
        inputs.append(helper.make_tensor_value_info("shift", state, [batch, 1]))
        nodes.append(helper.make_node("Add", ["end", "shift"], ["out"]))
    else:
        nodes.append(helper.make_node("Identity", ["end"], ["out"]))
    constants = [
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        helper.make_tensor("v", state, [], [VAR]),
    ]
    outputs = [helper.make_tensor_value_info("out", state, [batch, size])]
    graph = helper.make_graph(nodes, "endpoint", inputs, outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def exact(x, sigma, shift=0.0):
    return x * (VAR / (VAR + sigma**2)) ** 0.5 + shift


@pytest.mark.parametrize("batch", ["B", 1, 4])
def test_answers(tmp_path, batch):
    """Any batch on a file of any batch; conditions as a number or a row each; the state's dtype comes back."""
    model = zoo.from_onnx(write(tmp_path / "net.onnx", batch))
    assert (model.shape, model.kind, str(model.sde)) == ((3,), "x0", "edm")
    x = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    point = model.sde.at(2.0)
    for shift in (0.5, torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])):
        got = model.predict(x, point, shift=shift)
        assert got.dtype is torch.float64
        added = shift[:, None] if isinstance(shift, torch.Tensor) else shift
        assert torch.allclose(got, exact(x, 2.0, added).double(), atol=1e-6)
    assert model.checkpoints == [tmp_path / "net.onnx"]
    assert torch.equal(
        pickle.loads(pickle.dumps(model)).predict(x, point, shift=0.5), model.predict(x, point, shift=0.5)
    )


def test_consistency_sampling_of_a_file(tmp_path):
    """The exact law from an endpoint map, in any number of calls; one call is the end itself."""
    model = zoo.from_onnx(write(tmp_path / "net.onnx", with_shift=False))
    one = zoo.sample(model, "consistency(floor=0.002)", grid=[80.0, 0.002], n=4000, seed=0)
    assert one.nfe == 1
    assert one.x.var().item() == pytest.approx(VAR, rel=0.05)
    few = zoo.sample(model, "consistency(floor=0.002)", grid=[80.0, 5.0, 0.6, 0.002], n=4000, seed=0)
    assert few.nfe == 3
    assert few.x.var().item() == pytest.approx(VAR, rel=0.05)


def test_a_double_file_with_another_process(tmp_path):
    path = write(tmp_path / "net.onnx", "B", with_shift=False, op="Identity", state=TensorProto.DOUBLE)
    model = zoo.from_onnx(path, sde=zoo.EDM(sigma_max=10.0), prediction="x0")
    gaussian = zoo.Gaussian([0.0] * 3, [VAR] * 3, sde=zoo.EDM(sigma_max=10.0))
    ends = [zoo.sample(m, "dpmpp-2m", steps=10, n=5, dtype=torch.float64).x for m in (model, gaussian)]
    assert torch.allclose(*ends, rtol=1e-9)


def test_from_the_command_line(tmp_path):
    """``--model file.py:factory`` is the way of every network."""
    write(tmp_path / "net.onnx", with_shift=False)
    source = "import solvers_zoo as zoo\ndef factory():\n    return zoo.from_onnx(HERE)\n"
    (tmp_path / "mine.py").write_text(source.replace("HERE", repr(str(tmp_path / "net.onnx"))))
    from solvers_zoo.score_models.build import build_model

    model = build_model(zoo.registry.default(), f"{tmp_path / 'mine.py'}:factory")
    assert zoo.sample(model, "consistency", steps=2, n=2, denoise=True).nfe == 3


def test_words_for_what_is_wrong(tmp_path):
    good = write(tmp_path / "net.onnx")
    model = zoo.from_onnx(good)
    with pytest.raises(zoo.OptionError, match="is given the condition nothing; it takes shift"):
        zoo.sample(model, "consistency", n=2, steps=2)
    with pytest.raises(zoo.ModelError, match="does not run on these inputs"):
        model.predict(torch.zeros(2, 4), model.sde.at(1.0), shift=0.0)
    with pytest.raises(zoo.ModelError, match="There is no file"):
        zoo.from_onnx(tmp_path / "none.onnx")
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(good.read_bytes()[:200])
    with pytest.raises(zoo.ModelError, match="onnxruntime cannot run") as caught:
        zoo.from_onnx(cut)
    assert "\n" not in str(caught.value)
    alone = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["out"])],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [2])],
    )
    onnx.save(helper.make_model(alone, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), cut)
    with pytest.raises(zoo.ModelError, match="has 1 input, where a state, a time"):
        zoo.from_onnx(cut)
