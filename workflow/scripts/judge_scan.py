"""Judge the model of a scan on slices that it was not trained on."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from tomodenoise import devices, logs, models, scans, sections
from tomodenoise.judging import evidence, figures, record, slices

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(files: Any, params: Any, output: Any) -> None:  # noqa: ANN401 - Snakemake's own
    """Write `quality.json` and the curves beside it, and the verdicts to the log."""
    found, model = sections.describe(Path(files.split).parent), models.load(Path(files.model), devices.best())
    scan = replace(scans.from_json(json.loads(Path(files.scan).read_text())), pixel_size=params.pixel_size)
    config = {"correct": params.correct, "reconstruct": params.reconstruct}
    corrections = [json.loads(Path(file).read_text()) for file in files.corrections]
    setting, told = record.acquisition(scan, corrections, len(found.split.sections), config)
    training, seen = slices.trained(model.facts, str(scan.identity["fingerprint"]), params.rows)
    chosen = slices.choose(found, model.spec, training, seen=seen)
    truth = evidence.read_truth(Path(files.truth), found, scan.rows) if files.truth else None
    mode, ensemble = params.denoise["input"], int(params.denoise["ensemble"])
    images = evidence.collect(found, model, chosen, setting, mode=mode, ensemble=ensemble, truth=truth)
    judgement = figures.judge(images)
    values = record.to_json(judgement, images, chosen, told)
    record.write(Path(output.quality), Path(output.curves), judgement, values)
    for verdict in values["verdicts"]:
        logs.logger.info("%s", verdict["text"])


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        torch.set_num_threads(snakemake.threads)
        main(snakemake.input, snakemake.params, snakemake.output)
