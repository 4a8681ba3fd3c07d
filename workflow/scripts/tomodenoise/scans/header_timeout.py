"""Headers read with a timeout: HDF5 never returns from some damaged files, and only a signal stops it."""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from tomodenoise.common.errors import UserError
from tomodenoise.scans.opening import open_scan

TIMEOUT = 120  # seconds within which a header must be read, enough for one of thousands of files on a slow file system


def try_headers(files: Sequence[tuple[Path, Mapping[str, Any]]]) -> None:
    """Open raw files in a child process that can be killed, before they are opened in this process.

    A single child opens all of them, as forking a large process takes longer than reading a header.

    Parameters
    ----------
    files : paths, each with further arguments for `open_scan`.

    Raises
    ------
    UserError
        For the first file whose header takes longer than `TIMEOUT`, or on which HDF5 crashes. Other errors are not
        reported here: they show when the file is opened again.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _open_all(files, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as report:
        ended = len(report.read())
    _, status = os.waitpid(child, 0)
    if ended == len(files):
        return
    file, _ = files[ended]
    ending = os.WTERMSIG(status)
    if ending == signal.SIGALRM:
        reason = f"its header could not be read within {TIMEOUT} s: unless the disk is slow, the file is damaged"
    else:
        reason = f"reading its header ended with signal {ending}: the file is damaged"
    raise UserError(f"{file}: {reason}: copy it again")


def _open_all(files: Sequence[tuple[Path, Mapping[str, Any]]], writing: int) -> NoReturn:
    """Write one byte for each header that was read or failed with an exception."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    try:
        for file, options in files:
            signal.alarm(TIMEOUT)
            with suppress(Exception):
                open_scan(file, **options)
            os.write(writing, b".")
    finally:
        os._exit(0)
