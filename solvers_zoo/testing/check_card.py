"""Checks of what a solver says of itself."""

from __future__ import annotations

import re

from solvers_zoo import Grid, OptionError, Solver, SolverCard, StepSolver, ZooError, registry
from solvers_zoo.solving.stepping import NEEDS
from solvers_zoo.testing.problems import NotGaussian, grid, hard_ou, mixture_1d, mixture_2d, processes
from solvers_zoo.testing.report import Broken, NotApplicable
from solvers_zoo.testing.subject import Subject, check, require, variants

_FORMULA = re.compile(r"=|<-")


@check()
def check_card(subject: Subject) -> str:
    """Name, title, family, docstring with a formula, source with a place in the paper, claims that fit together."""
    card = subject.solver.card
    require(isinstance(card, SolverCard), f"its card is a {type(card).__name__}; a solver carries a SolverCard.")
    require(
        re.fullmatch(r"[a-z0-9]+([.-][a-z0-9+]+)*", card.name),
        f"the name {card.name!r} is not kebab-case (like dpmpp-2m).",
    )
    for field in ("title", "family"):
        require(str(getattr(card, field)).strip(), f"the card's {field} is empty.")
    for field in ("authors", "title", "where"):
        require(str(getattr(card.source, field)).strip(), f"the source's {field} is empty.")
    require(
        re.search(
            r"\d|append|sect|eq|alg|tab|fig|remark|theorem|chapter|README|docs", card.source.where, re.IGNORECASE
        ),
        f"the source says {card.source.where!r}, which names no place in it (an equation, an algorithm, a section).",
    )
    require(card.source.arxiv or card.source.link, "the source has neither an arXiv number nor a link.")
    require(
        len((type(subject.solver).__doc__ or "").split()) >= 3, "the class has no docstring that says what it does."
    )
    family = [
        cls for cls in type(subject.solver).__mro__ if issubclass(cls, Solver) and cls not in (Solver, StepSolver)
    ]
    require(
        any(_FORMULA.search(cls.__doc__ or "") for cls in family),
        "neither the class nor its family has a docstring that shows the formula of the update.",
    )
    unknown = [need for need in card.needs if need not in NEEDS]
    require(
        not unknown, f"the card needs {', '.join(unknown)}, which the zoo does not know; it knows {', '.join(NEEDS)}."
    )
    return f"{card.title}: {card.source.where} of {card.source.authors}."


@check(every=True)
def check_claims(subject: Subject) -> str:
    """The card as configured says what kind of solver this is, and its claims do not contradict each other."""
    facts, solver = subject.facts, subject.solver
    require(facts.name == solver.card.name, f"facts() renames the solver to {facts.name!r}.")
    claimed = (facts.order, facts.weak_order, facts.strong_order)
    require(all(p is None or p > 0 for p in claimed), f"an order must be positive, the card claims {claimed}.")
    require(not (facts.stochastic and facts.order is not None), "a stochastic solver has no order on the flow.")
    require(facts.stochastic or facts.strong_order is None, "a strong order is claimed of a deterministic solver.")
    require(not (facts.bias and facts.weak_order), "both a bias and a weak order are claimed.")
    start = facts.exact_start_order
    require(
        start is None or facts.order is None or start >= facts.order,
        f"the order with exact history, {start}, lies below the order as shipped, {facts.order}.",
    )
    require(
        not facts.stochastic or facts.weak_order is not None or facts.bias,
        "a stochastic solver claims neither a weak order nor a bias.",
    )
    require(
        facts.strong_order is None or facts.noise_level is not None,
        "a strong order is claimed, and no noise_level says of which SDE.",
    )
    require(facts.nominal_order is None or facts.memory > 0, "a nominal order is claimed without any history.")
    require(
        (facts.evaluations is None) == (solver.nfe(7) is None) or not facts.adaptive,
        "it is adaptive and claims a fixed number of evaluations.",
    )
    require(not facts.adaptive or facts.evaluations is None, "it is adaptive, yet claims evaluations a step.")
    require(not facts.implicit or facts.evaluations is None, "it is implicit, yet claims evaluations a step.")
    promised = [
        facts.order,
        facts.weak_order,
        facts.adaptive or None,
        facts.stationary or None,
        facts.bias or None,
    ]
    require(any(promised), "the card claims neither an order, nor a weak order, nor a bias, nor a tolerance.")
    orders = ", ".join(
        f"{word} {p:g}"
        for word, p in zip(("order", "weak order", "strong order"), claimed, strict=True)
        if p is not None
    )
    return f"claims {orders or facts.bias or 'a tolerance'} at {facts.evaluations or 'its own number of'} evaluations a step."


@check()
def check_options(subject: Subject) -> str:
    """Every option has help, refuses what it cannot be, and survives being written down and read again."""
    solver, cls = subject.solver, type(subject.solver)
    for name, facts in cls.options().items():
        require(facts.help.strip(), f"option {name} has no line of help.")
        require(not isinstance(getattr(solver, name), list | dict | set), f"option {name} is mutable.")
        if facts.kind in ("float", "int", "bool", "solver") or facts.choices is not None:
            _refuses(cls, solver, name, "certainly-not-this")
        for bound, step in ((facts.low, -1), (facts.high, 1), (facts.above, 0)):
            if bound is not None:
                _refuses(cls, solver, name, bound + step)
    known = any(
        entry.cls is cls for entry in registry.default().entries("solver") if entry.card.name == solver.card.name
    )
    settings = [solver, *variants(solver)]
    for other in settings:
        rebuilt = other.replace()
        require(
            rebuilt == other and hash(rebuilt) == hash(other), f"{other} rebuilt from its options is not equal to it."
        )
        if known:
            read = registry.default().make("solver", str(other))
            require(read == other and str(read) == str(other), f"{str(other)!r} reads back as {str(read)!r}.")
    return f"{len(cls.options())} options hold to their bounds; {len(settings)} settings read back."


def _refuses(cls: type[Solver], solver: Solver, name: str, value: object) -> None:
    try:
        solver.replace(**{name: value})
    except OptionError as error:
        require(name in str(error), f"refusing {name} = {value!r} it does not name the option: {error}")
    except ZooError:  # a nested solver of an unknown name
        pass
    else:
        raise Broken(f"option {name} takes {value!r}, which lies outside what it declares.")


@check(every=True)
def check_equivalents(subject: Subject) -> str:
    """Every solver that the card calls an equivalent gives the same numbers, noise included."""
    names = subject.facts.equivalents
    if not names:
        raise NotApplicable("it names no equivalent")
    worst = 0.0
    for name in names:
        other = Subject(registry.default().make("solver", name))
        for problem, rule in ((mixture_2d(), "karras"), (mixture_1d(), "uneven")):
            x, times = problem.x, problem.grid(5, rule)
            ours, theirs = subject.run(problem.model, x, times), other.run(problem.model, x, times)
            off = float((ours - theirs).abs().max() / theirs.abs().max())
            require(off <= 1e-9, f"it names {name} an equivalent, and differs from it by {off:.1e} on {problem.name}.")
            worst = max(worst, off)
    return f"the same as {', '.join(names)} to {worst:.1e}."


@check(every=True)
def check_refusals(subject: Subject) -> str:
    """Where it declines a process or a grid, it says why in words; a whole sentence can be made of them."""
    sde = hard_ou()
    down = grid(sde, 4)
    up = Grid(sde, down.times[::-1])
    cases = [(sde, None), (sde, down), (sde, up), (NotGaussian(), None), *processes()]
    reasons = {reason for process, times in cases if (reason := subject.solver.supports(process, times)) is not None}
    for reason in reasons:
        require(
            isinstance(reason, str) and len(reason.split()) >= 4 and not reason.rstrip().endswith((".", "!")),
            f"it refuses with {reason!r}; a reason is a clause without a full stop, to stand after a colon.",
        )
    require(subject.solver.supports(sde, down) is None, f"it refuses {sde}: {subject.solver.supports(sde, down)}.")
    return f"{len(reasons)} different refusals over {len(cases)} cases, each in words."
