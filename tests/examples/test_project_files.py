"""What stands about the project is so: the README runs, paths exist, commands parse, files of services are what those read."""

from __future__ import annotations

import dataclasses
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import solvers_zoo as zoo

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs" / "hooks"))

PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "changelog.d/README.md", ".github/pull_request_template.md")
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SETTINGS = [*FORMS, *WORKFLOWS, ROOT / ".pre-commit-config.yaml", ROOT / "CITATION.cff"]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
#: Outputs of commands, and patterns, which are no files.
NO_FILES = {"X.Y.Z", "ISSUE.KIND.md", "+a-word.KIND.md"}


def text(page: str) -> str:
    return (ROOT / page).read_text()


def test_the_first_pages_are_short() -> None:
    assert len(text("README.md").splitlines()) < 120
    assert len(text("CONTRIBUTING.md").splitlines()) < 60


@pytest.mark.parametrize("page", PAGES)
def test_links_and_paths_exist(page: str) -> None:
    words = re.sub(r"```.*?```", "", text(page), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#]+)\)|(?:src|srcset)=\"([^\"]+)\"", words)
    found = [a or b for a, b in links if "://" not in (a or b)]
    found += [
        code for code in re.findall(r"`([^`\s]+)`", words) if "/" in code or code.endswith((".py", ".md", ".ipynb"))
    ]
    missing = [name for name in found if not any((base / name).exists() for base in (ROOT, ROOT / "examples"))]
    assert set(missing) <= NO_FILES
    assert found or page in ("CHANGELOG.md", ".github/pull_request_template.md")


def _lines() -> Iterator[tuple[str, str]]:
    """Lines of commands, and where they stand."""
    for page in PAGES:
        for fence in re.findall(r"```sh\n(.*?)```", text(page), flags=re.DOTALL):
            yield from ((page, line) for line in fence.splitlines())
        yield from (
            (page, code) for code in re.findall(r"`(zoo [^`]+)`", re.sub(r"```.*?```", "", text(page), flags=re.DOTALL))
        )
    for path in sorted((ROOT / "examples").glob("*.py")):
        yield from ((path.name, line.strip()) for line in path.read_text().split('"""')[1].splitlines())
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            yield from ((path.name, line) for step in job["steps"] for line in step.get("run", "").splitlines())


def test_commands_parse() -> None:
    """Each `zoo` command is read as `zoo` reads it, without doing anything."""
    from cli_pages import commands

    known, seen = commands(), 0
    for place, line in _lines():
        for part in line.split(" && "):
            words = (
                shlex.split(part, comments=True) if part.strip().removeprefix(".venv/bin/").startswith("zoo ") else []
            )
            if not words:
                continue
            assert words[1] in known, f"{place}: {line}"
            if len(words) > 2 and "..." not in words:
                known[words[1]].make_context(f"zoo {words[1]}", words[2:])
                seen += 1
    assert seen > 20


def test_extras_that_are_named_exist() -> None:
    named = re.findall(r"(?:-e \"?\.|solvers-zoo)\[([\w,]+)\]", "".join(map(text, PAGES)))
    assert named
    assert {extra for names in named for extra in names.split(",")} <= set(PROJECT["project"]["optional-dependencies"])


def test_python_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", text("README.md"), flags=re.DOTALL)
    assert len(code.strip().splitlines()) <= 6
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip() == re.search(r"print\(.*\)  # (.*)", code)[1]


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "docs" / "readme_picture.py"))
    small = dataclasses.replace(script["SWEEP"], solvers=("heun", "ddim"), nfe=(6, 8), n=100, repeats=0)
    files = script["draw"](small, tmp_path)
    for path in files:
        assert all(f">{name}<" in path.read_text() for name in small.solvers)
        kept = (ROOT / "docs" / "assets" / path.name).read_text()
        assert all(f">{zoo.solver(name).card.name}<" in kept for name in script["SWEEP"].solvers)
    assert f"docs/assets/{files[0].name}" in text("README.md")
    assert f"docs/assets/{files[1].name}" in text("README.md")
    assert files[0].read_text() != files[1].read_text()


def test_what_is_said_of_the_picture_is_in_it() -> None:
    """Vega names each point for those who do not see it."""
    picture = text("docs/assets/readme-light.svg")
    label = re.compile(r'aria-label="evaluations a sample: (\d+); [^"]*?: ([\d.]+); series: ([\w-]+)')
    error = {(who, int(nfe)): float(value) for nfe, value, who in label.findall(picture)}
    said = int(re.search(r"(\d+) times as exact", text("README.md"))[1])
    assert error["heun", 10] / error["ipndm-4", 10] == pytest.approx(said, abs=0.6)


def test_versions_agree() -> None:
    version = PROJECT["project"]["version"]
    citation = yaml.safe_load(text("CITATION.cff"))
    assert zoo.__version__ == citation["version"] == version
    assert citation["license"] == PROJECT["project"]["license"]
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    start = PROJECT["tool"]["towncrier"]["start_string"]
    first = text("CHANGELOG.md").split(start)[1].strip().splitlines()[0]
    assert first.split()[:2] == ["##", version]


def test_fragments_have_a_kind() -> None:
    settings = PROJECT["tool"]["towncrier"]
    kinds = [kind["directory"] for kind in settings["type"]]
    for path in (ROOT / settings["directory"]).iterdir():
        assert path.name in settings["ignore"] or re.fullmatch(
            rf"(\d+|\+[\w-]+)\.({'|'.join(kinds)})\.md", path.name
        ), path
    assert re.findall(r"^\| `(\w+)` \|", text("changelog.d/README.md"), flags=re.MULTILINE) == kinds


@pytest.mark.parametrize("path", SETTINGS, ids=lambda path: path.name)
def test_settings_parse(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text()), dict)


@pytest.mark.parametrize("path", [p for p in FORMS if p.name != "config.yml"], ids=lambda path: path.name)
def test_issue_forms_are_forms(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    assert {"name", "description", "body"} <= set(form)
    names = [part["id"] for part in form["body"]]
    assert len(names) == len(set(names))
    for part in form["body"]:
        assert part["type"] in ("input", "textarea", "dropdown", "checkboxes", "markdown")
        assert part["attributes"]["label"]
        assert part["type"] != "dropdown" or all(isinstance(option, str) for option in part["attributes"]["options"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_hang_together(path: Path) -> None:
    flow = yaml.safe_load(path.read_text())
    assert flow["permissions"] == {"contents": "read"}
    for job in flow["jobs"].values():
        assert job.get("needs", next(iter(flow["jobs"]))) in flow["jobs"]
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            done = subprocess.run(
                ["bash", "-n", "-c", step.get("run", ":")], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr


def test_a_release_is_tried_before_it_is_published() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    assert jobs["publish"]["needs"] == "wheel-alone"
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert not any("checkout" in step.get("uses", "") for step in jobs["wheel-alone"]["steps"])


def test_hooks_before_a_commit_are_local_and_run() -> None:
    for repository in yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            assert hook["language"] == "system"
            tool, *options = hook["entry"].split()
            files = [] if tool == "mypy" else ["examples/sample.py"]
            line = [sys.executable, "-m", tool, *(["--version"] if tool == "mypy" else options), *files]
            done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
