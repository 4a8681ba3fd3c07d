"""Identity of a raw scan: its files, size, modification time and a fingerprint of its content."""

import hashlib
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

SAMPLES = 16
SAMPLE_BYTES = 1 << 16
MANY = 4  # number of files of a scan above which each is sampled at fewer positions


def identify(file: Path, used: Iterable[Path]) -> dict[str, object]:
    """Return the identity of a scan for its provenance.

    Parameters
    ----------
    file : the raw file, as the user gave it.
    used : all files that hold its data; may omit ``file`` itself.

    Returns
    -------
    `path` as given; `files` in use; `size`, their total in bytes; `modified`, the latest modification (ISO 8601, UTC);
    `fingerprint`, which alone decides whether the content is unchanged.
    """
    files = [file, *sorted(set(used) - {file})]
    stats = [path.stat() for path in files]
    modified = datetime.fromtimestamp(int(max(stat.st_mtime for stat in stats)), UTC)
    return {
        "path": str(file),
        "files": [str(path) for path in files],
        "size": sum(stat.st_size for stat in stats),
        "modified": modified.isoformat(),
        "fingerprint": fingerprint(files),
    }


def fingerprint(files: Collection[Path]) -> str:
    """Return the SHA-256 of the size of each file and of samples of 64 KiB, evenly spaced from its start to its end.

    At most 1 MiB is read per file, and of more than 4 files about 4 MiB in total, but at least the ends of each. A scan
    that was touched or moved keeps its fingerprint; one that was acquired again has another. A few altered bytes may go
    unnoticed.
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
