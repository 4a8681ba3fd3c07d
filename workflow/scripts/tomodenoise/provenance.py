"""Where a product comes from: settings, versions and input, in plain values."""

import json
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import tomodenoise

PACKAGES = ("numpy", "h5py", "zarr", "torch", "snakemake")


def collect(config: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a product.

    Parameters
    ----------
    config : the resolved configuration, as far as it shapes the product.
    source : the identity of the raw file, or of several by scan.

    Returns
    -------
    Plain values without a time stamp, so that equal runs give equal files.
    """
    described = {
        "config": config,
        "source": source,
        "versions": {"tomodenoise": tomodenoise.__version__, **_versions()},
        "revision": _revision(),
    }
    plain: dict[str, Any] = json.loads(json.dumps(described, default=str))
    return plain


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _revision() -> str | None:
    """Name the commit that the code was run from, with `-dirty` after an edit; None outside of a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
