"""Delete the projections and sections of scans whose denoised volume is intact, and say how much space that frees."""

import shutil
from pathlib import Path

from tomodenoise.common import disk_usage, formatting, logs
from tomodenoise.common.errors import UserError
from tomodenoise.maintenance import verify


def main(job: logs.Job) -> None:
    """Read all of a volume before what led to it is deleted; only shards go, what describes them stays."""
    kept, freed = [], 0
    for scan, (judgements, planned) in job.params.arrays.items():
        arrays = [verify.Expected(Path(path), *rest) for path, *rest in planned]
        if not verify.finished([Path(file) for file in judgements], arrays, job.threads):
            kept.append(scan)
            continue
        for array in arrays:
            if not array.lasting and (array.path / "c").is_dir():
                size = disk_usage.of(array.path / "c").size
                shutil.rmtree(array.path / "c")
                logs.logger.info("%s: %s freed", array.path, formatting.size(size))
                freed += size
    print(f"{formatting.size(freed)} freed")
    if kept:
        raise UserError(f"kept those of {', '.join(kept)}: incomplete or not judged, see `snakemake verify`")


if __name__ == "__main__":
    logs.run(main)
