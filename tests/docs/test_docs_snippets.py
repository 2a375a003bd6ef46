"""Every snippet on the pages is run, or says why not; every command, option and hook that is named exists."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from draw import drawn
from needs import TOOLS, needs
from snippets import ROOT, Snippet, every, of, pages

import solvers_zoo as zoo
from solvers_zoo.cli import main

#: Pages whose snippets tests of their own hold (tests/docs/test_gallery.py, tests/train); here they must parse.
ELSEWHERE = ("gallery/",)
BY_PAGE: dict[str, list[Snippet]] = {}
for _snippet in every():
    BY_PAGE.setdefault(_snippet.page, []).append(_snippet)
RUN = {page: snippets for page, snippets in BY_PAGE.items() if not page.startswith(ELSEWHERE)}


@pytest.fixture
def quietly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder of its own, where a user's command would find no warnings to be errors; benchmarks run in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield tmp_path


def _marked(page: str) -> object:
    """A page that imports another library needs it."""
    source = "\n".join(snippet.code for snippet in RUN[page] if snippet.language == "python" and not snippet.reason)
    roots = set(re.findall(r"^ *(?:from|import) (\w+)", source, re.MULTILINE))
    return pytest.param(page, marks=[needs(name) for name, tool in TOOLS.items() if roots & set(tool.modules)])


@pytest.mark.parametrize("page", [_marked(page) for page in RUN])
def test_snippets_of_a_page_run(page: str, quietly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for snippet in RUN[page]:
        if snippet.reason:
            continue
        assert not snippet.others, f"{snippet}: not a zoo command, so it needs <!-- not run: why -->"
        if snippet.language == "python":
            source = f"{snippet.before}\n{snippet.code}"
            exec(compile(source, str(snippet), "exec"), names)
        for words in snippet.commands if snippet.language == "sh" else []:
            status = _run(words)
            said = capsys.readouterr()
            assert status == 0, f"{snippet}: {' '.join(words)}: {said.err}"
    assert torch.get_default_dtype() is torch.float32


def _run(words: list[str]) -> int:
    """A command in this process. A benchmark runs here too, as workers would import all anew."""
    serial = words[1] == "bench" and "--executor" not in words and "--write-config" not in words
    with pytest.raises(SystemExit) as end:
        main([*words[1:], *(["--executor", "serial"] if serial else [])])
    return int(end.value.code or 0)


@pytest.mark.parametrize("snippet", [s for s in every() if s.language == "python" and s.reason], ids=str)
def test_what_is_not_run_compiles(snippet: Snippet) -> None:
    compile(snippet.code, str(snippet), "exec")


def _commands() -> dict[str, Any]:
    from cli_pages import commands

    return commands()


def parse(words: list[str]) -> None:
    """Read a command line as ``zoo`` does, without doing anything."""
    known = _commands()
    assert words[1] in known, f"there is no command {words[1]}"
    if not {"-h", "--help"} & set(words):
        known[words[1]].make_context(f"zoo {words[1]}", list(words[2:]))


def test_every_command_line_parses() -> None:
    wrong = []
    for snippet in every():
        for words in snippet.commands:
            if "[OPTIONS]" in words:
                continue
            try:
                parse(words)
            except Exception as error:
                wrong.append(f"{snippet}: {' '.join(words)}: {error}")
    assert not wrong


def test_command_lines_of_generated_pages_parse() -> None:
    import solver_pages
    import thing_pages

    generated = solver_pages.pages() | thing_pages.pages()
    lines = [words for name, text in generated.items() for snippet in of(text, name) for words in snippet.commands]
    assert len(lines) > 400
    shapes = {(words[1], tuple(word for word in words if word.startswith("-"))): words for words in lines}
    for words in shapes.values():  # one of each shape, as reading one takes a tenth of a second; of all, the names
        parse(words)
    for words in lines:
        for option, value in pairwise(words):
            kind = option.removeprefix("--") if option.startswith("--") else "solver" if option == "check" else ""
            if kind in _kinds():
                assert value in zoo.registry.default().names(kind), words
        if words[1] == "show":
            kinds = [words[words.index("--kind") + 1]] if "--kind" in words else _kinds()
            assert any(words[2] in zoo.registry.default().names(kind) for kind in kinds), words


def _kinds() -> list[str]:
    from solvers_zoo.registry.kinds import KINDS

    return list(KINDS)


@pytest.mark.parametrize("name", drawn([card.name for card in zoo.solvers()], 10, "pages of solvers"))
def test_snippets_of_solver_pages_run(name: str, quietly: Path) -> None:
    """Of some, which the tree draws."""
    import solver_pages

    entry = next(e for e in zoo.registry.default().entries("solver") if e.card.name == name)
    (code,) = [s.code for s in of(solver_pages._page(entry), name) if s.language == "python" and "zoo.sample" in s.code]
    names: dict[str, Any] = {}
    exec(compile(code, name, "exec"), names)
    assert names["result"].x.isfinite().all()


_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def _inline() -> list[tuple[str, str]]:
    return [
        (page, code)
        for page, text in pages().items()
        for code in _INLINE.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    ]


def test_commands_and_options_in_sentences_exist() -> None:
    known, wrong = _commands(), []
    for page, code in _inline():
        words = code.split()
        if words[0] != "zoo" or len(words) < 2 or words[1].startswith("-") or words[1] in ("COMMAND", "..."):
            continue
        if words[1] not in known:
            wrong.append(f"{page}: {code}")
            continue
        options = {flag for p in known[words[1]].params for flag in (*p.opts, *p.secondary_opts)} | {"--help", "-h"}
        wrong += [
            f"{page}: {code}: {word}"
            for word in words[2:]
            if word.startswith("--") and word.split("=")[0] not in options
        ]
    assert not wrong


def test_hooks_that_are_named_exist() -> None:
    from hook_pages import hooks

    packages = {path.name for path in (ROOT / "plugins").iterdir()}
    wrong = [
        f"{page}: {name}"
        for page, text in pages().items()
        for name in re.findall(r"\bzoo_\w+", text)
        if name not in hooks() and name not in packages and name not in ("zoo_my_solver", "zoo_site")
    ]
    assert not wrong


def test_every_hook_is_on_the_page_of_hooks() -> None:
    import hook_pages

    (text,) = hook_pages.pages().values()
    assert not [name for name in hook_pages.hooks() if f"## `{name}`" not in text]


def test_python_names_in_sentences_exist() -> None:
    wrong = [
        f"{page}: {code}"
        for page, code in _inline()
        for name in re.findall(r"\bzoo\.(\w+)", code)
        if not hasattr(zoo, name)
    ]
    assert not wrong


def test_variables_that_are_named_are_read() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "solvers_zoo").rglob("*.py"))
    assert not [
        f"{page}: {name}"
        for page, text in pages().items()
        for name in re.findall(r"\bZOO_[A-Z_]+", text)
        if name not in sources
    ]


def test_solvers_that_are_recommended_exist() -> None:
    table = pages()["choose-a-solver.md"].split("## By budget")[0]
    named = set(_INLINE.findall(table))
    known = set(zoo.registry.default().names("solver")) | set(zoo.registry.default().names("grid"))
    known |= {alias for card in zoo.solvers() for alias in card.aliases}
    assert not [code for code in named if re.fullmatch(r"[a-z0-9-]+", code) and code not in known]
