"""Build the model that ``--model`` names: a ready-made one, a checkpoint, or one in a Python file."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solvers_zoo.errors import ModelError, OptionError, ZooError, one_line
from solvers_zoo.registry.spec import parse
from solvers_zoo.score_models.checkpoints import SUFFIX, checkpoint_file, is_checkpoint
from solvers_zoo.storage.source_file import import_file

if TYPE_CHECKING:
    from solvers_zoo.processes.base import SDE
    from solvers_zoo.registry.registry import Registry
    from solvers_zoo.score_models.base import ScoreModel

_FILE = re.compile(r"(?P<path>.+\.py)(?::(?P<name>[A-Za-z_]\w*))?")
_ASKED = re.compile(rf"(?P<path>.+?{re.escape(SUFFIX)})(?:\((?P<inside>.*)\)|:(?P<after>.*))")


def is_file(spec: str) -> bool:
    """Whether ``--model`` names a file: of Python, or a checkpoint."""
    return _FILE.fullmatch(spec) is not None or is_checkpoint(_asked(spec)[0])


def file_of(spec: str) -> Path | None:
    """The file that ``--model`` names, Python or a checkpoint, or None."""
    checkpoint, _ = _asked(spec)
    if is_checkpoint(checkpoint):
        return checkpoint_file(Path(checkpoint))
    match = _FILE.fullmatch(spec)
    return Path(match["path"]) if match else None


def build_model(found: Registry, spec: str, sde: SDE | None = None) -> ScoreModel:
    """The model of a registered target, of a checkpoint (with options: ``mine.safetensors:guidance=2``), or of a file.py:name.

    Args:
        found: the registry.
        spec: what ``--model`` says.
        sde: the process asked for, or None for the model's own.

    Raises:
        UnknownNameError: no such target; OptionError: its options, or the checkpoint's.
        ModelError: the file does not give a score model.
        StorageError: a checkpoint that cannot be used.

    """
    checkpoint, options = _asked(spec)
    if is_checkpoint(checkpoint):
        from solvers_zoo.registry.registry import configured
        from solvers_zoo.score_models.checkpoint_options import Checkpoint
        from solvers_zoo.score_models.checkpoints import load_model

        loaded = load_model(checkpoint)
        wanted: Checkpoint = configured(Checkpoint, parse(f"checkpoint({options})"))
        return wanted.asked(loaded if sde is None else loaded.on(sde))
    match = _FILE.fullmatch(spec)
    if match:
        return _from_file(Path(match["path"]), match["name"] or "model", sde)
    target = found.make("model", spec)
    model: ScoreModel = target.build(sde if sde is not None else target.default_sde())
    return model


def _asked(spec: str) -> tuple[str, str]:
    """A checkpoint's path, and the options after it."""
    match = _ASKED.fullmatch(spec)
    return (match["path"], match["inside"] or match["after"] or "") if match else (spec, "")


def _from_file(path: Path, name: str, sde: SDE | None) -> ScoreModel:
    from solvers_zoo.score_models.base import ScoreModel

    thing = load_from(path, name)
    if not isinstance(thing, ScoreModel) and callable(thing) and not _is_network(thing):
        try:
            thing = thing() if sde is None else thing(sde)
        except ZooError:
            raise
        except Exception as error:
            raise ModelError(f"{name} of {path} failed to make a model: {one_line(error)}.") from error
    elif sde is not None:
        raise OptionError(
            f"{name} of {path} brings its own process: leave --sde out, or make it a function of the process."
        )
    if not isinstance(thing, ScoreModel):
        raise ModelError(
            f"{name} of {path} is a {type(thing).__name__}, not a score model; wrap it, as in "
            "model = zoo.FunctionModel(network, sde=zoo.EDM(), prediction='x0', shape=(3, 32, 32))."
        )
    return thing


def _is_network(thing: Any) -> bool:
    import torch

    return isinstance(thing, torch.nn.Module)


def load_from(path: Path, name: str) -> Any:
    """The object called ``name`` in a Python file.

    Raises:
        ModelError: there is no such file, it does not run, or has no such name.

    """
    return _attribute(_import(path), path, name)


def _import(path: Path) -> Any:
    if not path.is_file():
        raise ModelError(f"There is no file {path} to take a model or network from.")
    try:
        return import_file(path, f"zoo_model_{path.stem}")
    except ZooError:
        raise
    except (Exception, SystemExit) as error:
        raise ModelError(f"{path} does not run: {one_line(error)}; ZOO_DEBUG=1 shows where.") from error


def _attribute(module: Any, path: Path, name: str) -> Any:
    if hasattr(module, name):
        return getattr(module, name)
    names = [word for word in vars(module) if not word.startswith("_")]
    near = difflib.get_close_matches(name, names, n=2)
    hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(names) or 'nothing'}."
    raise ModelError(f"{path} has no {name!r}; {hint}")
