"""The other libraries: finding them, importing them, and replacing what they draw."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Iterator

from solvers_zoo.errors import PluginError

#: Libraries by the name of their module, and how they are installed.
LIBRARIES = {
    "k-diffusion": ("k_diffusion", "pip install --no-deps k-diffusion==0.1.1.post1"),
    "diffusers": ("diffusers", "pip install diffusers==0.42.1"),
    "azula": ("azula", "pip install --no-deps azula==0.11.1"),
}
_VISION = ("torchvision.transforms", "torchvision.transforms.functional")


def installed(library: str) -> bool:
    """Whether a library of `LIBRARIES` can be imported here."""
    return importlib.util.find_spec(LIBRARIES[library][0]) is not None


def needed(library: str) -> None:
    """Raise `PluginError`, with the command that fixes it, where a library is not installed."""
    if not installed(library):
        raise PluginError(f"{library} is not installed; `{LIBRARIES[library][1]}` adds it.")


def import_k_diffusion() -> types.ModuleType:
    """``k_diffusion.sampling`` without the package's own ``__init__``, which needs much that sampling does not.

    Raises:
        PluginError: it is not installed.

    """
    needed("k-diffusion")
    found = importlib.util.find_spec("k_diffusion")
    assert found is not None
    if "k_diffusion" not in sys.modules:
        package = types.ModuleType("k_diffusion")
        package.__path__ = list(found.submodule_search_locations or ())
        package.__spec__ = found
        sys.modules["k_diffusion"] = package
    vision = {name: types.ModuleType(name) for name in ("torchvision", *_VISION)}
    before = {name: sys.modules.get(name) for name in vision}
    for name in _VISION:  # `from torchvision.transforms import functional` asks the parent for the child
        parent, _, child = name.rpartition(".")
        setattr(vision[parent], child, vision[name])
    sys.modules.update(vision)
    try:
        return importlib.import_module("k_diffusion.sampling")
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def import_diffusers() -> types.ModuleType:
    """``diffusers``, quiet.

    Raises:
        PluginError: it is not installed.

    """
    needed("diffusers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        diffusers = importlib.import_module("diffusers")
    diffusers.logging.set_verbosity_error()
    return diffusers


def import_azula() -> types.ModuleType:
    """``azula``, with its modules ``sample``, ``noise`` and ``denoise``.

    Raises:
        PluginError: it is not installed.

    """
    needed("azula")
    for name in ("noise", "denoise", "sample"):
        importlib.import_module(f"azula.{name}")
    return sys.modules["azula"]


@contextlib.contextmanager
def replaced(owner: object, **changes: object) -> Iterator[None]:
    """Attributes that ``owner`` has, changed for a while."""
    before = {name: getattr(owner, name) for name in changes if hasattr(owner, name)}
    try:
        for name in before:
            setattr(owner, name, changes[name])
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)
