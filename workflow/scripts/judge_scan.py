"""Judge the model of a scan on slices that it was not trained on, beside filters and other models on demand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from tomodenoise import devices, logs, models, scans, sections, volumes
from tomodenoise.judging import evidence, figures, record, rivals, slices

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(files: Any, params: Any, output: Any) -> None:  # noqa: ANN401 - Snakemake's own
    """Write `quality.json` and the curves beside it, and the verdicts to the log."""
    found, (quality, curves) = sections.describe(Path(files.split).parent), (Path(output.quality), Path(output.curves))
    if reason := record.refusal(params.mode, volumes.open_array(found.array).shape[1]):
        record.write_refusal(quality, curves, reason)
        return
    model, *others = (models.load(Path(file), devices.best()) for file in [files.model, *files.others])
    header, *corrections = (json.loads(Path(file).read_text()) for file in [files.scan, *files.corrections])
    scan = replace(scans.from_json(header), pixel_size=params.pixel_size)
    setting, told = record.acquisition(scan, corrections, len(found.split.sections), params.config)
    training, seen = slices.trained(model.facts, str(scan.identity["fingerprint"]), params.rows)
    chosen = slices.choose(found, model.spec, training, seen=seen)
    truth = evidence.read_truth(Path(files.truth), found, scan.rows) if files.truth else None
    product = {"mode": params.denoise["input"], "ensemble": int(params.denoise["ensemble"])}
    images = evidence.collect(found, model, chosen, setting, truth=truth, **product)
    named = dict(zip(params.others, others, strict=True))
    judged = figures.judge(images, rivals.gather(params.filters, named, found, chosen, images, **product))
    logs.logger.info("%s", "; ".join(record.write(quality, curves, judged, images, chosen, told)))


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        torch.set_num_threads(snakemake.threads)
        main(snakemake.input, snakemake.params, snakemake.output)
