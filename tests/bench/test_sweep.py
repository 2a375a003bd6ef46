"""Sweeps: what is missing is computed, once, whoever asks and whatever dies; what fails is a row with its reason."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import kill_sweep
import pytest
from kill_sweep import SWEEP, results

from solvers_zoo import registry
from solvers_zoo.bench.cell import Cell
from solvers_zoo.bench.cell_parts import code_of
from solvers_zoo.bench.run import bench
from solvers_zoo.bench.store import Store

HERE = Path(__file__).parent
SERIAL = registry.default().make("executor", "serial")


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the solver ``traced`` notes its runs."""
    path = tmp_path / "trace"
    monkeypatch.setenv("ZOO_TRACE", str(path))
    return path


def runs(trace: Path) -> int:
    return len(trace.read_text().splitlines()) if trace.exists() else 0


def test_only_what_is_missing_is_computed(tmp_path: Path, trace: Path):
    sweep = replace(SWEEP, solvers=("traced", "heun"), nfe=(4, 6, 8))
    first = bench(sweep, Store(tmp_path / "store"), SERIAL)
    assert (first.done, first.fresh, runs(trace)) == (6, 6, 3)
    again = bench(sweep, Store(tmp_path / "store"), SERIAL)
    assert (again.done, again.fresh, runs(trace)) == (6, 0, 3)
    more = bench(replace(sweep, nfe=(4, 6, 8, 10)), Store(tmp_path / "store"), SERIAL)
    assert (more.done, more.fresh, runs(trace)) == (8, 2, 4)
    forced = bench(sweep, Store(tmp_path / "store"), SERIAL, again="all")
    assert (forced.done, forced.fresh, runs(trace)) == (6, 6, 7)
    assert [record.result for record in forced.records] == [record.result for record in first.records]


def test_other_code_is_another_cell(tmp_path: Path):
    plugin = tmp_path / "mine.py"
    text = (HERE / "odd_solvers.py").read_text()
    script = f"""
from solvers_zoo import registry
from solvers_zoo.bench.cell_parts import code_of
from solvers_zoo.bench.cell import Cell
registry.default().load_file({str(plugin)!r})
print(code_of(Cell(model="ring", sde="ve", solver="traced", grid="karras"))["solver"])
"""
    hashes = []
    for content in (text, text.replace("an hour", "two hours")):
        plugin.write_text(content)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        hashes.append(done.stdout)
    assert hashes[0] != hashes[1]


def test_the_same_metrics_on_one_worker_on_two_and_on_three_runs(tmp_path: Path):
    kinds = ("serial", "processes(workers=1)", "processes(workers=2)")
    for number, spec in enumerate(kinds):
        bench(SWEEP, Store(tmp_path / str(number)), registry.default().make("executor", spec))
    assert len({results(tmp_path / str(number)) for number in range(len(kinds))}) == 1


def test_eight_processes_compute_each_cell_once(tmp_path: Path, trace: Path):
    sweep = replace(SWEEP, solvers=("traced",), nfe=tuple(range(2, 26)))
    children = [kill_sweep.forked(lambda: bench(sweep, Store(tmp_path / "store"), SERIAL) and None) for _ in range(8)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    steps = Counter(int(line.split()[1]) for line in trace.read_text().splitlines())
    assert steps == dict.fromkeys(range(2, 26), 1)
    assert len({line.split()[0] for line in trace.read_text().splitlines()}) > 1, "one process did all the work"


def test_a_killed_process_leaves_no_lock_behind(tmp_path: Path):
    sweep = replace(SWEEP, solvers=("hangs",), nfe=(4,))
    store = Store(tmp_path / "store")
    reading, writing = os.pipe()

    def hang() -> None:
        cell = sweep.cells()[0]
        with Store(tmp_path / "store").claim(cell.key(code_of(cell))) as mine:
            os.write(writing, b"1" if mine else b"0")
            signal.pause()

    from solvers_zoo.registry.registry import load_plugins

    load_plugins(sweep.plugins)
    child = kill_sweep.forked(hang)
    assert os.read(reading, 1) == b"1"
    cell: Cell = sweep.cells()[0]
    with store.claim(cell.key(code_of(cell))) as mine:
        assert not mine
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with store.claim(cell.key(code_of(cell))) as mine:
        assert mine


def test_twenty_kills_lose_double_and_spoil_nothing():
    kinds = kill_sweep.campaign(20, seed=int.from_bytes(os.urandom(4), "big"))
    assert kinds["moment"] >= 2, kinds
    assert kinds["operation"] >= 2, kinds


@pytest.mark.parametrize("executor", ["serial", "processes(workers=2)"])
def test_what_fails_is_a_row_with_its_reason_and_stops_nothing(executor: str, tmp_path: Path):
    sweep = replace(SWEEP, solvers=("heun", "raises", "gives-nan", "hangs"), nfe=(4,), limit=8.0)
    done = bench(sweep, Store(tmp_path / "store"), registry.default().make("executor", executor))
    assert (done.done, done.failed) == (1, 3)
    why = {(record.cell.solver, record.result["kind"]) for record in done.records if record.status == "failed"}
    assert why == {("raises", "error"), ("gives-nan", "nan"), ("hangs", "timeout")}
    reasons = {record.cell.solver: record.result["reason"] for record in done.records}
    assert "nothing </script> to divide by" in reasons["raises"]
    again = bench(replace(sweep, solvers=("raises", "heun", "gives-nan")), Store(tmp_path / "store"), SERIAL)
    assert again.fresh == 0, "an error is a result, until the code changes"
    retried = bench(replace(sweep, solvers=("raises", "heun")), Store(tmp_path / "store"), SERIAL, again="failed")
    assert retried.fresh == 1


def test_cells_without_a_meaning_are_skipped_with_a_reason(tmp_path: Path):
    done = bench(replace(SWEEP, solvers=("rk4",), nfe=(3, 8)), Store(tmp_path / "store"), SERIAL)
    assert (done.done, done.skipped) == (1, 1)
    assert "does not pay for one step" in done.records[0].result["reason"]


def test_a_record_holds_what_a_reader_asks_for(tmp_path: Path):
    done = bench(replace(SWEEP, solvers=("heun",), nfe=(8,), repeats=3), Store(tmp_path / "store"), SERIAL)
    (record,) = done.records
    assert json.loads(json.dumps(record.facts())) == record.facts()
    assert (record.result["nfe"], record.result["steps"], record.result["stochastic"]) == (8, 4, False)
    assert record.run["seconds"] >= record.run["seconds_min"] > 0
    assert 1 <= len(record.run["repeats"]) <= 3
    assert {"cpu", "cores", "threads", "torch", "python", "solvers_zoo"} <= record.run["machine"].keys()
    assert Store(tmp_path / "store").samples(record.key).shape == (64, 2)
