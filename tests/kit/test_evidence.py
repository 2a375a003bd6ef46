"""Evidence goes stale with the code that it depends on, and with nothing else; a run of the tests then finds a planted error."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import solvers_zoo as zoo
from solvers_zoo import registry
from solvers_zoo.registry.reach import Code
from solvers_zoo.registry.source_hash import source_of
from solvers_zoo.testing import measured
from solvers_zoo.testing.evidence import Evidence

ENTRIES = registry.default().entries("solver")
NOW = Evidence()
HASHES = {entry.card.name: NOW.hash_of(entry) for entry in ENTRIES}


def stale_after(module: str, before: str, after: str) -> set[str]:
    """The solvers whose hash another text of one module changes."""
    text = source_of(module).decode()
    assert before in text, f"{before!r} is not in {module}"
    changed = Evidence(changed={module: text.replace(before, after, 1)})
    return {entry.card.name for entry in ENTRIES if changed.hash_of(entry) != HASHES[entry.card.name]}


def users_of(base: type) -> set[str]:
    """The solvers of a class, and those that hold one by default or are said to equal one."""
    found = set()
    for entry in ENTRIES:
        solver = zoo.solver(entry.card.name)
        others = [zoo.solver(name) for name in {*entry.card.equivalents, *solver.facts().equivalents}]
        parts = [solver, *others]
        for part in parts:  # grows while it is gone through
            parts += [held for name in part.options() if isinstance(held := getattr(part, name), zoo.Solver)]
        if any(isinstance(part, base) for part in parts):
            found.add(entry.card.name)
    return found


def test_an_error_in_a_solver_makes_its_own_evidence_stale_and_that_of_solvers_that_use_it():
    assert stale_after("zoo_dpm.ttm", "noise: Draws) -> Step:", "noise: Draws) -> Step:\n        x = -x") == {"ttm"}
    found = stale_after("zoo_multistep.pndm", "-> Step:", "-> Step:\n        x = -x")
    assert found == users_of(type(zoo.solver("pndm"))) == {"pndm"}
    found = stale_after("zoo_ddpm.ddpm", "-> Step:", "-> Step:\n        x = -x")
    assert found == users_of(type(zoo.solver("ddpm")))
    assert {"ddpm", "repaint"} <= found


def test_a_row_of_a_table_of_methods_makes_that_method_alone_stale():
    found = stale_after("zoo_runge_kutta.methods", "A=((), (2 / 3,))", "A=((), (1 / 3,))")
    assert found == users_of(type(zoo.solver("ralston")))
    assert len(found) < 4


@pytest.mark.parametrize("name", ["Multistep", "StageSolver", "AdaptiveSteps"])
def test_an_error_in_a_shared_class_makes_stale_what_uses_it(name):
    base = getattr(zoo, name, None) or getattr(__import__("solvers_zoo.solving", fromlist=[name]), name)
    found = stale_after(base.__module__, f"class {name}(", f"class {name}(object, ")
    assert found >= users_of(base)
    assert len(found) < len(ENTRIES)
    assert ("dpmpp-2m" in found) == (name == "Multistep")


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("solvers_zoo.numerics.combine", "def combine(", "def combine(planted, "),
        ("solvers_zoo.processes.ou", "class OU(", "class OU(object, "),
        (
            "solvers_zoo.testing.check_law",
            "def check_affine(subject: Subject)",
            "def check_affine(subject: Subject, planted=1)",
        ),
        ("solvers_zoo.testing.problems", "[0.3, 0.7]", "[0.4, 0.6]"),
    ],
)
def test_what_every_measurement_uses_makes_all_stale(module, before, after):
    assert stale_after(module, before, after) == set(HASHES)


@pytest.mark.parametrize(
    ("module", "before", "after"),
    [
        ("solvers_zoo.errors", "class ZooError", "# a comment\nclass ZooError"),
        ("solvers_zoo.solving.multistep", '"""', '"""Other words. '),
        ("zoo_ddpm.ddim", 'r"""', 'r"""Other words. '),
        ("zoo_ddpm.ddim", "x: Tensor", "x: object"),
        ("zoo_ddpm.ddim", "-> Step:", "-> object:"),
        ("zoo_ddpm", "[DDIM, DDPM]", "[DDPM, DDIM]"),
        ("solvers_zoo.registry.registry", "def make(", "def made(x):\n        return x\n\n    def make("),
        ("solvers_zoo.cli.common", "def ", "def planted():\n    return 1\n\n\ndef "),
    ],
)
def test_comments_docstrings_annotations_and_what_computes_nothing_make_none_stale(module, before, after):
    assert stale_after(module, before, after) == set()


def test_a_missing_or_other_hash_is_stale_and_the_right_one_is_not(monkeypatch):
    kept = {("solvers-zoo", name): value for name, value in HASHES.items()}
    first, second = sorted(HASHES)[:2]
    kept["solvers-zoo", first] = "0" * 16
    del kept["solvers-zoo", second]
    monkeypatch.setattr(measured, "evidence", lambda plugins: kept)
    assert [entry.card.name for entry in NOW.stale()] == [first, second]


# -- what a definition reaches -------------------------------------------------------------------------------------

MODULES = {
    "zoo_fake_reach": "",
    "zoo_fake_reach.start": """
from typing import TYPE_CHECKING
import zoo_fake_reach.far as away
from zoo_fake_reach import offered
if TYPE_CHECKING:
    from zoo_fake_reach.aside import Seen
TABLE = {}
TABLE["x"] = helper
LIMIT: int = 3
def helper(): return away.deep.thing()
def unused(): return away.other
class Base:
    field: int = 1
class Start(Base):
    def step(self, x: Seen) -> Seen:
        from .near import g
        return TABLE, g(offered.PUBLIC)
print(LIMIT)
""",
    "zoo_fake_reach.near": "def g(x): return h(x)\ndef h(x): return x\ndef i(x): return x\n",
    "zoo_fake_reach.far": "from zoo_fake_reach import deep\nother = 1\n",
    "zoo_fake_reach.deep": "def thing(): return 1\n",
    "zoo_fake_reach.aside": "class Seen: pass\n",
    "zoo_fake_reach.offered": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from zoo_fake_reach.home import PUBLIC as PUBLIC\n",
    "zoo_fake_reach.home": "PUBLIC = 7\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "zoo_fake_reach"
    folder.mkdir()
    for name, text in MODULES.items():
        (folder / f"{name.partition('.')[2] or '__init__'}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)


def test_names_are_followed_through_imports_modules_tables_and_packages(package):
    code = Code(["zoo_fake_reach"])
    found = code.reach([("zoo_fake_reach.start", "Start")])
    names = {f"{module.partition('.')[2]}.{name}" for module, name in found}
    assert names == {
        "start.Start", "start.Base", "start.TABLE", "start.helper", "start.LIMIT", "start.",
        "near.g", "near.h", "deep.thing", "home.PUBLIC",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ("field: int = 1", "field: float = 1", True),
        ("LIMIT: int", "LIMIT: float", False),
        ("return TABLE", "return LIMIT, TABLE", True),
        ("def unused(): return away.other", "def unused(): return 5", False),
        ('TABLE["x"]', 'TABLE["y"]', True),
        ("print(LIMIT)", "print(LIMIT, LIMIT)", True),
        ("from .near import g", "from .near import i as g", True),
        ("x: Seen", "x: int", False),
    ],
)
def test_what_runs_counts(package, before, after, counts):
    root, text = ("zoo_fake_reach.start", "Start"), MODULES["zoo_fake_reach.start"]
    first = Code(["zoo_fake_reach"]).hash_of([root])
    changed = Code(["zoo_fake_reach"], changed={root[0]: text.replace(before, after)})
    assert (changed.hash_of([root]) != first) == counts


# -- a run of the tests --------------------------------------------------------------------------------------------

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copied(tmp_path):
    """A copy of the tree with fresh evidence of every solver, and the tests that renew it."""
    for folder in ("solvers_zoo", "plugins"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.tmp"))
    for plugin in registry.default().plugins:
        names = [entry.card.name for entry in plugin.entries if entry.card.kind == "solver"]
        if names and plugin.dist == "solvers-zoo":
            path = tmp_path / "plugins" / plugin.module / measured.FILE
            rows = json.loads(path.read_text())
            path.write_text(json.dumps({name: rows.get(name, {}) | {"evidence": HASHES[name]} for name in names}))
    for name in ("draw.py", "conftest.py", "needs.py", "kit/evidence.py", "kit/test_bundled.py"):
        (tmp_path / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(folder, *arguments):
    """The tests of a copied tree, whose packages come before the installed ones."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/kit/test_bundled.py", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'plugins'}", "ZOO_CI": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )


def test_the_next_run_finds_a_planted_error(copied):
    solver = copied / "plugins" / "zoo_multistep" / "pndm.py"
    text = solver.read_text()
    line = "noise: Draws) -> Step:\n"
    assert line in text
    solver.write_text(text.replace(line, f"{line}        x = x * (1 + 1e-3)\n"))
    done = run(copied, "-k", "(every_claim and pndm) or unmeasured")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "test_every_claim_of_a_solver_holds[pndm]" in done.stdout
    assert "1 failed, 1 passed" in done.stdout
    assert "ZOO_DRAW=" in done.stdout
