"""The code behind a cell, as short hashes: when what computes a cell changes, so does its name, and it is computed anew.

A part's hash covers the source of the module it is defined in and of all that this one imports, directly or not, within
its own package and within the zoo. Found by reading the source: nothing is imported for it. What the registry finds by name
(another solver, another grid) is not followed; of a composite solver each part is hashed.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from solvers_zoo.errors import StorageError
from solvers_zoo.registry import public

#: Followed from any package, besides the package itself.
_CORE = "solvers_zoo"


def hash_of(*things: Any) -> str:
    """16 hexadecimal digits of the source behind objects, classes, module names (str) or files (Path)."""
    modules: set[str] = set()
    digest = hashlib.sha256()
    for thing in things:
        if isinstance(thing, Path):
            digest.update(_file(thing))
        elif isinstance(thing, str):
            modules |= _closure(thing)
        else:
            for module in _modules(thing):
                modules |= _closure(module)
    for module in sorted(modules):
        digest.update(f"{module}\n".encode() + source_of(module) + b"\n")
    return digest.hexdigest()[:16]


def _modules(thing: Any) -> Iterator[str]:
    """Modules of an object's class and of what it holds: a composite's parts, a wrapper's model."""
    cls = thing if isinstance(thing, type) else type(thing)
    for base in cls.__mro__:
        if base.__module__ != "builtins":
            yield base.__module__
    if is_dataclass(thing) and not isinstance(thing, type):
        for field in fields(thing):
            value = getattr(thing, field.name)
            if is_dataclass(value):
                yield from _modules(value)


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}.") from None


@functools.cache
def _closure(module: str) -> frozenset[str]:
    """The module and all it imports, within its package and the zoo."""
    seen: set[str] = set()
    ahead = [module]
    while ahead:
        name = ahead.pop()
        if name in seen or not module_path(name):
            continue
        seen.add(name)
        ahead += [other for other in _imports(name) if other.split(".")[0] in (_CORE, name.split(".")[0])]
    return frozenset(seen)


@functools.cache
def module_path(module: str) -> Path | None:
    """The source file of a module, or None where there is none to read; only a package at the top is looked up, none imported."""
    top, *parts = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    if not parts:
        return Path(spec.origin)
    below = Path(spec.origin).parent.joinpath(*parts)
    found = below / "__init__.py", below.with_suffix(".py")
    return next((path for path in found if path.is_file() and spec.submodule_search_locations), None)


@functools.cache
def source_of(module: str) -> bytes:
    """The source of a module as bytes, empty where there is none to read."""
    path = module_path(module)
    return _file(path) if path is not None else b""


@functools.cache
def _imports(module: str) -> frozenset[str]:
    """Modules that a module's source imports, inside functions too; what only type checkers see is left out."""
    found: set[str] = set()
    path = module_path(module)
    package = module if path is not None and path.name == "__init__.py" else module.rpartition(".")[0]
    if module == _CORE:
        return frozenset()  # its names are looked up one by one, where they are imported
    nodes: list[ast.AST] = [ast.parse(source_of(module))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.rsplit(".", node.level - 1)[0]
                base = f"{above}.{base}".rstrip(".")
            found |= {home_of(base, alias.name) for alias in node.names}
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes += node.orelse
        else:
            nodes += ast.iter_child_nodes(node)
    return frozenset(found)


def home_of(module: str, name: str) -> str:
    """Where ``from module import name`` finds the name: a sub-module, where a package has the name from, or the module."""
    if module_path(f"{module}.{name}"):
        return f"{module}.{name}"
    if module == _CORE and name in public.LEFT_FOR:
        return home_of(f"{_CORE}.{public.LEFT_FOR[name]}", name)
    return _re_exported(module).get(name, module)


@functools.cache
def _re_exported(package: str) -> dict[str, str]:
    """Name -> module of what the ``__init__`` of a package of the zoo offers; most is imported when it is first used."""
    path = module_path(package)
    if path is None or path.name != "__init__.py" or package.split(".")[0] != _CORE:
        return {}
    nodes = [node for node in ast.walk(ast.parse(source_of(package))) if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in nodes for alias in node.names if alias.asname == alias.name}
