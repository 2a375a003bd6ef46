"""Solvers of the zoo inside pipelines of diffusers: as in `solvers_zoo.sample`, and as diffusers' own schedulers."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
import torch
from needs import needs
from pipelines import Loop, difference, diffusers, run, start, unet

import solvers_zoo as zoo
from solvers_zoo import registry

#: What diffusers asks numpy for in its own tables.
pytestmark = [needs("diffusers"), pytest.mark.filterwarnings("ignore:__array:DeprecationWarning")]

DDPM, DDIM = diffusers.DDPMPipeline, diffusers.DDIMPipeline
TRAILING = {"timestep_spacing": "trailing"}
LEADING = {
    "timestep_spacing": "leading"
}  # so that schedulers in sigma start from N(0, 1 + sigma^2), the others' N(0, 1)
FULL = {"lower_order_final": False}
EPS, X0, V = ({"prediction_type": kind} for kind in ("epsilon", "sample", "v_prediction"))


#: Pipeline, diffusers' scheduler and settings, and the same method here.
SAME = [
    (DDPM, "DDIMScheduler", {"clip_sample": False, **EPS}, "ddim"),
    (DDIM, "DDIMScheduler", {"clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1, **V}, "ddim"),
    (DDPM, "DDPMScheduler", {"clip_sample": False, **EPS}, "ddpm"),
    (DDPM, "DDPMScheduler", {"clip_sample": False, **TRAILING, **X0}, "ddpm"),
    (DDPM, "PNDMScheduler", {"steps_offset": 1, **EPS}, "pndm"),
    (DDPM, "DPMSolverMultistepScheduler", {**TRAILING, **V}, "dpmpp-2m"),
    (DDPM, "DPMSolverMultistepScheduler", {"solver_order": 3, **FULL, **V}, "dpmpp-3m-published"),
    (DDPM, "DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++", **TRAILING, **V}, "dpmpp-2m-sde"),
    (DDPM, "UniPCMultistepScheduler", V, "unipc-2"),
    (DDPM, "DEISMultistepScheduler", {**FULL, **V}, "exp-adams-eps-2"),
    (DDPM, "FlowMatchEulerDiscreteScheduler", {"shift": 3.0}, "euler"),
    (DDPM, "FlowMatchHeunDiscreteScheduler", {}, "heun(variable=t)"),
    (DDPM, "LCMScheduler", {"original_inference_steps": 100, **V}, "consistency"),
    (Loop, "EulerDiscreteScheduler", {**LEADING, **EPS}, "euler"),
    (Loop, "EulerAncestralDiscreteScheduler", {**LEADING, **EPS}, "euler-ancestral"),
    (Loop, "HeunDiscreteScheduler", {**LEADING, **V}, "heun"),
    (Loop, "LMSDiscreteScheduler", {**LEADING, **EPS}, "lms"),
    (Loop, "EDMEulerScheduler", EPS, "euler"),
    (Loop, "EDMDPMSolverMultistepScheduler", V, "dpmpp-2m"),
    (Loop, "CMStochasticIterativeScheduler", {"clip_denoised": False}, "consistency(floor=0.002)"),
]


@pytest.mark.parametrize(("pipeline", "peer", "settings", "solver"), SAME, ids=[f"{row[1]}-{row[3]}" for row in SAME])
def test_as_diffusers_own(pipeline, peer, settings, solver):
    """From the same generator, in float32; the noise is drawn in the same order, too."""
    theirs, inner = (getattr(diffusers, peer)(**settings) for _ in range(2))
    ours = zoo.as_diffusers_scheduler(solver, inner)
    expected = run(pipeline, unet(), theirs, steps=10)
    assert difference(run(pipeline, unet(), ours, steps=10), expected) < 1e-5
    assert len(ours.timesteps) == len(theirs.timesteps)


#: One a kind: multistep, stages, predictor-corrector, ancestral, start-up, wrappers, bridges, noise on the way, chains.
SOLVERS = (
    "ddim",
    "ddpm",
    "heun",
    "rk4",
    "unipc",
    "pndm",
    "dpmpp-2m",
    "dpmpp-2m-sde",
    "dpm-solver-3",
    "dpm-solver-fast",
    "sa-solver-pece",
    "edm-stochastic(S_churn=5)",
    "quicsort",
    "euler-arrival",
    "predictor-corrector",
    "restart",
    "repaint(jump_length=2,resamples=2)",
    "start-up",
    "torchdiffeq-rk4",
    "torchsde-heun",
    "shark",
    "langevin",
)


@pytest.mark.parametrize("solver", SOLVERS)
def test_as_sample(solver):
    """To the bit, from the same seed: the pipeline calls the network at the same states, in the same order."""
    inner = diffusers.DDPMScheduler(**TRAILING, **V)
    scheduler = zoo.as_diffusers_scheduler(solver, inner, seed=5, grid="log-snr")
    got = run(DDPM, unet(), scheduler, steps=6)
    model = zoo.from_diffusers(unet(), inner)
    expected = zoo.sample(model, solver, grid="log-snr", steps=5, x=start(), seed=5, denoise=True)
    assert torch.equal(got, expected.x)
    spare = solver in ("shark", "quicsort")  # they move before they call
    assert len(scheduler.timesteps) == expected.nfe + spare


def test_steps_are_not_replayed():
    """Every step is planned and finished once; only the calls of the step under way are begun anew."""
    done: list[int] = []

    class Watched(type(zoo.solver("rk4"))):
        def step(self, model, x, interval, memory, noise):
            found = super().step(model, x, interval, memory, noise)
            done.append(interval.number)
            return found

    scheduler = zoo.as_diffusers_scheduler(Watched(), diffusers.DDPMScheduler(**V), grid="log-snr")
    scheduler.set_timesteps(5)
    done.clear()
    x = start()
    for t in scheduler.timesteps:
        x = scheduler.step(torch.tanh(x), t, x).prev_sample
    assert done == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("solver", "reason"),
    [
        ("adaptive", "its calls depend on the model's answers"),
        ("gauss-legendre-4", "its calls depend on the model's answers"),
        ("torchdiffeq-explicit-adams", "stays inside another library"),
        ("picard", "several states of a sample"),
        ("ttm", "differentiates the model"),
    ],
)
def test_refused_with_its_reason(solver, reason):
    scheduler = zoo.as_diffusers_scheduler(solver, diffusers.DDPMScheduler(), grid="log-snr")
    with pytest.raises(zoo.IncompatibleError, match=f"cannot be run from outside here: .*{reason}"):
        scheduler.set_timesteps(6)


#: Refused for what only a run shows.
REFUSED = {"picard", "ttm", "torchdiffeq-explicit-adams"}


@pytest.mark.slow
def test_every_solver_whose_calls_are_known():
    """Of all that are registered: each gives `zoo.sample`'s numbers, and the others say in one sentence why they cannot."""
    inner = diffusers.DDPMScheduler(**V)
    model = zoo.from_diffusers(lambda x, t: torch.tanh(x) + torch.sin(t[:, None] / 300), inner, shape=(2,))
    x, runs = torch.randn(3, 2, generator=torch.Generator().manual_seed(1)), 0
    for entry in registry.default().entries("solver"):
        name = entry.card.name
        facts = zoo.solver(name).facts()
        if name == "annealed-langevin":  # a thousand calls
            continue
        scheduler = zoo.as_diffusers_scheduler(name, inner, grid="log-snr", seed=5)
        if facts.adaptive or facts.implicit or name in REFUSED:
            with pytest.raises(zoo.IncompatibleError, match="cannot be run from outside here") as refusal:
                scheduler.set_timesteps(5)
            assert str(refusal.value).count(". ") == 0
            continue
        scheduler.set_timesteps(5)
        end = x
        for t in scheduler.timesteps:
            end = scheduler.step(model.fn(end, t.expand(len(x)).float()), t, end).prev_sample
        expected = zoo.sample(model, name, grid="log-snr", steps=4, x=x, seed=5, denoise=True)
        assert difference(end, expected.x) < 1e-5, name
        assert len(scheduler.timesteps) - expected.nfe in (0, 1), name
        runs += 1
    assert runs >= 140


def test_grid_and_end_are_the_schedulers():
    """Spacing, Karras sigmas, shift and last level are taken from it; a grid of the zoo replaces them."""
    karras = zoo.as_diffusers_scheduler("dpmpp-2m", diffusers.EulerDiscreteScheduler(use_karras_sigmas=True))
    karras.set_timesteps(7)
    rho = [float(karras.convention.sde.at(t).rho) for t in karras._grid.times]
    theirs = diffusers.EulerDiscreteScheduler(use_karras_sigmas=True)
    theirs.set_timesteps(7)
    assert torch.allclose(torch.tensor(rho), theirs.sigmas[:-1], rtol=1e-4)
    ends = zoo.as_diffusers_scheduler("ddim", diffusers.UniPCMultistepScheduler(final_sigmas_type="sigma_min"))
    ends.set_timesteps(7)
    assert len(ends.timesteps) == 7
    assert ends._grid.times[-1] == 0
    assert not ends._denoise
    rule = zoo.as_diffusers_scheduler("ddim", diffusers.DDPMScheduler(), grid="ddpm(spacing=linspace)")
    rule.set_timesteps(5)
    assert rule.timesteps.tolist() == [999, 749, 500, 250, 0]
    assert rule.timesteps.dtype is torch.int64
    for steps, count in ((1, 1), (2, 3)):
        one = zoo.as_diffusers_scheduler("heun", diffusers.DDPMScheduler(**TRAILING))
        one.set_timesteps(steps)
        assert len(one.timesteps) == count
    flow = zoo.as_diffusers_scheduler("heun", diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True))
    flow.set_timesteps(sigmas=[0.9, 0.5, 0.2], mu=1.0)
    shifted = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    shifted.set_timesteps(sigmas=[0.9, 0.5, 0.2], mu=1.0)
    assert torch.allclose(flow.timesteps[::2], shifted.timesteps, rtol=1e-6)


def test_it_travels_with_its_pipeline(tmp_path):
    """Saved and loaded, copied and pickled, and turned into a scheduler of diffusers and back."""
    scheduler = zoo.as_diffusers_scheduler("unipc(order=2)", diffusers.DDPMScheduler(beta_end=0.01, **V), seed=3)
    pipe = DDPM(unet(), scheduler)
    pipe.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "scheduler" / "scheduler_config.json").read_text())
    assert saved["zoo_solver"] == "unipc(order=2)"
    assert saved["beta_end"] == 0.01
    loaded = DDPM.from_pretrained(tmp_path)
    expected = run(DDPM, unet(), scheduler, steps=5)
    assert torch.equal(run(DDPM, loaded.unet, loaded.scheduler, steps=5), expected)
    for again in (copy.deepcopy(scheduler), pickle.loads(pickle.dumps(scheduler))):
        assert torch.equal(run(DDPM, unet(), again, steps=5), expected)
    back = diffusers.DDIMScheduler.from_config(scheduler.config)
    assert back.config.beta_end == 0.01
    assert back.config.prediction_type == "v_prediction"
    once_more = zoo.as_diffusers_scheduler("unipc(order=2)", scheduler, seed=3)
    assert torch.equal(run(DDPM, unet(), once_more, steps=5), expected)


def stepped(scheduler, x, network=torch.tanh, timesteps=None, change=None):
    """The loop by hand."""
    for number, t in enumerate(scheduler.timesteps if timesteps is None else timesteps):
        x = scheduler.step(network(x), t, x).prev_sample
        x = change(number, x) if change else x
    return x


def test_what_a_pipeline_changes_is_taken_over():
    """Between steps of one call it is as if the solver had made it; inside a step it is refused."""
    scheduler = zoo.as_diffusers_scheduler("ddim", diffusers.DDPMScheduler(**TRAILING, **X0))
    scheduler.set_timesteps(6)
    halved = stepped(scheduler, start(), change=lambda number, x: x / 2 if number == 2 else x)
    times = scheduler._grid.times
    model = zoo.from_diffusers(lambda x, t: torch.tanh(x), diffusers.DDPMScheduler(**X0))
    middle = zoo.sample(model, "ddim", grid=times[:4], x=start()).x / 2
    assert torch.equal(halved, zoo.sample(model, "ddim", grid=times[3:], x=middle, denoise=True).x)
    stages = zoo.as_diffusers_scheduler("heun", diffusers.DDPMScheduler(**TRAILING, **X0))
    stages.set_timesteps(6)
    with pytest.raises(zoo.IncompatibleError, match="inside a step"):
        stepped(stages, start(), change=lambda number, x: x / 2 if number == 2 else x)
    stages.set_timesteps(6)
    same = stepped(stages, start(), change=lambda number, x: x.clone())
    stages.set_timesteps(6)
    assert torch.equal(same, stepped(stages, start()))


@pytest.mark.parametrize("solver", ["dpmpp-2m", "heun", "unipc"])
def test_begun_in_the_middle(solver):
    """Image to image: from a noised image, at a call that begins a step."""
    scheduler = zoo.as_diffusers_scheduler(solver, diffusers.DDPMScheduler(**TRAILING, **X0))
    scheduler.set_timesteps(8)
    begin = 3 * scheduler.order
    image, rest = start(2).clamp(-1, 1), scheduler.timesteps[begin:]
    noised = scheduler.add_noise(image, start(), rest[:1])
    point = scheduler._grid[3]
    assert torch.allclose(noised, point.alpha * image + point.sigma * start())
    model = zoo.from_diffusers(lambda x, t: torch.tanh(x), diffusers.DDPMScheduler(**X0))
    expected = zoo.sample(model, solver, grid=scheduler._grid.times[3:], x=noised, denoise=True).x
    assert torch.equal(stepped(scheduler, noised, timesteps=rest), expected)
    scheduler.set_begin_index(begin)
    assert torch.equal(stepped(scheduler, noised, timesteps=rest), expected)
    if scheduler.order > 1:
        scheduler.set_begin_index(begin + 1)
        with pytest.raises(zoo.IncompatibleError, match="no step that begins"):
            stepped(scheduler, noised, timesteps=scheduler.timesteps[begin + 1 :])
    late = zoo.as_diffusers_scheduler("pndm", diffusers.DDPMScheduler(**TRAILING, **X0))
    late.set_timesteps(8)
    with pytest.raises(zoo.IncompatibleError, match="makes other calls"):
        stepped(late, noised, timesteps=late.timesteps[15:])


def test_an_error_leaves_nothing_behind():
    """A network that fails, or a loop that is left, is forgotten with the next run."""
    scheduler = zoo.as_diffusers_scheduler("dpm-solver-3", diffusers.DDPMScheduler(**TRAILING, **X0))
    scheduler.set_timesteps(6)
    whole = stepped(scheduler, start())
    with pytest.raises(ZeroDivisionError):
        stepped(scheduler, start(), change=lambda number, x: 1 / 0 if number == 4 else x)
    with pytest.raises(zoo.IncompatibleError, match="is next"):
        stepped(scheduler, start())
    scheduler.set_timesteps(6)
    assert torch.equal(stepped(scheduler, start()), whole)
    assert torch.equal(stepped(scheduler, start()), whole)  # and another run without setting them again


def test_noise_is_the_generators():
    """One generator, or one a sample; torch's own where none is given."""
    scheduler = zoo.as_diffusers_scheduler("ddpm", diffusers.DDPMScheduler(**TRAILING, **X0))
    results = []
    for seeds in ([1, 2, 3], [1, 9, 3], [1, 2, 3]):
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        scheduler.set_timesteps(5)
        x = start()
        for t in scheduler.timesteps:
            x = scheduler.step(torch.tanh(x), t, x, generator=generators).prev_sample
        results.append(x)
    assert torch.equal(results[0], results[2])
    assert [torch.equal(a, b) for a, b in zip(*results[:2], strict=True)] == [True, False, True]
    torch.manual_seed(4)
    first = stepped(scheduler, start())
    torch.manual_seed(4)
    assert torch.equal(stepped(scheduler, start()), first)
    assert not torch.equal(stepped(scheduler, start()), first)


class InTurn(zoo.Noise, zoo.Draws):
    """torch's own normals, one tensor after the other."""

    def at(self, index):
        return self

    def fresh(self):
        return torch.randn(3, 1, 8, 8)

    def between(self, t, s, area=False):
        return (self.fresh(), self.fresh() * 12**-0.5) if area else self.fresh()

    def uniform(self):
        raise NotImplementedError


@pytest.mark.parametrize("solver", ["stochastic-heun", "seeds-3", "sra1", "dpmpp-sde"])
def test_noise_is_drawn_once(solver):
    """A step that is begun anew is handed the noise that it had."""
    scheduler = zoo.as_diffusers_scheduler(solver, diffusers.DDPMScheduler(**X0), grid="log-snr")
    scheduler.set_timesteps(5)
    torch.manual_seed(0)
    got = stepped(scheduler, start())
    model = zoo.from_diffusers(lambda x, t: torch.tanh(x), diffusers.DDPMScheduler(**X0))
    torch.manual_seed(0)
    expected = zoo.sample(model, solver, grid="log-snr", steps=4, x=start(), noise=InTurn(), denoise=True)
    assert torch.equal(got, expected.x)


def test_noise_of_done_steps_is_let_go():
    scheduler = zoo.as_diffusers_scheduler("stochastic-heun", diffusers.DDPMScheduler(**X0), grid="log-snr")
    scheduler.set_timesteps(5)
    x, held = start(), []
    for t in scheduler.timesteps[:-1]:
        x = scheduler.step(torch.tanh(x), t, x).prev_sample
        held.append(len(scheduler._run.noise.kept))
    assert max(held) == 1


def test_half_precision_keeps_its_state_in_float32():
    scheduler = zoo.as_diffusers_scheduler("dpmpp-2m", diffusers.DDPMScheduler(**TRAILING, **X0))
    scheduler.set_timesteps(10)
    exact = stepped(scheduler, start())
    scheduler.set_timesteps(10)
    half = stepped(scheduler, start().half())
    assert half.dtype is torch.float16
    assert difference(half.float(), exact) < 5e-3


def test_words_for_what_is_wrong():
    scheduler = zoo.as_diffusers_scheduler("ddim", diffusers.DDPMScheduler(**X0))
    with pytest.raises(zoo.OptionError, match="set_timesteps comes before"):
        scheduler.step(start(), 999, start())
    scheduler.set_timesteps(5)
    with pytest.raises(zoo.OptionError, match=r"ddim\(eta=0.5\)"):
        scheduler.step(start(), scheduler.timesteps[0], start(), eta=0.5)
    with pytest.raises(zoo.IncompatibleError, match="none of the scheduler's timesteps"):
        scheduler.step(start(), 998, start())
    with pytest.raises(zoo.UnknownNameError):
        zoo.as_diffusers_scheduler("ddimm", diffusers.DDPMScheduler())
    with pytest.raises(zoo.IncompatibleError, match="is no scheduler of diffusers"):
        zoo.as_diffusers_scheduler("ddim", object())
    ruled = zoo.as_diffusers_scheduler("ddim", diffusers.DDPMScheduler(), grid="uniform")
    for wrong in ({}, {"num_inference_steps": 0}, {"num_inference_steps": 3, "sigmas": [1.0]}):
        with pytest.raises(zoo.OptionError):
            ruled.set_timesteps(**wrong)
    flow = zoo.as_diffusers_scheduler("dpm-solver-2", diffusers.FlowMatchEulerDiscreteScheduler())
    with pytest.raises(zoo.IncompatibleError, match="alpha = 0"):
        flow.set_timesteps(5)
