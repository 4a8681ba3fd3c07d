"""Judge the model of a scan on slices that it was not trained on, beside filters and other models on demand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from tomodenoise.common import devices, logs
from tomodenoise.evaluation import baselines, cases, figures_of_merit, held_out_slices, record, truth
from tomodenoise.networks import models
from tomodenoise.scans import description
from tomodenoise.storage import sections

if TYPE_CHECKING:
    from snakemake.script import snakemake


def main(files: Any, params: Any, output: Any) -> None:  # noqa: ANN401 - Snakemake's own
    """Write `quality.json` and the curves beside it, and the verdicts to the log."""
    found, (quality, curves) = sections.describe(Path(files.split).parent), (Path(output.quality), Path(output.curves))
    model, *others = (models.load(Path(file), devices.best()) for file in [files.model, *files.others])
    if reason := record.refusal(found, max(each.spec.steps for each in [model, *others])):
        record.write_refusal(quality, curves, reason)
        return
    header, *corrections = (json.loads(Path(file).read_text()) for file in [files.scan, *files.corrections])
    scan = replace(description.from_json(header), pixel_size=params.pixel_size)
    setting, context = record.acquisition(scan, corrections, found.split.members, params.config)
    training, seen = held_out_slices.trained(model.facts, scan.identity, params.rows)
    here = training is not None and Path(files.model).is_relative_to(Path(files.split).parents[1] / "models")
    context = replace(context, trained=here, improving=model.facts.get("improving"))
    chosen = held_out_slices.choose(found.at(0), model.spec, training, seen)
    true = truth.read(Path(files.truth), found, scan.rows) if files.truth else None
    product = params.denoise["input"], int(params.denoise["ensemble"])
    case = cases.Case(found, model, chosen, setting, *product, tuple(params.window), true)
    images, named = cases.whole(case), dict(zip(params.others, others, strict=True))
    judged = figures_of_merit.judge(images, baselines.gather(params.filters, named, case, images))
    beside = record.beside(case, params.labels, params.seconds)
    for verdict in record.write(quality, curves, judged, images, chosen, context, beside):
        logs.logger.info("%s", verdict)


if __name__ == "__main__":
    with logs.to(snakemake.log[0]):
        torch.set_num_threads(snakemake.threads)
        main(snakemake.input, snakemake.params, snakemake.output)
