"""Other people's packages that these tests need: without one its file is skipped, but in CI it has to be there."""

from __future__ import annotations

import importlib.util
import os

_MISSING = [
    name for name in ("diffusers", "k_diffusion", "onnx", "onnxruntime") if importlib.util.find_spec(name) is None
]
if _MISSING and (os.environ.get("CI") or os.environ.get("ZOO_CI")):
    raise RuntimeError(f"{', '.join(_MISSING)} must be installed here: ci/peers.txt names all.")
