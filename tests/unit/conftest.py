"""Fixtures of several modules."""

from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its scan."""
    return tmp_path / "scan.h5"
