"""The command line, from the commands themselves."""

from __future__ import annotations

import functools
import re
from enum import Enum
from pathlib import Path
from typing import Any

import facts
from typer.main import get_command


@functools.cache
def commands() -> dict[str, Any]:
    """The commands of ``zoo`` by name, in its own order."""
    from solvers_zoo.cli.app import app

    group: Any = get_command(app)
    return dict(group.commands)


def pages() -> dict[str, str]:
    """Markdown by page."""
    return {
        "reference/cli/index.md": _index(),
        **{f"reference/cli/{name}.md": _page(name, cmd) for name, cmd in commands().items()},
    }


def nav() -> list[Any]:
    """Their pages."""
    return ["reference/cli/index.md", *(f"reference/cli/{name}.md" for name in commands())]


def _index() -> str:
    rows = "\n".join(f"| [`zoo {name}`]({name}.md) | {facts.cell(_lead(cmd))} |" for name, cmd in commands().items())
    return f"""# Command line

| command | |
|---|---|
{rows}

`zoo COMMAND --help` says the same in the terminal; `zoo --install-completion` completes names with the tab key. Commands that print data
take `--json`. Exit status: 0 for done, 1 for an error (one sentence on stderr) or a claim that does not hold, 2 for wrong usage, 130 after
Ctrl-C.
"""


def _lead(command: Any) -> str:
    return " ".join((command.help or "").strip().split("\n\n")[0].split())


def _page(name: str, command: Any) -> str:
    text = re.split(r"\[dim\]Examples?:\[/dim\]", command.help or "")
    body = re.sub(r"\[/?\w+\]", "", text[0]).strip()
    first, _, rest = body.partition("\n\n")
    examples = [" ".join(line.split()) for line in text[1].split("\n\n") if line.strip()] if len(text) > 1 else []
    params = [p for p in command.params if not getattr(p, "hidden", False) and p.name != "help"]
    arguments = [p for p in params if p.param_type_name == "argument"]
    options = [p for p in params if p.param_type_name == "option"]
    usage = " ".join(["zoo", name, "[OPTIONS]" if options else "", *(_usage(p) for p in arguments)])
    parts = [
        f"---\ntitle: zoo {name}\n---\n# `zoo {name}`\n\n{_plain(first)}\n",
        f"```text\n{' '.join(usage.split())}\n```\n",
    ]
    parts += [f"{_plain(rest)}\n"] if rest else []
    parts += ["## Examples\n\n```sh\n" + "\n".join(examples) + "\n```\n"] if examples else []
    if arguments:
        parts.append(
            "## Arguments\n\n| argument | |\n|---|---|\n"
            + "\n".join(f"| `{_metavar(p)}` | {_help(p)} |" for p in arguments)
        )
    if options:
        rows = "\n".join(f"| {_flags(p)} | {_default(p)} | {_help(p)} |" for p in options)
        parts.append(f"\n## Options\n\n| option | default | |\n|---|---|---|\n{rows}")
    return "\n".join(parts)


def _plain(words: str) -> str:
    return re.sub(r"(?<!`)\[", r"\\[", words).replace("<", "&lt;")


def _metavar(param: Any) -> str:
    kind = param.type_descriptor.annotation
    choices = isinstance(kind, type) and issubclass(kind, Enum)
    return _value(param) if choices else (param.metavar or param.name.upper()).strip("[]")


def _usage(param: Any) -> str:
    return _metavar(param) if param.required else f"[{_metavar(param)}]"


def _flags(param: Any) -> str:
    value = "" if param.is_flag else f" {_value(param)}"
    names = [f"`{flag}{value}`" for flag in sorted(param.opts, key=len, reverse=True)]
    return "<br>".join([*names, *(f"`{flag}`" for flag in param.secondary_opts)])


def _value(param: Any) -> str:
    kind = param.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "/".join(str(member.value) for member in kind)
    return param.metavar or {int: "N", float: "NUMBER", Path: "PATH"}.get(kind, "TEXT")


_DEFAULT = re.compile(r"\s*\[dim\]\\?\[default: (.*?)\]\[/dim\]")


def _default(param: Any) -> str:
    """What the command says of its default, else the value itself."""
    if said := _DEFAULT.search(param.help or ""):
        return facts.cell(said[1])
    value = param.default
    if value is None or value is False or value == "" or value == []:
        return ""
    return f"`{str(getattr(value, 'value', value)).removeprefix('solvers-zoo:')}`"


def _help(param: Any) -> str:
    return facts.cell(re.sub(r"\[/?\w+\]", "", _DEFAULT.sub("", param.help or "")))
