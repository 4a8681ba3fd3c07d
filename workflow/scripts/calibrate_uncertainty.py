"""Calibrate the voxel-wise uncertainty of a scan on slices that its model was not trained on."""

from pathlib import Path

import torch

from tomodenoise.common import devices, logs
from tomodenoise.evaluation import held_out_slices, record, uncertainty
from tomodenoise.networks import models
from tomodenoise.scans import description
from tomodenoise.storage import sections


def main(job: logs.Job) -> None:
    """Write `uncertainty.json` and the pictures, and log how good the calibration is."""
    torch.set_num_threads(job.threads)
    params = job.params
    scan = sections.describe(Path(job.input.split).parent)
    model = models.load(Path(job.input.model), devices.best())
    described = description.read(Path(job.input.scan))
    slices = held_out_slices.choose(scan.at(0), model, described.identity, params.rows)
    found = uncertainty.measure(model, scan, slices, params.step, params.ensemble)
    calibration = uncertainty.calibrate(found, slices)
    for number, channel in enumerate(calibration):
        logs.logger.info("channel %d: %s", number, {key: value for key, value in channel.items() if key != "bins"})
        if "absent" in channel:
            of = f" of channel {number}" if len(calibration) > 1 else ""
            logs.logger.warning("the uncertainty%s is not calibrated: %s", of, channel["absent"])
    stated = uncertainty.apply(calibration, found.variance)
    middle = stated.shape[1] // 2
    values = {"channels": calibration, "held_out": slices.held_out, "row": int(slices.rows[middle])}
    pictures = {"uncertainty": stated[:, middle].mean(axis=0)}
    record.write(Path(job.output.values), Path(job.output.pictures), values, pictures)


if __name__ == "__main__":
    logs.run(main)
