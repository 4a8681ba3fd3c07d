"""Collect the middle slice of every step of a denoised series, and figures over time, for the report."""

from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.evaluation import time_series
from tomodenoise.storage import sections


def main(results: Path, output: Path, window: tuple[int, int], seconds: float | None, seen: int = 1) -> None:
    """Write slices and figures of the scan with these results; the network saw `seen` steps to denoise one."""
    scan = sections.describe(results)
    series = time_series.watch(scan, results / "denoised.ome.zarr" / "0", window, seconds, seen=seen)
    logs.logger.info(
        "%d steps, noise %s, residual %s, uMSE %s",
        len(series.noise),
        *map(str, (series.noise, series.residual, series.umse)),
    )
    time_series.save(series, output)


if __name__ == "__main__":
    with logs.job() as snakemake:
        params = snakemake.params
        main(Path(snakemake.input.split).parent, Path(snakemake.output[0]), params.window, params.seconds, params.seen)
