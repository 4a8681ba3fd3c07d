"""External storage of a dataset in raw binary files, where HDF5 silently reads zeros beyond the end of a file."""

import os
from pathlib import Path

import h5py
import numpy as np

from tomodenoise.common import paths
from tomodenoise.common.errors import UserError
from tomodenoise.scans import links
from tomodenoise.scans.origins import Gap, Origin

# Environment variable with the folder of the raw files; without it they are in the working directory
PREFIX = "HDF5_EXTFILE_PREFIX"


def find(data: h5py.Dataset, axis: int) -> Origin:
    """Find the raw files of a dataset, and its gaps in terms of the entries along ``axis``."""
    home = links.home_of(data)
    name = f"{home}: {data.name}"
    entry_bytes = max(data.nbytes // max(data.shape[axis], 1), 1)
    properties = data.id.get_create_plist()
    prefix = os.environ.get(PREFIX, "")
    if prefix.startswith(links.ORIGIN):
        prefix = f"{home.absolute().parent}{prefix.removeprefix(links.ORIGIN)}"
    files = [home]
    gaps: list[Gap] = []
    done = 0
    for number in range(properties.get_external_count()):
        stored, offset, size = properties.get_external(number)
        file = Path(prefix, stored.decode(errors="replace"))
        needed = min(int(size), data.nbytes - done)
        exists = os.path.isfile(file)  # noqa: PTH113 - Path.is_file raises an error in a folder without access
        if exists and not os.access(file, os.R_OK):
            raise UserError(f"{file} {paths.FORBIDDEN}")
        available = max(file.stat().st_size - offset, 0) if exists else 0
        files += [file] * exists
        if available < needed:
            problem = f"has {available} of {needed} bytes" if exists else "is missing"
            entries = np.arange((done + available) // entry_bytes, -(-(done + needed) // entry_bytes))
            fix = "copy that file there"
            if not file.exists() and (home.parent / file.name).exists():
                fix += f", or, as it is in {home.parent}, set the environment variable {PREFIX}='{links.ORIGIN}'"
            gaps.append(Gap(entries, f"{name} is stored in {file}, which {problem}: {fix}"))
        done += needed
    return Origin(name, tuple(files), tuple(gaps))
