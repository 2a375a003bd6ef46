"""Third-party plugins from a stranger's side: installed by pip into a fresh environment beside the zoo, then used."""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import venv
from pathlib import Path

import pytest
from run_zoo import run_zoo

EXAMPLE = Path(__file__).parents[2] / "examples" / "zoo-pfdiff"


class Environment:
    """A virtual environment that sees this one's packages, the zoo among them, and has what is installed into it."""

    def __init__(self, folder: Path) -> None:
        venv.EnvBuilder(with_pip=True, symlinks=True).create(folder)
        self.python = folder / "bin" / "python"
        own = Path(self.run("-c", "import site; print(site.getsitepackages()[0])").strip())
        lines = [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages()]
        (own / "beside.pth").write_text("\n".join(lines) + "\n")

    def run(self, *arguments: object, status: int = 0) -> str:
        """Run this environment's Python and return what it prints."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ZOO_", "PYTEST", "PYTHON"))}
        done = subprocess.run(
            [str(self.python), *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.python.parents[1],
            env={**kept, "OMP_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def zoo(self, *arguments: object, status: int = 0) -> str:
        """Run ``zoo`` there."""
        return self.run("-m", "solvers_zoo.cli", *arguments, status=status)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> tuple[Environment, list[Path]]:
    """An environment with the example and with what ``zoo new-plugin`` makes, both installed offline."""
    folder = tmp_path_factory.mktemp("third-party")
    example = Path(shutil.copytree(EXAMPLE, folder / EXAMPLE.name))
    made = run_zoo("new-plugin", "my-solver", "--path", folder, "--json")
    assert made.status == 0, made.err
    found = Environment(folder / "env")
    distributions = [example, folder / "zoo-my-solver"]
    found.run("-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation", *distributions)
    return found, distributions


def test_list_shows_what_was_installed(environment: tuple[Environment, list[Path]]):
    listed = json.loads(environment[0].zoo("list", "--json"))
    assert listed["problems"] == []
    dists = {card["name"]: card["dist"] for card in listed["solvers"]}
    assert dists["pfdiff"] == "zoo-pfdiff"
    assert dists["my-solver"] == "zoo-my-solver"
    assert dists["heun"] == "solvers-zoo"


def test_sample_knows_it(environment: tuple[Environment, list[Path]]):
    line = ["sample", "--steps", 6, "-n", 40, "--json", "--solver"]
    assert json.loads(environment[0].zoo(*line, "pfdiff:middle=sigma"))["nfe"] == 6


def test_check_holds_them_to_their_cards(environment: tuple[Environment, list[Path]]):
    report = json.loads(environment[0].zoo("check", "pfdiff", "zoo-my-solver", "--json"))
    assert report["ok"] is True
    assert [one["solver"] for one in report["solvers"]] == ["pfdiff", "zoo-my-solver:my-solver"]
    assert all(len(one["findings"]) > 20 for one in report["solvers"])


def test_their_own_tests_pass(environment: tuple[Environment, list[Path]]):
    found, distributions = environment
    out = found.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *(folder / "tests" for folder in distributions))
    assert "passed" in out
    assert "failed" not in out
