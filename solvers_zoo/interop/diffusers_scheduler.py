"""The scheduler that runs a solver of the zoo inside a pipeline of diffusers, which has to be installed to import this."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import diffusers
import torch
from diffusers.configuration_utils import ConfigMixin
from diffusers.schedulers.scheduling_utils import SchedulerMixin, SchedulerOutput
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.errors import IncompatibleError, OptionError
from solvers_zoo.interop.diffusers_config import levels, read, settings
from solvers_zoo.interop.pipeline_noise import DrawnNoise, torch_uniform
from solvers_zoo.interop.turns import Turns, calls
from solvers_zoo.noise.base import Noise
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.registry.defaults import SOLVER
from solvers_zoo.solving.stepping import Solver
from solvers_zoo.time_grids.base import Grid, GridRule

#: Settings of this class, by the names that they have in a saved configuration.
_OWN = ("zoo_solver", "zoo_base", "zoo_grid", "zoo_seed", "zoo_denoise")


class ZooScheduler(SchedulerMixin, ConfigMixin):  # type: ignore[misc]  # diffusers carries no types
    """A solver of the zoo with the interface of a scheduler; `solvers_zoo.as_diffusers_scheduler` makes it.

    Its configuration is that of the scheduler it stands in for, and its own settings beside it.

    Attributes:
        timesteps: what the network is told at every call; set by `set_timesteps`.
        init_noise_sigma: standard deviation of the start.
        order: calls a step.

    """

    _compatibles = sorted(name for name in dir(diffusers) if name.endswith("Scheduler"))

    def __init__(
        self,
        zoo_solver: str | Solver = SOLVER,
        zoo_base: str = "DDPMScheduler",
        zoo_grid: str | GridRule | None = None,
        zoo_seed: int | None = None,
        zoo_denoise: bool | None = None,
        _base: Any = None,
        **base_settings: object,
    ) -> None:
        found = registry.default()
        self.base = _base if _base is not None else getattr(diffusers, zoo_base).from_config(base_settings)
        self.solver = found.make("solver", zoo_solver)
        self.rule = None if zoo_grid is None else found.make("grid", zoo_grid)
        self.seed, self.denoise = zoo_seed, zoo_denoise
        self.convention = read(self.base)
        self.order = round(self.solver.facts().evaluations or 1)
        self.timesteps = torch.empty(0)
        self.num_inference_steps: int | None = None
        self._set([self.convention.sde.t_max], True)
        grid = None if self.rule is None else str(self.rule)
        own = (str(self.solver), type(self.base).__name__, grid, zoo_seed, zoo_denoise)
        public = {key: value for key, value in settings(self.base).items() if not key.startswith("_")}
        register: Callable[..., None] = self.register_to_config
        register(**{**public, **dict(zip(_OWN, own, strict=True))})

    @classmethod
    def around(cls, solver: str | Solver, scheduler: Any, **own: Any) -> ZooScheduler:
        """What `solvers_zoo.as_diffusers_scheduler` makes."""
        base = scheduler.base if isinstance(scheduler, cls) else scheduler
        settings(base)  # it is a scheduler
        base = type(base).from_config(base.config)  # its own, as setting timesteps changes it
        return cls(solver, type(base).__name__, **{f"zoo_{name}": value for name, value in own.items()}, _base=base)

    @classmethod
    def extract_init_dict(cls, config_dict: Any, **kwargs: Any) -> Any:
        """Every setting belongs to this class or to the scheduler within."""
        given = {key: value for key, value in {**config_dict, **kwargs}.items() if not key.startswith("_")}
        return given, {}, {}

    # -- levels ------------------------------------------------------------------------------------------------------

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: torch.device | str | None = None,
        timesteps: Sequence[float] | None = None,
        sigmas: Sequence[float] | None = None,
        mu: float | None = None,
    ) -> None:
        """Choose the levels, and find where the solver calls the network on them.

        Args:
            num_inference_steps: how many levels.
            device: where ``timesteps`` shall be.
            timesteps: the levels themselves, if the scheduler within takes them.
            sigmas: the same as noise levels.
            mu: what that scheduler shifts them by, if it does.

        Raises:
            IncompatibleError: the solver's calls are not known from these levels, and why.

        """
        given = {"timesteps": timesteps, "sigmas": sigmas, "mu": mu}
        given = {name: value for name, value in given.items() if value is not None}
        if self.rule is None:
            if num_inference_steps is not None and timesteps is None:
                given["num_inference_steps"] = num_inference_steps
            self.base.set_timesteps(**given)
            times, denoise = levels(self.base, self.convention)
            denoise = denoise if self.denoise is None else self.denoise
        else:
            times, denoise = self._by_rule(num_inference_steps, given)
        self._set(times, denoise)
        way = self.convention
        self._calls = calls(self.solver, way.sde, way.kind, self._grid, denoise, self._last)
        self._told = told = [float(way.time(call.point.t)) for call in self._calls]
        whole_numbers = way.sde.discrete and all(t % 1 == 0 for t in told)
        self.timesteps = torch.tensor(told, dtype=torch.int64 if whole_numbers else torch.float32, device=device)
        self.num_inference_steps = num_inference_steps or len(times)

    def _by_rule(self, steps: int | None, given: Mapping[str, object]) -> tuple[list[float], bool]:
        """The times of the zoo's own rule."""
        assert self.rule is not None
        denoise = True if self.denoise is None else self.denoise
        if given:
            raise OptionError(f"{', '.join(given)} and the grid {self.rule} both choose the levels: leave one out.")
        sde = self.convention.sde
        if self.rule.fixed_steps(sde) is not None:
            return self.rule.make_grid(sde).times, denoise
        intervals = (steps or 0) - denoise
        if intervals < 0 or steps is None:
            raise OptionError(f"num_inference_steps = {steps} is not possible; it takes a whole number >= 1.")
        return self.rule.make_grid(sde, intervals).times if intervals else [sde.t_max], denoise

    def _set(self, times: list[float], denoise: bool) -> None:
        """Make the levels the ones to go through; nothing has begun."""
        sde = self.convention.sde
        self._grid = Grid(sde, times) if len(times) > 1 else None
        self._last, self._denoise = sde.at(times[-1]), denoise or len(times) == 1
        preconditioned = self.rule is None and hasattr(self.base, "precondition_inputs")  # these start a little wider
        self.init_noise_sigma = float(self.base.init_noise_sigma if preconditioned else sde.prior_std(times[0]))
        self._calls = []
        self._run: Turns | None = None
        self._place = 0
        self._begin: int | None = None

    @property
    def begin_index(self) -> int | None:
        """The call that the pipeline begins with, where it said so."""
        return self._begin

    def set_begin_index(self, begin_index: int = 0) -> None:
        """Begin with another call than the first, from the state there (image to image); a step must begin with it."""
        self._begin, self._run = begin_index, None

    def __len__(self) -> int:
        return int(getattr(self.base.config, "num_train_timesteps", 1000))

    # -- the loop ----------------------------------------------------------------------------------------------------

    def scale_model_input(self, sample: Tensor, timestep: float | Tensor = 0.0) -> Tensor:
        """The network's input for a state: itself, but for networks that are preconditioned."""
        if self._run is None:
            self._place = self._index(timestep)
        return self.convention.scaled(sample, self._calls[self._place].point.t)

    def step(
        self,
        model_output: Tensor,
        timestep: float | Tensor,
        sample: Tensor,
        generator: torch.Generator | list[torch.Generator] | None = None,
        eta: float = 0.0,
        use_clipped_model_output: bool | None = None,
        return_dict: bool = True,
    ) -> SchedulerOutput | tuple[Tensor]:
        """Take the network's output at ``sample`` and ``timestep``, and give the state where it is needed next.

        Args:
            model_output: the network's output.
            timestep: the entry of ``timesteps`` that it was called with.
            sample: the state that it was called with; another than this class gave may only stand where a step begins.
            generator: where the noise comes from, one or a list with one a sample; torch's own generator by default.
            eta: must be 0: how much noise a solver adds is among its own options.
            use_clipped_model_output: must not be true, as nothing is clipped.
            return_dict: whether to return an object with ``prev_sample``, or a tuple of it.

        Raises:
            OptionError: a setting that belongs to the solver.
            IncompatibleError: a state or timestep that is not the one asked for.

        """
        if eta or use_clipped_model_output:
            raise OptionError(
                f"eta and use_clipped_model_output are for other schedulers: {self.solver} has its own options, as in ddim(eta=0.5)."
            )
        self._generator = generator
        with torch.no_grad():
            run = self._begun(timestep, sample)
            assert run.question is not None
            state, point, _ = run.question
            if not self._calls[self._place].spare:
                run.answer(self.convention.told(state, model_output.to(state.dtype), point.t))
            self._place += 1
            if run.question is None:
                given, self._run, self._place = run.x, None, 0
            else:
                given = run.question.x
                following = self._calls[self._place].point.t if self._place < len(self._calls) else math.nan
                if not math.isclose(run.question.point.t, following, rel_tol=1e-5, abs_tol=1e-5):
                    raise IncompatibleError(
                        f"{self.solver} begun at timestep {self._first} makes other calls than the rest of a run."
                    )
        self._given = given = given.to(sample.dtype)
        return SchedulerOutput(prev_sample=given) if return_dict else (given,)

    def _begun(self, timestep: float | Tensor, sample: Tensor) -> Turns:
        """The run under way, or one that begins from ``sample``; what the pipeline changed of a state is taken over."""
        if self._run is None:
            self._place, self._first = self._index(timestep), float(timestep)
            self._run = self._new_run(sample.to(torch.promote_types(sample.dtype, torch.float32)).clone())
        elif _at_hand(timestep) and not math.isclose(
            float(timestep), self._told[self._place], rel_tol=1e-5, abs_tol=1e-5
        ):
            raise IncompatibleError(
                f"The network was called at timestep {float(timestep):g} where {self._told[self._place]:g} is next; "
                "set_timesteps begins a run anew."
            )
        elif sample is not self._given and not torch.equal(sample, self._given):
            self._run.move(sample.to(self._run.x.dtype))
        return self._run

    def _index(self, timestep: float | Tensor) -> int:
        """The number of the call at ``timestep`` with which a run begins."""
        if not self._calls:
            raise OptionError("set_timesteps comes before the loop: it finds where the network is to be called.")
        if self._begin is not None and self._run is None:
            return self._begin
        found = (self.timesteps == torch.as_tensor(timestep, device=self.timesteps.device)).nonzero().flatten().tolist()
        if not found:
            raise IncompatibleError(f"timestep = {float(timestep):g} is none of the scheduler's timesteps.")
        return next((place for place in found if self._calls[place].begins), int(found[0]))  # a stage may be there, too

    def _new_run(self, x: Tensor) -> Turns:
        """A run from ``x`` at the call where the pipeline stands."""
        call, grid, way = self._calls[self._place], self._grid, self.convention
        if self._place and grid is not None:
            at = next((k for k, point in enumerate(grid) if point.t == call.point.t), None)
            if at is None or not call.begins:
                raise IncompatibleError(
                    f"{self.solver} has no step that begins at timestep {self._first:g}; begin with another."
                )
            grid = Grid(way.sde, grid.points[at:], grid.smooth) if at < grid.steps else None
        return Turns(self.solver, way.sde, way.kind, grid, x, self._noise(x), self._denoise, self._last)

    def _noise(self, x: Tensor) -> Noise:
        if self.seed is not None:
            return SeededNoise(self.seed, range(len(x)), x.shape[1:], x.dtype, x.device)
        return DrawnNoise(
            lambda t, s: randn_tensor(x.shape, generator=self._generator, device=x.device, dtype=x.dtype),
            lambda: torch_uniform(x, self._generator),
        )

    def add_noise(self, original_samples: Tensor, noise: Tensor, timesteps: Tensor | Sequence[float]) -> Tensor:
        """alpha x + sigma z at entries of ``timesteps``, one for all or one a sample."""
        points = [self._calls[self._index(t)].point for t in torch.as_tensor(timesteps).flatten()]
        column = (-1, *[1] * (original_samples.dim() - 1))
        alpha, sigma = (
            original_samples.new_tensor([getattr(point, name) for point in points]).reshape(column)
            for name in ("alpha", "sigma")
        )
        return alpha * original_samples + sigma * noise


def _at_hand(timestep: float | Tensor) -> bool:
    """Whether a number can be looked at without waiting for a device."""
    return not isinstance(timestep, Tensor) or timestep.device.type == "cpu"
