"""The zoo's conformance kit on gradient-estimation, and what is special about it."""

import torch

import solvers_zoo as zoo
from solvers_zoo.testing import conformance

test_conformance = conformance("gradient-estimation")


def draw(solver: str) -> torch.Tensor:
    """Eight steps on a mixture, in float64."""
    return zoo.sample(zoo.model("ring"), solver=solver, steps=8, n=50, seed=0, dtype=torch.float64).x


def test_gamma_one_is_ddim():
    """Nothing is extrapolated at gamma = 1."""
    torch.testing.assert_close(draw("gradient-estimation:gamma=1"), draw("ddim"), rtol=1e-11, atol=1e-11)


def test_gamma_matters():
    """The default is another method than DDIM."""
    assert (draw("gradient-estimation") - draw("ddim")).abs().max() > 1e-3
