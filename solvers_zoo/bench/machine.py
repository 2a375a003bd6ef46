"""Where and when a cell was computed."""

from __future__ import annotations

import functools
import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any


def now() -> str:
    """The time of day as records have it, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@functools.cache
def machine() -> dict[str, Any]:
    """What a cell was computed on: processor, system, versions."""
    import numpy as np
    import torch

    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    return {
        "host": platform.node(),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": 1,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "solvers_zoo": metadata.version("solvers-zoo"),
    }
