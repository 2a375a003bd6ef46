"""Write your own solver: one class with a card of claims and a step, listed, checked and compared like all others.

    python examples/your_solver.py
    zoo check examples/your_solver.py
    zoo sample --plugin examples/your_solver.py --solver two-step --model ring --nfe 12

`zoo new-plugin my-solver` makes a package of it that others can install; examples/zoo-pfdiff is one.
"""

from solvers_zoo import SolverCard, Source, Step, StepSolver, combine, hookimpl

BOOK = "https://doi.org/10.1007/978-3-540-78862-1"


class TwoStep(StepSolver):
    """Adams-Bashforth of two steps for the probability flow dy/d rho = eps, with y = x / alpha and rho = sigma / alpha.

        r   = (rho_s - rho_t) / (rho_t - rho_before)
        y_s = y_t + (rho_s - rho_t) ((1 + r/2) eps_t - r/2 eps_before)

    The first step is Euler's, which is DDIM.
    """

    card = SolverCard(
        name="two-step",
        title="Adams-Bashforth, two steps",
        family="mine",
        order=2,
        memory=1,
        needs=("gaussian", "finite-lam"),
        source=Source(authors="Hairer et al. 1993", title="Solving ODEs I", where="III.5", link=BOOK),
    )

    def step(self, model, x, interval, memory, noise):
        """From t to s; ``memory`` holds where the last prediction was made, and the prediction."""
        t, s = interval.t, interval.s
        h = s.rho - t.rho
        slope = eps = model(x, t).eps
        if memory is not None:
            rho_before, eps_before = memory
            r = h / (t.rho - rho_before)
            slope = combine((1 + r / 2, eps), (-r / 2, eps_before))
        return Step(combine((s.alpha / t.alpha, x), (s.alpha * h, slope)), memory=(t.rho, eps))


@hookimpl
def zoo_solvers():
    """What this file adds to the zoo."""
    return [TwoStep]


if __name__ == "__main__":
    from solvers_zoo.testing import conform

    findings = conform(TwoStep(), quick=True)
    for finding in findings:
        if finding.check.startswith("order") or finding.status == "fail":
            print(f"{finding.status}  {finding.message}")
