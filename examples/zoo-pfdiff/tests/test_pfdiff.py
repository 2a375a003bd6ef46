"""The zoo's conformance kit on pfdiff, and what is special about it."""

import torch

import solvers_zoo as zoo
from solvers_zoo.testing import conformance

test_conformance = conformance("pfdiff")

SDE = zoo.VP()


def draw(solver: str, steps: int) -> torch.Tensor:
    """A run on a mixture, in float64."""
    return zoo.sample(zoo.model("ring"), solver=solver, steps=steps, n=50, seed=0, dtype=torch.float64).x


def test_one_step_is_ddim():
    """There is no past yet."""
    torch.testing.assert_close(draw("pfdiff", 1), draw("ddim", 1), rtol=1e-11, atol=1e-11)


def test_the_middle_is_an_option():
    """Any smooth choice has order 2, but the numbers differ."""
    assert (draw("pfdiff:middle=t", 8) - draw("pfdiff:middle=lam", 8)).abs().max() > 1e-3


def test_a_noise_that_never_changes_costs_nothing():
    """With one and the same noise everywhere the flow is a line in sigma/alpha, and any steps along it are exact."""
    model = zoo.FunctionModel(lambda x, t: torch.full_like(x, 0.7), sde=SDE, prediction="eps")
    start, end = SDE.at(1.0), SDE.at(0.1)
    x = torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    done = zoo.sample(model, solver="pfdiff", grid=[1.0, 0.7, 0.3, 0.1], x=x).x
    exact = end.alpha * (x / start.alpha + (end.rho - start.rho) * 0.7)
    torch.testing.assert_close(done, exact, rtol=1e-10, atol=1e-10)
