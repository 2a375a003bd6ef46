"""The processes that the tests of the core go through: every bundled one, with the settings that make it special."""

from __future__ import annotations

import solvers_zoo as zoo

SDES = [
    zoo.OU(t_min=1e-5),
    zoo.VP(t_min=1e-5),
    zoo.VP(beta_min=0.5, beta_max=0.5, t_max=4.0),
    zoo.SubVP(t_min=1e-5),
    zoo.Cosine(t_min=1e-5),
    zoo.Cosine(s=0.0, t_max=0.9),
    zoo.RectifiedFlow(t_min=1e-5),
    zoo.VE(),
    zoo.VEPower(),
    zoo.VEPower(base=1.01),
    zoo.Brownian(t_min=1e-5),
    zoo.EDM(sigma_min=1e-5),
    zoo.DDPMBetas(),
    zoo.DDPMBetas(schedule="scaled-linear", beta_start=0.00085, beta_end=0.012),
    zoo.DDPMBetas(schedule="cosine"),
    zoo.DDPMBetas(zero_snr=True),
    zoo.DDPMBetas(schedule="cosine", zero_snr=True, num=50),
]
#: Those whose alpha is 0 at t_max.
ZERO = [sde for sde in SDES if sde.alpha(sde.t_max) == 0]
#: Those with alpha^2 + sigma^2 = 1.
PRESERVING = [sde for sde in SDES if isinstance(sde, zoo.VariancePreserving)]
