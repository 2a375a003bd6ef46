"""Gaussians and small mixtures: the textbook problems, and those of the lectures."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

from solvers_zoo.processes.edm import EDM
from solvers_zoo.processes.ou import OU
from solvers_zoo.processes.ve import VE
from solvers_zoo.registry.card import ModelCard, Source
from solvers_zoo.registry.options import option
from solvers_zoo.score_models.targets.base import EXACT, KARRAS, NCSN, OnEDM, Target

if TYPE_CHECKING:
    from solvers_zoo.processes.base import GaussianSDE
    from solvers_zoo.score_models.gaussian import Gaussian
    from solvers_zoo.score_models.mixture import Mixture

_HUANG = functools.partial(
    Source,
    authors="Huang, Huang & Lin 2024",
    title="Convergence Analysis of Probability Flow ODE for Score-based Generative Models",
    arxiv="2404.09730",
)


class GaussianTarget(OnEDM):
    """N(mean, std^2 I) in any dimension."""

    card = ModelCard(
        name="gaussian",
        title="Gaussian",
        dim="any",
        exact=(*EXACT, "flow"),
        source=KARRAS(where="Appendix B.3"),
    )
    dim: int = option(2, help="number of coordinates", low=1)
    mean: float = option(0.0, help="mean of every coordinate")
    std: float = option(1.0, help="standard deviation of every coordinate", low=0.0)

    def build(self, sde: GaussianSDE) -> Gaussian:
        """The Gaussian under ``sde``."""
        from solvers_zoo.score_models.gaussian import Gaussian

        return Gaussian([self.mean] * self.dim, self.std**2, sde)


class Mixture1D(Target):
    """0.1 N(-6, 1/4) + 0.4 N(4, 1/4) + 0.5 N(6, 1/4): three modes on the line, two of them close."""

    card = ModelCard(
        name="mixture-1d",
        title="Three modes in 1-D",
        dim="1",
        exact=(*EXACT, "flow"),
        source=_HUANG(where="numerical study, 1-D"),
    )

    def build(self, sde: GaussianSDE) -> Mixture:
        """The mixture under ``sde``."""
        from solvers_zoo.score_models.mixture import Mixture

        return Mixture([0.1, 0.4, 0.5], [[-6.0], [4.0], [6.0]], 0.25, sde)

    def default_sde(self) -> OU:
        """Ornstein-Uhlenbeck to T = 8."""
        return OU()


class Mixture2D(OnEDM):
    """0.3 N((-1, .5), .3^2) + 0.7 N((1.2, -.4), .5^2): the reference problem of the order measurements."""

    card = ModelCard(
        name="mixture-2d",
        title="Two modes in 2-D",
        dim="2",
        exact=EXACT,
        source=Source(authors="The solvers_zoo authors", title="reference problem of the order measurements", where=""),
    )

    def build(self, sde: GaussianSDE) -> Mixture:
        """The mixture under ``sde``."""
        from solvers_zoo.score_models.mixture import Mixture

        return Mixture([0.3, 0.7], [[-1.0, 0.5], [1.2, -0.4]], [0.3**2, 0.5**2], sde)


class Mixture5(Target):
    """Five correlated modes in up to 128 dimensions.

    m_k ~ 3 N(0, I) and C_k = (W'W / 128 + I) / 8 with W of standard normals, drawn once in 128 dimensions; fewer dimensions
    take the leading entries, so that the same problem is seen at every size. Seed 0 has the weights of the authors' draw, other
    seeds draw them uniform in (0, 1) and scale them to sum to 1.
    """

    card = ModelCard(
        name="mixture-5",
        title="Five correlated modes (Huang et al.)",
        dim="1 to 128",
        exact=EXACT,
        source=_HUANG(where="numerical study, d = 8, 32, 128"),
    )
    dim: int = option(8, help="number of coordinates", low=1, high=128)
    seed: int = option(0, help="which random mixture", low=0)

    def build(self, sde: GaussianSDE) -> Mixture:
        """The mixture under ``sde``."""
        import torch

        from solvers_zoo.noise.seeded import SeededNoise
        from solvers_zoo.score_models.mixture import Mixture

        size, d = 128, self.dim
        draws = SeededNoise(self.seed, range(5), (size, size + 1), torch.float64).data()
        table = draws.fresh()
        means, W = 3 * table[:, :, 0], table[:, :, 1:]
        covs = (W.mT @ W / size + torch.eye(size)) / 8
        weights = draws.uniform() if self.seed else [0.192, 0.216, 0.328, 0.070, 0.194]
        return Mixture(weights, means[:, :d], covs[:, :d, :d], sde)

    def default_sde(self) -> OU:
        """Ornstein-Uhlenbeck to T = 8, as in the study."""
        return OU()


class Bimodal(OnEDM):
    """1/5 N((-5, -5), I) + 4/5 N((5, 5), I): Langevin dynamics cannot cross from mode to mode."""

    card = ModelCard(
        name="bimodal",
        title="Two far modes, 1/5 and 4/5",
        dim="2",
        exact=EXACT,
        source=NCSN(where="Figure 3"),
    )

    def build(self, sde: GaussianSDE) -> Mixture:
        """The mixture under ``sde``."""
        from solvers_zoo.score_models.mixture import Mixture

        return Mixture([0.2, 0.8], [[-5.0, -5.0], [5.0, 5.0]], 1.0, sde)


class BimodalPoints(Target):
    """Point masses 1/5 at (-5, -5) and 4/5 at (5, 5): smoothed with sigma = 1 they are `bimodal`.

    This is what the NCSN paper's toy experiment anneals: its noise levels run from 20 to 1, where the mixture stands.
    """

    card = ModelCard(
        name="bimodal-points",
        title="Two point masses, 1/5 and 4/5",
        dim="2",
        exact=EXACT,
        source=NCSN(where="Section 4.3, Figure 3"),
    )

    def build(self, sde: GaussianSDE) -> Mixture:
        """The mixture under ``sde``."""
        from solvers_zoo.score_models.mixture import Mixture

        return Mixture([0.2, 0.8], [[-5.0, -5.0], [5.0, 5.0]], 0.0, sde)

    def default_sde(self) -> VE:
        """VE from 20 to 1."""
        return VE(sigma_min=1.0, sigma_max=20.0)


class Ring(Target):
    """Equal Gaussian modes on a circle (the source has standard deviation 0.02): the default target."""

    card = ModelCard(
        name="ring",
        title="Eight Gaussians on a circle",
        dim="2",
        exact=EXACT,
        source=Source(
            authors="Metz et al. 2017",
            title="Unrolled Generative Adversarial Networks",
            arxiv="1611.02163",
            where="Section 3.1",
        ),
    )
    modes: int = option(8, help="number of modes", low=1)
    radius: float = option(2.0, help="radius of the circle", above=0.0)
    std: float = option(0.2, help="standard deviation of a mode", above=0.0)

    def build(self, sde: GaussianSDE) -> Mixture:
        """The ring under ``sde``."""
        from solvers_zoo.score_models.mixture import Mixture

        angles = [2 * math.pi * k / self.modes for k in range(self.modes)]
        means = [[self.radius * math.cos(a), self.radius * math.sin(a)] for a in angles]
        return Mixture([1.0] * self.modes, means, self.std**2, sde)

    def default_sde(self) -> EDM:
        """EDM from five radii, where the ring is lost in noise, to a tenth of a mode's width."""
        return EDM(sigma_min=self.std / 10, sigma_max=5 * self.radius)
