"""The environment variables that jobs inherit from the shell of the user."""

import os
from collections.abc import MutableMapping
from pathlib import Path

PREFIXES = ("ZARR_", "PYTEST_", "TORCHELASTIC_")
"""Of variables that change the behaviour of libraries; they are removed."""

LEFTOVERS = (
    "PYTHONOPTIMIZE",
    "PYTHONWARNINGS",
    "GIT_DIR",
    "GIT_WORK_TREE",
    *("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "ROLE_RANK", "MASTER_ADDR", "MASTER_PORT"),
)
"""Variables of shells, notebooks and earlier trainings; they are removed."""

ALLOCATION = {"MALLOC_MMAP_THRESHOLD_": 2**25, "MALLOC_TRIM_THRESHOLD_": 2**32}
"""By default glibc returns each large tensor to the system and requests it again page by page, which takes a third of
the time of a network on a CPU. 2^25 is the largest threshold by its manual; see `common.memory` for larger arrays."""


def prepare(environment: MutableMapping[str, str], scripts: Path) -> None:
    """Make the environment that jobs inherit the same for all users, in place.

    Parameters
    ----------
    environment : of this process.
    scripts : folder of the rules' scripts.

    Notes
    -----
    A notebook exports a backend of matplotlib that jobs lack. Variables for the number of threads, the GPU
    and the temporary folder stay as the user set them.
    """
    for name in [name for name in environment if name.startswith(PREFIXES) or name in LEFTOVERS]:
        del environment[name]
    environment["MPLBACKEND"] = "agg"
    paths = [str(scripts / "startup"), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    for name, value in ALLOCATION.items():
        environment.setdefault(name, str(value))
