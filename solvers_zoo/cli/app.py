"""The application: all commands, one a file."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from solvers_zoo.cli.commands import (
    bench,
    check,
    convert,
    doctor,
    edit,
    likelihood,
    listing,
    new_plugin,
    plugins,
    recommend,
    report,
    results,
    sample,
    show,
    study,
    train,
)
from solvers_zoo.cli.common import Halt


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


class _Zoo(_TrustsDefaults, TyperGroup):
    """``zoo`` itself. Typer ends quietly on Ctrl-C; here it reaches `main`, which says what happened."""

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
    context_settings={"help_option_names": ["-h", "--help"]},
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


app.command("list", cls=_Command)(listing.list_)
app.command("show", cls=_Command)(show.show)
app.command("sample", cls=_Command)(sample.sample)
app.command("bench", cls=_Command)(bench.bench)
app.command("train", cls=_Command)(train.train)
app.command("likelihood", cls=_Command)(likelihood.likelihood)
app.command("edit", cls=_Command)(edit.edit)
app.command("interpolate", cls=_Command)(edit.interpolate)
app.command("convert", cls=_Command)(convert.convert)
app.command("recommend", cls=_Command)(recommend.recommend)
app.command("study", cls=_Command)(study.study)
app.command("results", cls=_Command)(results.results)
app.command("report", cls=_Command)(report.report)
app.command("check", cls=_Command)(check.check)
app.command("plugins", cls=_Command)(plugins.plugins)
app.command("doctor", cls=_Command)(doctor.doctor)
app.command("new-plugin", cls=_Command)(new_plugin.new_plugin)
