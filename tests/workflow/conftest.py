"""Raw scans for the tests of the workflow."""

from collections.abc import Callable
from pathlib import Path

import pytest
from projects import simulated


@pytest.fixture(scope="session")
def raw_scan(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Simulate a tiny scan, once for each set of options."""
    folder = tmp_path_factory.mktemp("raw")
    return lambda name, *options, **shape: simulated(folder / name, *options, **shape)
