"""Options: typed fields with a default and a line of help, the same for solvers, SDEs, grids and models.

A subclass of `Configurable` is a frozen, keyword-only dataclass without writing the decorator:

    class DDIM(StepSolver):
        eta: float = option(0.0, help="noise level: 0 is deterministic, 1 is DDPM", low=0.0)

Values are checked when the object is made; a misspelt or impossible one is an `OptionError` that names
what is allowed. ``str(obj)`` is the specification (``ddim(eta=0.5)``) that makes an equal object again.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import math
from dataclasses import MISSING, FrozenInstanceError, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

from solvers_zoo.errors import OptionError
from solvers_zoo.registry.spec import is_bare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from solvers_zoo.registry.card import Card

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Option:
    """What is known of one option: its help, and the values it takes."""

    help: str
    kind: str
    choices: Sequence[Any] | None = None
    low: float | None = None
    high: float | None = None
    above: float | None = None

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        if self.choices is not None:
            return "one of " + ", ".join(str(c) for c in self.choices)
        words = {
            "float": "a number",
            "int": "a whole number",
            "bool": "true or false",
            "str": "a name",
            "floats": "a list of numbers",
            "ints": "a list of whole numbers",
        }
        text = words.get(self.kind, f"a {self.kind}")
        bounds = [
            f"{sign} {bound:g}"
            for sign, bound in ((">", self.above), (">=", self.low), ("<=", self.high))
            if bound is not None
        ]
        return " ".join([text, *(["and".join(f" {b} " for b in bounds).strip()] if bounds else [])])

    def check(self, owner: str, name: str, value: Any, default: Any) -> Any:
        """Return ``value`` in its proper type, or raise `OptionError`."""
        if value is None and default is None:
            return None
        good = _CASTS[self.kind](value) if self.kind in _CASTS else value
        if good is not None and self._inside(good):
            return good
        raise OptionError(f"{owner}: option {name} = {value!r} is not possible; it takes {self.allowed}.")

    def _inside(self, value: Any) -> bool:
        if self.choices is not None:
            return value in self.choices
        if isinstance(value, tuple):
            return all(self._inside(each) for each in value)
        return not (
            (self.low is not None and value < self.low)
            or (self.high is not None and value > self.high)
            or (self.above is not None and value <= self.above)
        )


def _as_float(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return None
    return float(value)


def _as_int(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1 or math.isinf(value):
        return None
    return int(value)


def _each(cast: Callable[[Any], Number | None]) -> Callable[[Any], tuple[Number, ...] | None]:
    """A cast for lists, by the cast of what they hold."""

    def cast_all(values: Any) -> tuple[Number, ...] | None:
        try:
            numbers = [cast(value) for value in values]
        except TypeError:
            return None
        good = tuple(number for number in numbers if number is not None)
        return good if len(good) == len(numbers) else None

    return cast_all


def _as_registered(kind: str) -> Callable[[Any], Any]:
    """A cast for options that hold another registered thing: a name or specification is looked up."""

    def cast(value: Any) -> Any:
        from solvers_zoo import registry  # only objects made from names need the registry, and it needs this module

        if isinstance(value, Configurable):
            return value if value.card.kind == kind else None
        return registry.default().make(kind, value)

    return cast


_CASTS: dict[str, Callable[[Any], Any]] = {
    "solver": _as_registered("solver"),
    "sde": _as_registered("sde"),
    "grid": _as_registered("grid"),
    "float": _as_float,
    "floats": _each(_as_float),
    "int": _as_int,
    "ints": _each(_as_int),
    "bool": lambda value: value if isinstance(value, bool) else None,
    "str": lambda value: value if isinstance(value, str) else None,
}


def option(
    default: Any = MISSING,
    *,
    help: str,
    kind: str | None = None,
    choices: Sequence[Any] | None = None,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
) -> Any:
    """Declare an option.

    Args:
        default: its default; without one the option is required.
        help: one line, shown by ``zoo show``.
        kind: ``float``, ``int``, ``floats`` or ``ints`` (a list of them), ``bool``, ``str``, or what a nested specification
            makes (``solver``, ``sde``); taken from the default where that tells.
        choices: the only values allowed.
        low: smallest value allowed.
        high: largest value allowed.
        above: an open lower bound: values must be greater.

    """
    if kind is None:
        kind = type(default).__name__ if default not in (None, MISSING) else "any"
    facts = Option(help=help, kind=kind, choices=choices, low=low, high=high, above=above)
    return dataclasses.field(default=default, metadata={"option": facts})


# `option` is no declared field specifier: checkers take a specifier's default by keyword only, and would ask for every option
@dataclass_transform(frozen_default=True, kw_only_default=True)
class Configurable:
    """An immutable object made from named options; its class carries a card."""

    card: ClassVar[Card]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Only the fields are dataclass's here: the methods that it would write and compile for every class are most of
        # what listing five hundred solvers would cost, and the ones below serve all. A class without fields of its own
        # has those of its base.
        if "__annotations__" in vars(cls) or not dataclasses.is_dataclass(cls):
            dataclass(init=False, eq=False, repr=False, match_args=False)(cls)

    def __init__(self, **values: Any) -> None:
        """Take the values of the options by name."""
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = values.pop(field.name, field.default)
            if value is MISSING:
                raise TypeError(f"{type(self).__name__} needs a value for {field.name}")
            object.__setattr__(self, field.name, value)
        if values:
            raise TypeError(f"{type(self).__name__} has no option {', '.join(values)}")
        self.__post_init__()

    def __setattr__(self, name: str, value: Any) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        return _values(self) == _values(other) if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), _values(self)))

    def __post_init__(self) -> None:
        """Check every option, then what `check` says of them together."""
        for name, facts in self.options().items():
            default = self.defaults()[name]
            object.__setattr__(self, name, facts.check(self.spec_name(), name, getattr(self, name), default))
        self.check()

    def check(self) -> None:
        """Raise `OptionError` where options do not go together; by default they all do."""

    @classmethod
    def options(cls) -> dict[str, Option]:
        """The options by name."""
        if not dataclasses.is_dataclass(cls):
            return {}
        return {f.name: f.metadata["option"] for f in dataclasses.fields(cls) if "option" in f.metadata}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The default of every option; required ones map to ``dataclasses.MISSING``."""
        if not dataclasses.is_dataclass(cls):
            return {}
        return {f.name: f.default for f in dataclasses.fields(cls) if "option" in f.metadata}

    @classmethod
    def spec_name(cls) -> str:
        """The name in specifications: the card's, or the class's for an object outside the registry."""
        card = getattr(cls, "card", None)
        return card.name if card is not None else cls.__name__

    @classmethod
    def describe(cls) -> str:
        """What it is, in words and formulas, for ``zoo show``: the class's docstring unless it has more to say."""
        return inspect.getdoc(cls) or ""

    @classmethod
    def make(cls, *positional: Any, **given: Any) -> Any:
        """Make an object from options, in words that a person understands when one is wrong."""
        options = cls.options()
        if len(positional) > len(options):
            raise OptionError(f"{cls.spec_name()} takes {len(options)} options, got {len(positional)} values.")
        for name, value in zip(options, positional, strict=False):
            if name in given:
                raise OptionError(f"{cls.spec_name()}: option {name} is given twice.")
            given[name] = value
        for name in given:
            if name not in options:
                near = difflib.get_close_matches(name, list(options), n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                known = f"its options are {', '.join(options)}" if options else "it has no options"
                raise OptionError(f"{cls.spec_name()} has no option {name!r}; {known}.{hint}")
        missing = [name for name, default in cls.defaults().items() if default is MISSING and name not in given]
        if missing:
            raise OptionError(f"{cls.spec_name()} needs a value for {', '.join(missing)}.")
        return cls(**given)

    def replace(self, **changes: Any) -> Any:
        """An equal object but for ``changes``."""
        values = {name: getattr(self, name) for name in self.options()}
        return self.make(**{**values, **changes})

    def __repr__(self) -> str:
        defaults = self.defaults()
        changed = [
            f"{name}={_spell(getattr(self, name))}"
            for name in self.options()
            if _spell(getattr(self, name)) != _spell(defaults[name])
        ]
        return f"{self.spec_name()}({', '.join(changed)})" if changed else self.spec_name()


def _values(thing: Any) -> tuple[Any, ...]:
    return tuple(getattr(thing, field.name) for field in dataclasses.fields(thing))


def _spell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if is_bare(value) else f'"{value}"' if '"' not in value else f"'{value}'"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_spell, value))}]"
    return "none" if value is None else str(value)
