"""A network in an ONNX file as a score model."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from solvers_zoo.errors import ModelError, OptionError, PluginError
from solvers_zoo.processes.base import SDE
from solvers_zoo.processes.edm import EDM
from solvers_zoo.score_models.function import FunctionModel

#: What ONNX calls the types that an input may have.
_DTYPES = {
    "tensor(float)": torch.float32,
    "tensor(double)": torch.float64,
    "tensor(float16)": torch.float16,
    "tensor(int64)": torch.int64,
    "tensor(int32)": torch.int32,
}


def from_onnx(
    path: str | Path,
    sde: SDE | None = None,
    prediction: str = "x0",
    shape: tuple[int, ...] | None = None,
    *,
    threads: int = 1,
    providers: Sequence[str] = ("CPUExecutionProvider",),
) -> FunctionModel:
    """The network of an ONNX file, run by onnxruntime, as a score model; nothing of the file is executed as Python.

    Its first input is the state (B, ...), its second the time (B,) as the process has it, all others are conditions by name,
    ``condition={"label": 3}``: a number for all samples, or a tensor with a row for each. The first output is the prediction. A
    batch size that is fixed in the file is kept to, whatever the batch of a run. There are no gradients through it.

    A consistency model is an endpoint map and no posterior mean: it goes with the solver ``consistency``, which takes its x0 for a
    sample; a solver of differential equations would take it for a mean.

    Args:
        path: the file.
        sde: the process; `EDM`, whose time is the noise level, by default.
        prediction: what the first output is: ``x0``, ``eps``, ``v``, ``score`` or ``flow``.
        shape: shape of one sample, where the file leaves it open.
        threads: of onnxruntime, within one operation.
        providers: onnxruntime's execution providers, in order of preference.

    Raises:
        PluginError: onnxruntime is not installed.
        ModelError: no such file, or one that onnxruntime cannot run.

    """
    network = OnnxNetwork(path, threads, tuple(providers))
    model = FunctionModel(network, EDM() if sde is None else sde, prediction, shape or network.shape)
    model.checkpoints = [network.path]  # files that settle what it answers
    return model


class OnnxNetwork:
    """The network of a file; it travels to other processes as the path, and is opened there again.

    Attributes:
        path: the file.
        inputs: names of the inputs: state, time, conditions.
        shape: shape of one sample, or None where the file leaves it open.

    """

    def __init__(
        self, path: str | Path, threads: int = 1, providers: tuple[str, ...] = ("CPUExecutionProvider",)
    ) -> None:
        self.path, self.threads, self.providers = Path(path), threads, providers
        if importlib.util.find_spec("onnxruntime") is None:
            raise PluginError('onnxruntime is not installed; `pip install "solvers-zoo[onnx]"` adds it.')
        if not self.path.is_file():
            raise ModelError(f"There is no file {self.path} to take a network from.")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(str(self.path), options, providers=list(self.providers))
        except Exception as error:  # onnxruntime's own classes, without a base of their own
            raise ModelError(f"onnxruntime cannot run {self.path}: {' '.join(str(error).split())}.") from None
        found = self.session.get_inputs()
        unknown = [f"{put.name} of {put.type}" for put in found if put.type not in _DTYPES]
        if len(found) < 2 or unknown:
            what = ", ".join(unknown) or f"{len(found)} input"
            raise ModelError(f"{self.path} has {what}, where a state, a time, and conditions that are numbers belong.")
        self.inputs = [put.name for put in found]
        self._dtypes = [_DTYPES[put.type] for put in found]
        self._ranks = [len(put.shape) for put in found]
        batch, *sizes = found[0].shape or [None]
        self.batch = batch if isinstance(batch, int) else None
        self.shape = tuple(sizes) if all(isinstance(size, int) for size in sizes) else None

    def __reduce__(self) -> tuple[type[OnnxNetwork], tuple[Path, int, tuple[str, ...]]]:
        return OnnxNetwork, (self.path, self.threads, self.providers)

    def __call__(self, x: Tensor, t: Tensor, **condition: object) -> Tensor:
        """The first output, (B, ...)."""
        wanted = self.inputs[2:]
        if set(condition) != set(wanted):
            named = ", ".join(wanted) or "nothing"
            raise OptionError(
                f"{self.path} is given the condition {', '.join(condition) or 'nothing'}; it takes {named}."
            )
        values = [x, t, *(self._rows(condition[name], len(x)) for name in wanted)]
        feeds = [self._fed(value, place) for place, value in enumerate(values)]
        size = self.batch or len(x)
        parts = [self._run([value[i : i + size] for value in feeds], size) for i in range(0, len(x), size)]
        return torch.cat(parts)[: len(x)].to(x.device)

    def _rows(self, value: object, rows: int) -> Tensor:
        """A condition with a row a sample."""
        value = torch.as_tensor(value)
        return value if value.dim() and len(value) == rows else value.expand(rows, *value.shape)

    def _fed(self, value: Tensor, place: int) -> Tensor:
        """A value of the type and with the dimensions of its input."""
        value = value.detach().to("cpu", self._dtypes[place])
        missing = self._ranks[place] - value.dim()
        return value.reshape(*value.shape, *[1] * missing) if missing > 0 else value

    def _run(self, values: list[Tensor], size: int) -> Tensor:
        """One call of onnxruntime; the last row is repeated where a fixed batch is not full."""
        rows = len(values[0])
        if rows < size:
            values = [torch.cat([value, value[-1:].expand(size - rows, *value.shape[1:])]) for value in values]
        feeds = {name: value.contiguous().numpy() for name, value in zip(self.inputs, values, strict=True)}
        try:
            out = self.session.run(None, feeds)[0]
        except Exception as error:  # a state of another shape than the file's, ...
            raise ModelError(f"{self.path} does not run on these inputs: {' '.join(str(error).split())}.") from None
        return torch.from_numpy(out)
