"""Denoise one slab into its own shard of the image, and keep its rows of the slices for the report."""

from pathlib import Path

import torch

from tomodenoise.common import devices, logs, memory
from tomodenoise.denoising import inference, previews
from tomodenoise.networks import model_file, models
from tomodenoise.storage import sections, zarr_arrays


def main(job: logs.Job) -> None:
    """Write the denoised slices of each time step as one shard, as they come.

    The report shows the middle time step only, so the file of planes is empty for other blocks of steps.
    """
    memory.keep_freed()
    torch.set_num_threads(job.threads)
    files, params, device = job.input, job.params, devices.best()
    rows, times = params.rows, params.times
    for concern in model_file.concerns(model_file.describe(Path(files.model)), params.pixel_size):
        logs.logger.warning("%s: %s", files.model, concern)
    scan = sections.describe(Path(files.split).parent)
    model = models.load(Path(files.model), device)
    middle = scan.split.times // 2
    shown = rows if middle in range(*times) else (rows[0], rows[0])
    views = previews.Planes.empty(shown, scan.depth, scan.size)
    strays = 0
    with zarr_arrays.writing(Path(files.array).parent, (times[0], 0, rows[0], 0, 0), job.threads) as shard:
        for time in range(*times):
            slices = inference.denoise(
                model, scan, rows, time=time, mode=params.mode, ensemble=params.ensemble, threads=job.threads
            )
            for number, (before, after) in enumerate(logs.progress(slices, rows[1] - rows[0], "slices")):
                strays += previews.strays(before, after, model.normalisation.scale)
                if time == middle:
                    views.add(number, before, after)
                for channel, image in enumerate(after):
                    shard.add_row((time - times[0], channel), image)
    views.save(Path(job.output.planes), strays)
    for concern in previews.concerns(strays):
        logs.logger.warning("%s", concern)
    logs.logger.info("rows %d to %d with %s on %s", rows[0], rows[1] - 1, files.model, device)


if __name__ == "__main__":
    logs.run(main)
