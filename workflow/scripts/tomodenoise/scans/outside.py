"""Raw files outside of HDF5 that a dataset is stored in: HDF5 reads zeros beyond the end of one."""

import os
from pathlib import Path

import h5py
import numpy as np

from tomodenoise.common import paths
from tomodenoise.common.errors import UserError
from tomodenoise.scans import links
from tomodenoise.scans.origins import Gap, Origin

PREFIX = "HDF5_EXTFILE_PREFIX"
"""Variable of the environment with the folder to look in; without it that is the working directory."""


def find(found: h5py.Dataset, axis: int) -> Origin:
    """Find the raw files of a dataset; ``axis`` is that of the entries to tell apart."""
    home, total = links.home_of(found), found.nbytes
    name = f"{home}: {found.name}"
    entry = max(total // max(found.shape[axis], 1), 1)
    made, files, gaps, done = found.id.get_create_plist(), [home], list[Gap](), 0
    for number in range(made.get_external_count()):
        stored, offset, size = made.get_external(number)
        file, wanted = _raw_file(home, stored.decode(errors="replace")), min(int(size), total - done)
        found_file = os.path.isfile(file)  # noqa: PTH113 - of a Path it raises an error in a folder that is closed
        if found_file and not os.access(file, os.R_OK):
            raise UserError(f"{file} {paths.FORBIDDEN}")
        there = max(file.stat().st_size - offset, 0) if found_file else 0
        files += [file] * found_file
        if there < wanted:
            wrong = f"has {there} of {wanted} bytes" if found_file else "is missing"
            entries = np.arange((done + there) // entry, -(-(done + wanted) // entry))
            fix = f"copy that file there{_hint(home, file)}"
            gaps.append(Gap(entries, f"{name} is stored in {file}, which {wrong}: {fix}"))
        done += wanted
    return Origin(name, tuple(files), tuple(gaps))


def _raw_file(home: Path, stored: str) -> Path:
    """Path of a raw file, relative to the working directory unless the environment says otherwise, as HDF5 has it."""
    prefix = os.environ.get(PREFIX, "")
    if prefix.startswith(links.ORIGIN):
        prefix = f"{home.absolute().parent}{prefix.removeprefix(links.ORIGIN)}"
    return Path(prefix, stored)


def _hint(home: Path, file: Path) -> str:
    beside = home.parent / file.name
    if file.exists() or not beside.exists():
        return ""
    return f", or as it is in {beside.parent}, set the environment variable {PREFIX}='{links.ORIGIN}'"
