"""Shared fixtures: one thread, float64 where exactness is asked for, a registry of the installed plugins."""

from __future__ import annotations

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _global_state_untouched():
    """No test may leave torch's default dtype changed."""
    yield
    assert torch.get_default_dtype() is torch.float32
