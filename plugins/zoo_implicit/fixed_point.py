"""Fixed points X = G(X) of a map without a Jacobian, for every sample by itself: Anderson's acceleration.

Of the last rounds, with f = G(X) - X, the differences (df, dG) are kept, and the next X is the one that would be the fixed point
if G were affine and the residual had no part outside the differences:

    X <- G - sum_j gamma_j dG_j,    gamma = argmin |f - sum_j gamma_j df_j|         (Walker & Ni 2011, Algorithm AA)

Here f is the residual times a ``mixing`` factor that says how far to follow it, and G = X + f.

On an affine map that is GMRES (their Theorem 2.2): as many rounds as there are unknowns at most, however stiff, where plain
iteration X <- G needs |G'| < 1. The least-squares problem is solved by orthogonalisation, of sums over a sample's own
coordinates alone, so that no sample's numbers depend on its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers_zoo import combine
from solvers_zoo.numerics import where

if TYPE_CHECKING:
    from torch import Tensor

#: Two safeguards: a difference whose part outside the newer ones is less than this share of it is left out, as it would call for
#: long jumps, on which the map is not affine; and a jump is at most so many times the residual. Where a pair of them leads to no
#: end, mostly near a fold, another one does: the next counts after `PATIENCE` rounds.
SAFEGUARDS = ((0.1, float("inf")), (0.3, float("inf")), (0.1, 10.0))
PATIENCE = 20

Stack = Sequence["Tensor"]


class Settled(NamedTuple):
    """What `settle` found.

    Attributes:
        value: what ``apply`` gave beside G(X), at the last X.
        residual: root mean square of G(X) - X, (B,).
        rounds: evaluations of G that each sample needed, (B,).
        missed: whether a sample has not settled, (B,).

    """

    value: Any
    residual: Tensor
    rounds: Tensor
    missed: Tensor


def settle(
    apply: Callable[[Stack], tuple[Stack, Any]],
    X: Stack,
    mixing: Sequence[Any],
    goal: Tensor,
    limit: Tensor,
    most: int,
    window: int,
) -> Settled:
    """Iterate to X = G(X) until every sample's residual is at its goal, or at its limit and shrinks no more.

    Args:
        apply: X -> (G(X), value); both X and G(X) are tensors (B, ...), a list of them.
        mixing: a factor for the residual of each, a number or (B, 1, ...): 1 / |1 - G'| where that can be told, else 1.
        X: where to begin.
        goal: of the residual's root mean square, (B,).
        limit: what will do where rounding does not let the residual reach the goal, (B,).
        most: rounds after which to give up.
        window: differences kept.

    A sample that has settled, or whose values are not finite, is not changed any more.

    """
    pairs: list[tuple[Stack, Stack]] = []
    last: tuple[Stack, Stack] | None = None
    done, rounds, residual = goal < 0, goal * 0, limit * 0 + float("inf")
    for count in range(1, most + 1):
        G, value = apply(X)
        f = _less(G, X)
        size = (_dot(f, f) / sum(part[0].numel() for part in f)).sqrt()
        enough = ~(size > goal) | ((size <= limit) & (size > residual / 2))  # NaN will do: the driver reports it
        rounds, residual = where(done, rounds, count), where(done, residual, size)
        done = done | enough
        if bool(done.all()):
            break
        f = [combine((m, part)) for m, part in zip(mixing, f, strict=True)]
        G = [x + part for x, part in zip(X, f, strict=True)]
        if last is not None:
            pairs = [(_less(f, last[0]), _less(G, last[1])), *pairs][:window]
        last = (f, G)
        dependent, reach = SAFEGUARDS[count // PATIENCE % len(SAFEGUARDS)]
        jump = _less(_accelerated(f, G, pairs, dependent), X)
        far = (_dot(jump, jump) / _dot(f, f)).sqrt()
        jump = _times(jump, where(far > reach, reach / far, 1.0))
        X = [where(_like(done, x), x, x + part) for x, part in zip(X, jump, strict=True)]
    return Settled(value, residual, rounds.long(), ~done)


def _accelerated(f: Stack, G: Stack, pairs: Sequence[tuple[Stack, Stack]], dependent: float) -> Stack:
    """G - sum_j gamma_j dG_j, by Gram-Schmidt from the newest difference to the oldest, without the ``dependent`` ones."""
    basis: list[tuple[Stack, Stack]] = []
    for df, dG in pairs:
        whole = _dot(df, df)
        for q, w in basis:
            share = _dot(q, df)
            df, dG = _less(df, q, share), _less(dG, w, share)
        size = _dot(df, df)
        use = size > dependent**2 * whole
        scale = where(use, size, size * 0 + 1).rsqrt() * use
        q, w = _times(df, scale), _times(dG, scale)
        share = _dot(q, f)
        f, G = _less(f, q, share), _less(G, w, share)
        basis.append((q, w))
    return G


def _dot(a: Stack, b: Stack) -> Tensor:
    """Sums over each sample's own coordinates, (B,), in float64."""
    sums = [(x * y).double().reshape(len(x), -1).sum(1) for x, y in zip(a, b, strict=True)]
    return sum(sums[1:], sums[0])


def _less(a: Stack, b: Stack, share: Tensor | None = None) -> Stack:
    """a - b, or a - share b with one number a sample."""
    return [x - (y if share is None else _like(share, y) * y) for x, y in zip(a, b, strict=True)]


def _times(a: Stack, scale: Tensor) -> Stack:
    return [_like(scale, x) * x for x in a]


def _like(numbers: Tensor, x: Tensor) -> Tensor:
    """One number a sample, to be broadcast against ``x``."""
    shaped = numbers.reshape(len(x), *[1] * (x.dim() - 1))
    return shaped if shaped.dtype.itemsize == 1 else shaped.to(x.dtype)
