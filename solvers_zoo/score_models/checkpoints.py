"""Models on disk: weights as safetensors, with a card of plain JSON inside, and the same card beside it for people to read.

One file holds all that makes the model again, so it is replaced whole and may be moved alone. Nothing in it is trusted: its header
is measured before it is read, the card is checked field by field, the network is laid out without memory and compared with the
weights before any of them is loaded, and every weight must be finite.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solvers_zoo.errors import OptionError, StorageError, ZooError
from solvers_zoo.storage.files import replace
from solvers_zoo.storage.safetensors import card_of, line_of, read_tensors, write_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

    from solvers_zoo.score_models.network import NetworkModel

#: What a card says that it is.
FORMAT = "solvers_zoo model 1"
SUFFIX = ".safetensors"
_PICKLES = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle")


def is_checkpoint(spec: str) -> bool:
    """Whether ``--model`` names a checkpoint, or the folder of one."""
    path = Path(spec)
    return path.suffix in (SUFFIX, *_PICKLES) or (("/" in spec or "\\" in spec) and path.is_dir())


# -- writing -----------------------------------------------------------------------------------------------------------


def save_model(
    path: str | Path, model: NetworkModel, card: Mapping[str, Any] | None = None, dtype: str = "float32"
) -> Path:
    """Write a model as ``path`` (.safetensors), and its card beside it as .json; each is there whole or not at all.

    Args:
        path: where to.
        model: the model; its network must know its specification.
        card: further facts, as plain data: of the data, of the training.
        dtype: what weights are kept in: ``float32`` or ``float16``, at half the size.

    Raises:
        OptionError: a network without a specification, or a ``dtype`` that is not possible.
        StorageError: it cannot be written.

    """
    import torch

    path = Path(path)
    if model.spec is None or not isinstance(model.net, torch.nn.Module):
        raise OptionError(
            "This network was not made by a specification, so a file could not say how to make it again: give "
            "NetworkModel(..., spec='module(factory=\"package.module:name\")')."
        )
    if dtype not in ("float32", "float16") or path.suffix != SUFFIX:
        raise OptionError(
            f"{path} in {dtype} is not possible; a model is kept in float32 or float16, in a file *{SUFFIX}."
        )
    facts: dict[str, Any] = {
        "format": FORMAT,
        "network": model.spec,
        "shape": list(model.shape or ()),
        "classes": model.classes,
        "frequencies": None if model.frequencies is None else list(model.frequencies),
        "sde": str(model.sde),
        "prediction": model.kind,
        "sigma_data": model.sigma_data,
        "levels": list(model.levels),
        "dtype": dtype,
        "parameters": model.parameters,
    }
    facts |= {key: value for key, value in {**model.card, **(card or {})}.items() if key not in facts}
    weights = {name: value.to(getattr(torch, dtype)) for name, value in model.net.state_dict().items()}
    write_tensors(path, weights, facts)
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    replace(path.with_suffix(".json"), lambda file: file.write(text.encode()))
    return path


# -- reading -----------------------------------------------------------------------------------------------------------


def load_model(path: str | Path, allow_pickle: bool = False, allow_code: bool = False) -> NetworkModel:
    """The model of a file, or of a folder that holds one.

    Args:
        path: what `save_model` wrote.
        allow_pickle: also take a file of `torch.save`, loaded with ``weights_only``: a dictionary of ``weights`` and ``card``, or
            weights alone with the card as a .json of the same name beside it.
        allow_code: also take a network ``module(factory=...)``, which imports the module that it names.

    Raises:
        StorageError: there is no such file, it is damaged, or not what it should be; the sentence says which.

    """
    file = checkpoint_file(Path(path))
    card, weights = _unpickled(file, allow_pickle) if _is_pickle(file) else read_tensors(file)
    try:
        return _built(file, card, weights, allow_code)
    except StorageError:
        raise
    except ZooError as error:
        raise StorageError(f"{file} cannot be used: {error}") from error


def read_card(path: str | Path) -> dict[str, Any]:
    """The card of a model's file, without its weights.

    Raises:
        StorageError: it is no file of a model.

    """
    return card_of(checkpoint_file(Path(path)))


def checkpoint_file(path: Path) -> Path:
    """The file that a path names, which may be the folder of one.

    Raises:
        StorageError: there is none, or several.

    """
    if path.is_dir():
        found = sorted(path.glob(f"*{SUFFIX}"))
        if len(found) != 1:
            names = ", ".join(file.name for file in found) or "none"
            raise StorageError(
                f"The folder {path} should hold one model (*{SUFFIX}), and holds {names}; name the file."
            )
        return found[0]
    if not path.is_file():
        raise StorageError(f"There is no model {path}; `zoo train` makes one.")
    return path


def _is_pickle(file: Path) -> bool:
    """Whether a file is a pickle, by its name or its first bytes, which no header of less than 16 MB has."""
    try:
        with open(file, "rb") as stream:
            start = stream.read(8)
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {error.strerror or error}.") from None
    return (
        file.suffix in _PICKLES
        or start[:4] == b"PK\x03\x04"
        or (start[:1] == b"\x80" and start[3:] not in (b"\0" * 5, b""))
    )


def _unpickled(file: Path, allowed: bool) -> tuple[dict[str, Any], dict[str, Tensor]]:
    import torch

    if not allowed:
        raise StorageError(f"{file} is a pickle, which can run any code when it is loaded. {_convert(file)}")
    try:
        with open(file, "rb") as stream:  # by its name torch might take it for another kind of file
            found = torch.load(stream, map_location="cpu", weights_only=True)
        beside = file.with_suffix(".json")
        if "card" in found:
            card, weights = found["card"], found["weights"]
        else:
            card, weights = json.loads(beside.read_text()), found
        if isinstance(card, dict) and all(isinstance(value, torch.Tensor) for value in weights.values()):
            return card, dict(weights)
    except OSError as error:
        raise StorageError(
            f"{file} has no card inside, and {beside} cannot be read: {error.strerror or error}."
        ) from None
    except Exception as error:  # whatever torch finds in a file that anybody made
        raise StorageError(f"{file} cannot be loaded as weights alone: {line_of(error)}.") from None
    raise StorageError(f"{file} is not a dictionary of weights (tensors) and card.")


def _convert(file: Path) -> str:
    new = file.with_suffix(SUFFIX) if file.suffix != SUFFIX else file.with_stem(f"{file.stem}-converted")
    return f"If you trust where it is from, convert it once: zoo convert {file} {new} --allow-pickle"


def _built(file: Path, card: dict[str, Any], weights: dict[str, Tensor], allow_code: bool) -> NetworkModel:
    """The model that card and weights make together."""
    import torch

    from solvers_zoo import registry
    from solvers_zoo.score_models.network import NetworkModel

    facts = _checked(file, card)
    found = registry.default()
    network = found.make("network", facts["network"])
    if network.runs_code and not allow_code:
        raise StorageError(
            f"{file} names its network by an import path, {network}: loading it runs that code. If you trust it, load it in "
            "Python: zoo.load_model(path, allow_code=True)."
        )
    shape, classes = facts["shape"], facts["classes"]
    with torch.device("meta"):  # no memory is taken before the weights are known to fit
        _compare(file, str(network), network.build(shape, classes), weights)
    with torch.random.fork_rng(devices=[]):  # the global randomness is left alone
        net = network.build(shape, classes)
    for name, value in weights.items():
        if not bool(torch.isfinite(value).all()):
            raise StorageError(f"{file} has weights that are not finite, first in {name!r}: its training failed.")
    net.load_state_dict(
        {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}
    )
    net.eval().requires_grad_(False)
    return NetworkModel(
        net,
        found.make("sde", facts["sde"]),
        facts["prediction"],
        shape,
        classes,
        sigma_data=facts["sigma_data"],
        frequencies=facts["frequencies"],
        spec=str(network),
        levels=facts["levels"],
        checkpoints=(file,),
        card=card,
    )


def _compare(file: Path, name: str, net: nn.Module, weights: dict[str, Tensor]) -> None:
    wanted = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    given = {key: tuple(value.shape) for key, value in weights.items()}
    for words, keys in (("lacks", wanted.keys() - given.keys()), ("has besides", given.keys() - wanted.keys())):
        if keys:
            raise StorageError(
                f"{file} does not fit its network {name}: it {words} {len(keys)} tensors, such as {min(keys)!r}."
            )
    for key, shape in wanted.items():
        if given[key] != shape:
            raise StorageError(
                f"{file} does not fit its network {name}: {key!r} is of shape {given[key]}, and should be of {shape}."
            )


def _checked(file: Path, card: dict[str, Any]) -> dict[str, Any]:
    """The fields of a card that make the model, of the types that they must have."""
    if card.get("format") != FORMAT:
        raise StorageError(f"{file} says that it is {card.get('format')!r}, not {FORMAT!r}; a newer zoo may read it.")
    tests: dict[str, Callable[[Any], bool]] = {
        "network": _text,
        "sde": _text,
        "prediction": _text,
        "shape": lambda v: (
            isinstance(v, list) and 0 < len(v) <= 8 and all(_whole(size) for size in v) and math.prod(v) <= 2**28
        ),
        "classes": lambda v: v is None or (_whole(v) and v <= 10**6),
        "sigma_data": lambda v: v is None or (_number(v) and v > 0),
        "frequencies": lambda v: v is None or (_numbers(v) and min(v, default=0) >= 0 and sum(v) > 0),
        "levels": lambda v: _numbers(v) and len(v) == 2 and v[0] < v[1],
    }
    for name, good in tests.items():
        if name not in card or not good(card[name]):
            raise StorageError(f"The card of {file} is wrong: {name} = {str(card.get(name))[:60]!r} is not possible.")
    return {name: card[name] for name in tests} | {"shape": tuple(card["shape"])}


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) < 4096


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(_number, value))
