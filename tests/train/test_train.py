"""Training: what is learnt, and that a run that was killed is the run that was not."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.cli.commands.train import train
from solvers_zoo.score_models.build import build_model
from solvers_zoo.score_models.checkpoints import read_card
from solvers_zoo.storage.safetensors import read_tensors
from solvers_zoo.train.data import Data, load_data
from solvers_zoo.train.settings import Settings
from solvers_zoo.train.state import state_file
from solvers_zoo.train.trainer import Trainer
from tests.cli.run_zoo import ZOO, run_zoo

TINY = {"network": "mlp(width=32, depth=1)", "batch": 64, "warmup": 5, "lr": 3e-3}
GAUSSIAN = Data(
    0.5 * zoo.SeededNoise(0, range(4000), (2,)).data().fresh() + torch.tensor([1.0, 0.0]), None, None, "gaussian"
)


def trained(data=GAUSSIAN, **options):
    trainer = Trainer(Settings(data=data.name, **{**TINY, "steps": 300, "ema": 0.98} | options), data)
    return trainer, trainer.run()


def weights(path):
    return read_tensors(path)[1]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


COMBINATIONS = [
    {},
    {"sde": "vp", "objective": "dsm(weighting=likelihood, times=importance)"},
    {"sde": "rectified-flow", "objective": "flow-matching"},
    {"sde": "vp", "objective": "dsm(weighting=min-snr, times=uniform)", "prediction": "v"},
    {"sde": "ddpm-betas", "objective": "ddpm"},
    {"objective": "ssm(weighting=sigma2, times=log-normal)"},
    {"objective": "esm(weighting=sigma2, times=log-normal)"},
]


@pytest.mark.parametrize("options", COMBINATIONS, ids=lambda options: ", ".join(options.values()) or "default")
def test_a_gaussian_is_learnt(options):
    """The denoiser is that of the data's law, at a middle noise level, to a tenth of its spread."""
    before = torch.random.get_rng_state()
    trainer, model = trained(**options)
    assert torch.equal(torch.random.get_rng_state(), before)
    exact = zoo.Gaussian([1.0, 0.0], 0.25, model.sde)
    point = model.sde.at_rho(0.6)
    x = exact.draw(point, zoo.SeededNoise(1, range(500), (2,)).data())
    error = (model(x, point).x0 - exact(x, point).x0).square().mean().sqrt()
    assert float(error) < 0.08
    scores = [score for _, _, score in trainer.state.history]
    assert len(scores) == 20
    assert min(scores) == trainer.state.best_score == pytest.approx(trainer.held_out_score())


def test_the_averaged_weights_are_kept_and_small_ones_come_back(tmp_path):
    trainer, model = trained(steps=20)
    path = zoo.save_model(tmp_path / "m.safetensors", model, {"training": trainer.facts()})
    assert same(weights(path), dict(trainer.state.ema.state_dict()))
    assert read_card(path)["training"]["steps"] == 20
    assert not same(trainer.state.net.state_dict(), trainer.state.ema.state_dict())


def test_the_average_forgets_at_its_decay():
    trainer = Trainer(Settings(data="g", steps=9, **TINY), GAUSSIAN)
    for step in range(3):
        old = {name: value.clone() for name, value in trainer.state.ema.named_parameters()}
        trainer._step(step)
        decay = trainer.settings.smoothing(step)
        assert decay == (step + 1) / (step + 10)
        now = dict(trainer.state.net.named_parameters())
        for name, value in trainer.state.ema.named_parameters():
            torch.testing.assert_close(value, decay * old[name] + (1 - decay) * now[name].detach())


def test_classes_are_learnt():
    x = (
        torch.cat([torch.full((300, 1), -1.0), torch.full((100, 1), 1.0)])
        + 0.1 * zoo.SeededNoise(0, range(400), (1,)).data().fresh()
    )
    data = Data(x, torch.arange(400) // 300, 2, "two")
    _, model = trained(data, steps=250)
    drawn = zoo.sample(model, "heun", steps=10, n=400, seed=1).x[:, 0]
    labels = model.default_condition(1, range(400))["label"]
    assert float(((drawn > 0).long() == labels).double().mean()) > 0.98
    assert float((labels == 1).double().mean()) == pytest.approx(0.25, abs=0.08)
    free = zoo.sample(model, "heun", steps=10, n=400, seed=1, condition={"label": 2}).x[:, 0]  # of no known class
    assert 0.1 < float((free > 0).double().mean()) < 0.5


def test_ctrl_c_within_a_step_waits_for_its_end(tmp_path, monkeypatch):
    settings = Settings(data="g", steps=60, **TINY)
    whole = Trainer(settings, GAUSSIAN)
    whole.run()
    cut = Trainer(settings, GAUSSIAN, tmp_path / "state")
    step = cut.state.optimizer.step

    def interrupted():
        step()
        if cut.state.step == 25:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(cut.state.optimizer, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cut.run()
    assert cut.state.step == 26
    resumed = Trainer(settings, GAUSSIAN, tmp_path / "state")
    resumed.resume()
    resumed.run()
    for part in ("net", "ema"):
        assert same(getattr(whole.state, part).state_dict(), getattr(resumed.state, part).state_dict())
    assert whole.state.history == resumed.state.history


def test_early_stopping_keeps_the_best():
    data = Data(GAUSSIAN.x[:40], None, None, "few")  # soon learnt by heart
    trainer, _ = trained(data, steps=4000, evaluations=200, patience=3, network="mlp(width=128, depth=2)", lr=1e-2)
    state = trainer.state
    assert state.step < 4000
    assert state.history[-4][0] == state.best_step
    assert min(score for _, _, score in state.history) == state.best_score


def test_minutes_become_steps_that_do_not_depend_on_them(tmp_path):
    timed = Trainer(Settings(data="g", minutes=0.02, **{**TINY, "warmup": 30}), GAUSSIAN, tmp_path / "state")
    timed.run()
    steps = timed.settings.steps
    assert steps is not None
    assert steps > 24
    assert timed.facts()["minutes"] == 0.02
    other = Trainer(Settings(data="g", steps=steps, **{**TINY, "warmup": 30}), GAUSSIAN)
    other.run()
    assert same(timed.state.net.state_dict(), other.state.net.state_dict())


def test_bfloat16_is_close():
    _, plain = trained(steps=60)
    _, short = trained(steps=60, bf16=True)
    x, point = GAUSSIAN.x[:50], zoo.EDM().at(0.5)
    a, b = plain(x, point).x0, short(x, point).x0
    assert 0 < float((a - b).abs().max()) < 0.1


def test_a_loss_that_explodes_is_said():
    with pytest.raises(zoo.ModelError, match=r"no longer finite at step \d+ .*lower lr"):
        trained(
            Data(GAUSSIAN.x * 1e25, None, None, "huge"),
            prediction="score",
            objective="dsm(weighting=constant)",
            sde="vp",
        )


def test_impossible_settings():
    for options in ({}, {"steps": 0}, {"steps": 5, "lr": 0.0}, {"steps": 5, "unlabelled": 2.0}):
        with pytest.raises(zoo.OptionError):
            Settings(data="digits", **options)


# -- the command -----------------------------------------------------------------------------------------------------

COMMAND = [
    "train",
    "two-moons",
    "--network",
    "mlp(width=32, depth=1)",
    "--batch",
    "32",
    "--threads",
    "1",
    "--steps",
    "500",
    "--evaluations",
    "50",
    "--keep-every",
    "0",
]


def test_killed_and_resumed_is_not_killed(tmp_path):
    """kill -9 in the middle of a real process; --resume ends with the very same bytes of weights."""
    whole = run_zoo(*COMMAND, "--out", "whole.safetensors", "-q", cwd=tmp_path)
    assert whole.status == 0, whole.err
    assert re.search(r"500 steps in .*Wrote whole.safetensors", whole.out, re.DOTALL)
    state = tmp_path / "cut.safetensors.training"
    process = subprocess.Popen(
        [ZOO, *COMMAND, "--out", "cut.safetensors"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if re.match(r"step [12]\d\d of", line):
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()
    assert not (tmp_path / "cut.safetensors").exists()
    reached = read_tensors_of(state)
    assert 0 < reached < 500
    resumed = run_zoo("train", "--resume", "--out", "cut.safetensors", cwd=tmp_path)
    assert resumed.status == 0, resumed.err
    assert same(weights(tmp_path / "cut.safetensors"), weights(tmp_path / "whole.safetensors"))
    histories = [read_card(tmp_path / f"{name}.safetensors")["training"]["history"] for name in ("cut", "whole")]
    assert histories[0] == histories[1]
    assert not state.exists()


def test_what_cannot_be_resumed_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "m.safetensors"
    with pytest.raises(zoo.StorageError, match="no stopped training"):
        train(resume=True, out=out)
    trainer = Trainer(Settings(data="two-moons", steps=9, **TINY), GAUSSIAN, state_file(out))
    trainer._save()
    with pytest.raises(zoo.ZooError, match="go on with --resume, or delete it"):
        train("two-moons", steps=9, out=out)
    with pytest.raises(zoo.OptionError, match=r"lr = 0\.5 \(was 0\.003\)"):
        train(resume=True, out=out, lr=0.5)
    with pytest.raises(zoo.OptionError, match=r"network = unet \(was mlp\(width=32, depth=1\)\)"):
        train(resume=True, out=out, network="unet")
    with pytest.raises(zoo.OptionError, match="no longer the data"):
        train(resume=True, out=out)
    state_file(out).write_bytes(state_file(out).read_bytes()[:-9])
    with pytest.raises(zoo.StorageError, match="cut short"):
        train(resume=True, out=out)
    state_file(out).unlink()
    zoo.save_model(out, trainer.averaged)
    with pytest.raises(zoo.StorageError, match="is finished"):
        train(resume=True, out=out)


def read_tensors_of(state):
    from solvers_zoo.train.state import read_state

    return read_state(state)[1]["step"]


def test_ctrl_c_keeps_the_state_and_says_how_to_go_on(tmp_path):
    command = [
        ZOO,
        *COMMAND[:-6],
        "--steps",
        "100000",
        "--out",
        "m.safetensors",
        "--keep-every",
        "1000",
        "--evaluations",
        "10000",
    ]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    next(line for line in process.stderr if line.startswith("step"))
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 130
    assert re.search(
        r"Stopped after [\d,]+ steps, kept in m.safetensors.training; go on with: zoo train --resume --out m.safe", said
    )
    assert read_tensors_of(tmp_path / "m.safetensors.training") > 0


def test_the_model_is_used_like_any_other_and_previews_are_drawn(tmp_path):
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(0).normal(size=(50, 1, 4, 4)), y=np.arange(50) % 2)
    made = run_zoo(
        "train",
        "d.npz",
        "--steps",
        "6",
        "--batch",
        "16",
        "--threads",
        "1",
        "--network",
        "unet(channels=[8, 8])",
        "--preview",
        "p.png",
        "--half",
        "--json",
        "--evaluations",
        "2",
        cwd=tmp_path,
    )
    assert made.status == 0, made.err
    facts = made.json
    assert facts["out"] == "runs/d.safetensors"
    assert facts["steps_done"] == 6
    assert (tmp_path / "p.png").stat().st_size > 5000
    model = build_model(registry.default(), str(tmp_path / "runs" / "d.safetensors"))
    drawn = zoo.sample(model, nfe=6, n=4)
    assert (drawn.x.shape, drawn.nfe) == ((4, 1, 4, 4), 6)


def test_misuse_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for options, words in (
        ({}, "Name the data"),
        ({"data": "digits", "steps": 5, "minutes": 1.0}, "not both"),
        ({"data": "digits", "out": tmp_path / "m.pt"}, "a model is a file"),
        ({"data": "no-data"}, "no data set named"),
        ({"data": "two-moons", "network": "unett"}, "Did you mean 'unet'"),
        ({"data": "two-moons", "lr": -1.0}, "lr = -1"),
    ):
        with pytest.raises(zoo.ZooError, match=words):
            train(**options)


def test_two_processes_train_what_one_does(tmp_path):
    command = [
        "-m",
        "solvers_zoo.cli",
        "train",
        "two-moons",
        "--steps",
        "12",
        "--batch",
        "33",
        "--threads",
        "1",
        "--network",
        "mlp(width=16, depth=1)",
        "--out",
        "two.safetensors",
        "-q",
    ]
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("Wrote two.safetensors") == 1
    settings = Settings(data="two-moons", steps=12, batch=33, network="mlp(width=16, depth=1)")
    one, two = Trainer(settings, load_data("two-moons")).run(), weights(tmp_path / "two.safetensors")
    assert read_card(tmp_path / "two.safetensors")["training"]["processes"] == 2
    for name, value in one.net.state_dict().items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=1e-4)
