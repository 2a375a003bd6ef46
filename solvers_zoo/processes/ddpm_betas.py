"""The discrete process of DDPM with its beta schedule, made continuous between the indices."""

from __future__ import annotations

import functools
import math
from bisect import bisect_left
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from solvers_zoo.errors import OptionError
from solvers_zoo.numerics.scalar import divide, exp, expm1, log, softplus, sqrt, where
from solvers_zoo.processes.base import GaussianPoint, double
from solvers_zoo.processes.families import VariancePreserving
from solvers_zoo.registry.card import SDECard, Source
from solvers_zoo.registry.defaults import GRID
from solvers_zoo.registry.options import option

if TYPE_CHECKING:
    from solvers_zoo.numerics.scalar import S, Scalar


class DDPMBetas(VariancePreserving):
    r"""alpha^2 at index i is the product of 1 - beta_j over j <= i; t is the index, any real number in [0, num - 1].

    Between indices log alpha is linear in t; at an index, derivatives are those of the interval below, where a sampler
    goes. With ``zero_snr`` alpha is shifted and scaled to be 0 at the last index (and unchanged at the first); in the last
    interval alpha itself is then linear, so that alpha' stays finite and only lam and g^2 are infinite at t_max.
    """

    card = SDECard(
        name="ddpm-betas",
        title="DDPM, discrete betas",
        aliases=("ddpm-table",),
        formula="x_i = sqrt(1 - beta_i) x_(i-1) + sqrt(beta_i) z;  alpha_i^2 = prod_(j <= i) (1 - beta_j), sigma^2 = 1 - alpha^2",
        source=Source(
            authors="Ho, Jain & Abbeel 2020",
            title="Denoising Diffusion Probabilistic Models",
            arxiv="2006.11239",
            where="eq. (4); cosine: arXiv:2102.09672 eq. (17); zero_snr: arXiv:2305.08891 Algorithm 1",
        ),
    )
    default_grid = GRID
    discrete = True
    schedule: str = option(
        "linear",
        help="how betas grow: linear, linear in their square root, or from the cosine alpha (which ignores start and end)",
        choices=("linear", "scaled-linear", "cosine"),
    )
    beta_start: float = option(1e-4, help="first beta", above=0.0)
    beta_end: float = option(0.02, help="last beta", above=0.0)
    num: int = option(1000, help="number of indices", low=2)
    zero_snr: bool = option(False, help="zero terminal signal-to-noise ratio: alpha = 0 at the last index")

    @property
    def t_min(self) -> float:
        """0, where sigma^2 is the first beta."""
        return 0.0

    @property
    def t_max(self) -> float:
        """The last index."""
        return float(self.num - 1)

    def check(self) -> None:
        """0 < beta_start <= beta_end < 1."""
        if not self.beta_start <= self.beta_end < 1:
            raise OptionError(
                f"ddpm-betas: beta_start = {self.beta_start:g} and beta_end = {self.beta_end:g} must satisfy "
                "beta_start <= beta_end < 1."
            )

    @functools.cached_property
    def table(self) -> tuple[float, ...]:
        """Log alpha at the indices, decreasing; -inf at the last with ``zero_snr``."""
        logs = list(accumulate(math.log1p(-beta) / 2 for beta in self.betas()))
        if not self.zero_snr:
            return tuple(logs)
        # alpha_i -> (alpha_i - alpha_T) alpha_0 / (alpha_0 - alpha_T), in logarithms, which keeps the digits of 1 - alpha_0
        first, last = logs[0], logs[-1]
        scale = math.log1p(-math.exp(last - first))
        return (*(y + (math.log1p(-math.exp(last - y)) - scale) for y in logs[:-1]), -math.inf)

    def betas(self) -> list[float]:
        """The betas of the schedule, before ``zero_snr``."""
        steps = self.num - 1
        if self.schedule == "cosine":
            # beta = 1 - cos^2(b)/cos^2(a) = sin(b + a) sin(b - a) / cos^2(a), without the cancellation; capped as published
            angles = [(i / self.num + 0.008) / 1.008 * math.pi / 2 for i in range(self.num + 1)]
            width = math.pi / 2 / 1.008 / self.num
            return [min(math.sin(b + a) * math.sin(width) / math.cos(a) ** 2, 0.999) for a, b in pairwise(angles)]
        if self.schedule == "scaled-linear":
            low, high = math.sqrt(self.beta_start), math.sqrt(self.beta_end)
            return [(low + i / steps * (high - low)) ** 2 for i in range(self.num)]
        return [self.beta_start + i / steps * (self.beta_end - self.beta_start) for i in range(self.num)]

    @functools.cached_property
    def _rates(self) -> tuple[float, ...]:
        """Slopes of log alpha in the intervals; 0 stands in the last one with ``zero_snr``, which is not linear there."""
        rates = [b - a for a, b in pairwise(self.table)]
        return tuple([*rates[:-1], 0.0] if self.zero_snr else rates)

    @functools.cached_property
    def _rising(self) -> tuple[float, ...]:
        """-log alpha at the indices, for the search of an interval."""
        return tuple(-y for y in self.table)

    @functools.cached_property
    def _on_device(self) -> dict[Any, tuple[Any, Any]]:
        return {}

    def _line(self, t: Any, i: Any) -> tuple[Any, Any, Any]:
        """Interval i as (i, log alpha at its lower end, slope); tensors of those where i is one."""
        if isinstance(i, int):
            return i, self.table[i], self._rates[i]
        if t.device not in self._on_device:
            self._on_device[t.device] = (t.new_tensor(self.table[:-1]), t.new_tensor(self._rates))
        table, rates = self._on_device[t.device]
        return i, table[i], rates[i]

    def _around(self, t: Any) -> tuple[Any, Any, Any]:
        """The interval that ``t`` lies in, the one below at an index; the outermost ones go on beyond the table."""
        last = self.num - 2
        if isinstance(t, float):
            return self._line(t, min(max(math.ceil(t) - 1, 0), last))
        return self._line(t, (t.ceil() - 1).clamp(0, last).long())

    def _values(self, t: Any) -> tuple[Any, Any, Any, Any]:
        """Log alpha, alpha, alpha' and g^2, from one look into the table."""
        i, start, slope = self._around(t)
        log_alpha = start + slope * (t - i)
        alpha = exp(log_alpha)
        if not self.zero_snr:
            return log_alpha, alpha, slope * alpha, -2 * slope
        last, rest, edge = i == self.num - 2, self.t_max - t, exp(start)
        return (
            where(last, start + log(rest), log_alpha),
            where(last, edge * rest, alpha),
            where(last, -edge, slope * alpha),
            where(last, divide(2.0, rest), -2 * slope),
        )

    def alpha(self, t: S) -> S:
        """e^(log alpha)."""
        return self._values(t)[1]

    def sigma(self, t: S) -> S:
        """sqrt(1 - alpha^2)."""
        return sqrt(-expm1(2 * self._values(t)[0]))

    def dalpha(self, t: S) -> S:
        """The slope of log alpha times alpha."""
        return self._values(t)[2]

    def diffusion_squared(self, t: S) -> S:
        """-2 times the slope of log alpha."""
        return self._values(t)[3]

    def t_of_lam(self, lam: S) -> S:
        """From log alpha = -log(1 + e^(-2 lam))/2, through the interval of the table that holds it."""
        goal: Any = -softplus(-2 * lam) / 2
        last = self.num - 2
        if isinstance(goal, float):
            i, start, slope = self._line(lam, min(max(bisect_left(self._rising, -goal) - 1, 0), last))
        else:
            import torch  # only tensors come here

            index = torch.searchsorted(goal.new_tensor(self._rising), -goal.contiguous())
            i, start, slope = self._line(lam, (index - 1).clamp(0, last))
        line = i + divide(goal - start, slope)
        return where(i == last, self.t_max - exp(goal - start), line) if self.zero_snr else line

    def at(self, t: Scalar) -> GaussianPoint:
        """The point of time ``t``, from one look into the table."""
        t = double(t)
        log_alpha, alpha, dalpha, g2 = self._values(t)
        sigma = sqrt(-expm1(2 * log_alpha))
        return GaussianPoint(
            t=t,
            g2=g2,
            alpha=alpha,
            sigma=sigma,
            lam=log_alpha - log(sigma),
            dalpha=dalpha,
            dsigma=-alpha * dalpha / sigma,
        )
