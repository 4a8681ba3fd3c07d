"""The GPUs that jobs on this machine share, as Snakemake's resource `gpu`."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cards:
    """Values of the resource `gpu` of rules that compute on a GPU if there is one.

    On this machine a job takes a GPU, or several, and no more jobs run at a time than there are GPUs; without a GPU
    there is no limit. Jobs of a cluster request none here: its profile does, as only some clusters have GPUs.
    """

    count: int
    """Number of GPUs on this machine."""
    here: Callable[[], bool]
    """Whether jobs run on this machine."""

    def one(self, wildcards: object) -> int:
        """Return the number of GPUs of a job that is a single process."""
        return self.processes(wildcards, 1)

    def processes(self, wildcards: object, threads: int) -> int:
        """Return the number of GPUs of a job with a process in each thread."""
        return min(threads, max(self.count, 1)) if self.here() else 0


def attempt(wildcards: object, attempt: int) -> int:
    """Return the number of the attempt at a job; each attempt plans with half of a GPU's memory of the one before."""
    return attempt
