"""What jobs inherit from the shell of whoever starts Snakemake, and what they must not."""

import os
from collections.abc import MutableMapping
from pathlib import Path

PREFIXES = ("ZARR_", "PYTEST_", "TORCHELASTIC_")
"""Of variables that change how libraries work."""

LEFTOVERS = (
    "PYTHONOPTIMIZE",
    "PYTHONWARNINGS",
    "GIT_DIR",
    "GIT_WORK_TREE",
    *("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "ROLE_RANK", "MASTER_ADDR", "MASTER_PORT"),
)
"""Of shells, notebooks and earlier trainings."""

ALLOCATION = {"MALLOC_MMAP_THRESHOLD_": 2**25, "MALLOC_TRIM_THRESHOLD_": 2**32}
"""By default glibc gives each large tensor back to the system and takes it again page by page, which is a third of the
time of a network on a processor."""


def prepare(environment: MutableMapping[str, str], scripts: Path) -> None:
    """Make the environment that jobs inherit the same for everybody, in place.

    Parameters
    ----------
    environment : of this process.
    scripts : folder of the rules' scripts.

    Notes
    -----
    A notebook exports a backend of matplotlib that jobs lack. Variables that say how many threads, which graphics card
    or which temporary folder to use are the user's.
    """
    for name in [name for name in environment if name.startswith(PREFIXES) or name in LEFTOVERS]:
        del environment[name]
    environment["MPLBACKEND"] = "agg"
    paths = [str(scripts / "startup"), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    for name, value in ALLOCATION.items():
        environment.setdefault(name, str(value))
