"""Mutation testing of the kit: how many wrong solvers does it catch?

    python -m solvers_zoo.testing.mutation [--plugin zoo_dpm] [--sample 200 --seed 0] [--jobs 2]

Every mutant replaces its module in a fresh registry, and the solvers of its plugin are examined until a check fails. A mutant
that gives the same bits, cards and refusals as the original on a battery of runs is no mutant at all: it is counted as
equivalent, apart.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import multiprocessing
import resource
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter
from types import ModuleType
from typing import Self

import torch

from solvers_zoo import Registry
from solvers_zoo.registry import registry
from solvers_zoo.registry.hookspecs import PROJECT
from solvers_zoo.testing.kit import CHECKS, conform
from solvers_zoo.testing.mutation.battery import fingerprint
from solvers_zoo.testing.mutation.mutants import Mutant, mutants, sample
from solvers_zoo.testing.mutation.tally import Tally, Verdict

#: Seconds of computing (not of waiting for a busy machine) after which an examination is taken for endless.
_PATIENCE = 40


def plugin_packages() -> list[str]:
    """The packages of all installed plugins that register solvers from a package of their own."""
    names = {point.value.partition(":")[0].partition(".")[0] for point in metadata.entry_points(group=PROJECT)}
    return sorted(names - {PROJECT})


def all_mutants(packages: Iterable[str]) -> list[Mutant]:
    """All mutants of some packages."""
    found: list[Mutant] = []
    for package in packages:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise SystemExit(f"There is no package {package}; the plugins are {', '.join(plugin_packages())}.")
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            module = ".".join([package, *(part for part in parts if part != "__init__")])
            found += mutants(module, path)
    return found


# -- one mutant ----------------------------------------------------------------------------------------------------


class _Endless(BaseException):
    """An examination that does not end; not an Exception, so that no check takes it for a finding."""


class _Replaced(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from changed source."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if name != self.mutant.module:
            return None
        package = self.mutant.path.name == "__init__.py"
        return importlib.util.spec_from_file_location(
            name,
            self.mutant.path,
            loader=self,
            submodule_search_locations=[str(self.mutant.path.parent)] if package else None,
        )

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.mutant.source, str(self.mutant.path), "exec"), module.__dict__)


def _forget(package: str) -> dict[str, ModuleType]:
    """Take a package's modules out of those that are loaded, and give them back."""
    names = [name for name in sys.modules if name == package or name.startswith(package + ".")]
    return {name: sys.modules.pop(name) for name in names}


@contextmanager
def _installed(package: str, mutant: Mutant | None) -> Iterator[Registry]:
    """A fresh default registry in which ``mutant`` stands in its module's place."""
    before = registry._default
    finder = [_Replaced(mutant)] if mutant else []
    kept = _forget(package)
    sys.meta_path[:0] = finder
    try:
        fresh = Registry()
        fresh.load_entry_points()
        registry._default = fresh
        yield fresh
    finally:
        registry._default = before
        sys.meta_path[:] = [item for item in sys.meta_path if item not in finder]
        _forget(package)
        sys.modules.update(kept)  # classes that are in use go on to find the module they are from


@contextmanager
def _patience(seconds: int) -> Iterator[None]:
    """Raise `_Endless` after so many seconds of computing, and end the process after twice as many.

    The latter is for what cannot be interrupted, such as one call that computes for minutes.
    """

    def give_up(*_: object) -> None:
        raise _Endless

    used, (soft, hard) = resource.getrusage(resource.RUSAGE_SELF), resource.getrlimit(resource.RLIMIT_CPU)
    signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 2 * seconds, hard))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _solvers_of(loaded: Registry, package: str) -> dict[str, str]:
    """The solvers of a package, each with the module of its class."""
    return {
        e.card.name: e.target.partition(":")[0] if isinstance(e.target, str) else e.cls.__module__
        for p in loaded.plugins
        if p.module.partition(".")[0] == package
        for e in p.entries
        if e.card.kind == "solver"
    }


@cache
def _imports(package: str) -> dict[str, set[str]]:
    """Which modules of a package import which others of it, directly."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    graph = {}
    for path in Path(spec.origin).parent.glob("*.py"):
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        name = package if path.stem == "__init__" else f"{package}.{path.stem}"
        graph[name] = {node.module for node in nodes if node.module and node.module.startswith(package)}
    return graph


@cache
def _concerned(mutant_module: str) -> list[str]:
    """The solvers whose class is made in ``mutant_module``, or in a module that imports it."""
    package = mutant_module.partition(".")[0]
    with _installed(package, None) as loaded:
        modules = _solvers_of(loaded, package)
    if mutant_module == package:
        return sorted(modules)
    graph = _imports(package)

    def reach(module: str) -> set[str]:
        seen, ahead = set(), [module]
        while ahead:
            here = ahead.pop()
            if here not in seen:
                seen.add(here)
                ahead += graph.get(here, set())
        return seen

    return sorted(name for name, module in modules.items() if mutant_module in reach(module))


_originals: dict[tuple[str, str, bool], str] = {}

#: The checks that catch most, cheap ones before dear ones; the others follow.
_FIRST = (
    "claims",
    "evaluations",
    "bias",
    "order-mixture",
    "noise-level",
    "equivalents",
    "order-transport",
    "weak-order",
)
_ORDER = [*_FIRST, *(check.name for check in CHECKS if check.name not in _FIRST)]


def _original(package: str, names: Iterable[str], brief: bool) -> dict[str, str]:
    """The fingerprints of some of a package's solvers as they are."""
    unknown = [name for name in names if (package, name, brief) not in _originals]
    if unknown:
        with _installed(package, None):
            _originals.update({(package, name, brief): fingerprint(name, brief) for name in unknown})
    return {name: _originals[package, name, brief] for name in names}


def examine(mutant: Mutant) -> Verdict:
    """Kill one mutant, or fail to: first the solvers that differ at a glance, then those that differ at all."""
    torch.set_num_threads(1)
    package = mutant.module.partition(".")[0]
    differ: list[str] = []
    for brief in (True, False):
        original = _original(package, _concerned(mutant.module), brief)
        try:
            with _patience(_PATIENCE), _installed(package, mutant) as loaded:
                killed = _killed(original, _solvers_of(loaded, package), differ, brief)
        except _Endless:
            killed = "does not end"
        except Exception as error:  # a solver that cannot even be made
            killed = f"raises {type(error).__name__}"
        if killed:
            return Verdict(mutant, "killed", killed)
    return Verdict(mutant, "survived" if differ else "equivalent", ", ".join(differ))


def _killed(original: dict[str, str], present: Iterable[str], differ: list[str], brief: bool) -> str:
    """What catches one of the solvers that differ from the original, if anything; ``differ`` collects their names."""
    gone = sorted(original.keys() - set(present))
    if gone:
        return "does not load"
    for name in original:
        if name not in differ and fingerprint(name, brief) != original[name]:
            differ.append(name)
            failures = conform(name, quick=True, checks=_ORDER, fail_fast=True).failures
            if failures:
                return failures[0].check
    return ""


# -- all of them ---------------------------------------------------------------------------------------------------


def examine_all(chosen: Sequence[Mutant], jobs: int = 2) -> Iterator[Verdict]:
    """Verdicts on ``chosen`` in their order, from worker processes, as they come; one that ends its process is killed."""
    with ThreadPoolExecutor(jobs) as threads, ExitStack() as open_ones:
        workers: SimpleQueue[_Worker] = SimpleQueue()
        for _ in range(jobs):
            workers.put(open_ones.enter_context(_Worker()))

        def judged(mutant: Mutant) -> Verdict:
            worker = workers.get()
            try:
                return worker.examine(mutant)
            finally:
                workers.put(worker)

        yield from threads.map(judged, chosen)


class _Worker:
    """A process that examines mutants, and another one after a mutant that ended it."""

    def __enter__(self) -> Self:
        self.pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown(cancel_futures=True)

    def examine(self, mutant: Mutant) -> Verdict:
        try:
            return self.pool.submit(examine, mutant).result()
        except BrokenProcessPool:
            self.__exit__()
            self.__enter__()
            return Verdict(mutant, "killed", "ends its process")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a command; the status is 1 where less than 95 % are killed."""
    parser = argparse.ArgumentParser(prog="python -m solvers_zoo.testing.mutation", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--plugin", action="append", help="a plugin's package, e.g. zoo_dpm; all by default; repeatable"
    )
    parser.add_argument("--sample", type=int, help="take that many mutants at random")
    parser.add_argument("--seed", default="0", help="any word; the same word is the same sample")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    parser.add_argument("--equivalent", action="store_true", help="also list the equivalent ones")
    given = parser.parse_args(arguments)
    found = all_mutants(given.plugin or plugin_packages())
    chosen = sample(found, given.sample, given.seed) if given.sample else found
    began = perf_counter()
    verdicts = []
    for verdict in examine_all(chosen, given.jobs):
        verdicts.append(verdict)
        survived = f"survived: {verdict.mutant} [{verdict.by}]\n" if verdict.outcome == "survived" else ""
        sys.stderr.write(f"\r{survived}{len(verdicts)} of {len(chosen)} ")
        sys.stderr.flush()
    sys.stderr.write("\n")
    tally = Tally(verdicts)
    print(tally)  # noqa: T201
    if given.equivalent:
        print("\n".join(f"equivalent: {v.mutant}" for v in tally.verdicts if v.outcome == "equivalent"))  # noqa: T201
    print(f"\n{len(chosen)} of {len(found)} mutants in {perf_counter() - began:.0f} s.")  # noqa: T201
    return 0 if tally.score() >= 0.95 else 1
