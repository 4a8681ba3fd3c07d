"""Memory of a process: freed memory is kept for its next arrays."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8
"""Parameters of glibc's `mallopt`, from its malloc.h."""


def keep_freed() -> None:
    """Keep freed memory in the process; does nothing without glibc. Call it before threads start.

    Otherwise every large array comes from the system, page by page, and goes back to it. On a virtual machine this was
    half of the CPU time of denoising from file to file, apart from the network. All jobs keep arrays of up to
    32 MB, see `planning.environment`; keeping larger ones takes up to 40 % more memory, so only denoising does.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(M_ARENA_MAX, 1)
