"""Clusters that are started once for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from engines import a_ray, a_slurm


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Slurm of one node."""
    with a_slurm(tmp_path_factory.mktemp("slurm")):
        yield


@pytest.fixture(scope="session")
def ray() -> Iterator[None]:
    """A Ray of two cores."""
    with a_ray():
        yield
