"""The code that something reaches, as a hash: it changes with what can run, and with no comment and no docstring.

The source is read and nothing is run. What counts are definitions at the top of modules: functions, classes and constants.
A definition reaches those whose names it uses, through imports (inside functions too), attributes of modules and the public
tables of packages. So an object's class is reached wherever code that is reached makes the object by name. Two things no name
leads to, and the caller gives them beside the class: objects that are handed in from outside, and what the registry finds by
a string. A module that is used as a value counts whole.
A statement that binds no name counts with every definition of its module. Annotations count in class bodies only, where they
declare fields. Other distributions (torch, numpy) are not followed.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from solvers_zoo.registry.source_hash import module_path, source_of

#: A definition: its module and its name. The name ALL is the whole module, BARE are its statements that bind nothing.
Definition = tuple[str, str]
ALL, BARE = "*", ""


@dataclass
class _Module:
    """A module taken apart.

    Attributes:
        statements: the statements that bind each name at the top.
        imports: what each imported name stands for, (module, name); a name of None is the module itself.
        promised: the same of names that are imported for type checkers; a package that imports lazily has these.

    """

    statements: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    promised: dict[str, tuple[str, str | None]] = field(default_factory=dict)


class Code:
    """The source of some packages.

    Args:
        packages: the packages that are followed.
        ends: modules that are not: what they do does not count.
        changed: text that stands in the place of a module's file.

    """

    def __init__(
        self, packages: Iterable[str], ends: Iterable[str] = (), changed: Mapping[str, str] | None = None
    ) -> None:
        self.packages, self.ends, self.changed = frozenset(packages), frozenset(ends), dict(changed or {})
        self._modules: dict[str, _Module | None] = {}
        self._found: dict[Definition, tuple[str, frozenset[Definition]]] = {}

    def hash_of(self, roots: Iterable[Definition], rows: Iterable[str] = ()) -> str:
        """16 hexadecimal digits of all that the definitions reach, and of the rows beside them."""
        digest = hashlib.sha256(repr(sorted(rows)).encode())
        for definition in sorted(self.reach(roots)):
            text, uses = self._definition(definition)
            digest.update(repr((definition, text, sorted(uses))).encode())
        return digest.hexdigest()[:16]

    def reach(self, roots: Iterable[Definition]) -> set[Definition]:
        """The definitions that ``roots`` reach, themselves among them."""
        seen: set[Definition] = set()
        ahead = list(roots)
        while ahead:
            definition = ahead.pop()
            if definition not in seen and self._module(definition[0]):
                seen.add(definition)
                ahead += self._definition(definition)[1]
        return seen

    def of_class(self, cls: type) -> tuple[list[Definition], list[str]]:
        """Where to start for a class, itself and its bases, and in words what no statement defines.

        A class that a function makes from a row of values has no statement of its own: its values stand for it as they are, and
        its methods lead to the function that they are written in.
        """
        roots: list[Definition] = []
        rows: list[str] = []
        for base in cls.__mro__:
            here = self._module(base.__module__)
            if here is None:
                continue
            if base.__name__ in here.statements:
                roots.append((base.__module__, base.__name__))
                continue
            own = {name: value for name, value in vars(base).items() if not name.startswith("_")}
            rows += [f"{base.__name__}.{name} = {value!r}" for name, value in own.items() if not callable(value)]
            makers = {value.__qualname__.partition(".")[0] for value in own.values() if callable(value)}
            roots += [(base.__module__, maker) for maker in makers if maker in here.statements]
        return roots, rows

    # -- modules ---------------------------------------------------------------------------------------------------

    def _module(self, name: str) -> _Module | None:
        if name not in self._modules:
            followed = name.partition(".")[0] in self.packages and name not in self.ends
            there = followed and module_path(name) is not None
            text = self.changed.get(name) or source_of(name).decode() if there else None
            self._modules[name] = None if text is None else _taken_apart(name, text)
        return self._modules[name]

    def _resolved(self, module: str, name: str | None) -> Definition | None:
        """What a name of a module stands for; the definition ALL of another module where it is a module."""
        while name is not None:
            here = self._module(module)
            if here is None:
                return None
            if name in here.statements:
                return module, name
            below = f"{module}.{name}"
            if name in here.imports or name in here.promised:
                module, name = here.imports.get(name) or here.promised[name]
            elif self._module(below) is not None:
                module, name = below, None
            else:
                return None
        return (module, ALL) if self._module(module) is not None else None

    # -- definitions -----------------------------------------------------------------------------------------------

    def _definition(self, definition: Definition) -> tuple[str, frozenset[Definition]]:
        """A definition's own digest, and the definitions that it uses."""
        if definition not in self._found:
            module, name = definition
            here = self._module(module)
            assert here is not None
            uses: set[Definition] = set()
            if name == ALL:
                uses = {(module, other) for other in here.statements}
                statements: list[ast.stmt] = []
            else:
                statements = here.statements[name]
                for statement in statements:
                    uses |= self._uses(statement, module, here)
                if name != BARE and BARE in here.statements:
                    uses.add((module, BARE))
            self._found[definition] = ("".join(map(_digest, statements)), frozenset(uses - {definition}))
        return self._found[definition]

    def _uses(self, statement: ast.stmt, module: str, here: _Module) -> set[Definition]:
        inner = _Module()
        for node in _run(statement):
            _note_import(node, module, inner.imports)
        targets = (self._chain(chain, module, here, inner) for chain in _chains(statement))
        return {target for target in targets if target is not None}

    def _chain(self, chain: list[str], module: str, here: _Module, inner: _Module) -> Definition | None:
        """What ``a.b.c`` uses: a definition of this module, or one behind an import, through modules as far as they go."""
        first, *rest = chain
        if first in inner.imports:
            at = self._resolved(*inner.imports[first])
        elif first in here.statements or first in here.imports:
            at = self._resolved(module, first)
        else:
            return None
        for name in rest:
            if at is None or at[1] != ALL:
                break
            at = self._resolved(at[0], name) or at
        return at


@functools.lru_cache(maxsize=2000)
def _taken_apart(name: str, text: str) -> _Module:
    found = _Module()
    for statement in ast.parse(text).body:
        _note(statement, name, found)
    return found


def _note(statement: ast.stmt, module: str, found: _Module) -> None:
    """Enter one statement at the top of a module under the names that it binds."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        _note_import(statement, module, found.imports)
        return
    if isinstance(statement, ast.If) and _for_type_checkers(statement):
        for inner in statement.body:
            _note_import(inner, module, found.promised)
        for inner in statement.orelse:
            _note(inner, module, found)
        return
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return  # a docstring
    names: list[str] = []
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        names = [statement.name]
    elif isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [name for target in targets for name in _bound(target)]
    else:  # a block, or a call: it may do anything to the module
        for node in ast.walk(statement):
            _note_import(node, module, found.imports)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.append(node.id)
        names.append(BARE)
    for name in names or [BARE]:
        found.statements.setdefault(name, []).append(statement)


def _bound(target: ast.expr) -> Iterator[str]:
    """The names that an assignment binds or changes: ``x``, and ``x`` of ``x.a`` and ``x[0]``."""
    while isinstance(target, ast.Attribute | ast.Subscript | ast.Starred):
        target = target.value
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            yield from _bound(part)


def _note_import(node: ast.AST, module: str, imports: dict[str, tuple[str, str | None]]) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            imports[bound] = (alias.name if alias.asname else bound, None)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            path = module_path(module)
            inside = f"{module}.__init__" if path is not None and path.name == "__init__.py" else module
            base = f"{inside.rsplit('.', node.level)[0]}.{base}".rstrip(".")
        for alias in node.names:
            imports[alias.asname or alias.name] = (base, alias.name)


def _for_type_checkers(statement: ast.If) -> bool:
    return isinstance(statement.test, ast.Name) and statement.test.id == "TYPE_CHECKING"


# -- what of a statement counts ------------------------------------------------------------------------------------


def _parts(node: ast.AST, in_class: bool) -> Iterator[tuple[str, object]]:
    """The fields of a node that have an effect when it runs, a list's entries one by one."""
    for name, value in ast.iter_fields(node):
        if name in ("ctx", "returns", "type_comment", "type_params", "kind"):
            continue
        if name == "annotation" and not (in_class and isinstance(node, ast.AnnAssign)):
            continue
        for entry in value if isinstance(value, list) else [value]:
            text = isinstance(entry, ast.Expr) and isinstance(entry.value, ast.Constant)
            if entry is not None and not text:
                yield name, entry


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a statement that run; no annotation does."""
    yield node
    for _, part in _parts(node, False):
        if isinstance(part, ast.AST):
            yield from _run(part)


def _chains(node: ast.AST) -> Iterator[list[str]]:
    """Every name in a statement, with the attributes behind it."""
    rest: list[str] = []
    at = node
    while isinstance(at, ast.Attribute):
        rest.append(at.attr)
        at = at.value
    if isinstance(at, ast.Name):
        yield [at.id, *reversed(rest)]
        return
    for _, part in _parts(at, False):
        if isinstance(part, ast.AST):
            yield from _chains(part)


def _digest(statement: ast.stmt) -> str:
    return hashlib.sha256("".join(_words(statement, False)).encode()).hexdigest()[:16]


def _words(node: ast.AST, in_class: bool) -> Iterator[str]:
    """A syntax tree as text, the same in every version of Python."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return  # what an imported name stands for is followed
    yield f"{type(node).__name__}("
    if isinstance(node, ast.JoinedStr):
        yield from _pieces(node)
    elif isinstance(node, ast.Constant):
        yield f"{type(node.value).__name__} {node.value!a}"
    else:
        for name, part in _parts(node, in_class):
            yield f"{name}="
            if isinstance(part, ast.AST):
                yield from _words(part, isinstance(node, ast.ClassDef))
            else:
                yield ascii(part)
            yield ","
    yield ")"


def _pieces(node: ast.JoinedStr) -> Iterator[str]:
    """The pieces of an f-string, neighbouring text in one: where it is cut differs between versions of Python."""
    text = ""
    for value in node.values:
        if isinstance(value, ast.Constant):
            text += str(value.value)
            continue
        yield ascii(text)
        text = ""
        yield from _words(value, False)
    yield ascii(text)
