"""Finished cells as tables, read by DuckDB: ``results`` (one row a cell), ``figures`` and ``long`` (one a cell and metric).

    with Results(Store("zoo-results")) as results:
        results.rows("nfe <= 10 and model = digits")
        results.sql("SELECT solver, avg(value) FROM long WHERE metric = 'strong' GROUP BY solver ORDER BY 2")

Every file is verified and read anew: there is no index that could be out of date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any

import duckdb
import numpy as np

from solvers_zoo.bench.conditions import condition, refuse
from solvers_zoo.bench.store import Store

#: What is read of a record, by DuckDB's types; what a record lacks, or holds of another type, is NULL.
_STRUCTURE = {
    "key": "VARCHAR",
    "cell": {
        "model": "VARCHAR",
        "sde": "VARCHAR",
        "solver": "VARCHAR",
        "grid": "VARCHAR",
        "nfe": "BIGINT",
        "steps": "BIGINT",
        "seed": "BIGINT",
        "dtype": "VARCHAR",
        "n": "BIGINT",
        "start": "VARCHAR",
        "denoise": "BOOLEAN",
        "metrics": ["VARCHAR"],
        "repeats": "BIGINT",
        "device": "VARCHAR",
    },
    "code": "MAP(VARCHAR, VARCHAR)",
    "result": {
        "status": "VARCHAR",
        "kind": "VARCHAR",
        "reason": "VARCHAR",
        "nfe": "BIGINT",
        "steps": "BIGINT",
        "grid": ["DOUBLE"],
        "family": "VARCHAR",
        "order": "DOUBLE",
        "stochastic": "BOOLEAN",
        "fit_nfe": "BIGINT",
        "figures": "MAP(VARCHAR, STRUCT(value DOUBLE, floor DOUBLE, sd DOUBLE, z DOUBLE, p DOUBLE, error DOUBLE, ties BOOLEAN, n BIGINT))",
        "unmeasured": "MAP(VARCHAR, VARCHAR)",
    },
    "run": {
        "seconds": "DOUBLE",
        "seconds_min": "DOUBLE",
        "model_seconds": "DOUBLE",
        "took": "DOUBLE",
        "finished": "VARCHAR",
        "attempts": "BIGINT",
        "machine": dict.fromkeys(
            ("host", "cpu", "cores", "threads", "device", "system", "python", "torch", "numpy", "solvers_zoo"),
            "VARCHAR",
        ),
    },
}

#: The columns of ``results`` and where they come from. ``nfe`` and ``steps`` are those of the run; of a cell that did not run, those asked for.
_COLUMNS = {
    "model": "cell.model",
    "sde": "cell.sde",
    "solver": "cell.solver",
    "grid": "cell.grid",
    "nfe": "coalesce(result.nfe, cell.nfe)",
    "steps": "coalesce(result.steps, cell.steps)",
    "budget": "cell.nfe",
    "steps_asked": "cell.steps",
    "seed": "cell.seed",
    "dtype": "cell.dtype",
    "n": "cell.n",
    "start": "cell.start",
    "denoise": "cell.denoise",
    "device": "cell.device",
    "status": "result.status",
    "kind": "result.kind",
    "reason": "result.reason",
    "family": "result.family",
    "solver_order": 'result."order"',
    "stochastic": "result.stochastic",
    "fit_nfe": "result.fit_nfe",
    "seconds": "run.seconds",
    "seconds_min": "run.seconds_min",
    "model_seconds": "run.model_seconds",
    "took": "run.took",
    "finished": "run.finished",
    "attempts": "run.attempts",
    "repeats": "cell.repeats",
    "host": "run.machine.host",
    "cpu": "run.machine.cpu",
    "cores": "run.machine.cores",
    "threads": "run.machine.threads",
    "gpu": "run.machine.device",
    "system": "run.machine.system",
    "python": "run.machine.python",
    "torch": "run.machine.torch",
    "numpy": "run.machine.numpy",
    "solvers_zoo": "run.machine.solvers_zoo",
    "times": "result.grid",
    "code": "code",
    "unmeasured": "result.unmeasured",
    "key": "key",
}
#: Of a figure, beside its value; see `solvers_zoo.metrics.base.Measured`.
_PARTS = ("floor", "sd", "z", "p", "error", "ties", "n")
_ORDER = "model, sde, dtype, start, budget, steps_asked, solver, grid, seed, key"

#: No text of a user reaches a file or the network, and none of Python's variables.
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
}


class Results:
    """The cells of a store as they are now.

    Attributes:
        store: where they are; its ``damage`` lists files that were not used.
        columns: of ``results``, with those of the figures: for a metric ``sliced-w1`` ``sliced_w1``, ``sliced_w1_floor``, ``_sd``,
            ``_z``, ``_p``, ``_error``, ``_ties`` and ``_n``.
        column_of: the column of each metric.
        metrics: specifications, the most measured first.
        stale: how many cells were left out because the same cell was computed anew since by changed code.

    """

    def __init__(self, store: Store, keys: Collection[str] | None = None, stale: bool = False) -> None:
        """Read all cells.

        Args:
            store: where they are.
            keys: only these.
            stale: also cells that were computed anew since by changed code.

        Raises:
            StorageError: a file cannot be read.

        """
        self.store = store
        wanted = None if keys is None else frozenset(keys)
        bodies = [body.decode() for key, body in store.bodies() if wanted is None or key in wanted]
        self._base = duckdb.connect(config=_CLOSED)
        self._base.register("bodies", {"body": np.array([*bodies, ""], dtype=object)[:-1]})
        columns = ", ".join(f'{source} AS "{name}"' for name, source in _COLUMNS.items())
        self._base.execute(f"""
            CREATE TABLE cells AS SELECT {columns}, result.figures AS figures, hash(cell) AS identity FROM (
                SELECT r.* FROM (SELECT json_transform(body::VARCHAR, '{json.dumps(_STRUCTURE)}') AS r FROM bodies))""")
        self._base.unregister("bodies")
        if not stale:
            self._base.execute("""
                DELETE FROM cells WHERE key NOT IN (
                    SELECT arg_max(key, coalesce(finished, '') || key) FROM cells GROUP BY identity, model, solver, budget, seed)""")
        self._base.execute("""
            CREATE TABLE figures AS SELECT key, e.key AS metric, unnest(e.value)
            FROM (SELECT key, unnest(map_entries(figures)) AS e FROM cells)""")
        self.metrics = [
            name for (name,) in self._all("SELECT metric FROM figures GROUP BY 1 ORDER BY count(*) DESC, 1")
        ]
        self.column_of = self._views()
        kinds = {name: kind for name, kind, *_ in self._all("DESCRIBE results")}
        self.columns = list(kinds)
        self._words = {name for name, kind in kinds.items() if kind == "VARCHAR"}
        self._offered = [*_COLUMNS, *self.column_of.values()]
        self.stale = len(bodies) - self.count()

    def _views(self) -> dict[str, str]:
        """Make ``results`` and ``long``; gives the column of every metric."""
        names: dict[str, str] = {}
        wide = []
        for metric in self.metrics:
            name = re.sub(r"\W+", "_", metric).strip("_")
            while name.lower() in {taken.lower() for taken in (*_COLUMNS, *names.values())}:
                name += "_"
            names[metric] = name
            place = "figures['" + metric.replace("'", "''") + "']"
            wide.append(f'{place}.value AS "{name}"')
            wide += [f'{place}.{part} AS "{name}_{part}"' for part in _PARTS]
        self._base.execute(
            f"CREATE VIEW results AS SELECT {', '.join(['* EXCLUDE (figures, identity)', *wide])} FROM cells"
        )
        self._base.execute("""
            CREATE VIEW long AS SELECT cells.* EXCLUDE (figures, identity), metric, value, floor, sd, z, p, error, ties, figures.n AS figure_n
            FROM cells JOIN figures USING (key)""")
        return names

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free what was read."""
        self._base.close()

    # -- reading -----------------------------------------------------------------------------------------------------

    def count(self, where: str | None = None) -> int:
        """How many cells fulfil a condition."""
        return int(self._all(f"SELECT count(*) FROM results {self.filter(where)}")[0][0])

    def rows(self, where: str | None = None) -> list[dict[str, Any]]:
        """One flat dictionary a cell, figures included, in the order of models, budgets, solvers, grids and seeds.

        Args:
            where: a condition in SQL; words need no quotes (``nfe <= 10 and model = digits``).

        Raises:
            OptionError: a condition that has no meaning.

        """
        return self.query(f"SELECT * FROM results {self.filter(where)} ORDER BY {_ORDER}")

    def long(self, where: str | None = None) -> list[dict[str, Any]]:
        """One dictionary a cell and metric; ``n`` is the cell's, ``figure_n`` the figure's. See `rows`."""
        return self.query(f"SELECT * FROM long {self.filter(where)} ORDER BY {_ORDER}, metric")

    def sql(self, query: str) -> list[dict[str, Any]]:
        """The rows of one SELECT on ``results``, ``figures`` (key, metric, value, floor, sd, z, p, error, ties, n) and ``long``.

        Raises:
            OptionError: a query that has no meaning, or is more than one, or would change anything.

        """
        try:
            statements = self._base.extract_statements(query)
            if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
                raise duckdb.ParserException("Parser Error: it takes one SELECT")
            return self.query(query)
        except duckdb.Error as error:
            raise refuse("The query", query, error, self.columns, self._offered) from None

    def filter(self, where: str | None) -> str:
        """``WHERE ...`` of a condition on ``results``, for ``results`` and ``long`` alike; empty for None.

        Raises:
            OptionError: a condition that has no meaning.

        """
        if where is None:
            return ""
        sql = f"WHERE key IN (SELECT key FROM results WHERE (\n{condition(where, self._words)}\n))"
        try:
            statements = self._base.extract_statements(f"SELECT count(*) FROM results {sql}")
            if len(statements) != 1:
                raise duckdb.ParserException("Parser Error: it is more than one condition")
            self._base.execute(statements[0]).fetchall()
        except duckdb.Error as error:
            raise refuse("--where", where, error, self.columns, self._offered) from None
        return sql

    def _all(self, query: str) -> list[Any]:
        return self._base.execute(query).fetchall()

    def query(self, query: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of a query of the zoo's own, with ``$1, $2, ..`` for values; `sql` is for those of users."""
        found = self._base.execute(query, list(values))
        columns = [name for name, *_ in found.description]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
