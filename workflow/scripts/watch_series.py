"""Collect the middle slice of every step of a denoised series, and figures over time, for the report."""

from pathlib import Path

from tomodenoise.common import logs
from tomodenoise.evaluation import time_series
from tomodenoise.storage import sections


def main(job: logs.Job) -> None:
    """Write slices and figures of a scan; the network saw `seen` steps to denoise one."""
    results, params = Path(job.input.split).parent, job.params
    scan = sections.describe(results)
    image = results / "denoised.ome.zarr" / "0"
    series = time_series.watch(scan, image, params.window, params.seconds, seen=params.seen)
    found = map(str, (series.noise, series.residual, series.umse))
    logs.logger.info("%d steps, noise %s, residual %s, uMSE %s", len(series.noise), *found)
    time_series.save(series, Path(job.output[0]))


if __name__ == "__main__":
    logs.run(main)
