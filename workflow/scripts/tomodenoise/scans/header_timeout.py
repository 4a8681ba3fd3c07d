"""Headers opened on trial: with some damaged files HDF5 comes to no end, and nothing but a signal ends that."""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from tomodenoise.common.errors import UserError
from tomodenoise.scans.opening import open_scan

PATIENCE = 120
"""Seconds that the reading of a header may take, also one of thousands of files on a slow file system."""


def try_headers(files: Sequence[tuple[Path, Mapping[str, Any]]]) -> None:
    """Open raw files in a process that can be given up, before they are opened in this one.

    One for all of them: a large process takes longer to fork than a header takes to be read.

    Parameters
    ----------
    files : each with what `open_scan` is to know of it besides.

    Raises
    ------
    UserError
        With the first file whose header takes longer than `PATIENCE`, or at which HDF5 breaks down. Whatever else is
        wrong shows when they are opened again.
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
    file, ending = files[ended][0], os.WTERMSIG(status)
    if ending == signal.SIGALRM:
        wrong = f"its header could not be read within {PATIENCE} s: where its disk is not slow, the file is damaged"
    else:
        wrong = f"reading its header ended with signal {ending}: the file is damaged"
    raise UserError(f"{file}: {wrong}: copy it again")


def _open_all(files: Sequence[tuple[Path, Mapping[str, Any]]], writing: int) -> NoReturn:
    """Write a byte for each header that came to an end, one way or another."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    try:
        for file, options in files:
            signal.alarm(PATIENCE)
            with suppress(Exception):
                open_scan(file, **options)
            os.write(writing, b".")
    finally:
        os._exit(0)
