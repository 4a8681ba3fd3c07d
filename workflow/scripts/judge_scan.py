"""Judge the model of a scan on slices that it was not trained on, and compare it with filters and other models."""

import json
from dataclasses import replace
from pathlib import Path

import torch

from tomodenoise.common import devices, logs
from tomodenoise.evaluation import acquisition, cases, held_out_slices, judging, per_channel, record, truth
from tomodenoise.networks import models
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.scans import description
from tomodenoise.storage import sections


def main(job: logs.Job) -> None:
    """Write `quality.json` and its curves, and log the verdicts."""
    torch.set_num_threads(job.threads)
    files, params = job.input, job.params
    scan = sections.describe(Path(files.split).parent)
    products = Path(job.output.quality), Path(job.output.curves)
    model, *others = (models.load(Path(file), devices.best()) for file in [files.model, *files.others])
    if reason := cases.refusal(scan, max(network.spec.steps for network in [model, *others])):
        record.write(*products, record.refused(reason))
        return
    described = replace(description.read(Path(files.scan)), pixel_size=params.pixel_size)
    corrections = [json.loads(Path(file).read_text()) for file in files.corrections]
    engine = Reconstruct.model_validate(params.config["reconstruct"])
    acquired = acquisition.gather(described, corrections, scan.split.members, params.config["flats"], engine)
    slices = held_out_slices.choose(scan.at(0), model, described.identity, params.rows)
    true = truth.read(Path(files.truth), scan, described.rows) if files.truth else None
    mode, ensemble = params.denoise["input"], int(params.denoise["ensemble"])
    case = cases.Case(scan, model, slices, acquired, mode, ensemble, tuple(params.window), true)
    labels = params.labels or per_channel.steps(scan.split.times, params.seconds)
    rivals = dict(zip(params.others, others, strict=True))
    trained_here = slices.trained and Path(files.model).is_relative_to(Path(files.split).parents[1] / "models")
    values, curves = judging.judge(case, labels, params.filters, rivals, trained=trained_here)
    record.write(*products, values, curves)
    for verdict in values["verdicts"]:
        logs.logger.info("%s", verdict["text"])


if __name__ == "__main__":
    logs.run(main)
