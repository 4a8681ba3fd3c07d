"""Freed memory is kept for the next arrays."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from tomodenoise.common import memory
if sys.argv[1] == "kept":
    memory.keep_freed()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(20_000_000, np.float32)
before = faults()
for _ in range(3):
    np.ones(20_000_000, np.float32)
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_arrays_use_the_pages_of_those_before_them() -> None:
    def counted(what: str) -> int:
        command = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{FAULTS}", what]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert counted("kept") < 100 < counted("given back")
