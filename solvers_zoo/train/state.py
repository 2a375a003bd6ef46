"""A training run on disk: everything to go on from, in one file that is replaced whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from solvers_zoo.errors import OptionError, StorageError
from solvers_zoo.storage.safetensors import read_tensors, write_tensors
from solvers_zoo.train.settings import Settings

FORMAT = "solvers_zoo training 1"


def state_file(out: Path) -> Path:
    """The file that keeps the state of a run whose model goes to ``out``."""
    return out.with_name(out.name + ".training")


@dataclass
class State:
    """How far a training has come.

    Attributes:
        step: steps done.
        net: the network as it is trained.
        ema: the average of its weights.
        optimizer: AdamW.
        best: weights with the best held-out score so far.
        best_score: that score.
        best_step: the step after which it was taken.
        history: (step, training loss, held-out score) of every evaluation.
        seconds: spent so far.
        loss: the smoothed training loss.

    """

    net: nn.Module
    ema: nn.Module
    optimizer: torch.optim.Optimizer
    step: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    best_score: float = float("inf")
    best_step: int = 0
    history: list[tuple[int, float, float]] = field(default_factory=list)
    seconds: float = 0.0
    loss: float = float("nan")

    def save(self, path: Path, settings: Settings, data: str) -> None:
        """Write all of it; ``data`` is the digest of what it is trained on.

        Raises:
            StorageError: it cannot be written; what was there before still is.

        """
        tensors: dict[str, Tensor] = {}
        for part, values in (("net", self.net.state_dict()), ("ema", self.ema.state_dict()), ("best", self.best)):
            tensors |= {f"{part}/{name}": value for name, value in values.items()}
        for i, parameter in enumerate(self.net.parameters()):
            for name, value in self.optimizer.state[parameter].items():
                tensors[f"adam/{i}/{name}"] = torch.as_tensor(value)
        card = {
            "format": FORMAT,
            "settings": settings.facts(),
            "data": data,
            "step": self.step,
            "best_score": self.best_score.hex(),
            "best_step": self.best_step,
            "history": self.history,
            "seconds": self.seconds,
            "loss": self.loss.hex(),
        }
        write_tensors(path, tensors, card)

    def load(self, path: Path, card: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Take up what was saved.

        Raises:
            StorageError: it does not fit the network.

        """
        try:
            for name, module in (("net", self.net), ("ema", self.ema)):
                module.load_state_dict(_part(tensors, f"{name}/"))
            self.best = _part(tensors, "best/")
            for i, parameter in enumerate(self.net.parameters()):
                kept = {name: value.clone() for name, value in _part(tensors, f"adam/{i}/").items()}
                if any(value.dim() and value.shape != parameter.shape for value in kept.values()):
                    raise ValueError("moments of another shape")
                self.optimizer.state[parameter] = kept
            self.step, self.best_step, self.seconds = card["step"], card["best_step"], card["seconds"]
            self.best_score, self.loss = float.fromhex(card["best_score"]), float.fromhex(card["loss"])
            self.history = [(int(step), float(loss), float(score)) for step, loss, score in card["history"]]
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            raise StorageError(f"{path} does not fit the run that it says it is of: {error}.") from None


def read_state(path: Path) -> tuple[Settings, dict[str, Any], dict[str, Tensor]]:
    """Settings, card and tensors of a stopped run.

    Raises:
        StorageError: there is none, or it is damaged.

    """
    if not path.is_file():
        raise StorageError(f"There is no stopped training {path} to resume.")
    card, tensors = read_tensors(path)
    try:
        if card["format"] != FORMAT:
            raise ValueError(card["format"])
        return Settings(**card["settings"]), card, tensors
    except (KeyError, TypeError, ValueError, OptionError) as error:
        raise StorageError(f"{path} is not the state of a training run: {error!r}.") from None


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
