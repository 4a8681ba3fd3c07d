"""Raw scans for the tests of the workflow."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import simulated

FOREIGN = ("nxxrdct==0.1.0b0", "nxtomo==3.1.1", "nxtomomill==2.1.7", "tomoscan==2.5.1", "jpype1==1.7.1")


@pytest.fixture(scope="session")
def raw_scan(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Simulate a tiny scan, once for each set of options."""
    folder = tmp_path_factory.mktemp("raw")
    return lambda name, *options, **shape: simulated(folder / name, *options, **shape)


@pytest.fixture(scope="session")
def foreign_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the tools that `foreign.py` calls in an environment of their own; skip without a network."""
    folder = tmp_path_factory.mktemp("foreign") / "venv"
    python = folder / "bin/python"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    command = [str(python), "-m", "pip", "install", "--quiet", *FOREIGN]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    except subprocess.TimeoutExpired:
        pytest.skip("the tools of other communities cannot be fetched from PyPI: no answer within 300 s")
    if done.returncode:
        pytest.skip(f"the tools of other communities cannot be fetched from PyPI: {done.stderr.splitlines()[-1:]}")
    return python
