"""How many steps a budget of model evaluations pays for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from solvers_zoo.errors import OptionError

if TYPE_CHECKING:
    from solvers_zoo.solving.stepping import Solver


def steps_for(solver: Solver, nfe: int, cost: int = 1, denoise: bool = False) -> int:
    """The most steps of ``solver`` whose evaluations, the denoise included, are at most ``nfe``.

    Args:
        solver: what takes the steps.
        nfe: network evaluations a sample.
        cost: of one model call, in network evaluations.
        denoise: whether one more call ends the run.

    Raises:
        OptionError: a budget too small for one step, or a solver that chooses its own steps.

    """
    first = solver.nfe(1)
    if first is None:
        if solver.facts().implicit:
            raise OptionError(
                f"What {solver} costs only a run can tell, so it takes no budget: set steps instead of nfe."
            )
        raise OptionError(f"{solver} chooses its own steps, so it takes no budget: set its tolerances instead of nfe.")
    calls = nfe // cost - denoise
    if first > calls:
        least = (first + denoise) * cost
        raise OptionError(f"nfe = {nfe} does not pay for one step of {solver}, which takes {least} evaluations.")
    enough, much = 1, 2  # evaluations grow with the steps, so the answer lies between
    while (solver.nfe(much) or 0) <= calls:
        enough, much = much, 2 * much
    while much - enough > 1:
        middle = (enough + much) // 2
        if (solver.nfe(middle) or 0) <= calls:
            enough = middle
        else:
            much = middle
    return enough
