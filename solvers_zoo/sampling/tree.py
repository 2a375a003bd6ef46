"""Results as trees: named records, tuples, lists, dicts, numbers, words and tensors, to and from JSON."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from solvers_zoo.errors import StorageError
from solvers_zoo.processes.base import Point
from solvers_zoo.registry.public import MOVED
from solvers_zoo.sampling.result import Pause, Result
from solvers_zoo.solving.stepping import Solver, State

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The zoo's own classes that a file may hold; besides them, named tuples of the solver's package.
_RECORDS = (Result, Pause, State, Point)


class Record(NamedTuple):
    """An object of a class that is not known here, until `restore` is told of its solver."""

    module: str
    name: str
    values: tuple[object, ...]


def encode(value: object, place: tuple[str, ...], tensors: dict[str, Tensor]) -> object:
    """``value`` as JSON; its tensors are put into ``tensors`` by their place in it.

    Raises:
        StorageError: a value of a type that has no place in a file.

    """

    def inner(items: Iterable[tuple[object, object]]) -> list[object]:
        return [encode(item, (*place, str(key)), tensors) for key, item in items]

    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, Tensor):
        name = ".".join(place)
        tensors[name] = value.detach().cpu()
        return {"tensor": name}
    if isinstance(value, Record):
        return {"record": [value.module, value.name], "of": inner(enumerate(value.values))}
    if _is_named_tuple(type(value)) or isinstance(value, _RECORDS):
        names = [f.name for f in fields(value)] if isinstance(value, _RECORDS) else getattr(value, "_fields", ())
        kind = [type(value).__module__, type(value).__qualname__]
        return {"record": kind, "of": inner((name, getattr(value, name)) for name in names)}
    if isinstance(value, tuple | list):
        return {type(value).__name__: inner(enumerate(value))}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": list(value), "of": inner(value.items())}
    raise StorageError(f"{'.'.join(place)} is a {type(value).__name__}, which a file of the zoo cannot hold.")


def decode(value: object, tensors: dict[str, Tensor]) -> object:
    """Decode a value that `encode` encoded; every object in it stays a `Record`."""
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    if "float" in value:
        return float(value["float"])
    of = [decode(item, tensors) for item in value.get("of") or value.get("tuple") or value.get("list") or ()]
    if "record" in value:
        module, name = value["record"]
        return Record(str(module), str(name), tuple(of))
    if "dict" in value:
        return dict(zip(value["dict"], of, strict=True))
    return tuple(of) if "tuple" in value else of


def restore(value: Any, solver: Solver | None) -> Any:
    """``value`` with its records made into objects again: the zoo's own, and named tuples of the solver's package.

    Without a solver records of other packages stay as they are; with one a record that is none of its own is refused.
    Nothing is imported: a class has to be loaded already, as it is where its solver could be made.

    Raises:
        StorageError: a record of neither.

    """
    if isinstance(value, Record):
        made = _class(value, {"solvers_zoo"} | (_packages(solver) if solver is not None else set()))
        values = tuple(restore(item, solver) for item in value.values)
        if made is not None:
            return made(*values)
        if solver is None:
            return Record(value.module, value.name, values)
        raise StorageError(f"The stopped run holds a {value.module}.{value.name}, which {solver} knows nothing of.")
    return tree_map(lambda leaf: restore(leaf, solver) if isinstance(leaf, Record) else leaf, value)


def tree_map(change: Callable[[Any], Any], value: Any) -> Any:
    """``value`` with every leaf of its tuples, lists, dicts and records changed; a `Record` counts as a leaf."""
    if isinstance(value, Record):
        return change(value)
    if _is_named_tuple(type(value)):
        return type(value)(*(tree_map(change, item) for item in value))
    if isinstance(value, _RECORDS):
        return type(value)(*(tree_map(change, getattr(value, f.name)) for f in fields(value)))
    if isinstance(value, tuple | list):
        return type(value)(tree_map(change, item) for item in value)
    if isinstance(value, dict):
        return {key: tree_map(change, item) for key, item in value.items()}
    return change(value)


def _class(record: Record, packages: set[str]) -> type | None:
    """The class of a record, if it is of ``packages``, loaded, and one that may be made from a file."""
    if record.module.split(".")[0] not in packages:
        return None
    module = MOVED.get(record.module, record.module)
    found: object = sys.modules.get(module)
    for name in record.name.split("."):
        found = getattr(found, name, None)
    if not isinstance(found, type) or found.__module__ != module:
        return None
    own = is_dataclass(found) and issubclass(found, _RECORDS)
    return found if own or (_is_named_tuple(found) and found is not Record) else None


def _packages(solver: Solver) -> set[str]:
    """The packages of a solver and of the solvers that it is made of."""
    parts = [getattr(solver, name) for name in solver.options()]
    nested = (_packages(part) for part in parts if isinstance(part, Solver))
    return {type(solver).__module__.split(".")[0]}.union(*nested)


def _is_named_tuple(kind: type) -> bool:
    return issubclass(kind, tuple) and hasattr(kind, "_fields")
