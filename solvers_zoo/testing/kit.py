"""`conform`: run the checks on one solver."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from solvers_zoo import PluginError, Registry, Solver, UnknownNameError, registry
from solvers_zoo.testing import check_card, check_conduct, check_inputs, check_law, check_order
from solvers_zoo.testing.report import Report
from solvers_zoo.testing.subject import Check, Subject, costly, variants

#: Every check, the cheapest first.
CHECKS: tuple[Check, ...] = (
    check_card.check_card,
    check_card.check_claims,
    check_card.check_options,
    check_card.check_refusals,
    check_card.check_equivalents,
    check_conduct.check_evaluations,
    check_conduct.check_settings,
    check_conduct.check_seed,
    check_conduct.check_global_state,
    check_conduct.check_purity,
    check_conduct.check_reuse,
    check_conduct.check_batch,
    check_conduct.check_domain,
    check_conduct.check_memory,
    check_conduct.check_resume,
    check_conduct.check_nan,
    check_inputs.check_precision,
    check_inputs.check_shapes,
    check_inputs.check_parametrisations,
    check_inputs.check_per_sample_points,
    check_inputs.check_drift_only,
    check_inputs.check_processes,
    check_inputs.check_encoding,
    check_order.check_order_mixture,
    check_order.check_order_transport,
    check_order.check_order_gaussian,
    check_order.check_order_uneven,
    check_order.check_order_exact_history,
    check_order.check_tolerance,
    check_order.check_error_estimate,
    check_law.check_affine,
    check_law.check_noise_level,
    check_law.check_bias,
    check_law.check_strong_order,
    check_law.check_weak_order,
    check_law.check_marginal,
)


def conform(
    subject: object, quick: bool = False, checks: Iterable[str] | None = None, fail_fast: bool = False
) -> Report:
    """Examine a solver.

    Args:
        subject: a name or specification (``"heun"``, ``"ddim:eta=0.5"``), a solver class, or a configured solver. A bare
            name or class is examined with its defaults and with every option moved off them; a configuration alone as it is.
        quick: fewer and shorter runs.
        checks: names of the checks to run; all by default.
        fail_fast: stop at the first failure.

    Returns:
        A `Report`, a list of findings.

    Raises:
        UnknownNameError: a check that does not exist, or a solver.

    """
    chosen = _chosen(checks)
    main, rest = _settings(subject)
    rest = [solver for solver in rest if not costly(solver)]
    if main.facts().adaptive:  # every number of a step-size controller would be one more long run
        rest = [] if quick else [solver for solver in rest if _differs_in_kind(main, solver)]
    report = Report()
    for check in chosen:
        if not check.every:
            settings = [main]
        elif quick and rest and costly(main):
            settings = rest
        else:
            settings = [main, *rest]
        for solver in settings:
            report.append(check(Subject(solver, quick)))
            if fail_fast and not report[-1].ok:
                return report
    return report


def _chosen(names: Iterable[str] | None) -> list[Check]:
    if names is None:
        return list(CHECKS)
    known = {check.name: check for check in CHECKS}
    for name in names:
        if name not in known:
            raise UnknownNameError("check", name, known)
    return [known[name] for name in names]


def _differs_in_kind(main: Solver, other: Solver) -> bool:
    """Whether an option other than a number differs."""
    changed = [name for name in main.options() if getattr(main, name) != getattr(other, name)]
    return not any(main.options()[name].kind in ("float", "int") for name in changed)


def _settings(subject: object) -> tuple[Solver, list[Solver]]:
    """The solver to examine, and its other settings."""
    if isinstance(subject, type) and issubclass(subject, Solver):
        solver = subject.make()
        return solver, variants(solver)
    solver = registry.default().make("solver", subject)
    bare = isinstance(subject, str) and str(solver) == solver.spec_name()
    return solver, variants(solver) if bare else []


def solvers_in(path: str | Path) -> list[type[Solver]]:
    """The solver classes of a plugin file.

    Raises:
        PluginError: the file does not load, or registers no solver.

    """
    plugin = Registry().load_file(path)
    if plugin.problems:
        raise PluginError(f"{path} {'; '.join(plugin.problems)}")
    found = [entry.cls for entry in plugin.entries if entry.card.kind == "solver"]
    if not found:
        raise PluginError(f"{path} registers no solver; write a class with a card = SolverCard(...).")
    return found
