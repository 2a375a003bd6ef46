"""Stopping after any step and going on, bit for bit: in memory, from a file, in a new process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

import solvers_zoo as zoo

EDM = zoo.EDM(sigma_min=0.01, sigma_max=20.0)


class Averages(NamedTuple):
    """Memory with a record of its own."""

    history: Any
    total: Any
    steps: int


class Stateful(zoo.StepSolver):
    """Carries a history, a running sum and a count, and draws noise."""

    card = zoo.SolverCard(name="stateful", title="", family="test", source=zoo.Source(authors="", title="", where=""))

    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        memory = memory or Averages((), 0 * x, 0)
        now = model(x, t)
        past = zoo.remember(zoo.Past(t.t, t.lam, now.x0), memory.history, 2)
        W, H = noise.between(t, s, area=True)
        kick = zoo.combine((0.1 * s.sigma, W), (0.1 * s.sigma, H), (0.01 * memory.steps, noise.fresh()))
        x = zoo.combine((1.0, now.mix(s.alpha, s.sigma)), (1.0, kick), (0.01, memory.total))
        return zoo.Step(x, Averages(past, memory.total + x, memory.steps + 1))

    def report(self, state):
        return {"count": torch.full((len(state.x),), state.memory.steps), "chunks": 1}


class Restarting(Stateful):
    """An integrator that cannot be taken up in the middle."""

    card = replace(Stateful.card, name="restarting", resumable=False)


def shrink(x, t):
    return x / (1 + t.view(-1, *[1] * (x.dim() - 1)) ** 2)


def model(fn=shrink, sde=EDM):
    return zoo.FunctionModel(fn, sde=sde, prediction="x0", shape=(3,))


def stop_after(steps):
    """A callback that stops the run after so many calls."""
    left = [steps]

    def callback(state):
        left[0] -= 1
        return left[0] == 0

    return callback


SETTINGS: dict[str, Any] = {"steps": 4, "n": 5, "chunk": 2, "denoise": True, "trajectory": True, "dtype": torch.float64}
STEPS = 12  # 4 of each of 3 chunks


def assert_same(result, whole):
    assert result.finished
    assert torch.equal(result.x, whole.x)
    assert torch.equal(result.trajectory, whole.trajectory)
    assert (result.nfe, result.grid, result.seed, result.solver) == (whole.nfe, whole.grid, whole.seed, whole.solver)
    for key in set(whole.stats) - {"seconds", "model_seconds"}:
        assert torch.equal(torch.as_tensor(result.stats[key]), torch.as_tensor(whole.stats[key])), key
    assert set(result.stats) == set(whole.stats)


# -- in memory and from a file ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("brownian", ["independent", "path", "grid"])
@pytest.mark.parametrize("steps", range(1, STEPS + 1))
def test_a_run_stopped_after_any_step_goes_on_bit_for_bit(brownian, steps, tmp_path):
    finest = zoo.grid("karras").make_grid(EDM, 4)
    more = {**SETTINGS, "brownian": finest if brownian == "grid" else brownian}
    whole = zoo.sample(model(), Stateful(), **more)
    stopped = zoo.sample(model(), Stateful(), callback=stop_after(steps), **more)
    assert not stopped.finished
    assert len(stopped.x) == min(5, (steps - 1) // 4 * 2)
    assert_same(zoo.sample(model(), Stateful(), resume=stopped), whole)
    assert_same(zoo.sample(model(), Stateful(), resume=stopped.save(tmp_path / "run.npz")), whole)


@pytest.mark.parametrize("suffix", [".npz", ".pt"])
def test_a_run_can_be_stopped_again_and_again(suffix, tmp_path):
    whole = zoo.sample(model(), Stateful(), **SETTINGS)
    result = zoo.sample(model(), Stateful(), callback=lambda _: True, **SETTINGS)
    stops = 1
    while not result.finished:
        result = zoo.sample(model(), Stateful(), resume=result.save(tmp_path / f"run{suffix}"), callback=lambda _: True)
        stops += 1
    assert stops == STEPS + 1
    assert_same(result, whole)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_narrow_states_go_on_too(dtype, tmp_path):
    more = {**SETTINGS, "dtype": dtype, "x": torch.randn(5, 3), "n": None}
    whole = zoo.sample(model(), Stateful(), **more)
    stopped = zoo.sample(model(), Stateful(), callback=stop_after(7), **more)
    assert_same(zoo.sample(model(), Stateful(), resume=stopped.save(tmp_path / "run.npz")), whole)


def test_a_solver_that_cannot_resume_begins_its_chunk_anew():
    whole = zoo.sample(model(), Restarting(), **SETTINGS)
    stopped = zoo.sample(model(), Restarting(), callback=stop_after(7), **SETTINGS)
    assert stopped.pause.state is None
    assert_same(zoo.sample(model(), Restarting(), resume=stopped), whole)


# -- Ctrl-C ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", range(1, 16))  # 5 calls a chunk, the denoise included
def test_ctrl_c_in_any_model_call_keeps_what_was_done(call, tmp_path):
    def fn(x, t):
        fn.left -= 1
        if fn.left == 0:
            raise KeyboardInterrupt
        return shrink(x, t)

    fn.left = -1
    whole = zoo.sample(model(fn), Stateful(), **SETTINGS)
    fn.left = call
    with pytest.raises(zoo.Interrupted, match="of 5 samples finished") as caught:
        zoo.sample(model(fn), Stateful(), **SETTINGS)
    partial = caught.value.result
    assert torch.equal(partial.x, whole.x[: len(partial.x)])
    assert partial.stats["calls"] == call - 1  # the call that was cut off is made again
    assert_same(zoo.sample(model(fn), Stateful(), resume=partial.save(tmp_path / "run.npz")), whole)


def test_ctrl_c_in_a_callback_and_in_the_bar():
    def cut(*_):
        raise KeyboardInterrupt

    whole = zoo.sample(model(), Stateful(), **SETTINGS)
    for where in ("callback", "progress"):
        with pytest.raises(zoo.Interrupted) as caught:
            zoo.sample(model(), Stateful(), **{where: cut}, **SETTINGS)
        assert caught.value.result.pause.state.index == 1
        assert_same(zoo.sample(model(), Stateful(), resume=caught.value.result), whole)


# -- a new process ---------------------------------------------------------------------------------------------------

CHILD = """
import json, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
from test_resume import Stateful, model
import solvers_zoo as zoo
for path in map(Path, sys.argv[2:]):
    solver = {"solver": Stateful()} if path.name.startswith("stateful") else {}
    zoo.sample(model(), resume=path, **solver).save(path.with_suffix(".done.npz"))
"""


@pytest.mark.slow
def test_a_new_process_goes_on_after_every_step(tmp_path):
    wholes, files = {}, []
    for name, solver in (("stateful", Stateful()), ("ddim", "ddim:eta=1")):
        wholes[name] = zoo.sample(model(), solver, **SETTINGS)
        for steps in range(1, STEPS + 1):
            stopped = zoo.sample(model(), solver, callback=stop_after(steps), **SETTINGS)
            files.append(stopped.save(tmp_path / f"{name}-{steps}.npz"))
    subprocess.run([sys.executable, "-c", CHILD, str(Path(__file__).parent), *map(str, files)], check=True)
    for file in files:
        assert_same(zoo.Result.load(file.with_suffix(".done.npz")), wholes[file.name.split("-")[0]])


# -- what cannot go on -----------------------------------------------------------------------------------------------


@pytest.fixture
def stopped():
    return zoo.sample(model(), "ddim:eta=1", callback=stop_after(3), steps=4, n=2, trajectory=True)


@pytest.mark.parametrize(
    "given",
    [
        {"steps": 4},
        {"n": 2},
        {"seed": 1},
        {"grid": "karras"},
        {"denoise": True},
        {"x": torch.zeros(2, 3)},
        {"brownian": "path"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_a_resumed_run_keeps_its_settings(stopped, given):
    with pytest.raises(zoo.OptionError, match=f"leave {next(iter(given))} out"):
        zoo.sample(model(), resume=stopped, **given)
    assert zoo.sample(model(), resume=stopped, seed=0, start="prior").finished


def test_another_process_solver_or_run_is_refused(stopped, tmp_path):
    with pytest.raises(zoo.IncompatibleError, match=r"was on edm\(.*process is edm\(sigma_min=0.5"):
        zoo.sample(model(sde=zoo.EDM(sigma_min=0.5)), resume=stopped)
    with pytest.raises(zoo.IncompatibleError, match="made by ddim"):
        zoo.sample(model(), "ddim:eta=0.5", resume=stopped)
    assert zoo.sample(model(), "ddim:eta=1", resume=stopped).finished
    with pytest.raises(zoo.OptionError, match="is finished"):
        zoo.sample(model(), resume=zoo.sample(model(), "ddim", steps=2))
    with pytest.raises(zoo.StorageError, match="no file"):
        zoo.sample(model(), resume=tmp_path / "missing.npz")
    gone = zoo.sample(model(), Stateful(), callback=stop_after(3), steps=4)
    with pytest.raises(zoo.UnknownNameError, match="stateful"):
        zoo.sample(model(), resume=gone)


def test_a_condition_or_noise_has_to_be_given_again(stopped):
    def fn(x, t, shift):
        return shrink(x, t) + shift

    shift = torch.arange(2.0)[:, None]
    more = {"steps": 4, "n": 2, "condition": {"shift": shift}}
    whole = zoo.sample(model(fn), "ddim", **more)
    half = zoo.sample(model(fn), "ddim", callback=stop_after(2), **more)
    assert torch.equal(zoo.sample(model(fn), resume=half, condition={"shift": shift}).x, whole.x)
    with pytest.raises(zoo.OptionError, match="conditioned on shift"):
        zoo.sample(model(fn), resume=half)
    with pytest.raises(zoo.OptionError, match="conditioned on nothing"):
        zoo.sample(model(), resume=stopped, condition={"shift": shift})
    noise = zoo.SeededNoise(5, range(2), (3,))
    own = zoo.sample(model(), "ddim:eta=1", steps=4, n=2, noise=noise, callback=stop_after(2))
    with pytest.raises(zoo.OptionError, match="noise of its own"):
        zoo.sample(model(), resume=own)
    with pytest.raises(zoo.OptionError, match="leave noise out"):
        zoo.sample(model(), resume=stopped, noise=noise)
    expected = zoo.sample(model(), "ddim:eta=1", steps=4, n=2, noise=noise).x
    assert torch.equal(zoo.sample(model(), resume=own, noise=noise).x, expected)


@pytest.mark.parametrize(
    "change", [{"dtype": "load"}, {"grid": "x"}, {"n": None}, {"shape": None}, {"solver": 3}, {"device": "nowhere"}]
)
def test_settings_made_by_hand_are_refused_in_words(stopped, change):
    pause = replace(stopped.pause, settings={**stopped.pause.settings, **change})
    with pytest.raises(zoo.ZooError):
        zoo.sample(model(), resume=replace(stopped, pause=pause))
    pause = replace(
        stopped.pause,
        settings={key: stopped.pause.settings[key] for key in stopped.pause.settings if key not in change},
    )
    with pytest.raises(zoo.StorageError, match="not complete"):
        zoo.sample(model(), resume=replace(stopped, pause=pause))


def test_settings_are_plain(stopped):
    assert json.loads(json.dumps(stopped.pause.settings)) == stopped.pause.settings


def test_a_run_that_version_0_1_0_stopped_goes_on():
    """Its records name modules that have moved since; `stopped_by_0_1_0.npz` holds the first 5 of 8 steps."""
    target, stopped = zoo.model("mixture-2d"), Path(__file__).parents[1] / "data" / "stopped_by_0_1_0.npz"
    whole = zoo.sample(target, "dpmpp-2m", steps=8, n=4, seed=3)
    result = zoo.sample(target, "dpmpp-2m", resume=stopped)
    assert result.finished
    assert torch.equal(result.x, whole.x)
    assert result.nfe == whole.nfe
