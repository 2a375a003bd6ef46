"""``zoo sample`` as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from matplotlib.image import imread
from run_zoo import assert_one_sentence, run_zoo

import solvers_zoo as zoo
from solvers_zoo.cli import main
from solvers_zoo.registry import registry

MODEL = """
import os, signal
import solvers_zoo as zoo

class Counted(zoo.ModelWrapper):
    calls = 0

    def predict(self, x, point, **condition):
        Counted.calls += 1
        if Counted.calls == int(os.environ.get("STOP_AT", 0)):
            os.kill(os.getpid(), signal.SIGINT)
        return super().predict(x, point, **condition)

def model(sde=None):
    return Counted(zoo.model("ring", sde=sde))

network = zoo.model("ring")
number = 3
"""


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch):
    """What a test loads stays its own."""
    monkeypatch.setattr(registry, "_default", None)


def in_process(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """The command in this process, which has torch already."""
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    streams = capsys.readouterr()
    return int(end.value.code or 0), streams.out, streams.err


def test_first_command_of_the_readme(tmp_path: Path):
    run = run_zoo("sample", "--solver", "heun", "--steps", 10, "--out", tmp_path / "ring.png", cwd=tmp_path)
    assert run.status == 0, run.err
    assert run.err == ""
    for words in (
        "heun on ring",
        "2,000 samples",
        "20 network evaluations",
        "model",
        "solver",
        "exact samples",
        "sliced W1",
    ):
        assert words in run.out
    assert "@" in run.out  # the picture, in characters where there is no colour
    assert imread(tmp_path / "ring.png").std() > 0.05
    assert [path.name for path in tmp_path.iterdir()] == ["ring.png"]


def test_json_alone_on_stdout_equals_python(tmp_path: Path):
    out = tmp_path / "x.npz"
    run = run_zoo(
        "sample",
        "--solver",
        "ddim:eta=0.5",
        "--model",
        "mixture-1d",
        "--sde",
        "vp",
        "--grid",
        "log-snr",
        "--nfe",
        8,
        "-n",
        50,
        "--seed",
        3,
        "--denoise",
        "--dtype",
        "float64",
        "--start",
        "exact",
        "--chunk",
        20,
        "--out",
        out,
        "--json",
    )
    data = run.json
    assert run.err == ""
    assert (data["nfe"], data["steps"], data["n"], data["seed"], data["dtype"]) == (8, 7, 50, 3, "float64")
    assert data["denoised"] is True
    assert data["seconds"] >= data["model_seconds"] > 0
    assert {"mean", "covariance", "sliced W1"} <= {figure["name"] for figure in data["errors"]}
    expected = zoo.sample(
        zoo.model("mixture-1d", sde="vp"),
        "ddim:eta=0.5",
        nfe=8,
        grid="log-snr",
        n=50,
        seed=3,
        denoise=True,
        dtype=torch.float64,
        start="exact",
        chunk=20,
    )
    assert torch.equal(zoo.Result.load(out).x, expected.x)


def test_interrupted_run_is_kept_and_resumes_bit_for_bit(tmp_path: Path):
    (tmp_path / "mine.py").write_text(MODEL)
    line = ["sample", "--model", "mine.py", "--solver", "ddim:eta=1", "--steps", 10, "-n", 10, "--chunk", 4]
    stopped = run_zoo(*line, "--out", "a.npz", cwd=tmp_path, STOP_AT="25")
    assert_one_sentence(stopped, 130, "8 of 10 samples finished", "a.npz.partial.npz")
    command = stopped.err.split("go on with: ")[1].split()
    assert command[:2] == ["zoo", "sample"]
    resumed = run_zoo(*command[1:], "--json", cwd=tmp_path)
    assert resumed.json["nfe"] == 10
    whole = run_zoo(*line, "--out", "b.npz", "--json", cwd=tmp_path)
    assert whole.status == 0
    assert torch.equal(zoo.Result.load(tmp_path / "a.npz").x, zoo.Result.load(tmp_path / "b.npz").x)


def test_interrupted_before_there_is_anything_to_keep(tmp_path: Path):
    (tmp_path / "mine.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    run = run_zoo("sample", "--model", "mine.py", cwd=tmp_path)
    assert_one_sentence(run, 130, "Stopped")
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".npz"] == []


ERRORS = {
    "--solver heun --nfe 1": (1, "nfe = 1", "2 evaluations"),
    "-n 1000000000000": (1, "GiB", "several runs"),
    "--model huh": (1, "no model named 'huh'"),
    "--model mixture-5:dim=0": (1, "dim", ">= 1"),
    "--model mine.py:nowhere": (1, "no 'nowhere'"),
    "--model mine.py:number": (1, "not a score model", "FunctionModel"),
    "--model mine.py:network --sde ou": (1, "its own process"),
    "--model none.py": (1, "no file none.py"),
    "--model broken.py": (1, "ZeroDivisionError"),
    "--grid 80,1,10": (1, "outside"),
    "--grid 1,2,0.5": (1, "monotone"),
    "--grid 1,0": (1, "--denoise"),
    "--resume mine.npz": (1, "mine.npz"),
    "--steps 2000000": (2, "at most"),
    "--model mine.py:bare": (2, "--shape"),
    "--plugin broken.py": (1, "broken.py", "ZeroDivisionError"),
}


@pytest.mark.parametrize("line", ERRORS)
def test_mistakes_that_only_a_model_can_tell(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    bare = 'bare = zoo.FunctionModel(lambda x, t: x, sde=zoo.EDM(), prediction="x0")'
    (tmp_path / "mine.py").write_text(f"{MODEL}\n{bare}\n")
    (tmp_path / "mine.npz").write_text("no result")
    (tmp_path / "broken.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    status, *words = ERRORS[line]
    code, out, err = in_process(capsys, "sample", "--quiet", *line.split())
    assert (code, out) == (status, ""), err
    assert len(err.splitlines()) == 1
    for word in words:
        assert word in err


def test_a_bug_in_the_users_model_asks_for_debug(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "bug.py").write_text(MODEL.replace("Counted.calls += 1", "raise KeyError('weights')"))
    code, out, err = in_process(capsys, "sample", "--quiet", "--model", tmp_path / "bug.py")
    assert (code, out) == (1, "")
    assert "KeyError: 'weights'" in err
    assert "ZOO_DEBUG=1" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("suffix", ["npz", "pt", "png", "svg"])
def test_out_in_every_form_for_images(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / f"digits.{suffix}"
    code, text, err = in_process(capsys, "sample", "--model", "digits", "--steps", 4, "-n", 6, "--out", out)
    assert (code, err) == (0, "")
    assert "digits" in text
    assert out.stat().st_size > 1000
    if suffix in ("npz", "pt"):
        assert zoo.Result.load(out).x.shape == (6, 1, 8, 8)


def test_one_off_solver_and_explicit_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from fake_plugins import SOLVER

    (tmp_path / "mine.py").write_text(SOLVER.format(name="my-own-step", cls="Mine", more=""))
    code, out, _ = in_process(
        capsys,
        "sample",
        "--plugin",
        tmp_path / "mine.py",
        "--solver",
        "my-own-step",
        "--grid",
        "[10, 3, 1, 0.02]",
        "-n",
        5,
        "--quiet",
    )
    assert code == 0
    assert "my-own-step on ring" in out
    assert "3 steps" in out


def test_single_sample(capsys: pytest.CaptureFixture[str]):
    code, out, err = in_process(capsys, "sample", "-n", 1, "--steps", 2)
    assert (code, err) == (0, "")
    assert "1 sample " in out


def test_brownian_path_is_another_noise(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for extra in ([], ["--brownian"]):
        line = ["sample", "-n", 3, "--solver", "euler-maruyama", "--steps", 4, "--quiet", *extra]
        assert in_process(capsys, *line, "--out", tmp_path / f"{len(extra)}.npz")[0] == 0
    plain, path = (zoo.Result.load(tmp_path / f"{i}.npz").x for i in (0, 1))
    expected = zoo.sample(zoo.model("ring"), "euler-maruyama", steps=4, n=3, brownian="path").x
    assert torch.equal(path, expected)
    assert not torch.equal(path, plain)
