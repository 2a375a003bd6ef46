"""``zoo check``: the conformance kit on solvers by name, in a file or in a package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solvers_zoo.cli import common, matrix
from solvers_zoo.cli.progress import Progress
from solvers_zoo.errors import PluginError, UnknownNameError

if TYPE_CHECKING:
    from solvers_zoo.registry.registry import Registry
    from solvers_zoo.testing.report import Finding, Report

_MARKS = {"pass": ("✓", "green"), "fail": ("✗", "bold red"), "refused": ("–", "yellow"), "not-applicable": ("·", "dim")}


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|FILE|PACKAGE",
            autocompletion=common.completes("solver"),
            help="Solvers by name or specification, Python files, plugins or distributions.",
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every registered solver.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and shorter runs.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="CHECK", help="Only this check; repeatable.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes that share the solvers.")] = 1,
    store: Annotated[
        bool,
        typer.Option("--store", help="Keep what was measured beside each plugin's package, solver by solver."),
    ] = False,
    stale: Annotated[
        bool, typer.Option("--stale", help="With --all: only solvers whose code changed since they were last stored.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write a table: .csv, .json or .md.")
    ] = None,
    plugin: common.PluginOption = None,
    json: common.JsonOption = False,
) -> None:
    """Measure every claim on a solver's card: order, cost, determinism, batch invariance, and much more.

    Exits with 1 if any claim does not hold.

    With --store each solver's figures, and the evidence that all its claims hold, are kept as soon as it is done: what
    Ctrl-C interrupts, --store --stale goes on with.

    [dim]Examples:[/dim]

    zoo check heun

    zoo check my_solver.py --quick

    zoo check --all --jobs 2 --out table.md

    zoo check --all --store --stale --jobs 2
    """
    common.at_least_one(jobs=jobs)
    if bool(names) == all_:
        raise common.misuse("Name what to check (a solver, file or package), or say --all.")
    if stale and not all_:
        raise common.misuse("--stale chooses among all solvers; say --all --stale.")
    if out is not None:
        matrix.refuse(out)
    files = list(plugin or [])
    found = common.registry(files)
    subjects = _all(found, stale) if all_ else _subjects(found, names or [], files)
    codes = _codes(found, subjects, whole=not quick and not only) if store else {}
    if stale and not subjects and not json:
        common.say("No solver's code changed since it was last stored; without --stale all are measured.")
    elif stale and not json:
        common.say(f"{len(subjects)} solvers to measure, whose code changed since they were last stored.", "dim")
    reports: list[tuple[str, Report]] = []
    try:
        with Progress("checking", wanted=len(subjects) > 1, unit="solvers") as progress:
            for subject, report in _reports(subjects, quick, only, jobs, files, live=not json):
                reports.append((subject, report))
                if store:
                    matrix.store(found, subject, report, codes[subject])
                if not json and (len(subjects) > 1 or jobs > 1):
                    _print_summary(subject, report)
                progress(len(reports), len(subjects))
    except KeyboardInterrupt:
        if store and not json:
            common.say(
                f"{len(reports)} of {len(subjects)} solvers are stored; zoo check --all --store --stale goes on."
            )
        raise
    reports.sort(key=lambda pair: subjects.index(pair[0]))
    good = all(report.ok for _, report in reports)
    if json:
        facts = [
            {"solver": subject, "ok": report.ok, "seconds": report.seconds, "findings": [asdict(f) for f in report]}
            for subject, report in reports
        ]
        common.print_json({"ok": good, "solvers": facts})
    elif reports:
        _print_total([report for _, report in reports])
    if out is not None:
        matrix.write(out, matrix.rows(found, reports))
    if not good:
        raise typer.Exit(1)


def _all(found: Registry, stale: bool) -> list[str]:
    """Every solver, or every one whose stored evidence is of other code than today's."""
    if not stale:
        return [entry.qualified for entry in found.entries("solver")]
    from solvers_zoo.testing.evidence import Evidence

    return [entry.qualified for entry in Evidence(found).stale()]


def _codes(found: Registry, subjects: list[str], whole: bool) -> dict[str, str]:
    """The hash of the code that is about to be examined, for each solver; empty ones where only a part of the kit will run."""
    from solvers_zoo.testing.evidence import Evidence

    matrix.refuse_to_store(found, subjects)
    if not whole:
        return dict.fromkeys(subjects, "")
    now = Evidence(found)
    return {subject: now.hash_of(found.find("solver", subject)) for subject in subjects}


def _subjects(found: Registry, names: Iterable[str], files: list[str]) -> list[str]:
    """Specifications of the solvers that ``names`` mean; files among them are loaded, and noted in ``files``."""
    subjects: list[str] = []
    for name in names:
        if name.endswith(".py"):
            plugin = next(p for p in common.registry([name]).plugins if p.module == name)
            files.append(name)
            solvers = [entry.qualified for entry in plugin.entries if entry.card.kind == "solver"]
            if not solvers:
                raise PluginError(f"{name} registers no solver; write a class with a card = SolverCard(...).")
            subjects += solvers
        else:
            subjects += _package(found, name) or [_solver(found, name)]
    return list(dict.fromkeys(subjects))


def _package(found: Registry, name: str) -> list[str]:
    """The solvers of a plugin, its module or its distribution; none where ``name`` is a solver's or nobody's."""
    if name in found.names("solver"):
        return []
    plugins = [p for p in found.plugins if name in (p.name, p.module, p.dist)]
    broken = [p for p in plugins if not p.entries and not p.ok]
    if broken:
        raise PluginError(f"Plugin {name} cannot be checked: it {broken[0].problems[0]}.")
    solvers = [entry.qualified for p in plugins for entry in p.entries if entry.card.kind == "solver"]
    if plugins and not solvers:
        raise PluginError(f"Plugin {name} gives no solver to check.")
    return solvers


def _solver(found: Registry, name: str) -> str:
    """``name`` if it is the specification of a solver."""
    try:
        found.make("solver", name)
    except UnknownNameError as error:
        if Path(name).is_dir():
            raise PluginError(
                f"{name} is a folder: install it (pip install -e {name}), then check it by name."
            ) from None
        plugins = {p.name for p in found.plugins} | {p.dist for p in found.plugins}
        raise UnknownNameError(
            "solver, file or plugin", name, [*found.names("solver"), *plugins], "zoo list"
        ) from error
    return name


def _reports(
    subjects: list[str], quick: bool, only: list[str] | None, jobs: int, files: list[str], live: bool
) -> Iterator[tuple[str, Report]]:
    if jobs > 1 and len(subjects) > 1:
        yield from _shared_out(subjects, quick, only, jobs, files)
        return
    for subject in subjects:
        yield subject, _watched(subject, quick, only, live, show=live and len(subjects) == 1)


def _watched(subject: str, quick: bool, only: list[str] | None, live: bool, show: bool) -> Report:
    """Examine one solver, a check at a time, and show each finding as it comes."""
    from solvers_zoo.testing import CHECKS, Report, conform

    report = Report()
    if show:
        common.stdout().print(f"[bold cyan]{subject}[/]")
    with common.stderr().status("") as status:
        if not live:
            status.stop()
        for name in only or [check.name for check in CHECKS]:
            status.update(f"[dim]{subject}: {name}[/]")
            findings = conform(subject, quick=quick, checks=[name])
            report += findings
            if show:
                _print_findings(findings)
    return report


def _shared_out(
    subjects: list[str], quick: bool, only: list[str] | None, jobs: int, files: list[str]
) -> Iterator[tuple[str, Report]]:
    """Share the solvers among processes, each with one thread."""
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    with context.Pool(min(jobs, len(subjects)), _prepare, (files,)) as pool:  # leaving the block ends the processes
        yield from pool.imap_unordered(_examine, [(subject, quick, only) for subject in subjects])


def _prepare(files: list[str]) -> None:
    import signal

    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    torch.set_num_threads(1)
    common.registry(files)


def _examine(task: tuple[str, bool, list[str] | None]) -> tuple[str, Report]:
    from solvers_zoo.testing import conform

    subject, quick, only = task
    return subject, conform(subject, quick=quick, checks=only)


def _print_findings(findings: list[Finding]) -> None:
    """What one check found: the solver as named, then those of its other settings that say something else."""
    first, *others = findings
    telling = [finding for finding in others if finding.status != first.status]
    same = len(others) - len(telling)
    _print_finding(first, f" (so with {same} other setting{'s' * (same > 1)})" if same else "")
    for finding in telling:
        _print_finding(finding, setting=finding.solver)


def _print_finding(finding: Finding, more: str = "", setting: str = "") -> None:
    from rich.table import Table
    from rich.text import Text

    mark, style = _MARKS[finding.status]
    row = Table.grid(padding=(0, 1))
    row.add_column(width=3, justify="right")
    row.add_column(width=20, no_wrap=True)
    row.add_column(width=max(40, min(common.stdout().width, 130) - 34), overflow="fold")
    row.add_column(width=7, justify="right", style="dim")
    message = Text.assemble((f"{setting}: " if setting else "", "cyan"), finding.message, (more, "dim"))
    if finding.status == "not-applicable":
        message.stylize("dim")
    row.add_row(Text(mark, style), finding.check, message, f"{finding.seconds:.2f} s")
    common.stdout().print(row)


def _print_summary(subject: str, report: Report) -> None:
    from rich.text import Text

    mark, style = _MARKS["pass" if report.ok else "fail"]
    counts = _counts([report])
    common.stdout().print(
        Text.assemble(
            (mark, style), " ", (f"{subject:<36}", "bold cyan"), f" {counts}", (f"  {report.seconds:.1f} s", "dim")
        )
    )
    for finding in report.failures:
        _print_finding(finding, setting=finding.solver)


def _counts(reports: list[Report]) -> str:
    findings = [finding for report in reports for finding in report]
    words = {"pass": "hold", "fail": "FAIL", "refused": "refused", "not-applicable": "do not apply"}
    numbers: dict[Any, int] = {status: sum(f.status == status for f in findings) for status in words}
    return ", ".join(f"{numbers[status]} {word}" for status, word in words.items() if numbers[status])


def _print_total(reports: list[Report]) -> None:
    good = sum(report.ok for report in reports)
    style = "bold green" if good == len(reports) else "bold red"
    verdict = f"{good} of {len(reports)} solvers" if len(reports) > 1 else "Every claim" if good else "Not every claim"
    common.stdout().print(
        f"\n[{style}]{verdict} {'hold their claims' if len(reports) > 1 else 'holds'}[/]: {_counts(reports)}."
    )
