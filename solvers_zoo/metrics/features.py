"""Networks that turn images into features, or into classes."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from solvers_zoo.errors import ModelError, ZooError
from solvers_zoo.metrics.reference import flat
from solvers_zoo.score_models.build import load_from

#: Images that a network sees at once.
_BATCH = 256
#: What comes with the zoo, by kind and short name.
_SHIPPED = {
    ("features", "digits"): "solvers_zoo.metrics.digits_features:network",
    ("classifier", "digits"): "solvers_zoo.metrics.digits_features:classifier",
}


def features(network: str, x: Tensor, kind: str = "features") -> Tensor:
    """Features (n, F) of samples (n, *shape), float64; the samples' own numbers if no network is named.

    Args:
        network: ``digits`` (comes with the zoo), ``file.py:name`` or ``package.module:name``, a torch module or a function without
            arguments that makes a network; it takes a batch (b, *shape) in float32 and gives (b, F) or any shape of one row a
            sample. Or ``""``.
        x: samples.
        kind: what the network is asked for, ``features`` or ``classifier``, which has short names of its own.

    Raises:
        ModelError: it cannot be loaded, fails, or does not give one row of finite features a sample.
        NotFiniteError: samples that are not finite.

    """
    rows = flat(x)
    if not network:
        return rows
    made, images = _network(_SHIPPED.get((kind, network), network)), rows.float().view(x.shape)
    try:
        with torch.no_grad():
            found = torch.cat([made(batch).reshape(len(batch), -1) for batch in torch.split(images, _BATCH)])
    except Exception as error:
        raise ModelError(
            f"The feature network {network} fails on samples of shape {tuple(x.shape[1:])}: {type(error).__name__}: {error}"
        ) from error
    if not torch.isfinite(found).all():
        raise ModelError(f"The feature network {network} gives features that are not finite.")
    return found.double()


@functools.lru_cache(maxsize=8)
def _network(spec: str) -> Any:
    where, _, name = spec.rpartition(":")
    if not where:
        raise ModelError(f"{spec!r} names no network; it takes digits, file.py:name or package.module:name.")
    if where.endswith(".py"):
        thing = load_from(Path(where), name)
    else:
        try:
            thing = getattr(importlib.import_module(where), name)
        except (ImportError, AttributeError) as error:
            raise ModelError(f"The network {spec!r} cannot be loaded: {error}.") from error
    if isinstance(thing, torch.nn.Module):
        return thing.eval()
    try:
        made = thing()
    except ZooError:
        raise
    except Exception as error:
        raise ModelError(f"{spec} makes no feature network: {type(error).__name__}: {error}.") from error
    if not callable(made):
        raise ModelError(f"{spec} makes a {type(made).__name__}, not a network from images to features.")
    return made.eval() if isinstance(made, torch.nn.Module) else made
