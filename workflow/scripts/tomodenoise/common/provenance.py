"""Provenance of a product: settings, versions and input, as plain values."""

import json
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import tomodenoise
from tomodenoise.common.errors import UserError

FORMAT = 1
"""Format of the products, in `scan.json`; raised when stages cannot read those of earlier versions any more."""

ROOT = Path(__file__).resolve().parents[4]
"""Folder of the workflow."""

ARCHIVED = "$Format:%h$"
"""Commit of a source archive, which `git archive` fills in."""

PACKAGES = ("numpy", "h5py", "zarr", "torch", "snakemake")


def collect(config: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """Collect the provenance of a product.

    Parameters
    ----------
    config : the parts of the configuration that affect the product.
    source : identity of the raw file, or of several by scan.

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
    """Refuse a scan's folder with products of an incompatible version.

    Parameters
    ----------
    folder : of one scan's products; it need not exist yet.

    Raises
    ------
    UserError
        If it was made by an earlier or a later version. A damaged `scan.json` is reported where it is read.
    """
    file = folder / "scan.json"
    try:
        stored = json.loads(file.read_text())["format"]
    except KeyError:
        stored = 0
    except (OSError, ValueError, TypeError):
        return
    if stored != FORMAT:
        age = "a later" if isinstance(stored, int) and stored > FORMAT else "an earlier"
        raise UserError(
            f"{file} is of {age} version of tomodenoise with incompatible products (format {stored}, here {FORMAT}):"
            " continue with that version, or move the folder away to start from scratch"
        )


def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _revision() -> str | None:
    """Return the commit of the running code, with `-dirty` after an edit; None in a copy without a repository."""
    if not (ROOT / ".git").exists():
        # git may find a repository of the user's, in whose folder an archive was unpacked.
        return ARCHIVED if ARCHIVED.isalnum() else None
    # It is safe to describe a checkout of another user, such as a facility's shared software.
    git = ["git", "-c", "safe.directory=*", "-C", str(ROOT)]
    command = [*git, "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
