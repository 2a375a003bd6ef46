"""The code that runs when a class or function is used, definition by definition, as a hash that evidence is stored with.

A definition is a function, a class or a constant at the top level of a module. From a definition its names are followed to other
definitions: of the same module, imported from others, or looked up on an imported module; a class stands for all its methods.
Followed are the zoo and the package that the start is in. Not followed are the modules in `APART`: they find, read and
report things, and compute no number. What is found by name at run time (a solver in a string) is the caller's to add.

The hash is of syntax trees: a comment, a docstring, the annotation of an argument or another line break leaves it as it is.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from solvers_zoo.registry.source_hash import home_of, module_path, source_of

_CORE = "solvers_zoo"
#: Modules, with all below them, that decide what runs or how it is shown, and not what it computes.
APART = (
    "solvers_zoo.registry.registry",
    "solvers_zoo.registry.loading",
    "solvers_zoo.registry.public",
    "solvers_zoo.registry.source_hash",
    "solvers_zoo.registry.reach",
    "solvers_zoo.errors",
    "solvers_zoo.storage",
    "solvers_zoo.cli",
    "solvers_zoo.charts",
)


class Definition(NamedTuple):
    """A name at the top level of a module."""

    module: str
    name: str


class _Module(NamedTuple):
    """A module as read: each name's statements, and where imported names come from (an empty name is the module itself)."""

    statements: dict[str, list[ast.stmt]]
    imported: dict[str, Definition]


def reach(starts: Iterable[Definition]) -> frozenset[Definition]:
    """The definitions that ``starts`` use, directly or through others, and themselves."""
    seen: set[Definition] = set()
    ahead = [found for start in starts for found in _resolved(start)]
    while ahead:
        here = ahead.pop()
        if here not in seen:
            seen.add(here)
            ahead += _used(here, here.module.partition(".")[0])
    return frozenset(seen)


def hash_of(definitions: Iterable[Definition], more: Iterable[str] = ()) -> str:
    """16 hexadecimal digits of the syntax trees of definitions, and of further words."""
    digest = hashlib.sha256()
    for definition in sorted(definitions):
        digest.update(f"{definition.module}:{definition.name}\n{_text(definition)}\n".encode())
    for word in more:
        digest.update(f"{word}\n".encode())
    return digest.hexdigest()[:16]


def of_class(cls: type) -> tuple[list[Definition], list[str]]:
    """Where to start for a class: its bases and itself, and in words what the source has no definition of.

    A class that a function made from a row of numbers has no definition of its own: its row is taken as it is, and the function
    with it if the class has methods of it.
    """
    starts, words = [], []
    for base in cls.__mro__:
        definition = Definition(base.__module__, base.__name__)
        if _followed(base.__module__, base.__module__.partition(".")[0]):
            if base.__name__ in _read(base.__module__).statements:
                starts.append(definition)
            else:
                rows = {name: value for name, value in vars(base).items() if not name.startswith("_")}
                words += [f"{name} = {value!r}" for name, value in sorted(rows.items()) if not callable(value)]
                makers = {value.__qualname__.partition(".")[0] for value in rows.values() if callable(value)}
                starts += [Definition(base.__module__, maker) for maker in sorted(makers)]
    return starts, words


# -- one module ----------------------------------------------------------------------------------------------------


@functools.cache
def _read(module: str) -> _Module:
    """The module's statements by the names that they define or change, and its imports, those in functions too."""
    statements: dict[str, list[ast.stmt]] = {}
    imported: dict[str, Definition] = {}
    tree = _Plain().visit(ast.parse(source_of(module)))
    for node in tree.body:
        for name in _defined(node):
            statements.setdefault(name, []).append(node)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            origin = _origin(module, node)
            if origin.partition(".")[0] in (_CORE, module.partition(".")[0]):
                imported |= {alias.asname or alias.name: _home(origin, alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            for alias in node.names:
                imported[alias.asname or alias.name.partition(".")[0]] = Definition(
                    alias.name if alias.asname else alias.name.partition(".")[0], ""
                )
    return _Module(statements, imported)


class _Plain(ast.NodeTransformer):
    """Takes out what does not run: docstrings, annotations of arguments and results, imports for type checkers alone."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        return node.orelse if "TYPE_CHECKING" in ast.unparse(node.test) else node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


def _defined(node: ast.stmt) -> Iterator[str]:
    """The names that a statement at the top level defines, or changes (``TABLE[key] = ...``, ``register(THING)``)."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif not isinstance(node, ast.Import | ast.ImportFrom):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and (isinstance(inner.ctx, ast.Store) or isinstance(node, ast.Expr)):
                yield inner.id
            elif isinstance(inner, ast.Subscript | ast.Attribute) and isinstance(inner.ctx, ast.Store):
                yield from (name.id for name in ast.walk(inner.value) if isinstance(name, ast.Name))
            elif isinstance(inner, ast.FunctionDef | ast.ClassDef):
                yield inner.name


def _origin(module: str, node: ast.ImportFrom) -> str:
    """The module that an import names, a relative one too."""
    if not node.level:
        return node.module or ""
    path = module_path(module)
    package = module if path is not None and path.name == "__init__.py" else module.rpartition(".")[0]
    for _ in range(node.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{node.module}" if node.module else package


def _home(module: str, name: str) -> Definition:
    """Where ``from module import name`` finds the name; without a name of its own, a submodule."""
    found = home_of(module, name)
    return Definition(found, "" if found == f"{module}.{name}" else name)


# -- one definition ------------------------------------------------------------------------------------------------


@functools.cache
def _text(definition: Definition) -> str:
    return "\n".join(_words(node) for node in _read(definition.module).statements.get(definition.name, ()))


def _words(node: object) -> str:
    """A syntax tree as text, the same whatever version of Python read it: newer ones have more fields, which stand empty."""
    if isinstance(node, list):
        return f"[{','.join(map(_words, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    facts = (f"{name}={_words(value)}" for name, value in ast.iter_fields(node) if value not in (None, []))
    return f"{type(node).__name__}({','.join(facts)})"


@functools.cache
def _used(definition: Definition, package: str) -> tuple[Definition, ...]:
    """The definitions that one definition's statements name."""
    found: dict[Definition, None] = {}
    module = _read(definition.module)
    for statement in module.statements.get(definition.name, ()):
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                if node.id in module.statements:
                    found[Definition(definition.module, node.id)] = None
                elif node.id in module.imported:
                    found |= dict.fromkeys(_resolved(module.imported[node.id]))
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                origin = module.imported.get(node.value.id)
                if origin is not None and not origin.name:
                    found |= dict.fromkeys(_resolved(_home(origin.module, node.attr)))
    return tuple(other for other in found if _followed(other.module, package))


def _resolved(definition: Definition) -> list[Definition]:
    """The definition itself, followed through modules that only pass a name on; a whole module stands for no definition."""
    for _ in range(9):
        if not definition.name or not _followed(definition.module, definition.module.partition(".")[0]):
            return []
        module = _read(definition.module)
        if definition.name in module.statements:
            return [definition]
        passed_on = module.imported.get(definition.name) or _home(*definition)
        if passed_on == definition:
            return []
        definition = passed_on
    return []


def _followed(module: str, package: str) -> bool:
    """Whether a module is of the zoo or of a package, is there to be read, and is not `APART`."""
    if module.partition(".")[0] not in (_CORE, package) or module_path(module) is None:
        return False
    return not any(f"{module}.".startswith(f"{apart}.") for apart in APART)
