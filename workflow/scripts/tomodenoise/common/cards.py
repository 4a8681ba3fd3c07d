"""GPUs without torch: how many there are, one for each process, and the error of a full one."""

import re
import socket
import subprocess
from collections.abc import Mapping, Sequence

ATTEMPT = "TOMODENOISE_ATTEMPT"
"""Environment variable: the number of the attempt at a job, from 1."""

ADDRESS = "\0tomodenoise-card-{}"
"""Abstract address of a socket. The kernel frees it when its process ends, whatever ends it."""

WANTED = re.compile(r"allocate ([\d.]+ \w+)")
LEFT = re.compile(r"total capacity of ([\d.]+ \w+) of which ([\d.]+ \w+) is free")
"""Parts of torch's message."""


def visible(environment: Mapping[str, str]) -> int:
    """Count the GPUs that jobs may use: all that `nvidia-smi` lists, or as many of them as CUDA_VISIBLE_DEVICES names.

    A GPU whose driver does not answer does not count.
    """
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return _installed()
    names = [name.strip() for name in named.split(",")]
    # CUDA ignores what follows an invalid name, and -1 is the usual one.
    valid = next((number for number, name in enumerate(names) if name in {"", "-1"}), len(names))
    return min(valid, _installed()) if valid else 0


def _installed() -> int:
    command = ["nvidia-smi", "--list-gpus"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in listed.splitlines())


def claim(names: Sequence[str]) -> tuple[int, socket.socket | None]:
    """Claim a GPU for this process.

    Parameters
    ----------
    names : of the GPUs, the same in all processes of the machine.

    Returns
    -------
    The position of the first GPU that no other process has claimed, and the socket that keeps the claim while it is
    open; without a free GPU 0 and None.
    """
    for number, name in enumerate(names):
        claimed = socket.socket(socket.AF_UNIX)
        try:
            claimed.bind(ADDRESS.format(name))
        except OSError:
            claimed.close()
            continue
        return number, claimed
    return 0, None


def attempt(environment: Mapping[str, str]) -> int:
    """Return the number of the attempt at the job of this process, from 1."""
    return int(environment.get(ATTEMPT, "1"))


def out_of_memory(error: BaseException) -> str | None:
    """Explain in one line that a GPU is out of memory; return None for any other error."""
    text = str(error)
    full = "CUDA" in text and ("out of memory" in text or "ALLOC_FAILED" in text)
    if type(error).__name__ != "OutOfMemoryError" and not (isinstance(error, RuntimeError) and full):
        return None
    wanted = WANTED.search(text)
    left = LEFT.search(text)
    needed = f"{wanted[1]} more are needed" if wanted else "more is needed"
    free = f", {left[2]} of {left[1]} are free" if left else ""
    return (
        f"the GPU is out of memory: {needed}{free}; stop other programs on the GPU, or use --retries 2: each further"
        " attempt plans with half of the memory; or set CUDA_VISIBLE_DEVICES= (empty) to compute on the CPU"
    )
