"""``zoo convert``: a model's file in the form that the zoo trusts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from solvers_zoo.cli import common


def convert(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A model's file, such as a .pt of torch.save.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The file to write (.safetensors).")],
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Read a pickle, of weights and plain data only (weights_only).")
    ] = False,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Import the module that the card names as its network.")
    ] = False,
    half: Annotated[bool, typer.Option("--half", help="Keep the weights in float16, at half the size.")] = False,
) -> None:
    """Write a model as safetensors with its card, which can be used wherever a model is named.

    A pickle holds the dictionaries `weights` and `card`, or weights alone with the card beside it as .json.

    [dim]Example:[/dim]

    zoo convert old.pt new.safetensors --allow-pickle
    """
    from solvers_zoo.score_models.checkpoints import load_model, save_model

    common.check_folder(new)
    model = load_model(old, allow_pickle=allow_pickle, allow_code=allow_code)
    save_model(new, model, dtype="float16" if half else "float32")
    common.say(f"Wrote {new}: {model.spec}, {model.parameters:,} weights, {new.stat().st_size / 1e6:.1f} MB.")
