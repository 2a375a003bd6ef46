"""``--executor`` and ``--executor-option``, the same for every command that runs many tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solvers_zoo.cli import common
from solvers_zoo.errors import IncompatibleError
from solvers_zoo.registry.spec import parse

if TYPE_CHECKING:
    from solvers_zoo.executors.base import Executor
    from solvers_zoo.registry.registry import Registry

ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="SPEC",
        help="What runs it: processes:workers=4, slurm, ray, ...; `zoo list executors` shows all.",
        autocompletion=common.completes("executor"),
    ),
]
ExecutorSettings = Annotated[
    list[str] | None,
    typer.Option("--executor-option", metavar="NAME=VALUE", help="An option of the executor; repeatable."),
]


def executor_from(
    found: Registry, spec: str | None, options: Sequence[str] | None = None, *, cells: bool = False
) -> Executor:
    """The executor that a command line asks for, known to work here.

    Args:
        found: the registry.
        spec: what ``--executor`` says.
        options: what each ``--executor-option`` says, ``name=value``.
        cells: whether there is much to run, so that local processes are meant where nothing is said; else this process is.

    Raises:
        Halt: options that are not of that form, or without an executor.
        UnknownNameError: no such executor.
        OptionError: no such option, or an impossible value.
        IncompatibleError: it cannot run here, with the reason.

    """
    if options and spec is None:
        raise common.misuse("--executor-option goes with --executor, as in --executor slurm --executor-option time=60.")
    text = spec if spec is not None else f"{common.OWN}:{'processes' if cells else 'serial'}"
    kinds = {name: facts.kind for name, facts in found.find("executor", parse(text).name).cls.options().items()}
    made: Executor = found.make("executor", text, **dict(_setting(word, kinds) for word in options or ()))
    reason = made.supports()
    if reason:
        raise IncompatibleError(f"{made} cannot run here: {reason}.")
    return made


def _setting(word: str, kinds: dict[str, str]) -> tuple[str, Any]:
    """``name=value`` with the value as the option has it; a name or a text needs no quotes."""
    name, equals, value = word.partition("=")
    if not equals or not name.isidentifier():
        raise common.misuse(f"--executor-option {word!r} is not possible; it takes name=value, as in partition=gpu.")
    return name, value if kinds.get(name, "str") == "str" else parse(f"executor({name}={value})").kwargs[name]
