"""Shared fixtures: one thread, float64 where exactness is asked for, a registry of the installed plugins."""

from __future__ import annotations

import pytest
import torch
from draw import header
from needs import (  # noqa: F401  (hooks)
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_runtest_setup,
)

from solvers_zoo.registry import registry

torch.set_num_threads(1)


def pytest_report_header() -> str:
    """The hash that draws what this run examines of what is too much for one run."""
    return header()


@pytest.fixture(autouse=True)
def _global_state_untouched():
    """No test may leave torch's default dtype changed, nor one-off plugins of its own to the tests after it."""
    yield
    assert torch.get_default_dtype() is torch.float32
    if registry._default is not None and any(plugin.version == "file" for plugin in registry._default.plugins):
        registry._default = None
