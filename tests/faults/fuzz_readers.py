"""Coverage-guided fuzzing of the readers of raw files: whatever the bytes, a scan or one line.

    pip install atheris
    python tests/faults/fuzz_readers.py CORPUS -max_total_time=3600 -rss_limit_mb=4096

CORPUS is a folder; the small files that each layout is recognised by are put there first, if it is empty. Ends at the
first exception that is no `UserError`, and keeps the file that caused it.
"""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parents[2] / "workflow/scripts"), str(Path(__file__).parents[1] / "unit")]

import h5py  # noqa: E402
import numpy as np  # noqa: E402
from hdf5_files import write_exchange, write_nxtomo  # noqa: E402

with atheris.instrument_imports(include=["tomodenoise"]):
    from tomodenoise.common.errors import UserError
    from tomodenoise.scans import description, header_timeout, opening, reading

FRAMES = np.arange(6 * 2 * 3, dtype=np.uint16).reshape(6, 2, 3) + 50
MOST = 1 << 20
"""Largest number of pixels of a scan that is also read."""


def sow(corpus: Path) -> None:
    """Write small good files as seeds."""
    corpus.mkdir(parents=True, exist_ok=True)
    if any(corpus.iterdir()):
        return
    write_exchange(corpus / "exchange", FRAMES, data_white=FRAMES, data_dark=FRAMES, kind="counts")
    write_nxtomo(corpus / "nxtomo", FRAMES, [2, 1, 0, 0, 0, 1])
    with h5py.File(corpus / "linked", "w") as content:
        content["pixels"] = FRAMES
        content["exchange/theta"] = np.arange(6.0) * 30
        content["exchange/data_white"] = FRAMES
        content["exchange/data"] = h5py.SoftLink("/pixels")


def read(content: bytes) -> None:
    """Open a file of these bytes as a raw scan, and read it."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm", suffix=".h5") as file:
        file.write(content)
        file.flush()
        try:
            header_timeout.try_headers([(Path(file.name), {})])
            scan = opening.open_scan(Path(file.name))
            if scan.depth * scan.columns * len(scan.angles) < MOST:
                reading.read(scan.projections, scan.rows)
                description.from_json(description.to_json(scan))
        except UserError as error:
            if "\n" in str(error):
                raise AssertionError(str(error)) from error


if __name__ == "__main__":
    sow(Path(sys.argv[1]))
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
