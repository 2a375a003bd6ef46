"""The application: the commands of `zoo`, each imported when it is called or described."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, partial
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from solvers_zoo.cli.common import Halt

#: Command -> the module of `solvers_zoo.cli.commands` and the function in it, in the order of ``zoo --help``.
COMMANDS = {
    "list": "listing:list_",
    "show": "show:show",
    "sample": "sample:sample",
    "bench": "bench:bench",
    "train": "train:train",
    "likelihood": "likelihood:likelihood",
    "edit": "edit:edit",
    "interpolate": "edit:interpolate",
    "convert": "convert:convert",
    "recommend": "recommend:recommend",
    "study": "study:study",
    "results": "results:results",
    "report": "report:report",
    "check": "check:check",
    "plugins": "plugins:plugins",
    "doctor": "doctor:doctor",
    "new-plugin": "new_plugin:new_plugin",
}


_HELP = {"help_option_names": ["-h", "--help"]}


class _TrustsDefaults:
    """Does not coerce defaults.

    Typer coerces every value by pydantic, the import of which would be a third of the time of ``zoo list``; a default
    that was written as a value of its type has no need of it.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for param in self.get_params(ctx):  # type: ignore[attr-defined]
            param.process_value = partial(_processed, param, type(param).process_value)
        rest: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]
        return rest


def _processed(param: Any, coerce: Any, ctx: Any, value: Any) -> Any:
    if param.required or not (value is None or value is param.default):
        return coerce(param, ctx, value)
    return value if param.callback is None else param.callback(ctx, param, value)


class _Command(_TrustsDefaults, TyperCommand):
    """A command of ``zoo``."""


@cache
def _command(name: str) -> Any:
    """The command of a name, imported now: importing all seventeen would take longer than ``zoo list`` itself."""
    module, _, function = COMMANDS[name].partition(":")
    alone = typer.Typer(
        rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False, context_settings=_HELP
    )
    alone.command(name, cls=_Command)(getattr(import_module(f"solvers_zoo.cli.commands.{module}"), function))
    return get_command(alone)


class _Commands(Mapping[str, Any]):
    """All commands by name; each is imported when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Zoo(_TrustsDefaults, TyperGroup):
    """``zoo`` itself. Typer ends quietly on Ctrl-C; here it reaches `main`, which says what happened."""

    def __init__(self, **facts: Any) -> None:
        super().__init__(**{**facts, "commands": _Commands()})

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Halt("Stopped; there was nothing to save yet.", 130) from None


app = typer.Typer(
    cls=_Zoo,
    name="zoo",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings=_HELP,
)


def _version(asked: bool) -> None:
    if asked:
        from solvers_zoo import __version__

        typer.echo(f"solvers-zoo {__version__}")
        raise typer.Exit


@app.callback()
def zoo(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Samplers and solvers for score-based (diffusion) models, each measured against its claims.

    [dim]First steps:[/dim]  zoo list  ·  zoo sample --solver heun --steps 10  ·  zoo check heun
    """
