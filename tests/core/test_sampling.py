"""The driver: arguments, batches, dtypes, gradients, memory, and what it says when a run goes wrong."""

from __future__ import annotations

import dataclasses
import gc
import inspect
import random

import pytest
import torch

import solvers_zoo as zoo
from solvers_zoo.sampling.settings import Settings

DIMS = (1, 2, 3, 8, 16, 3072)
BATCHES = (1, 2, 3, 7, 64)
EDM = zoo.EDM(sigma_min=0.01, sigma_max=20.0)


def shrink(x, t):
    """The posterior mean of a standard normal, elementwise."""
    return x / (1 + t.view(-1, *[1] * (x.dim() - 1)) ** 2)


def model(shape=(2,), fn=shrink, prediction="x0", sde=EDM):
    return zoo.FunctionModel(fn, sde=sde, prediction=prediction, shape=shape)


def sample(solver="ddim", given=None, **more):
    return zoo.sample(given or model(), solver, **{"steps": 6, **more})


class Carrying(zoo.StepSolver):
    """Keeps ``keep`` past predictions, as multistep methods do."""

    card = zoo.SolverCard(name="carrying", title="", family="test", source=zoo.Source(authors="", title="", where=""))
    keep: int = zoo.option(2, help="predictions kept")

    def step(self, model, x, interval, memory, noise):
        t, s = interval.t, interval.s
        now = model(x, t)
        past = zoo.remember(zoo.Past(t.t, t.lam, now.x0), memory, self.keep)
        mean = zoo.combine(*((1 / len(past), old.D) for old in past))
        return zoo.Step(zoo.combine((s.sigma / t.sigma, x), (1 - s.sigma / t.sigma, mean)), past)


# -- batches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["ddim", "ddim:eta=1", Carrying()], ids=str)
@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16], ids=str)
def test_a_sample_is_the_same_in_any_batch(solver, dim, dtype):
    given = model((dim,))
    expected = sample(solver, given, n=64, dtype=dtype, denoise=True).x
    assert torch.isfinite(expected).all()
    for n in BATCHES:
        assert torch.equal(sample(solver, given, n=n, dtype=dtype, denoise=True).x, expected[:n])
        chunked = sample(solver, given, n=min(64, n + 4), chunk=n, dtype=dtype, denoise=True).x
        assert torch.equal(chunked, expected[: n + 4])


def test_chunks_are_all_of_one_size_and_the_padding_is_dropped():
    sizes = []

    def fn(x, t):
        sizes.append(len(x))
        return shrink(x, t)

    whole = sample("ddim:eta=1", n=10, trajectory=True)
    parts = sample("ddim:eta=1", model(fn=fn), n=10, chunk=4, trajectory=True)
    assert set(sizes) == {4}
    assert torch.equal(parts.x, whole.x)
    assert torch.equal(parts.trajectory, whole.trajectory)
    assert parts.nfe == whole.nfe == 6
    assert parts.stats["calls"] == parts.stats["steps"] == 18
    assert whole.stats["calls"] == whole.stats["steps"] == 6


def test_by_default_chunks_are_even(monkeypatch):
    monkeypatch.setattr("solvers_zoo.sampling.arguments._MAX_BYTES", 10 * 16 * 4 * 2)
    sizes = set()

    def fn(x, t):
        sizes.add(len(x))
        return shrink(x, t)

    assert torch.equal(sample(given=model(fn=fn), n=11).x, sample(n=11, chunk=11).x)
    assert sizes == {6}


def test_a_bad_row_of_padding_does_no_harm():
    def fn(x, t):
        out = shrink(x, t)
        out[3] = torch.nan  # the second chunk has samples 4 and 5, and two rows of padding
        return out

    with pytest.raises(zoo.ModelError, match="sample 3"):
        sample(given=model(fn=fn), n=6, chunk=4)

    def late(x, t):
        late.calls += 1
        return fn(x, t) if late.calls > 6 else shrink(x, t)

    late.calls = 0
    assert torch.equal(sample(given=model(fn=late), n=6, chunk=4).x, sample(n=6).x)


def test_conditions_follow_their_samples():
    shift = torch.arange(5.0)[:, None]
    seen = []

    def fn(x, t, shift, scale, word):
        seen.append((len(shift), scale, word))
        return shrink(x, t) + scale * shift

    condition = {"shift": shift, "scale": torch.tensor(2.0), "word": "on"}
    whole = sample(given=model(fn=fn), n=5, condition=condition).x
    parts = sample(given=model(fn=fn), n=5, condition=condition, chunk=2).x
    assert torch.equal(whole, parts)
    assert {(size, word) for size, _, word in seen} == {(5, "on"), (2, "on")}
    assert not torch.equal(whole[0], sample(given=model(fn=fn), n=5, condition={**condition, "shift": shift + 1}).x[0])


# -- start, noise, dtype ---------------------------------------------------------------------------------------------


def test_a_given_start_is_used_and_untouched():
    x = torch.randn(5, 2, dtype=torch.float64)
    before = x.clone()
    result = sample(x=x, chunk=2)
    assert torch.equal(x, before)
    assert result.x.dtype is torch.float64
    assert torch.equal(result.x, sample(x=x).x)
    assert sample(x=x, dtype=torch.float32).x.dtype is torch.float32
    assert torch.equal(sample(x=x, trajectory=True).trajectory[0], before)


def test_seeds():
    assert not torch.equal(sample(seed=0).x, sample(seed=1).x)
    assert torch.equal(sample(seed=-1).x, sample(seed=2**64 - 1).x)
    for seed in (0.5, "0", None):
        with pytest.raises(zoo.OptionError, match="whole number"):
            sample(seed=seed)


def test_any_noise_can_be_given():
    class Zeros(zoo.Noise, zoo.Draws):
        def at(self, index):
            return self

        def fresh(self):
            return torch.zeros(3, 2)

        def between(self, t, s, area=False):
            return torch.zeros(3, 2)

        def uniform(self):
            return torch.full((3,), 0.5)

        def __len__(self):  # a noise that counts as false is still a noise
            return 0

    x = torch.ones(3, 2)
    quiet = sample("ddim:eta=1", x=x, noise=Zeros())
    assert torch.equal(quiet.x[0], quiet.x[1])
    with pytest.raises(zoo.OptionError, match="one batch"):
        sample("ddim:eta=1", x=x, noise=Zeros(), chunk=2)
    with pytest.raises(zoo.OptionError, match="not both"):
        sample("ddim:eta=1", x=x, noise=Zeros(), brownian="path")


def test_the_global_generator_is_neither_read_nor_moved():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = sample("ddim:eta=1").x
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(sample("ddim:eta=1").x, first)


def test_the_model_is_asked_in_its_own_terms():
    asked = []

    def fn(x, t):
        asked.append((x.dtype, t.dtype, t.shape))
        return shrink(x, t).double()  # of another dtype than the state's

    for dtype, time in (
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
    ):
        result = sample("ddim:eta=1", model(fn=fn), n=3, dtype=dtype, denoise=True)
        assert result.x.dtype is dtype
        assert asked[-1] == (dtype, time, (3,))


def test_default_dtype_is_torchs():
    torch.set_default_dtype(torch.float64)
    try:
        assert sample().x.dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_exact_start_asks_the_model_for_its_law():
    class Normal(zoo.FunctionModel):
        def draw(self, point, draws):
            return draws.fresh() * (1 + point.sigma**2) ** 0.5

    exact = Normal(shrink, sde=EDM, prediction="x0", shape=(2,))
    result = sample(given=exact, n=4000, steps=40, start="exact")
    assert float(result.x.std()) == pytest.approx(1, abs=0.1)
    with pytest.raises(zoo.IncompatibleError, match="start=prior"):
        sample(start="exact")


# -- gradients -------------------------------------------------------------------------------------------------------


def test_gradients_flow_only_when_asked_for():
    scale = torch.tensor(1.0, requires_grad=True)
    x = torch.randn(3, 2, requires_grad=True)
    given = model(fn=lambda x, t: scale * shrink(x, t))
    plain = sample("ddim:eta=1", given, x=x)
    assert not plain.x.requires_grad
    assert not plain.x.is_inference()
    result = sample("ddim:eta=1", given, x=x, grad=True, denoise=True)
    assert torch.equal(result.x.detach(), sample("ddim:eta=1", given, x=x, denoise=True).x)
    by_scale, by_x = torch.autograd.grad(result.x.sum(), (scale, x))
    assert torch.isfinite(by_x).all()
    with torch.no_grad():
        step = 1e-3
        ahead, behind = (sample("ddim:eta=1", given, x=x + h, denoise=True).x.sum() for h in (step, -step))
    assert float(by_x.sum()) == pytest.approx(float((ahead - behind) / (2 * step)), rel=1e-2)
    assert float(by_scale) != 0
    assert torch.is_grad_enabled()


def test_a_model_may_need_gradients_inside():
    def fn(x, t):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            energy = 0.5 * (x**2 / (1 + t.view(-1, 1) ** 2)).sum()
        return -torch.autograd.grad(energy, x)[0]

    close = sample(given=model(fn=fn, prediction="score")).x - sample().x
    assert float(close.abs().max()) < 1e-4


# -- steps, budgets, grids -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["steps", "nfe", "n", "chunk"])
@pytest.mark.parametrize("value", [0, -3, 2.5, "7", True, float("nan")])
def test_counts_are_whole_and_positive(name, value):
    with pytest.raises(zoo.OptionError, match=rf"{name} = .* whole number >= 1"):
        zoo.sample(model(), "ddim", **{name: value})


def test_a_budget_buys_the_most_steps_it_can():
    assert sample(steps=None, nfe=9).nfe == 9
    result = sample(steps=None, nfe=9, denoise=True)
    assert result.nfe == 9
    assert len(result.grid) == 9
    for cost, denoise, nfe in ((1, False, 7), (2, False, 7), (2, True, 9), (3, True, 10)):
        steps = zoo.steps_for(zoo.solver("ddim"), nfe, cost, denoise)
        assert (steps + denoise) * cost <= nfe < (steps + 1 + denoise) * cost
    assert zoo.steps_for(zoo.solver("ddim"), 10**9) == 10**9
    with pytest.raises(zoo.OptionError, match="does not pay for one step"):
        sample(steps=None, nfe=1, denoise=True)


def test_a_solver_that_chooses_its_steps_takes_no_budget():
    class Free(Carrying):
        card = zoo.SolverCard(
            name="free", title="", family="test", evaluations=None, source=zoo.Source(authors="", title="", where="")
        )

    assert sample(Free()).nfe == 6  # counted, not claimed
    with pytest.raises(zoo.OptionError, match="chooses its own steps"):
        sample(Free(), steps=None, nfe=10)


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        ({"nfe": 5}, zoo.OptionError, "not both"),
        ({"grid": [20.0, 1.0, 0.01]}, zoo.OptionError, "already make 2 steps"),
        ({"grid": [1.0], "steps": None}, zoo.DomainError, "at least two"),
        ({"grid": zoo.Grid(zoo.EDM(), [80.0, 1.0]), "steps": None}, zoo.IncompatibleError, "grid belongs to"),
        ({"x": torch.randn(3, 2), "n": 4}, zoo.OptionError, "has 3 samples"),
        ({"x": torch.randn(3, 5)}, zoo.OptionError, "must agree"),
        ({"shape": (3,)}, zoo.OptionError, "must agree"),
        ({"shape": (0,)}, zoo.OptionError, "whole number"),
        ({"x": torch.tensor(1.0)}, zoo.OptionError, "shape"),
        ({"x": torch.zeros(0, 2)}, zoo.OptionError, "n >= 1"),
        ({"x": [[1.0, 2.0]]}, zoo.OptionError, "tensor"),
        ({"x": torch.zeros(1, 2, dtype=torch.int64)}, zoo.OptionError, "dtype"),
        ({"device": "nowhere"}, zoo.OptionError, "device = 'nowhere'"),
        ({"dtype": torch.int64}, zoo.OptionError, "dtype"),
        ({"dtype": "float32"}, zoo.OptionError, "dtype"),
        ({"start": "zero"}, zoo.OptionError, "prior or exact"),
        ({"start": "exact", "x": torch.zeros(1, 2)}, zoo.OptionError, "left out"),
        ({"brownian": "bridge"}, zoo.OptionError, "independent, path"),
        ({"solver": "ddmi"}, zoo.UnknownNameError, "ddim"),
    ],
)
def test_impossible_arguments_are_refused_in_words(given, error, match):
    with pytest.raises(error, match=match):
        zoo.sample(model(), **{"solver": "ddim", "steps": 6, **given})


def test_shape_must_be_known():
    with pytest.raises(zoo.OptionError, match="does not say what shape"):
        sample(given=model(None))
    assert sample(given=model(None), shape=(3,), n=2).x.shape == (2, 3)


# -- what a run reports ----------------------------------------------------------------------------------------------


def test_callback_trajectory_and_progress_see_every_step():
    states, bars = [], []
    result = sample(
        n=5, chunk=3, trajectory=True, callback=states.append, progress=lambda *now: bars.append(now), denoise=True
    )
    assert [state.index for state in states] == [1, 2, 3, 4, 5, 6] * 2
    assert bars == [(done, 12) for done in range(1, 13)]
    assert result.trajectory.shape == (7, 5, 2)
    assert torch.equal(result.trajectory[4, :3], states[3].x)
    assert result.nfe == 7
    assert len(result.grid) == 7
    assert result.solver == "ddim"
    assert result.finished
    assert 0 <= result.stats["model_seconds"] <= result.stats["seconds"]


def test_reports_are_joined_over_chunks():
    class Reporting(Carrying):
        card = zoo.SolverCard(
            name="reporting", title="", family="test", source=zoo.Source(authors="", title="", where="")
        )

        def report(self, state):
            return {"rows": state.x[:, 0], "steps_taken": state.index}

    result = sample(Reporting(), n=5, chunk=2)
    assert torch.equal(result.stats["rows"], result.x[:, 0])
    assert result.stats["steps_taken"] == 18


def test_state_memory_does_not_grow_with_steps():
    """At a model call there live: the state, the history, and at most the prediction before it (start and copies gone)."""

    def living(solver, steps):
        counts = []
        size = (7, 1031)

        def fn(x, t):
            counts.append(0)
            if len(counts) == steps - 1:
                tensors = [o for o in gc.get_objects() if type(o) is torch.Tensor and o.shape == size]
                counts[-1] = len({o.untyped_storage().data_ptr() for o in tensors})
            return 0.5 * x

        sample(solver, model((1031,), fn), n=7, steps=steps)
        return max(counts)

    for solver, history in (("ddim", 0), (Carrying(keep=1), 1), (Carrying(keep=3), 3)):
        few, many = living(solver, 6), living(solver, 40)
        assert few == many <= history + 2


# -- when it goes wrong ----------------------------------------------------------------------------------------------


def test_a_hundred_injected_faults_are_all_found_and_placed():
    rng = random.Random(0)
    grid = zoo.grid("karras").make_grid(EDM, 6).times
    for _ in range(100):
        step, row, chunk = rng.randrange(6), rng.randrange(10), rng.choice([3, 4, 10])
        value = rng.choice([float("nan"), float("inf"), -float("inf")])
        x = torch.randn(10, 2, generator=torch.Generator().manual_seed(row))
        mark = torch.arange(10)

        def fn(x, t, mark, step=step, row=row, value=value):
            out = shrink(x, t)
            return torch.where((mark == row)[:, None] & (t == torch.tensor(grid[step]))[:, None], value, out)

        with pytest.raises(zoo.ModelError) as caught:
            sample(
                rng.choice(["ddim", "ddim:eta=1"]),
                model(fn=fn),
                x=x,
                chunk=chunk,
                condition={"mark": mark},
                denoise=rng.random() < 0.5,
            )
        words = str(caught.value)
        assert f"step {step + 1} of 6" in words
        assert f"sample {row}:" in words
        assert f"for a finite state at t = {grid[step]:g}." in words
        assert ("NaN" if value != value else "infinite") in words


def test_a_fault_that_comes_once_is_found_too():
    def fn(x, t):
        fn.calls += 1
        return shrink(x, t) * (float("nan") if fn.calls == 4 else 1)

    for fn.calls in (0, -2):
        with pytest.raises(zoo.ModelError, match="does not answer the same twice"):
            sample(given=model(fn=fn))


def test_faults_at_the_ends():
    x = torch.zeros(3, 2)
    x[1, 0] = float("nan")
    with pytest.raises(zoo.ModelError, match=r"in the start, first in sample 1"):
        sample(x=x)
    last = zoo.grid("karras").make_grid(EDM, 6).times[-1]
    with pytest.raises(zoo.ModelError, match="in the last denoise, first in sample 0"):
        sample(
            given=model(fn=lambda x, t: shrink(x, t) * (float("nan") if float(t[0]) < 1.001 * last else 1)),
            denoise=True,
        )


def test_an_overflowing_solver_is_told_from_a_bad_model():
    with pytest.raises(zoo.ModelError, match="the solver made a state with an infinite value"):
        sample(given=model(fn=lambda x, t: 3e38 * torch.ones_like(x), prediction="eps"))


@pytest.mark.parametrize(
    "fn",
    [
        lambda x, t: x[:, :1],
        lambda x, t: x.sum(),
        lambda x, t: None,
        lambda x, t: (x,),
        lambda x, t: x.long(),
        lambda x, t: x.to("meta"),
        lambda x, t: x + 0j,
    ],
)
def test_a_useless_answer_is_refused(fn):
    with pytest.raises(zoo.ModelError, match="model returned a"):
        sample(given=model(fn=fn))


def test_a_state_that_changes_shape_is_refused():
    class Broadcasting(zoo.ScoreModel):
        sde, kind, shape = EDM, "x0", (2,)

        def predict(self, x, point, **condition):
            return x[:, None].expand(len(x), 3, 2)

    with pytest.raises((zoo.ModelError, RuntimeError)):
        sample(given=Broadcasting(), n=3)

    class Widening(Carrying):
        card = zoo.SolverCard(
            name="widening", title="", family="test", source=zoo.Source(authors="", title="", where="")
        )

        def step(self, model, x, interval, memory, noise):
            return zoo.Step(x.double())

    with pytest.raises(zoo.ModelError, match=r"torch\.float64"):
        sample(Widening())


def test_an_error_of_the_model_comes_through():
    def fn(x, t):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        sample(given=model(fn=fn))


@pytest.mark.parametrize("given", [{"steps": 5, "nfe": 5}, {"steps": 5, "grid": [5.0, 1.0]}, {"grid": "no-such-grid"}])
def test_encoding_asks_for_its_grid_as_sampling_does(given):
    model = zoo.model("ring")
    errors = []
    for run in (
        lambda: zoo.sample(model, "ddim", n=2, **given),
        lambda: zoo.encode(model, zoo.sample(model, n=2).x, "ddim", **given),
    ):
        with pytest.raises(zoo.ZooError) as caught:
            run()
        errors.append(str(caught.value))
    assert errors[0] == errors[1]


def test_settings_are_the_arguments_of_sample_with_their_defaults():
    given = inspect.signature(zoo.sample).parameters
    beside = {"model", "grad", "callback", "progress", "resume"}  # what the run is of, and what only watches it
    settings = {field.name: field.default for field in dataclasses.fields(Settings)}
    assert {name: value.default for name, value in given.items() if name not in beside} == settings
    assert given["solver"].default == "heun"
    Settings(**{name: name for name in settings})  # nothing is checked or made before the job


def test_every_argument_of_sample_reaches_its_setting(monkeypatch):
    given = {field.name: object() for field in dataclasses.fields(Settings)}
    seen = {}

    def new_job(model, settings):
        seen.update(vars(settings))
        raise zoo.OptionError("far enough")

    monkeypatch.setattr("solvers_zoo.sampling.driver.new_job", new_job)
    with pytest.raises(zoo.OptionError, match="far enough"):
        zoo.sample(model(), **given)
    assert seen == given
