"""Claims and many writers: one process at a time, whoever is killed, and every cell once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cells import cell, record

from solvers_zoo.bench.store import Store
from solvers_zoo.storage import locks

HERE = Path(__file__).parent


def script(code: str, *arguments: object, **more: Any) -> subprocess.Popen[str]:
    """A process of its own that has the store at hand; neither torch nor numpy is loaded."""
    before = (
        "import os, random, signal, sys\nfrom solvers_zoo.bench.store import Store\nfrom cells import cell, record\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", before + code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE,
        **more,
    )


def said(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    return out.strip()


TRY = "with Store(sys.argv[1]).claim(sys.argv[2]) as mine:\n    print(mine)"
HOLD = "with Store(sys.argv[1]).claim(sys.argv[2]) as mine:\n    print(mine, flush=True)\n    sys.stdin.readline()"
KEY = "ab" * 32


def free(folder: Path, key: str = KEY) -> bool:
    """Whether another process could claim it."""
    return said(script(TRY, folder, key)) == "True"


def test_a_claim_is_one_process_s(tmp_path):
    store = Store(tmp_path)
    with store.claim(KEY) as mine, store.claim(KEY) as twice, store.claim("cd" * 32) as other:
        assert (mine, twice, other) == (True, False, True)
        assert not free(tmp_path)
    assert free(tmp_path)
    with pytest.raises(ValueError, match="inside"), store.claim(KEY):
        raise ValueError("inside")
    assert free(tmp_path)


def test_another_store_on_the_folder_costs_no_claim(tmp_path, monkeypatch):
    """POSIX drops a process's locks when it closes any descriptor of the file."""
    store = Store(tmp_path)
    monkeypatch.chdir(tmp_path.parent)
    with store.claim(KEY):
        for again in (Store(tmp_path), Store(tmp_path.name), Store(f"{tmp_path}/../{tmp_path.name}")):
            with again.claim("cd" * 32) as other, again.claim(KEY) as mine:
                assert (other, mine) == (True, False)
        assert not free(tmp_path)
    handles = len(os.listdir("/dev/fd"))
    for _ in range(20):
        with Store(tmp_path).claim(KEY):
            assert len(os.listdir("/dev/fd")) == handles


def test_threads_of_a_process_share_no_claim(tmp_path):
    store = Store(tmp_path)

    def attempt(_: int) -> bool:
        with store.claim(KEY) as mine:
            if mine:
                inside.append(1)
                assert len(inside) == 1
                inside.pop()
            return mine

    inside: list[int] = []
    with ThreadPoolExecutor(8) as pool:
        assert any(pool.map(attempt, range(200)))
    assert free(tmp_path)


def test_a_killed_process_s_claim_is_free_at_once(tmp_path):
    for _ in range(5):
        holder = script(HOLD, tmp_path, KEY)
        assert holder.stdout.readline() == "True\n"
        with Store(tmp_path).claim(KEY) as mine:
            assert not mine
        os.kill(holder.pid, signal.SIGKILL)
        holder.communicate()
        with Store(tmp_path).claim(KEY) as mine:
            assert mine
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["claims"]


def test_a_forked_child_has_no_claims_and_costs_none(tmp_path):
    code = """
import subprocess
store = Store(sys.argv[1])
other = [sys.executable, "-c", "import sys\\nfrom solvers_zoo.bench.store import Store\\n" + sys.argv[3], sys.argv[1], sys.argv[2]]
with store.claim(sys.argv[2]) as mine:
    child = os.fork()
    if child == 0:
        with store.claim(sys.argv[2]) as twice, store.claim("cd" * 32) as own:
            os._exit(0 if (twice, own) == (False, True) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert mine and subprocess.run(other, capture_output=True, text=True).stdout == "False\\n"
    child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert subprocess.run(other, capture_output=True, text=True).stdout == "False\\n"
        gone, go = os.pipe()
        last = os.fork()
        if last == 0:  # begins with a table of its own
            os.read(gone, 1)
            with store.claim(sys.argv[2]) as own:
                os._exit(0 if own else 1)
if child:  # the first child left the context of its parent
    os.write(go, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(last, 0)[1]) == 0
    print("good")
"""
    assert said(script(code, tmp_path, KEY, TRY)) == "good"


def test_a_removed_lock_file_is_made_anew(tmp_path):
    store = Store(tmp_path)
    with store.claim(KEY):
        (tmp_path / "claims").unlink()
    with store.claim(KEY) as mine:
        assert mine
        assert not free(tmp_path)


def test_without_locks_claims_succeed(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    with Store(tmp_path).claim(KEY) as first, Store(tmp_path).claim(KEY) as second:
        assert first
        assert second


def test_who_waits_gets_the_claim_when_it_is_given_up(tmp_path):
    code = """
from pathlib import Path
from solvers_zoo.storage.shared_folder import Keep
print("ready", flush=True)
sys.stdin.readline()
log = os.open(sys.argv[1] + "/log", os.O_WRONLY | os.O_APPEND)
for _ in range(50):
    with Keep(Path(sys.argv[1])).claim("slow", wait=True) as mine:
        assert mine
        os.write(log, b"in\\n")
        os.write(log, b"out\\n")
"""
    (tmp_path / "log").touch()
    each = [script(code, tmp_path) for _ in range(3)]
    for process in each:
        assert process.stdout.readline() == "ready\n"
    for process in each:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in each:
        said(process)
    assert (tmp_path / "log").read_text().split() == ["in", "out"] * 150


# -- many writers ------------------------------------------------------------------------------------------------------

#: Computes 200 keys with others; a victim kills itself in the middle of one, after it has claimed it and before it puts it.
HAMMER = """
store, number, victim = Store(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "victim"
log = os.open(sys.argv[4], os.O_WRONLY | os.O_APPEND)
records = [record(cell(seed=seed)) for seed in range(200)]
random.Random(number).shuffle(records)
print("ready", flush=True)
sys.stdin.readline()
begun, left = 0, records
while left:
    for one in left:
        with store.claim(one.key) as mine:
            if not mine or store.get(one.key) is not None:
                continue
            begun += 1
            os.write(log, f"begun {one.key}\\n".encode())
            if victim and begun == 4:
                os.kill(os.getpid(), signal.SIGKILL)
            store.put(one)
            os.write(log, f"put {one.key}\\n".encode())
    left = [one for one in left if store.get(one.key) is None]
assert not store.damage
"""


@pytest.mark.parametrize("victims", [0, 3])
def test_eight_processes_compute_each_cell_once(folder, victims):
    log = folder / "log"
    log.touch()
    place = folder / "store"
    each = [script(HAMMER, place, i, "victim" if i < victims else "", log) for i in range(8)]
    for process in each:
        assert process.stdout.readline() == "ready\n"
    for process in each:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in each:
        process.communicate(timeout=120)
    died = sum(process.returncode == -signal.SIGKILL for process in each)
    assert [process.returncode for process in each if process.returncode not in (0, -signal.SIGKILL)] == []
    store = Store(place)
    assert sorted(store.records(), key=lambda one: one.cell.seed) == [record(cell(seed=seed)) for seed in range(200)]
    counts = Counter(log.read_text().splitlines())
    puts = {line: count for line, count in counts.items() if line.startswith("put")}
    begun = sum(count for line, count in counts.items() if line.startswith("begun"))
    assert len(puts) == 200
    assert set(puts.values()) == {1}
    assert begun == 200 + died
    assert died == victims
    assert list((place / "unfinished").iterdir()) == []
    with store.claim(store.keys()[0]) as mine:
        assert mine


def test_two_machines_put_one_cell_at_a_time(folder):
    """Without claims, as where a file system has none: a reader meets one or the other, whole."""
    code = """
store, number = Store(sys.argv[1]), sys.argv[2]
for turn in range(200):
    store.put(record(cell(), finished=f"{number}-{turn}"))
"""
    key = record(cell()).key
    Store(folder).put(record(cell(), finished="0-0"))
    writers = [script(code, folder, number) for number in (1, 2)]
    reader, met = Store(folder), set()
    while any(process.poll() is None for process in writers):
        found = reader.get(key)
        assert found is not None
        met.add(found.run["finished"])
    for process in writers:
        said(process)
    assert reader.damage == []
    assert len(met) > 2
    assert list((folder / "unfinished").iterdir()) == []
