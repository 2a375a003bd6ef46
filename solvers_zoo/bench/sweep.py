"""A sweep: what is crossed with what. It lives on the command line, or in a file that `zoo bench --write-config` makes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from solvers_zoo import registry
from solvers_zoo.bench.cell import Cell, is_times
from solvers_zoo.errors import OptionError, StorageError
from solvers_zoo.registry.defaults import SWEPT
from solvers_zoo.registry.registry import Registry
from solvers_zoo.score_models.build import build_model, is_file
from solvers_zoo.storage.files import wrong_ending

#: Tolerances at which solvers that choose their own steps are run, unless their specification sets ``rtol``.
TOLERANCES = (0.1, 0.03, 0.01, 0.003, 0.001)

_FREE: dict[str, Any] = {"nfe": None, "steps": None}


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Solvers x models x processes x grids x budgets x seeds x dtypes, and how each cell is run and measured.

    Attributes:
        solvers: specifications; `TOLERANCES` take the place of budgets where a solver chooses its own steps.
        models: specifications, or ``path/to/file.py:name``.
        sdes: specifications; none for each model's own.
        grids: specifications, or times as ``"80,10,1"``; none for each process's own.
        nfe: budgets in evaluations a sample.
        steps: numbers of steps instead.
        seeds: cells of one seed share start and noise.
        dtypes: of the state.
        n: samples a cell.
        start: ``exact`` (solver error only), ``prior``, or ``auto``: exact where the law is known.
        denoise: whether a last denoise ends each run.
        metrics: specifications; none for all that are measured by default.
        repeats: timed repeats of each cell, the median of which is kept; 0 times nothing.
        limit: seconds a cell may take; none for no limit.
        device: ``cpu``, ``cuda`` ...
        plugins: Python files whose solvers and models take part.

    """

    solvers: tuple[str, ...] = SWEPT
    models: tuple[str, ...] = ("mixture-5",)
    sdes: tuple[str, ...] = ()
    grids: tuple[str, ...] = ()
    nfe: tuple[int, ...] = ()
    steps: tuple[int, ...] = ()
    seeds: tuple[int, ...] = (0,)
    dtypes: tuple[str, ...] = ("float32",)
    n: int = 2000
    start: str = "auto"
    denoise: bool = False
    metrics: tuple[str, ...] = ()
    repeats: int = 3
    limit: float | None = None
    device: str = "cpu"
    plugins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.nfe and self.steps:
            raise OptionError("A sweep takes nfe or steps, not both.")
        for name, least in (("nfe", 1), ("steps", 1), ("n", 1), ("repeats", 0)):
            values = getattr(self, name)
            for value in values if isinstance(values, tuple) else (values,):
                if isinstance(value, bool) or not isinstance(value, int) or value < least:
                    raise OptionError(f"{name} = {value!r} is not possible; it takes whole numbers >= {least}.")
        if self.n < 2:
            raise OptionError("n = 1 is not possible; distances between laws need at least two samples.")
        if self.start not in ("auto", "exact", "prior"):
            raise OptionError(f"start = {self.start!r} is not possible; it is auto, exact or prior.")
        unknown = [dtype for dtype in self.dtypes if dtype not in ("float64", "float32", "bfloat16", "float16")]
        if unknown:
            raise OptionError(f"dtype = {unknown[0]!r} is not possible; it is float64, float32, bfloat16 or float16.")
        for name in ("solvers", "models", "seeds", "dtypes"):
            if not getattr(self, name):
                raise OptionError(f"A sweep needs at least one of its {name}.")

    # -- cells -------------------------------------------------------------------------------------------------------

    def cells(self, found: Registry | None = None) -> list[Cell]:
        """All cells, the cheapest budgets first and solvers in turn, so that a slow drift of the machine favours none.

        Raises:
            ZooError: an unknown name or an impossible option, in any part.

        """
        known = registry.default() if found is None else found
        metrics = tuple(str(known.make("metric", spec)) for spec in self._metrics(known))
        cells: dict[Cell, None] = {}
        for budget, (place, dtype), (grid, (model, sde, start)) in product(
            self._budgets(), product(self.seeds, self.dtypes), self._problems(known)
        ):
            for spec, wanted in self._solvers(known, budget):
                cell = Cell(
                    model=model,
                    sde=sde,
                    solver=spec,
                    grid=grid,
                    **wanted,
                    seed=place,
                    dtype=dtype,
                    n=self.n,
                    start=start,
                    denoise=self.denoise,
                    metrics=metrics,
                    repeats=self.repeats,
                    device=self.device,
                )
                cells[replace(cell, **_FREE) if is_times(grid) else cell] = None
        return list(cells)

    def _budgets(self) -> list[dict[str, int | None]]:
        if self.steps:
            return [{"nfe": None, "steps": steps} for steps in self.steps]
        return [{"nfe": nfe, "steps": None} for nfe in self.nfe or (5, 8, 10, 20)]

    def _solvers(self, known: Registry, budget: dict[str, int | None]) -> Iterator[tuple[str, dict[str, int | None]]]:
        for text in self.solvers:
            solver = known.make("solver", text)
            if not solver.facts().adaptive:
                yield str(solver), budget
            elif "rtol" not in solver.options() or _sets(text, "rtol"):
                yield str(solver), _FREE
            else:
                for rtol in TOLERANCES:
                    yield str(replace(solver, rtol=rtol)), _FREE

    def _problems(self, known: Registry) -> list[tuple[str, tuple[str, str, str]]]:
        """(grid, (model, process, start)) of every combination, each in its canonical words."""
        found = []
        for text, sde in product(self.models, self.sdes or (None,)):
            process = known.make("sde", sde) if sde is not None else None
            if is_file(text):
                model = build_model(known, text, process)
                name, process, law = text, model.sde, model.analytic
            else:
                target = known.make("model", text)
                process = process if process is not None else target.default_sde()
                name, law = str(target), target.build(process).analytic
            start = self.start if self.start != "auto" else "exact" if law is not None else "prior"
            grids = self.grids or (process.default_grid,)
            found += [(_grid_words(known, grid), (name, str(process), start)) for grid in grids]
        return found

    def _metrics(self, known: Registry) -> tuple[str, ...]:
        if self.metrics:
            return self.metrics
        return tuple(entry.card.name for entry in known.entries("metric") if getattr(entry.card, "default", False))

    # -- files -------------------------------------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        """The fields that are set, as TOML has them."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value is not None and value != ()
        }

    def text(self, form: str = "toml") -> str:
        """The sweep as a file of TOML, or of YAML."""
        if form == "toml":
            import tomli_w

            return tomli_w.dumps(self.facts())
        import yaml

        return str(yaml.safe_dump(self.facts(), sort_keys=False, allow_unicode=True))

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Sweep:
        """The sweep of a file's fields; a misspelt or impossible one is an `OptionError`."""
        known = {field.name: field for field in fields(cls)}
        for name in facts:
            if name not in known:
                raise OptionError(f"{name!r} is no field of a sweep; it has {', '.join(known)}.")
        return cls(**{name: _cast(known[name], value) for name, value in facts.items()})

    @classmethod
    def read(cls, path: Path) -> Sweep:
        """The sweep in a TOML or YAML file.

        Raises:
            StorageError: a file that cannot be read, or is neither.
            OptionError: a field that a sweep does not have, or cannot take.

        """
        try:
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".toml":
                facts: Any = tomllib.loads(text)
            elif path.suffix in (".yaml", ".yml"):
                import yaml

                facts = yaml.safe_load(text)
            else:
                raise StorageError(wrong_ending(path, "a sweep is a .toml or .yaml file"))
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror or error}.") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise StorageError(f"{path} is not TOML: {error}.") from None
        except Exception as error:
            if isinstance(error, StorageError):
                raise
            raise StorageError(f"{path} is not YAML: {' '.join(str(error).split())}.") from None
        if not isinstance(facts, dict):
            raise StorageError(f"{path} does not hold the fields of a sweep.")
        return cls.of(facts)


def _cast(field: Any, value: Any) -> Any:
    """A file's value as the field has it: lists become tuples of what the default holds."""
    default = field.default if field.default is not MISSING else None
    if isinstance(default, tuple):
        values = value if isinstance(value, list | tuple) else [value]
        kind = int if field.name in ("nfe", "steps", "seeds") else str
        wrong = [one for one in values if not isinstance(one, kind) or isinstance(one, bool)]
        if wrong:
            words = "whole numbers" if kind is int else "text"
            raise OptionError(f"{field.name} holds {wrong[0]!r}; it takes a list of {words}.")
        return tuple(values)
    if field.name == "limit" and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if default is not None and type(value) is not type(default):
        raise OptionError(f"{field.name} = {value!r} is not possible; it takes a value such as {default!r}.")
    return value


def _sets(text: str, name: str) -> bool:
    from solvers_zoo.registry.spec import parse

    return name in parse(text).kwargs


def _grid_words(known: Registry, grid: str) -> str:
    """A rule's specification in its canonical words; explicit times as they are."""
    try:
        return ",".join(repr(float(word)) for word in grid.strip("[] ").split(","))
    except ValueError:
        return str(known.make("grid", grid))
