"""A solver of the zoo as a scheduler of diffusers."""

from __future__ import annotations

from typing import Any

from solvers_zoo.interop.libraries import needed


def as_diffusers_scheduler(
    solver: Any,
    scheduler: Any,
    *,
    grid: Any = None,
    seed: int | None = None,
    denoise: bool | None = None,
) -> Any:
    """``solver`` as a scheduler: ``pipe.scheduler = zoo.as_diffusers_scheduler("unipc", pipe.scheduler)``.

    The pipeline keeps its loop and calls its network; the solver's step stops at every call and goes on with the answer
    (`solvers_zoo.interop.turns` says how). Any solver whose calls are known from the grid will do. ``num_inference_steps`` N means
    N levels: a solver of one call a step calls the network N times, the last one being the step to the data; one of k calls
    k (N - 1) + 1 times. ``timesteps`` lists all calls. What it gives is `solvers_zoo.sample` on the same network, levels and start.

    It saves and loads with its pipeline, and can be turned into another scheduler by ``from_config``.

    Args:
        solver: a name, a specification or a solver.
        scheduler: the scheduler that the network was made for: its configuration says what is predicted, and, unless ``grid``
            is given, through which levels to go (spacing, Karras sigmas, flow shift, ... as it is set).
        grid: a grid rule of the zoo for the levels.
        seed: draws the solver's noise as `solvers_zoo.sample` does from this seed; by default it comes from the generator that the
            pipeline is called with, in the order and of the kind that schedulers of diffusers draw theirs.
        denoise: whether the last step goes to the data; as the scheduler has it by default, and always with ``grid``.

    Raises:
        PluginError: diffusers is not installed.
        IncompatibleError: a scheduler that is not known; or (when timesteps are set) a solver whose calls are not known from the
            grid, with the reason.
        UnknownNameError: no such solver or grid.

    """
    needed("diffusers")
    from solvers_zoo.interop.diffusers_scheduler import ZooScheduler

    return ZooScheduler.around(solver, scheduler, grid=grid, seed=seed, denoise=denoise)
