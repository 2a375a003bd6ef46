"""The benchmark of solver cost runs, subtracts what it says, and needs its peers only when asked."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import sys

import pytest
import torch
from needs import needs

import solvers_zoo as zoo
from solvers_zoo.bench import overhead
from solvers_zoo.bench.overhead import clock, comparison, gpu, sides
from solvers_zoo.bench.overhead.__main__ import main
from solvers_zoo.interop import libraries

TINY = [(2, 3)]


@pytest.fixture(autouse=True)
def short_turns(monkeypatch):
    """Every part once a round."""
    monkeypatch.setattr(clock, "TURN", 0.0)


# -- measuring ---------------------------------------------------------------------------------------------------------


@needs("k-diffusion")
def test_measure_runs_and_leaves_no_trace():
    before, threads, draw = set(sys.modules), torch.get_num_threads(), torch.randn_like
    seen = []
    (row,) = overhead.measure(["heun"], TINY, ["k-diffusion"], 2, lambda *at: seen.append(at), steps=6, device="cpu")
    assert (row.solver, row.library, row.peer, row.shape) == ("heun", "k-diffusion", "sample_heun", (2, 3))
    assert row.target == 0.35
    assert row.host == ""
    figures = (
        *row.zoo,
        *row.other,
        row.one_pass,
        row.passes,
        row.zoo_start,
        row.other_start,
        row.ratio,
        row.median_ratio,
    )
    assert all(map(math.isfinite, figures))
    assert seen == [(0, 1), (1, 1)]
    assert not {name for name in set(sys.modules) - before if name.startswith("torchvision")}
    assert torch.get_num_threads() == threads
    assert torch.randn_like is draw


@needs("k-diffusion", "diffusers", "azula")
def test_every_pair_runs():
    rows = overhead.measure(shapes=TINY, repeats=1, steps=6, device="cpu")
    assert [(row.peer, row.note) for row in rows] == [(pair.name, "") for pair in overhead.PAIRS]


def test_a_solver_that_no_peer_has_stands_alone():
    rows = overhead.measure(["rk4"], TINY, repeats=1, steps=6, device="cpu")
    (row,) = (row for row in rows if row.solver)  # another says of each peer that it is not installed
    assert (row.library, row.other, row.ratio, row.holds) == ("", None, None, None)
    assert math.isfinite(row.zoo.fastest)


@pytest.mark.parametrize(
    ("solver", "reason"),
    [
        ("ideal", "An exact flow needs a model whose law is known"),
        ("torchdiffeq-dopri5", "evaluations that do not grow with the grid's steps"),
    ],
)
def test_a_solver_that_cannot_be_measured_is_a_row_with_its_reason(solver, reason):
    rows = overhead.measure([solver], TINY, repeats=1, steps=6, device="cpu")
    (row,) = (row for row in rows if row.solver)  # another says of each peer that it is not installed
    assert row.zoo is None
    assert row.note.startswith(f"not measured: {reason}")


def test_a_busy_thread_slows_the_figures_by_what_it_does():
    """Costs are differences of runs over their steps: a part that is ten times as long costs ten times as much."""

    def spin(n):
        return lambda: sum(range(n))

    rounds = clock.interleaved({"one": spin(20_000), "ten": spin(200_000)}, 5)
    assert 5 < rounds.fastest(lambda seconds: seconds["ten"] / seconds["one"]) < 20
    assert len(rounds) == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 20}, "steps = 20 is not possible; it takes a multiple of 6"),
        ({"device": "tpu"}, "device = 'tpu' is not possible; it is cpu or cuda"),
        ({"repeats": 0}, "repeats = 0 is not possible"),
        ({"shapes": [(2, 0)]}, "shape = 2,0 is not possible"),
        ({"peers": ["k_diffusion"]}, "peer 'k_diffusion' is not known; it is one of k-diffusion, diffusers, azula"),
    ],
)
def test_impossible_arguments_are_refused(settings, message):
    with pytest.raises(zoo.OptionError, match=message):
        overhead.measure(**settings)


@pytest.mark.parametrize("library", libraries.LIBRARIES)
def test_without_a_peer_the_message_says_how_to_get_it(monkeypatch, library):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(zoo.PluginError, match=f"{library} is not installed; `pip install"):
        overhead.measure(["heun"], TINY, [library])


def test_without_any_peer_the_rows_say_so(monkeypatch):
    monkeypatch.setattr(libraries, "installed", lambda library: False)
    monkeypatch.setattr(comparison, "installed", lambda library: False)
    alone, *others = overhead.measure(["euler"], TINY, repeats=1, steps=6, device="cpu")
    assert alone.library == ""
    assert [row.note for row in others] == [f"not measured: {name} is not installed" for name in overhead.LIBRARIES]


def test_setup_makes_grid_and_coefficients():
    milliseconds = overhead.setup_milliseconds(zoo.solver("heun"), zoo.grid("karras"), zoo.VP(), steps=10, repeats=1)
    assert 0 < milliseconds < math.inf


def test_noise_is_ready():
    x = torch.zeros(4, 2)
    noise = sides.Ready(x)
    assert noise.at(0).fresh() is noise.at(7).between()
    assert noise.between(area=True)[1].shape == x.shape
    assert noise.uniform().tolist() == [0.5] * 4
    assert torch.equal(noise.path(1.0, 5.0).value(5.0), 2 * noise.fresh())


@needs("azula")
@pytest.mark.parametrize(
    "pair", [pair for pair in overhead.PAIRS if pair.library == "azula"], ids=lambda pair: pair.solver
)
def test_azula_takes_the_same_steps(pair):
    """The other pairs are held to the same numbers by the agreement tests."""
    x = 20 * torch.randn(5, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    noise = sides.Ready(x)

    def model(x, t):
        return torch.tanh(x)

    with contextlib.ExitStack() as silent, torch.no_grad():
        theirs = sides.peer_side(pair, x, noise, silent)(model, 9)
        ours = sides.zoo_side(pair.solver, "edm", x, noise, rule="log-snr")(model, 9).x
    assert (ours - theirs).abs().max() < 1e-9 * theirs.abs().max()


# -- what a step is made of --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("solver", "evaluations", "updates"),
    [
        ("euler", 1, {2: 1}),
        ("heun", 2, {2: 1, 3: 1}),
        ("dpm-solver-2(r1=0.4)", 2, {2: 1, 3: 1}),
        ("dpmpp-2m", 1, {3: 1}),
        ("dpmpp-3m-published", 1, {4: 1}),
        ("dpmpp-2m-sde", 1, {4: 1}),
        ("ddpm", 1, {3: 1}),
        ("unipc(order=2,b=bh2)", 1, {4: 1}),
    ],
)
def test_arrays_and_evaluations_of_a_step_are_counted(solver, evaluations, updates):
    found = overhead.anatomy(solver)
    assert found.evaluations == evaluations
    assert found.updates == updates
    assert found.kernels >= sum(updates)


#: Bridges hand their times over as tensors and follow the library's own loop; parallel sampling looks at its error.
WAITING = {"torchdiffeq", "torchsde"}
LOOKING = {"picard"}


@pytest.mark.slow
def test_no_solver_makes_the_host_wait_but_those_that_must():
    """Adaptive and implicit methods decide by values; nothing else looks at one or copies one."""
    for card in zoo.solvers():
        if card.name == "ideal":
            continue  # no solver of a function: it needs the law
        read = overhead.host_reads(card.name, comparison.alone(card.name).form)
        must = card.adaptive or card.implicit or card.family in WAITING or card.name in LOOKING
        assert bool(read) == must, f"{card.name}: {read}"


class Peeping(zoo.StepSolver):
    """Euler's step, and something that makes the host wait."""

    card = zoo.SolverCard(
        name="peeping", title="Peeping", family="test", source=zoo.Source(authors="", title="", where="")
    )
    what: str = zoo.option("value", help="what it does")

    def step(self, model, x, interval, memory, noise):
        now = model(x, interval.t)
        acts = {
            "value": lambda: float(x.sum()),
            "branch": lambda: x.sum() > 0 or None,
            "list": lambda: x.tolist(),
            "host": lambda: x.cpu(),
            "made": lambda: x * torch.tensor([1.0], device=x.device),
            "new": lambda: x * x.new_tensor([1.0]),
            "moved": lambda: x * torch.ones(1).to(x.device),
            "mask": lambda: x[x > 0],
            "places": lambda: x[torch.tensor([0, 1])],
            "equal": lambda: x.equal(now.out),
            "solve": lambda: torch.linalg.solve(x @ x.mT, x),
            "nothing": lambda: x * torch.tensor(2.0) + torch.where(x > 0, x, 0.0),
        }
        if acts[self.what]() is None:
            raise AssertionError
        return zoo.Step(now.mix(interval.s.alpha, interval.s.sigma)) if not interval.number else zoo.Step(x)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("value", "a look at values"),
        ("branch", "a look at values"),
        ("list", "a copy between host and device"),
        ("host", "a copy between host and device"),
        ("made", "a copy of numbers to the device"),
        ("new", "a copy of numbers to the device"),
        ("moved", "a copy between host and device"),
        ("mask", "a mask whose entries are counted"),
        ("places", "a copy of indices to the device"),
        ("equal", "a look at values (equal)"),
        ("solve", "a look at values (linalg_check_errors)"),
        ("nothing", ""),
    ],
)
def test_what_makes_the_host_wait_is_found_and_named(what, said):
    found = overhead.host_reads(Peeping(what=what))
    assert found.startswith(said)
    assert bool(found) == bool(said)
    assert not said or "test_overhead" in found


# -- the GPU's part, as far as it goes without one -----------------------------------------------------------------------


def test_without_a_gpu_a_row_says_so(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    rows = overhead.measure(["euler"], TINY, [], 1, steps=6)
    assert (rows[-1].device, rows[-1].note) == ("cuda", "not measured: no GPU here")


def test_a_replay_is_compared_from_other_starts():
    x = torch.randn(3, 2)

    def run(start):
        return start * 2

    frozen = run(x)

    def refuses(run, x):
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    assert gpu.replay_verdict(run, x, capture=lambda run, x: run) == "one CUDA graph, replay equals the loop"
    assert "other numbers" in gpu.replay_verdict(run, x, capture=lambda run, x: lambda start: frozen)
    assert gpu.replay_verdict(run, x, capture=refuses).startswith("not one CUDA graph: operation not permitted when")


def test_waiting_gives_torchs_words():
    def waits():
        raise RuntimeError("called a synchronizing CUDA operation\nmore")

    assert gpu.waiting(lambda: None, contextlib.nullcontext) == ""
    assert gpu.waiting(waits, contextlib.nullcontext) == "called a synchronizing CUDA operation"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("solver", ["heun", "dpmpp-2m", "unipc", "ipndm-4"])
def test_the_loop_is_one_cuda_graph(solver):
    row = gpu.inspect_loop(solver, "edm", (8, 3, 16, 16), 12)
    assert (row.host, row.note) == ("", "one CUDA graph, replay equals the loop")


# -- what is printed -----------------------------------------------------------------------------------------------------


def rows():
    """Two shapes of one pair."""
    cost = overhead.Cost(1.0, 2.0), overhead.Cost(4.0, 5.0)
    return [
        overhead.Row("heun", shape, "cpu", "diffusers", "H", *cost, 0.5, 0.6, 2.0, 3.0, target)
        for shape, target in (((2, 3), 0.25), ((4, 3), 0.2))
    ]


def test_markdown_has_a_line_a_pair():
    assert list(overhead.markdown([*rows(), overhead.Row("heun", (), "cuda", note="not measured")])) == [
        "| zoo | peer | 2x3: zoo | peer | ratio | 4x3: zoo | peer | ratio | one pass | passes |",
        "|---|---|---|---|---|---|---|---|---|---|",
        "| `heun` | `H` | 1 | 4 | 0.25 | 1 | 4 | 0.25 | 0 | 1 |",
    ]


def test_the_table_says_whether_targets_hold():
    headings, lines = overhead.table(rows())
    found = [dict(zip(headings, line, strict=True)) for line in lines]
    assert [line["target"] for line in found] == ["0.25 ok", "0.20 missed"]
    assert [line["beside"] for line in found] == ["diffusers H"] * 2
    assert found[0]["median"] == "0.40"


def test_a_record_is_plain():
    record = rows()[1].record()
    assert (record["shape"], record["zoo"], record["zoo_median"], record["holds"]) == ("4x3", 1.0, 2.0, False)
    json.dumps(record)


@needs("k-diffusion")
def test_command_prints_json_and_tables(capsys):
    command = [
        "--solvers",
        "euler-ancestral",
        "--peers",
        "k-diffusion",
        "--steps",
        "6",
        "--repeats",
        "1",
        "--shape",
        "2,3",
    ]
    main([*command, "--device", "cpu", "--json"])
    assert [row["peer"] for row in json.loads(capsys.readouterr().out)] == ["sample_euler_ancestral"]
    main([*command, "--device", "cpu", "--markdown"])
    assert capsys.readouterr().out.splitlines()[-1].startswith("| `euler-ancestral` | `sample_euler_ancestral` |")
    main(command)
    out = capsys.readouterr().out
    assert "euler-ancestral" in out
    assert "2x3" in out
