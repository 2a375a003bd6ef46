"""Every command that needs no samples, as a user types it. Torch is imported in none of these processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from run_zoo import ZOO, Run, assert_one_sentence, run_each, run_zoo

from solvers_zoo import StorageError
from solvers_zoo.cli.common import check_folder

COMMANDS = ("list", "show", "sample", "check", "plugins", "doctor", "new-plugin")


def test_help_names_every_command_and_loads_no_plugin(tmp_path: Path):
    (tmp_path / "zoo_ddpm.py").write_text("raise AssertionError('help loads no plugin')")
    run = run_zoo("--help", path=tmp_path, ZOO_STRICT="1")
    assert run.status == 0, run.err
    assert all(command in run.out for command in COMMANDS)
    assert run_zoo("--version").out.startswith("solvers-zoo 0.")


def test_help_of_every_command_has_an_example(tmp_path: Path):
    for command, run in zip(COMMANDS, run_each([[command, "--help"] for command in COMMANDS], tmp_path), strict=True):
        assert run.status == 0
        assert f"zoo {command}" in run.out.split("Example")[1]
        assert "--json" in run.out


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["list", "models", "--json"], ["plugins"]])
def test_torch_and_numpy_stay_out(arguments: list[str]):
    code = (
        "import sys\nfrom solvers_zoo.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print(sorted({'torch', 'numpy', 'scipy', 'matplotlib'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"


def test_list_shows_solvers_and_filters_them():
    everything = run_zoo("list")
    assert everything.status == 0
    assert "heun" in everything.out
    assert "NFE/step" in everything.out
    assert run_zoo("list", COLUMNS="60").out.count("\n") == everything.out.count("\n")  # narrow, but a line a solver
    data = run_zoo("list", "--json").json
    assert len(data["solvers"]) >= 25
    assert len({card["plugin"] for card in data["solvers"]}) >= 8
    assert data["problems"] == []
    chosen = run_zoo("list", "--where", "order >= 2 and evaluations == 1", "--deterministic", "--json").json["solvers"]
    assert "dpmpp-2m" in {card["name"] for card in chosen}
    assert all(card["order"] >= 2 and card["evaluations"] == 1 and not card["stochastic"] for card in chosen)
    family = run_zoo("list", "--family", "ddpm", "--stochastic", "--json").json["solvers"]
    assert {card["name"] for card in family} == {"ddpm"}
    assert run_zoo("list", "--where", "order > 99").status == 0


@pytest.mark.parametrize(("kind", "name"), [("sdes", "ou"), ("models", "ring"), ("grids", "karras")])
def test_list_shows_the_other_kinds(kind: str, name: str):
    assert name in {card["name"] for card in run_zoo("list", kind, "--json").json[kind]}
    assert name in run_zoo("list", kind).out


def test_show_tells_formula_source_and_options():
    run = run_zoo("show", "ddim")
    assert run.status == 0
    for words in ("x_s = alpha_s x0", "arXiv:2010.02502", "eta", "zoo sample --solver ddim", "euler"):
        assert words in run.out
    data = run_zoo("show", "ddim(eta=1)", "--json").json
    assert data["stochastic"] is True
    assert data["options"][0]["value"] == 1.0
    assert data["specification"] == "ddim(eta=1.0)"
    assert run_zoo("show", "karras", "--json").json["kind"] == "grid"
    assert run_zoo("show", "edm", "--json").json["kind"] == "sde"


def test_show_mentions_namesakes_of_another_kind():
    assert run_zoo("show", "ddpm", "--json").json["kind"] == "solver"
    assert "zoo show ddpm --kind grid" in run_zoo("show", "ddpm").out
    assert run_zoo("show", "ddpm", "--kind", "grid", "--json").json["kind"] == "grid"


def test_plugins_lists_what_each_gives():
    plugins = run_zoo("plugins", "--json").json
    ddpm = next(plugin for plugin in plugins if plugin["name"] == "ddpm")
    assert ddpm["ok"] is True
    assert "ddim" in ddpm["gives"]["solvers"]
    assert "solvers-zoo" in run_zoo("plugins").out


ERRORS = {
    "show huen": (1, "Did you mean 'heun'", "zoo list"),
    "show": (2, "Missing argument"),
    "show ddim:et=1": (1, "no option 'et'", "'eta'"),
    "lst": (2, "Did you mean 'list'"),
    "list solver": (2, "solvers"),
    "list --where order>=": (1, "Cannot read"),
    "list --where ordr>2": (1, "Did you mean 'order'"),
    "list --family dpmm": (1, "Did you mean"),
    "list sdes --family dpm": (2, "for solvers"),
    "sample --steps 0": (2, "--steps 0", ">= 1"),
    "sample --steps -3": (2, "--steps -3", ">= 1"),
    "sample --steps 2.5": (2, "--steps", "whole number"),
    "sample --nfe 0": (2, "--nfe 0"),
    "sample -n 0": (2, "-n 0"),
    "sample --chunk 0": (2, "--chunk 0"),
    "sample --steps 3 --nfe 3": (2, "not both"),
    "sample --stepz 3": (2, "--stepz", "--steps"),
    "sample --solver huen": (1, "Did you mean 'heun'"),
    "sample --solver ddim:eta=2": (1, "eta", "<= 1"),
    "sample --solver ddim(": (1, "Cannot read"),
    "sample --solver heun:variable=x": (1, "variable", "one of t, sigma, lam"),
    "sample --sde eddm": (1, "Did you mean 'edm'"),
    "sample --grid karas": (1, "Did you mean 'karras'"),
    "sample --start random": (2, "random", "prior"),
    "sample --dtype int8": (2, "int8", "float32"),
    "sample --shape 3,x": (2, "--shape"),
    "sample --out /nowhere/at/all/x.npz": (1, "no folder"),
    "sample --out x.jpeg": (2, ".jpeg", ".png"),
    "sample --out /": (2, "--out"),
    "sample --resume nothing.npz": (1, "no file"),
    "sample --resume nothing.npz --steps 3": (2, "leave --steps out"),
    "sample --plugin nothing.py": (1, "no file nothing.py"),
    "check": (2, "--all"),
    "check heun --all": (2, "--all"),
    "check huen": (1, "Did you mean 'heun'"),
    "check catalogue": (1, "no solver"),
    "check heun --jobs 0": (2, "--jobs 0"),
    "new-plugin": (2, "Missing argument"),
    "new-plugin My_Solver": (2, "Try 'my-solver'"),
    "new-plugin 3d": (2, "small letters"),
    "new-plugin heun": (2, "'my-heun'"),
    "new-plugin lambda": (2, "'my-lambda'"),
    "new-plugin mine --path /nowhere": (1, "no folder"),
}


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Run], Path]:
    folder = tmp_path_factory.mktemp("mistakes")
    return dict(zip(ERRORS, run_each([line.split() for line in ERRORS], cwd=folder), strict=True)), folder


@pytest.mark.parametrize("line", ERRORS)
def test_every_mistake_is_one_clear_sentence(line: str, mistakes: tuple[dict[str, Run], Path]):
    status, *words = ERRORS[line]
    assert_one_sentence(mistakes[0][line], status, *words)
    assert list(mistakes[1].iterdir()) == []


def test_unwritable_folder_is_refused_before_sampling(tmp_path: Path):
    taken = tmp_path / "taken.npz"
    taken.mkdir()
    assert_one_sentence(run_zoo("sample", "--out", taken), 1, "is a folder")


@pytest.mark.parametrize("exists", [True, False])
def test_a_place_that_is_not_ones_own_is_refused(exists: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out = tmp_path / "x.npz"
    if exists:
        out.touch()
    asked = []
    monkeypatch.setattr("os.access", lambda path, mode: asked.append(path) or False)  # root may write everywhere
    with pytest.raises(StorageError, match="not yours to write"):
        check_folder(out)
    assert asked == [out if exists else tmp_path]


def test_debug_shows_the_traceback():
    run = run_zoo("show", "huen", ZOO_DEBUG="1")
    assert run.status == 1
    assert "Traceback" in run.err
    assert "UnknownNameError" in run.err


def test_a_pipe_that_closes_early_is_no_error():
    with subprocess.Popen(
        [ZOO, "list", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("words", "offered", "absent"),
    [
        ("zoo sample --solver he", "heun", "euler"),
        ("zoo sample --model ri", "ring", "heun"),
        ("zoo sample --sde ed", "edm", "ou"),
        ("zoo sample --grid ka", "karras", "uniform"),
        ("zoo show kar", "karras", "heun"),
        ("zoo check dpmpp-2", "dpmpp-2m", "heun"),
        ("zoo list --family lange", "langevin", "ddpm"),
    ],
)
def test_shell_completion_of_names(words: str, offered: str, absent: str):
    place = str(len(words.split()) - 1)
    run = run_zoo(_ZOO_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=place)
    assert offered in run.out.split()
    assert absent not in run.out.split()


def test_new_plugin_is_a_complete_distribution(tmp_path: Path):
    data = run_zoo("new-plugin", "zoo-my-own", "--path", tmp_path, "--json").json
    folder = tmp_path / "zoo-my-own"
    assert Path(data["path"]) == folder
    for name in (
        "pyproject.toml",
        "README.md",
        "LICENSE",
        ".gitignore",
        ".github/workflows/test.yml",
        "src/zoo_my_own/__init__.py",
        "src/zoo_my_own/my_own.py",
        "tests/test_my_own.py",
    ):
        assert name in data["files"]
        assert "$" not in (folder / name).read_text().replace("${{ matrix.python }}", "")
    again = run_zoo("new-plugin", "my-own", "--path", tmp_path)
    assert_one_sentence(again, 1, "exists already")
    plugin = folder / "src/zoo_my_own/my_own.py"
    assert run_zoo("list", "--plugin", plugin, "--family", "my-own", "--json").json["solvers"][0]["title"] == "My own"
    lint = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", folder], capture_output=True, check=False
    )
    assert lint.returncode == 0, lint.stdout
