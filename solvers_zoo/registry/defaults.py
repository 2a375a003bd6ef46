"""The solvers and grids that the core takes where nobody names one, by what each is for, with the reason beside it.

Nothing else in the core knows a solver or a grid by its name: whatever is registered is treated alike.
"""

from __future__ import annotations

#: `sample`, `encode`, `edit`, the diffusers scheduler, previews of a training: Karras et al. (2022) found it the best trade of
#: work and error at 10 to 40 steps, it is of order 2 and deterministic, and it runs on any grid of any process with a log-SNR.
SOLVER = "heun"

#: `interpolate`: a sample is encoded and decoded, so the error counts twice; order 3 makes 20 steps enough for both ways.
ROUND_TRIP = "dpm-solver-3"

#: `log_likelihood` and bits per dimension: the density converges at the solver's order, and four digits are asked for.
DENSITY = "rk4"

#: What a wrapper of solvers wraps: one evaluation a step, no memory, deterministic or not by one option.
WRAPPED = "ddim"

#: A sweep that names no solvers: one of each family that is in daily use.
SWEPT = (WRAPPED, SOLVER, "dpmpp-2m", "unipc-3", "ipndm-4")

#: A process that says no better: any process has times.
GRID = "uniform"

#: A Gaussian process with a finite log-SNR: Karras et al. (2022), steps that grow with the noise.
GAUSSIAN_GRID = "karras"

#: Grids of the first round of a recommendation, beside each process's own (""): even steps in the log-SNR, and what a grid fitted to
#: model and solver may do, at little cost.
SCOUTED = ("", "log-snr", f"gits(student={WRAPPED})")
