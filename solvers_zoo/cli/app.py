"""The application: all commands, one a file."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from solvers_zoo.cli import check, doctor, listing, new_plugin, plugins, sample, show
from solvers_zoo.cli.common import Halt


class _Interruptible(TyperGroup):
    """Typer ends quietly on Ctrl-C; here it reaches `main`, which says what happened."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Halt("Stopped; there was nothing to save yet.", 130) from None


app = typer.Typer(
    cls=_Interruptible,
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


app.command("list")(listing.list_)
app.command("show")(show.show)
app.command("sample")(sample.sample)
app.command("check")(check.check)
app.command("plugins")(plugins.plugins)
app.command("doctor")(doctor.doctor)
app.command("new-plugin")(new_plugin.new_plugin)
