"""Linear operators: adjoints, singular values, pseudo-inverses, and what each of them observes."""

from __future__ import annotations

import pytest
import torch

import solvers_zoo as zoo

IMAGE = (3, 4, 6)
OPERATORS = {
    "matrix": zoo.Matrix(torch.randn(3, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)),
    "tall": zoo.Matrix(
        torch.randn(6, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64), (2, 2), (3, 2)
    ),
    "rank-1": zoo.Matrix([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]]),
    "mask": zoo.Mask(torch.rand(IMAGE, generator=torch.Generator().manual_seed(3)) > 0.4),
    "grey": zoo.Grey(IMAGE, [0.3, 0.6, 0.1]),
    "average": zoo.Average(IMAGE, 2),
    "blur": zoo.Blur.gaussian(IMAGE, 0.7),
    "lopsided blur": zoo.Blur((1, 5, 3), [0.5, 0.3, 0.0]),
    "function": zoo.FunctionOperator(lambda x: x.cumsum(-1)[..., 1:], (2, 4)),
}
DECOMPOSED = [name for name, A in OPERATORS.items() if isinstance(A, zoo.DecomposedOperator)]


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def gap(a, b):
    return float((a - b).detach().abs().max())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", OPERATORS)
def test_the_adjoint_is_the_adjoint(name, dtype):
    """<A x, y> = <x, A^T y>, a sample at a time, in the dtype of the state."""
    A = OPERATORS[name]
    x, y = noise(7, *A.shape, dtype=dtype), noise(7, *A.observed, seed=1, dtype=dtype)
    left, right = A(x), A.T(y)
    assert left.dtype is right.dtype is dtype
    assert left.shape == y.shape
    assert right.shape == x.shape
    assert gap((left * y).flatten(1).sum(1), (x * right).flatten(1).sum(1)) < 200 * torch.finfo(dtype).eps


@pytest.mark.parametrize("name", DECOMPOSED)
def test_the_decomposition_is_the_operator(name):
    """V and U are orthogonal, A = U S V^T, and the pseudo-inverse and the shifted solution are those of the dense matrix."""
    A = OPERATORS[name]
    x, y = noise(4, *A.shape), noise(4, *A.observed, seed=1)
    for back, there, z in ((A.V, A.V_T, x), (A.U, A.U_T, y)):
        assert gap(back(there(z)), z) < 1e-13
        assert gap(there(z).square().sum(1), z.flatten(1).square().sum(1)) < 1e-12
    dense, rank = A.dense(), len(A.singular)
    assert rank == torch.linalg.matrix_rank(dense)
    assert gap(A.U_T(A(x))[:, :rank], A.V_T(x)[:, :rank] * A.singular) < 1e-13
    assert gap(A(x).flatten(1), x.flatten(1) @ dense.mT) < 1e-13
    assert gap(A.T(y).flatten(1), y.flatten(1) @ dense) < 1e-13
    assert gap(A.pinv(y).flatten(1), y.flatten(1) @ torch.linalg.pinv(dense, rtol=1e-9).mT) < 1e-9 / float(
        A.singular.min()
    )
    level = 0.3 * torch.eye(len(dense), dtype=torch.float64) + 2 * dense @ dense.mT
    assert gap(A.solve(y, 0.3, 2.0).flatten(1), torch.linalg.solve(level, y.flatten(1).mT).mT) < 1e-12
    rows = torch.linspace(1, 4, 4, dtype=torch.float64).reshape(-1, *[1] * len(A.shape))
    assert gap(A.solve(y, 0.3, rows)[1], A.solve(y, 0.3, 2.0)[1]) < 1e-14


def test_without_a_decomposition_systems_are_solved_by_conjugate_gradients():
    A = OPERATORS["function"]
    y = noise(4, *A.observed)
    level = 0.3 * torch.eye(6, dtype=torch.float64) + 2 * A.dense() @ A.dense().mT
    assert gap(A.solve(y, 0.3, 2.0).flatten(1), torch.linalg.solve(level, y.flatten(1).mT).mT) < 1e-12
    assert torch.equal(A.solve(y, 0.3, 2.0)[:1], A.solve(y[:1], 0.3, 2.0))


def test_what_is_observed():
    """Means of blocks, weighted sums of channels, the kept pixels in their order, and a blur of a point."""
    x = noise(2, *IMAGE)
    assert gap(OPERATORS["average"](x), torch.nn.functional.avg_pool2d(x, 2)) < 1e-15
    assert gap(OPERATORS["grey"](x)[:, 0], 0.3 * x[:, 0] + 0.6 * x[:, 1] + 0.1 * x[:, 2]) < 1e-15
    mask = torch.tensor([[True, False], [True, True]])
    assert zoo.Mask(mask)(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])).tolist() == [[1.0, 3.0, 4.0]]
    point = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    point[..., 2, 2] = 1.0
    kernel = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    assert gap(zoo.Blur((1, 5, 5), kernel.tolist())(point)[0, 0, 1:4, 1:4], torch.outer(kernel, kernel)) < 1e-15


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: zoo.Matrix([1.0, 2.0]), "matrix"),
        (lambda: zoo.Matrix([[1.0, 2.0]], shape=(3,)), "does not map"),
        (lambda: zoo.Mask([False, False]), "nothing is observed"),
        (lambda: zoo.Grey((3, 4, 4), [1.0, 2.0]), "channels"),
        (lambda: zoo.Average((1, 5, 4), 2), "does not divide"),
        (lambda: zoo.Blur((1, 4, 4), [0.5, 0.5]), "odd number"),
        (lambda: zoo.FunctionOperator(lambda x: x.sum(), (3,)), "a row for each"),
    ],
)
def test_operators_refuse_what_does_not_fit(make, message):
    with pytest.raises(zoo.OptionError, match=message):
        make()
