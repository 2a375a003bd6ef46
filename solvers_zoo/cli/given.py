"""Data that a command is given: a model's own, or those of a name or a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from solvers_zoo.cli import common
from solvers_zoo.metrics.base import Clean
from solvers_zoo.noise.seeded import SeededNoise

if TYPE_CHECKING:
    from solvers_zoo.score_models.base import ScoreModel
    from solvers_zoo.train.data import Data


@dataclass(frozen=True)
class Given:
    """Samples that a command is to look at.

    Attributes:
        x: clean samples (n, *shape).
        labels: their classes (n,), or None.
        name: what they are.
        data: the whole of the data they are from; None where they were drawn from the model's law.

    """

    x: Tensor
    labels: Tensor | None
    name: str
    data: Data | None


def given(model: ScoreModel, spec: str | None, n: int, seed: int, dtype: torch.dtype) -> Given:
    """``n`` samples of the data ``spec``; by default of a model's own law, or of what a network was trained on.

    Raises:
        ZooError: there are no such data, or fewer.

    """
    if spec is None and model.analytic is not None:
        noise = SeededNoise(seed, range(n), model.analytic.shape, dtype)
        return Given(model.analytic.draw(Clean(), noise.data()), None, "exact samples of the model", None)
    if spec is None:
        card: Any = getattr(model, "card", None) or {}
        spec = card.get("data", {}).get("name") if isinstance(card, dict) else None
        if spec is None:
            raise common.misuse("The model does not say what it was trained on: name data, as digits or a file.")
    from solvers_zoo.train.data import load_data

    data = load_data(spec)
    if n > len(data.x):
        raise common.misuse(f"{data.name} holds {len(data.x):,} samples, and -n asks for {n:,}.")
    rows = torch.randperm(len(data.x), generator=torch.Generator().manual_seed(seed))[:n]
    labels = None if data.labels is None else data.labels[rows]
    return Given(data.x[rows].to(dtype), labels, data.name, data)


def labelled(model: ScoreModel, found: Given, label: int | None, own: bool) -> dict[str, Any]:
    """The condition of ``--label`` or of ``--own-labels``; none by default, which asks for the law of all classes.

    Raises:
        Halt: both, or labels that the data or the model do not have.

    """
    if label is None and not own:
        return {}
    classes = getattr(model, "classes", None)
    if classes is None:
        raise common.misuse("The model knows no classes: leave --label and --own-labels out.")
    if label is not None and own:
        raise common.misuse("Give --label or --own-labels, not both.")
    if label is not None:
        if not 0 <= label < classes:
            raise common.misuse(f"--label {label} is not possible; classes are 0 to {classes - 1}.")
        return {"label": torch.full((len(found.x),), label)}
    if found.labels is None:
        raise common.misuse(f"{found.name} has no labels: leave --own-labels out, or give --label.")
    return {"label": found.labels}
