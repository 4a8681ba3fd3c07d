"""Delete the projections and sections of scans whose denoised volume is whole, and say how much that frees."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tomodenoise import disk, integrity, logs, readable
from tomodenoise.errors import UserError

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(arrays: Mapping[str, Sequence[integrity.Expected]], threads: int) -> None:
    """Read all of a volume before what led to it is deleted; only shards go, what describes them stays."""
    kept, freed = [], 0
    for scan, each in arrays.items():
        if not integrity.finished(Path("results", scan), each, threads):
            kept.append(scan)
            continue
        for array in each:
            if not array.lasting and (array.path / "c").is_dir():
                size = disk.of(array.path / "c").size
                shutil.rmtree(array.path / "c")
                logs.logger.info("%s: %s freed", array.path, readable.size(size))
                freed += size
    print(f"{readable.size(freed)} freed")
    if kept:
        raise UserError(f"kept those of {', '.join(kept)}: not whole or not judged, see `snakemake verify`")


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        found = {
            scan: [integrity.Expected(Path(path), *rest) for path, *rest in arrays]
            for scan, arrays in snakemake.params.arrays.items()
        }
        main(found, snakemake.threads)
