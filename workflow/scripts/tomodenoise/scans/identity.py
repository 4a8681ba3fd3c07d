"""Know a raw scan again: its size, its time, and a fingerprint of its content."""

import hashlib
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

SAMPLES = 16
SAMPLE_BYTES = 1 << 16
MANY = 4
"""Files of a scan from which on each is sampled at fewer places."""


def identify(file: Path, used: Iterable[Path]) -> dict[str, object]:
    """Identity of a scan for provenance.

    Parameters
    ----------
    file : the raw file, as the user gave it.
    used : every file that its numbers lie in; ``file`` itself need not be among them.

    Returns
    -------
    `path` as given, `files` that are used, `size` of all of them in bytes, `modified`, the latest change of any
    (ISO 8601, UTC), and `fingerprint`, which alone decides whether the content is still the same.
    """
    files = [file, *sorted(set(used) - {file})]
    status = [each.stat() for each in files]
    modified = datetime.fromtimestamp(int(max(each.st_mtime for each in status)), UTC)
    return {
        "path": str(file),
        "files": [str(each) for each in files],
        "size": sum(each.st_size for each in status),
        "modified": modified.isoformat(),
        "fingerprint": fingerprint(files),
    }


def fingerprint(files: Collection[Path]) -> str:
    """SHA-256 over the size of each file and samples of 64 KiB at its head, its tail and 14 places between.

    A mebibyte a file is read, however large it is, and of many files four and the ends of each. A scan that was
    touched or moved keeps its fingerprint, one that was acquired anew has another. It is no guard against a few bytes
    that were altered on purpose.
    """
    digest = hashlib.sha256()
    samples = max(2, min(SAMPLES, MANY * SAMPLES // max(len(files), 1)))
    for file in files:
        size = file.stat().st_size
        digest.update(size.to_bytes(8, "little"))
        with file.open("rb") as stream:
            for start in np.linspace(0, max(size - SAMPLE_BYTES, 0), samples).astype(int):
                stream.seek(int(start))
                digest.update(stream.read(SAMPLE_BYTES))
    return digest.hexdigest()
