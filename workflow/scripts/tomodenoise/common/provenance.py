"""Where a product comes from: settings, versions and input, in plain values."""

import json
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import tomodenoise
from tomodenoise.common.errors import UserError

FORMAT = 1
"""Grows when stages can no longer read what an earlier version made: other paths, axes, values. In `scan.json`."""

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


def check_format(folder: Path) -> None:
    """Refuse to go on in a scan's folder that a version with another format of products began.

    Parameters
    ----------
    folder : of one scan's products; what is not there yet is no mistake.

    Raises
    ------
    UserError
        If it was made by an earlier or a later version. A damaged `scan.json` is told where it is read.
    """
    file = folder / "scan.json"
    try:
        told = json.loads(file.read_text())["format"]
    except KeyError:
        told = 0
    except (OSError, ValueError, TypeError):
        return
    if told != FORMAT:
        age = "a later" if isinstance(told, int) and told > FORMAT else "an earlier"
        raise UserError(
            f"{file} is of {age} version of tomodenoise, whose products lie otherwise (format {told}, here {FORMAT}):"
            " go on with that version, or move the folder away to make them anew"
        )


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
    # A checkout that belongs to another user, as of a facility's software, is safe to describe.
    git = ["git", "-c", "safe.directory=*", "-C", str(Path(__file__).parent)]
    command = [*git, "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
